"""Machines that are not there: each speaks its vendor's protocol, so that Muster can be tried without one."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from deploy.cli_simulate_adms import adms
from deploy.cli_simulate_generic import generic
from deploy.cli_simulate_hikvision import hikvision
from deploy.cli_simulate_suprema import suprema
from deploy.cli_support import messages, results
from deploy.settings import zone

if TYPE_CHECKING:
    from services.ingest.vendors.simulated.settings import SimulatedSettings
    from services.ingest.vendors.zkteco.simulator import Device, Entry, Faults

RECORD_SIZES = ("8", "8b", "16", "40", "49")
ROOM = 100
"""Records that go at once when the log of a simulated machine is full."""


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    simulate = typer.Typer(help="Be a machine of some vendor, to try Muster without one.", no_args_is_help=True)
    for vendor, command in VENDORS.items():
        simulate.command(vendor)(command)
    app.add_typer(simulate, name="simulate")


def _print_faults(asked: bool) -> None:
    if not asked:
        return
    from services.ingest.vendors.zkteco.simulator.faults import FAULTS

    table = Table("fault", "what it does", box=None)
    for name, fault in FAULTS.items():
        table.add_row(f"{name}={fault.example}" if fault.example else name, fault.about)
    results.print(table)
    raise typer.Exit


def zkteco(  # noqa: PLR0917 - the options of a command
    port: Annotated[int, typer.Option(min=0, max=65535, help="Where it listens; 0 takes a free one.")] = 4370,
    host: Annotated[str, typer.Option(help="0.0.0.0 lets other machines connect.")] = "127.0.0.1",
    log: Annotated[
        Path | None,
        typer.Option(exists=True, dir_okay=False, readable=True, help="An attlog.dat that it holds as its own."),
    ] = None,
    live_rate: Annotated[
        float, typer.Option(min=0, max=1000, help="Scans a second by anyone, at any hour, beside the working day.")
    ] = 0.0,
    people: Annotated[int, typer.Option(min=1, max=10_000, help="How many there are, where no log says who.")] = 40,
    fault: Annotated[list[str] | None, typer.Option(metavar="NAME[=N]", help="What is wrong with it.")] = None,
    record_size: Annotated[str, typer.Option(help=f"Bytes of a record: {', '.join(RECORD_SIZES)}.")] = "40",
    comm_key: Annotated[int, typer.Option(min=0, max=999_999, help="The key that clients must know; 0 is none.")] = 0,
    timezone: Annotated[str, typer.Option(envvar="MUSTER_TIMEZONE", help="Zone that its clock was set in.")] = "UTC",
    serial: Annotated[str, typer.Option(help="Its serial number.")] = "MUSTERSIM0001",
    pace: Annotated[float, typer.Option(min=0, max=1000, help="Milliseconds between packets, at least.")] = 1.0,
    udp: Annotated[bool, typer.Option("--udp", help="It answers by UDP, too, at the same port.")] = False,
    faults: Annotated[
        bool, typer.Option("--faults", is_eager=True, callback=_print_faults, help="List the faults, and end.")
    ] = False,
) -> None:
    """A ZKTeco terminal on TCP, or UDP as well: with a made-up company, or the log of a real one. Ctrl-C ends it."""
    from deploy.running import run
    from services.ingest.vendors.faults import WrongFault
    from services.ingest.vendors.simulated.settings import SimulatedSettings
    from services.ingest.vendors.zkteco.simulator import Device
    from services.ingest.vendors.zkteco.simulator.faults import parsed
    from services.ingest.vendors.zkteco.simulator.live import inhabit
    from shared.runtime.serving import refuse_taken

    if record_size not in RECORD_SIZES:
        raise typer.BadParameter(f"{record_size!r} is none of {', '.join(RECORD_SIZES)}", param_hint="--record-size")
    try:
        zone(timezone)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--timezone") from error
    try:
        wrong = parsed(fault or [])
    except WrongFault as error:
        raise typer.BadParameter(str(error), param_hint="--fault") from error
    if port:
        refuse_taken(host, port)

    device = Device(zone=timezone, layout=record_size, serial=serial, comm_key=comm_key, cyclic=ROOM)
    if log is None:
        company = SimulatedSettings(people=people, history_days=30, rate=live_rate)
        inhabit(device, company)
    else:
        _hold(device, log)
        company = SimulatedSettings(badges=tuple(user.user_id for user in device.users), rate=live_rate)
    run(_run(device, wrong, company, host=host, port=port, pace=pace / 1000, working_day=log is None, udp=udp))


def _hold(device: "Device", path: Path) -> None:
    from services.ingest.vendors.zkteco.simulator.punchlog import hold, punch_log

    log = punch_log(path.read_bytes())
    if not log.punches:
        raise typer.BadParameter(f"{path} has no line of an attlog.dat", param_hint="--log")
    left_out = hold(device, log)
    if log.passed_over:
        messages.print(f"Lines passed over, because no terminal prints such: {log.passed_over:,}.", style="yellow")
    if left_out:
        messages.print(
            f"Punches left out, because records of {device.layout.record_size} bytes cannot hold their badges:"
            f" {left_out:,}.",
            style="yellow",
        )
    if not device.entries:
        raise typer.BadParameter("no punch is left; another size may hold them", param_hint="--record-size")


async def _run(
    device: "Device",
    faults: "Faults",
    company: "SimulatedSettings",
    *,
    host: str,
    port: int,
    pace: float,
    working_day: bool,
    udp: bool,
) -> None:
    from deploy.running import until_told_to_stop
    from services.ingest.vendors.zkteco.simulator import simulator
    from services.ingest.vendors.zkteco.simulator.live import inhabited

    def heard(entry: "Entry") -> None:
        told = running.listeners
        messages.print(
            f"{device.wall()}  badge {entry.user_id}, state {entry.state}: record {len(device.entries):,}, "
            f"told to {told} {'listener' if told == 1 else 'listeners'}",
            markup=False,
        )

    def noticed(what: str) -> None:
        messages.print(f"{device.wall()}  {what}", markup=False)

    async with (
        until_told_to_stop() as told_to_stop,
        simulator(device, faults=faults, host=host, port=port, pace=pace, notice=noticed, udp=udp) as running,
        inhabited(running, company, heard=heard, working_day=working_day),
    ):
        results.print(_greeting(device, host, running.port, udp=udp), markup=False)
        await told_to_stop.wait()


def _greeting(device: "Device", host: str, port: int, *, udp: bool) -> str:
    reached = "127.0.0.1" if host in ("0.0.0.0", "::") else host  # noqa: S104 - compared, not listened on
    machine: dict[str, Any] = {
        "machine_id": f"simulated-{port}",
        "name": "Simulated ZKTeco terminal",
        "machine_type": "zkteco",
        "ip_address": reached,
        "port": port,
        "zone": device.zone,
    }
    config = ({"comm_key": device.comm_key} if device.comm_key else {}) | ({"transport": "udp"} if udp else {})
    if config:
        machine["config"] = config
    transports = "TCP and UDP" if udp else "TCP"
    return (
        f"A ZKTeco terminal listens at {host}:{port} ({transports}): serial number {device.serial}, "
        f"{len(device.entries):,} records of {device.layout.record_size} bytes, {len(device.users):,} users.\n"
        "Register it with a running Muster, with MUSTER_ADMIN_PASSWORD or MUSTER_TOKEN set:\n"
        '  curl -H "Authorization: Bearer $(muster token)" -H "Content-Type: application/json" \\\n'
        f"    ${{MUSTER_URL:-http://127.0.0.1:8000}}/api/attendance/machines/ -d '{json.dumps(machine)}'\n"
        "Ctrl-C ends it."
    )


VENDORS: Mapping[str, Callable[..., None]] = {
    "zkteco": zkteco,
    "adms": adms,
    "hikvision": hikvision,
    "generic": generic,
    "suprema": suprema,
}
"""Whom `muster simulate` can be. A new vendor adds its command and one line here."""
