"""`muster simulate generic`: a machine that speaks any profile."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from deploy.cli_support import messages, results
from deploy.settings import zone
from shared.kernel.errors import Invalid

if TYPE_CHECKING:
    from services.ingest.vendors.generic.simulator import Device, Entry, Faults
    from services.ingest.vendors.simulated.settings import SimulatedSettings

SIDES = ("client", "server", "udp")


def _print_faults(asked: bool) -> None:
    if not asked:
        return
    from services.ingest.vendors.generic.simulator.faults import FAULTS

    table = Table("fault", "what it does", box=None)
    for name, fault in FAULTS.items():
        table.add_row(f"{name}={fault.example}" if fault.example else name, fault.about)
    results.print(table)
    raise typer.Exit


def generic(  # noqa: PLR0917 - the options of a command
    profile: Annotated[str, typer.Option(help="What it speaks: a ready-made profile.")] = "json-lines",
    config: Annotated[
        Path | None,
        typer.Option(
            exists=True, dir_okay=False, readable=True, help="The config of the machine, as JSON; over --profile."
        ),
    ] = None,
    side: Annotated[
        str, typer.Option(help="That of Muster. client: it connects here; server: this connects to it; udp: datagrams.")
    ] = "client",
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Where it listens, 0 for any; or where Muster waits.")
    ] = 4380,
    host: Annotated[str, typer.Option(help="The same; 0.0.0.0 lets other machines connect.")] = "127.0.0.1",
    live_rate: Annotated[float, typer.Option(min=0, max=1000, help="Scans a second by anyone, at any hour.")] = 0.5,
    people: Annotated[int, typer.Option(min=1, max=10_000, help="How many there are.")] = 40,
    history_days: Annotated[int, typer.Option(min=0, max=3660, help="Days before today that its log holds.")] = 0,
    fault: Annotated[list[str] | None, typer.Option(metavar="NAME[=N]", help="What is wrong with it.")] = None,
    record: Annotated[
        str | None, typer.Option(help="What a record looks like, where the profile has a pattern.")
    ] = None,
    heartbeat: Annotated[
        str | None, typer.Option(help="What it says every ten seconds; else that of the profile.")
    ] = None,
    window: Annotated[int, typer.Option(min=1, max=1000, help="Records it sends before one is acknowledged.")] = 1,
    timezone: Annotated[str, typer.Option(envvar="MUSTER_TIMEZONE", help="Zone that its clock was set in.")] = "UTC",
    serial: Annotated[str, typer.Option(help="Its serial number, where the profile has one.")] = "GENERICSIM1",
    faults: Annotated[
        bool, typer.Option("--faults", is_eager=True, callback=_print_faults, help="List the faults, and end.")
    ] = False,
) -> None:
    """A machine of no make, over TCP or UDP, that speaks a profile. Ctrl-C ends it."""
    from deploy.running import run
    from services.ingest.vendors.faults import WrongFault
    from services.ingest.vendors.generic.simulator.faults import parsed
    from services.ingest.vendors.simulated.settings import SimulatedSettings
    from shared.runtime.serving import refuse_taken

    try:
        zone(timezone)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--timezone") from error
    try:
        wrong = parsed(fault or [])
    except WrongFault as error:
        raise typer.BadParameter(str(error), param_hint="--fault") from error
    if side not in SIDES:
        raise typer.BadParameter(f"{side!r} is none of {', '.join(SIDES)}", param_hint="--side")
    if side != "client" and port == 0:
        raise typer.BadParameter("say where Muster waits for it", param_hint="--port")
    if side == "client" and port:
        refuse_taken(host, port)
    device = _device(_config(config, profile, side), timezone, serial=serial, record=record)
    company = SimulatedSettings(people=people, history_days=history_days, rate=live_rate)
    run(_run(device, wrong, company, host=host, port=port, window=window, heartbeat=heartbeat))


def _config(path: Path | None, profile: str, side: str) -> dict[str, Any]:
    given: Any = {}
    if path is not None:
        try:
            given = json.loads(path.read_text(encoding="utf-8"))
        except ValueError as error:
            raise typer.BadParameter(f"{path} is no JSON: {error}", param_hint="--config") from error
        if not isinstance(given, dict):
            raise typer.BadParameter(f"{path} is no config: it is no object", param_hint="--config")
    connection = given.get("connection")
    known = connection if isinstance(connection, dict) else {}
    return {"profile": profile, **given, "connection": {"side": side, **known}}


def _device(config: dict[str, Any], timezone: str, *, serial: str, record: str | None) -> "Device":
    from services.ingest.vendors.generic.simulator import Device
    from services.ingest.vendors.generic.simulator.encoding import CannotSay

    try:
        device = Device(config, zone=timezone, serial=serial, template=record)
        device.frame(Device(config, zone=timezone).scan("1"))
    except Invalid as error:
        raise typer.BadParameter(error.message, param_hint="--config, --profile") from error
    except CannotSay as error:
        raise typer.BadParameter(str(error), param_hint="--record, --config") from error
    return device


async def _run(
    device: "Device",
    faults: "Faults",
    company: "SimulatedSettings",
    *,
    host: str,
    port: int,
    window: int,
    heartbeat: str | None,
) -> None:
    import asyncio

    from deploy.running import until_told_to_stop
    from services.ingest.vendors.generic.simulator import live, simulator

    def heard(entry: "Entry") -> None:
        record = f"record {len(device.entries):,}, {len(device.safe):,} are safe"
        messages.print(f"{device.wall()}  badge {entry.badge}, state {entry.state}: {record}", markup=False)

    def noticed(what: str) -> None:
        messages.print(f"{device.wall()}  {what}", markup=False)

    live.inhabit(device, company)
    says = heartbeat or live.HEARTBEATS.get(device.settings.profile or "json-lines")
    beats = (live.heartbeat(device, says), 10.0) if says else None
    async with (
        until_told_to_stop() as told_to_stop,
        simulator(
            device, faults=faults, host=host, port=port, window=window, heartbeat=beats, notice=noticed
        ) as running,
        asyncio.TaskGroup() as group,
    ):
        results.print(_greeting(device, running.side, host, running.port), markup=False)
        task = group.create_task(live.at_rate(running, company, heard)) if company.rate else None
        await told_to_stop.wait()
        if task is not None:
            task.cancel()


def _greeting(device: "Device", side: str, host: str, port: int) -> str:
    reached = "127.0.0.1" if host in ("0.0.0.0", "::") else host  # noqa: S104 - compared, not listened on
    machine: dict[str, Any] = {
        "machine_id": f"simulated-{port}",
        "name": "Simulated machine",
        "machine_type": "generic",
        "ip_address": reached,
        "port": port,
        "zone": device.zone,
        "config": device.config,
    }
    does = {"client": "listens at", "server": "connects to", "udp": "sends datagrams to"}[side]
    return (
        f"A machine {does} {host}:{port} and speaks {device.settings.profile or 'json-lines'}:"
        f" {len(device.entries):,} records.\n"
        "Register it with a running Muster, with MUSTER_ADMIN_PASSWORD or MUSTER_TOKEN set:\n"
        '  curl -H "Authorization: Bearer $(muster token)" -H "Content-Type: application/json" \\\n'
        f"    ${{MUSTER_URL:-http://127.0.0.1:8000}}/api/attendance/machines/ -d '{json.dumps(machine)}'\n"
        "Ctrl-C ends it."
    )
