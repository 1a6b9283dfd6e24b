"""Commands that run something: all of it, one service, the migrations."""

from pathlib import Path
from typing import Annotated

import httpx
import typer

from deploy.catalogue import SERVICES, histories
from deploy.cli_support import fail, messages, results
from deploy.settings import Installation, installation, unknown_variables


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(up)
    app.command()(serve)
    app.command()(migrate)
    app.command()(health)


def up(  # noqa: PLR0917 - the options of a command
    data: Annotated[Path, typer.Option(help="Folder of the database and all else that is kept.")] = Path(".muster"),
    http_port: Annotated[int | None, typer.Option(min=0, max=65535, help="Console and API; usually 8000.")] = None,
    live_port: Annotated[int | None, typer.Option(min=0, max=65535, help="Live events; usually 8765.")] = None,
    machine_port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="Where machines that push call; usually nowhere, 8001 is free.")
    ] = None,
    host: Annotated[str | None, typer.Option(help="0.0.0.0 lets other machines connect.")] = None,
    demo: Annotated[bool, typer.Option("--demo", help="Fill it with a made-up company that scans now.")] = False,
) -> None:
    """Start everything in one process; nothing needs to be installed beside it. Ctrl-C stops it."""
    from deploy.embedded import Running
    from deploy.embedded import up as run_all
    from deploy.running import run
    from shared.observability.logs import configure_logs

    settings = _settings(http_port=http_port, live_port=live_port, machine_port=machine_port, host=host)
    # A person looks at this terminal: only what goes wrong, unless the environment asks for more.
    quiet = "log_level" not in settings.model_fields_set
    configure_logs(level="WARNING" if quiet else settings.log_level, json=settings.log_format == "json")

    if settings.database_url or settings.bus_url:
        messages.print(
            "muster up brings its own PostgreSQL: MUSTER_DATABASE_URL and MUSTER_BUS_URL are not used."
            " (muster migrate and muster serve use them.)",
            style="yellow",
        )

    def ready(system: Running) -> None:
        lines = [f"Muster runs at {system.http_url}  (live events: {system.live_url})", "  user      admin"]
        if system.password is not None:
            lines.append(f"  password  {system.password}   (shown this once)")
        elif system.given_password_holds:
            lines.append("  password  as MUSTER_ADMIN_PASSWORD says")
        elif settings.admin_password is not None:
            lines.append(
                "  password  the one it had before: MUSTER_ADMIN_PASSWORD counts only when admin is first made"
            )
        else:
            lines.append(f"  password  as it was shown at the first start; lost? muster password --data {data}")
        if system.machine_url is not None:
            lines.append(f"  machines  push to {system.machine_url}")
        results.print("\n".join([*lines, "Ctrl-C stops it."]), markup=False)

    messages.print("Starting, with a demo company …" if demo else "Starting …", style="dim")
    run(run_all(data, settings, say=lambda text: messages.print(text, markup=False), ready=ready, demo=demo))
    messages.print(f"Stopped. The data stays in {data}.", style="dim", markup=False)


def serve(
    service: Annotated[str, typer.Argument(help=f"One of {', '.join(SERVICES)}.")],
    http_port: Annotated[int | None, typer.Option(min=0, max=65535, help="Its API.")] = None,
    live_port: Annotated[int | None, typer.Option(min=0, max=65535, help="Live events, of the gateway.")] = None,
    host: Annotated[str | None, typer.Option(help="0.0.0.0 lets other machines connect.")] = None,
) -> None:
    """Run one service on the bus and the database that the environment names."""
    from deploy.running import run
    from deploy.service import serve as run_one
    from shared.observability.logs import configure_logs

    if service not in SERVICES:
        raise typer.BadParameter(f"{service!r} is none of {', '.join(SERVICES)}", param_hint="SERVICE")
    settings = _settings(http_port=http_port, live_port=live_port, host=host)
    settings.required("database_url", "bus_url", "secret")
    configure_logs(level=settings.log_level, json=settings.log_format == "json")
    run(run_one(service, settings))


def migrate() -> None:
    """Bring the tables of all services to their newest form. Safe to repeat, and to run twice at once."""
    import asyncio

    from deploy.running import migrate as migrate_all
    from shared.observability.logs import configure_logs

    settings = _settings()
    settings.required("database_url")
    configure_logs(level="WARNING", json=settings.log_format == "json")
    asyncio.run(migrate_all(settings.database_url, histories()))
    messages.print(f"The tables of {', '.join(history.schema for history in histories())} are up to date.")


def health(
    port: Annotated[int, typer.Option(help="Of the service on this machine.")] = 8000,
) -> None:
    """Ask a service of this machine whether it is ready: for the healthchecks of containers."""
    try:
        answer = httpx.get(f"http://127.0.0.1:{port}/health/ready", timeout=3, trust_env=False)
    except httpx.HTTPError as error:
        fail(f"No answer on port {port}: {str(error) or type(error).__name__}")
    if answer.status_code != 200:
        fail(answer.text)


def _settings(**given: object) -> Installation:
    for name in unknown_variables():
        messages.print(f"{name} is no setting of Muster and has no effect.", style="yellow", markup=False)
    return installation(**{name: value for name, value in given.items() if value is not None})
