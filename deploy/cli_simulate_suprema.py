"""`muster simulate suprema`: a BioStar 2 server that is not there."""

import json
import ssl
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from deploy.cli_support import messages, results
from deploy.settings import zone

if TYPE_CHECKING:
    from services.ingest.vendors.simulated.settings import SimulatedSettings
    from services.ingest.vendors.suprema.simulator import Faults, Row, Store


def _print_faults(asked: bool) -> None:
    if not asked:
        return
    from services.ingest.vendors.suprema.simulator.faults import FAULTS

    table = Table("fault", "what it does", box=None)
    for name, fault in FAULTS.items():
        table.add_row(f"{name}={fault.example}" if fault.example else name, fault.about)
    results.print(table)
    raise typer.Exit


def suprema(  # noqa: PLR0917 - the options of a command
    port: Annotated[int, typer.Option(min=0, max=65535, help="Where it listens; 0 takes a free one.")] = 8443,
    host: Annotated[str, typer.Option(help="0.0.0.0 lets other machines connect.")] = "127.0.0.1",
    live_rate: Annotated[
        float, typer.Option(min=0, max=1000, help="Scans a second by anyone, at any hour, beside the working day.")
    ] = 0.0,
    people: Annotated[int, typer.Option(min=1, max=10_000, help="How many there are.")] = 40,
    fault: Annotated[list[str] | None, typer.Option(metavar="NAME[=N]", help="What is wrong with it.")] = None,
    timezone: Annotated[str, typer.Option(envvar="MUSTER_TIMEZONE", help="Zone where its machine hangs.")] = "UTC",
    device: Annotated[str, typer.Option(help="The number of its machine.")] = "538150641",
    username: Annotated[str, typer.Option(help="Who may log in.")] = "admin",
    password: Annotated[str, typer.Option(help="With what.")] = "simulated-1",  # noqa: S107 - of a server that is not there
    certificate: Annotated[
        Path | None,
        typer.Option(exists=True, dir_okay=False, help="Speak HTTPS and wss with this certificate (PEM)."),
    ] = None,
    key: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="Its key, where that is in a file of its own.")
    ] = None,
    faults: Annotated[
        bool, typer.Option("--faults", is_eager=True, callback=_print_faults, help="List the faults, and end.")
    ] = False,
) -> None:
    """A Suprema machine behind a BioStar 2 server, with a made-up company. Ctrl-C ends it."""
    from deploy.running import run
    from services.ingest.vendors.faults import WrongFault
    from services.ingest.vendors.simulated.settings import SimulatedSettings
    from services.ingest.vendors.suprema.simulator import Store
    from services.ingest.vendors.suprema.simulator.faults import parsed
    from services.ingest.vendors.suprema.simulator.live import inhabit
    from shared.runtime.serving import refuse_taken

    try:
        zone(timezone)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--timezone") from error
    try:
        wrong = parsed(fault or [])
    except WrongFault as error:
        raise typer.BadParameter(str(error), param_hint="--fault") from error
    if not (device.isascii() and device.isdigit()):
        raise typer.BadParameter("it is a number", param_hint="--device")
    tls = _tls(certificate, key)
    if port:
        refuse_taken(host, port)
    store = Store(zone=timezone, devices=[device], username=username, password=password)
    company = SimulatedSettings(people=people, history_days=30, rate=live_rate)
    inhabit(store, company)
    run(_run(store, wrong, company, host=host, port=port, tls=tls))


def _tls(certificate: Path | None, key: Path | None) -> ssl.SSLContext | None:
    if certificate is None:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        context.load_cert_chain(certificate, key)
    except (ssl.SSLError, OSError) as error:
        raise typer.BadParameter(f"they are no certificate and its key: {error}", param_hint="--certificate") from error
    return context


async def _run(
    store: "Store",
    faults: "Faults",
    company: "SimulatedSettings",
    *,
    host: str,
    port: int,
    tls: ssl.SSLContext | None,
) -> None:
    from deploy.running import until_told_to_stop
    from services.ingest.vendors.suprema.simulator import simulator
    from services.ingest.vendors.suprema.simulator.live import inhabited

    def heard(row: "Row") -> None:
        told = running.listeners
        messages.print(
            f"{store.wall()}  user {row.user}, key {row.key}: event {row.number:,}, "
            f"told to {told} {'listener' if told == 1 else 'listeners'}",
            markup=False,
        )

    def noticed(what: str) -> None:
        messages.print(f"{store.wall()}  {what}", markup=False)

    async with (
        until_told_to_stop() as told_to_stop,
        simulator(store, faults=faults, host=host, port=port, tls=tls, notice=noticed) as running,
        inhabited(running, company, heard=heard),
    ):
        results.print(_greeting(store, host, running.port, https=tls is not None), markup=False)
        await told_to_stop.wait()


def _greeting(store: "Store", host: str, port: int, *, https: bool) -> str:
    reached = "127.0.0.1" if host in ("0.0.0.0", "::") else host  # noqa: S104 - compared, not listened on
    config: dict[str, Any] = {"device_id": store.devices[0], "username": store.username, "password": store.password}
    if not https:
        config["https"] = False
    if store.labels_local:
        config["datetime_is"] = "device_local"
    machine: dict[str, Any] = {
        "machine_id": f"simulated-{port}",
        "name": "Simulated Suprema machine",
        "machine_type": "suprema",
        "ip_address": reached,
        "port": port,
        "zone": store.zone,
        "config": config,
    }
    trusted = "Its certificate goes into `certificate` of the config.\n" if https else ""
    return (
        f"A BioStar 2 server listens at {host}:{port} ({'HTTPS and wss' if https else 'HTTP and ws'}): "
        f"device {store.devices[0]}, {len(store.rows):,} events.\n{trusted}"
        "Register its machine with a running Muster, with MUSTER_ADMIN_PASSWORD or MUSTER_TOKEN set:\n"
        '  curl -H "Authorization: Bearer $(muster token)" -H "Content-Type: application/json" \\\n'
        f"    ${{MUSTER_URL:-http://127.0.0.1:8000}}/api/attendance/machines/ -d '{json.dumps(machine)}'\n"
        "Ctrl-C ends it."
    )
