"""`muster simulate hikvision`: an access terminal that speaks ISAPI, in this terminal."""

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from deploy.cli_support import messages, results
from deploy.settings import zone

if TYPE_CHECKING:
    from services.ingest.vendors.hikvision.simulator import Device, Entry, Faults
    from services.ingest.vendors.hikvision.simulator.pusher import Form
    from services.ingest.vendors.simulated.settings import SimulatedSettings

FORMS = ("json", "multipart", "xml", "multipart-xml")


def _print_faults(asked: bool) -> None:
    if not asked:
        return
    from services.ingest.vendors.hikvision.simulator.faults import FAULTS

    table = Table("fault", "what it does", box=None)
    for name, fault in FAULTS.items():
        table.add_row(f"{name}={fault.example}" if fault.example else name, fault.about)
    results.print(table)
    raise typer.Exit


def hikvision(  # noqa: PLR0917 - the options of a command
    port: Annotated[int, typer.Option(min=0, max=65535, help="Where it listens; 0 takes a free one.")] = 8090,
    host: Annotated[str, typer.Option(help="0.0.0.0 lets other machines connect.")] = "127.0.0.1",
    live_rate: Annotated[
        float, typer.Option(min=0, max=1000, help="Scans a second by anyone, at any hour, beside the working day.")
    ] = 0.0,
    people: Annotated[int, typer.Option(min=1, max=10_000, help="How many there are.")] = 40,
    history_days: Annotated[int, typer.Option(min=0, max=365, help="Days of log that it holds at its start.")] = 30,
    fault: Annotated[list[str] | None, typer.Option(metavar="NAME[=N]", help="What is wrong with it.")] = None,
    password: Annotated[str, typer.Option(help="That of its user admin.")] = "simulated-1",  # noqa: S107 - of nobody
    timezone: Annotated[str, typer.Option(envvar="MUSTER_TIMEZONE", help="Zone that it is set to.")] = "UTC",
    serial: Annotated[str, typer.Option(help="Its serial number.")] = "MUSTERHIK0001",
    push_form: Annotated[str, typer.Option(help=f"How it pushes, once told to: {', '.join(FORMS)}.")] = "json",
    faults: Annotated[
        bool, typer.Option("--faults", is_eager=True, callback=_print_faults, help="List the faults, and end.")
    ] = False,
) -> None:
    """A Hikvision access terminal (ISAPI), with a made-up company. Ctrl-C ends it."""
    from deploy.running import run
    from services.ingest.vendors.faults import WrongFault
    from services.ingest.vendors.hikvision.simulator import Device
    from services.ingest.vendors.hikvision.simulator.faults import parsed
    from services.ingest.vendors.hikvision.simulator.live import inhabit
    from services.ingest.vendors.simulated.settings import SimulatedSettings
    from shared.runtime.serving import refuse_taken

    if push_form not in FORMS:
        raise typer.BadParameter(f"{push_form!r} is none of {', '.join(FORMS)}", param_hint="--push-form")
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

    company = SimulatedSettings(people=people, history_days=history_days, rate=live_rate)
    device = Device(zone=timezone, serial=serial, password=password, doors=True)
    inhabit(device, company)
    run(_run(device, wrong, company, host=host, port=port, form=push_form))  # type: ignore[arg-type]  # checked above


async def _run(
    device: "Device", faults: "Faults", company: "SimulatedSettings", *, host: str, port: int, form: "Form"
) -> None:
    from deploy.running import until_told_to_stop
    from services.ingest.vendors.hikvision.simulator import simulator
    from services.ingest.vendors.hikvision.simulator.live import inhabited

    def heard(entry: "Entry") -> None:
        told = running.listeners
        messages.print(
            f"{device.wall()}  badge {entry.person}, {entry.status}: event {entry.serial:,}, "
            f"told to {told} {'listener' if told == 1 else 'listeners'}",
            markup=False,
        )

    def noticed(what: str) -> None:
        messages.print(f"{device.wall()}  {what}", markup=False)

    async with (
        until_told_to_stop() as told_to_stop,
        simulator(device, faults=faults, host=host, port=port, push_form=form, notice=noticed) as running,
        inhabited(running, company, heard=heard),
    ):
        results.print(_greeting(device, host, running.port), markup=False)
        await told_to_stop.wait()


def _greeting(device: "Device", host: str, port: int) -> str:
    reached = "127.0.0.1" if host in ("0.0.0.0", "::") else host  # noqa: S104 - compared, not listened on
    machine: dict[str, Any] = {
        "machine_id": f"simulated-{port}",
        "name": "Simulated Hikvision terminal",
        "machine_type": "hikvision",
        "ip_address": reached,
        "port": port,
        "zone": device.zone,
        "config": {"password": device.password},
    }
    return (
        f"A Hikvision terminal listens at {host}:{port} (HTTP): serial number {device.serial}, "
        f"{len(device.entries):,} events.\n"
        "Ask it yourself:\n"
        f"  curl --digest -u admin:{device.password} http://{reached}:{port}/ISAPI/System/deviceInfo\n"
        "Register it with a running Muster, with MUSTER_ADMIN_PASSWORD or MUSTER_TOKEN set:\n"
        '  curl -H "Authorization: Bearer $(muster token)" -H "Content-Type: application/json" \\\n'
        f"    ${{MUSTER_URL:-http://127.0.0.1:8000}}/api/attendance/machines/ -d '{json.dumps(machine)}'\n"
        "Ctrl-C ends it."
    )
