"""`muster simulate adms`: a ZKTeco terminal that pushes, in this terminal."""

import asyncio
from contextlib import AsyncExitStack
from itertools import count
from typing import TYPE_CHECKING, Annotated
from urllib.parse import urlsplit

import typer
from rich.table import Table

from deploy.cli_support import messages, results
from deploy.settings import zone

if TYPE_CHECKING:
    from services.ingest.vendors.simulated.settings import SimulatedSettings
    from services.ingest.vendors.zkteco.adms.simulator import PushingTerminal


def _print_faults(asked: bool) -> None:
    if not asked:
        return
    from services.ingest.vendors.zkteco.adms.simulator.faults import FAULTS

    table = Table("fault", "what it does", box=None)
    for name, fault in FAULTS.items():
        table.add_row(f"{name}={fault.example}" if fault.example else name, fault.about)
    results.print(table)
    raise typer.Exit


def adms(  # noqa: PLR0917 - the options of a command
    server: Annotated[str, typer.Argument(help="Where machines push to.")] = "http://127.0.0.1:8001",
    serial: Annotated[str, typer.Option(help="Its serial number.")] = "MUSTERADMS0001",
    key: Annotated[str, typer.Option(help="The push_key of the machine, if it has one.")] = "",
    live_rate: Annotated[float, typer.Option(min=0, max=100, help="Scans a second by anyone, at any hour.")] = 0.2,
    people: Annotated[int, typer.Option(min=1, max=10_000, help="How many there are.")] = 40,
    history_days: Annotated[int, typer.Option(min=0, max=365, help="Days of log that it holds at its start.")] = 7,
    fault: Annotated[list[str] | None, typer.Option(metavar="NAME[=N]", help="What is wrong with it.")] = None,
    timezone: Annotated[str, typer.Option(envvar="MUSTER_TIMEZONE", help="Zone that its clock was set in.")] = "UTC",
    faults: Annotated[
        bool, typer.Option("--faults", is_eager=True, callback=_print_faults, help="List the faults, and end.")
    ] = False,
) -> None:
    """A ZKTeco terminal that pushes (ADMS), with a made-up company. Ctrl-C ends it."""
    from deploy.running import run
    from services.ingest.vendors.faults import WrongFault
    from services.ingest.vendors.simulated.settings import SimulatedSettings
    from services.ingest.vendors.zkteco.adms.simulator import PushingTerminal, Unit
    from services.ingest.vendors.zkteco.adms.simulator.company import fill
    from services.ingest.vendors.zkteco.adms.simulator.faults import parsed

    address = urlsplit(server)
    if address.scheme != "http" or not address.hostname:
        raise typer.BadParameter(f"{server!r} is no address such as http://127.0.0.1:8001", param_hint="SERVER")
    try:
        zone(timezone)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--timezone") from error
    try:
        wrong = parsed(fault or [])
    except WrongFault as error:
        raise typer.BadParameter(str(error), param_hint="--fault") from error

    company = SimulatedSettings(people=people, history_days=history_days, rate=live_rate)
    unit = Unit(serial, zone=timezone, offset=wrong.clock)
    fill(unit, company)
    terminal = PushingTerminal(unit, host=address.hostname, port=address.port or 80, faults=wrong, key=key, notice=_say)
    results.print(_greeting(terminal, server), markup=False)
    run(_run(terminal, company))


async def _run(terminal: "PushingTerminal", company: "SimulatedSettings") -> None:
    from deploy.running import until_told_to_stop
    from services.ingest.vendors.zkteco.adms.simulator import pushing

    async with until_told_to_stop() as told_to_stop, AsyncExitStack() as stack:
        await stack.enter_async_context(pushing(terminal))
        scanning = asyncio.create_task(_scanning(terminal, company))
        await told_to_stop.wait()
        scanning.cancel()


async def _scanning(terminal: "PushingTerminal", company: "SimulatedSettings") -> None:
    from services.ingest.vendors.simulated.people import anyone

    if not company.rate:
        return
    for number in count():
        await asyncio.sleep(1 / company.rate)
        reading = anyone(company, number, terminal.unit.wall())
        punch = terminal.punch(reading.badge, state=int(reading.state))
        _say(f"badge {punch.badge}, state {punch.state}: record {len(terminal.unit.log):,}")


def _say(text: str) -> None:
    messages.print(text, markup=False)


def _greeting(terminal: "PushingTerminal", server: str) -> str:
    unit = terminal.unit
    return (
        f"A ZKTeco terminal pushes to {server}: serial number {unit.serial}, {len(unit.log):,} records.\n"
        "Until somebody accepts it, it keeps them. With a running Muster (`muster up --machine-port 8001`), and with"
        " MUSTER_ADMIN_PASSWORD or MUSTER_TOKEN set:\n"
        '  curl -H "Authorization: Bearer $(muster token)" -H "Content-Type: application/json" \\\n'
        f"    ${{MUSTER_URL:-http://127.0.0.1:8000}}/api/ingest/pending-machines/zkteco/{unit.serial}/accept/"
        f' -d \'{{"zone": "{unit.zone}"}}\'\n'
        "Ctrl-C ends it."
    )
