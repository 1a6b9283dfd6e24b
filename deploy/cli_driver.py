"""For those who write a driver for a machine of their own."""

import asyncio
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from deploy.cli_support import fail, print_json, results


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    driver = typer.Typer(
        help="Drivers of machines: which there are, and whether one keeps its promises.", no_args_is_help=True
    )
    driver.command("list")(listed)
    driver.command("check")(check)
    app.add_typer(driver, name="driver")


def listed() -> None:
    """List the drivers: ours, and those of installed packages."""
    from services.ingest.vendors.table import drivers
    from shared.kernel.clock import SystemClock
    from shared.observability.logs import configure_logs

    configure_logs(level="WARNING")
    table = Table("machine_type", "what it can do", box=None)
    for kind, driver in drivers(SystemClock()).items():
        table.add_row(kind, ", ".join(sorted(driver.capabilities)))
    results.print(table)


def check(
    path: Annotated[
        Path, typer.Argument(exists=True, file_okay=False, help="The driver's folder: driver.py, quality.toml.")
    ],
    as_json: Annotated[bool, typer.Option("--json", help="As JSON, a list of findings.")] = False,
) -> None:
    """Try a driver as Muster tries its own: what it says of itself, its config, and contacts with what is no machine.

    Nothing is stored, and only this computer is talked to. Ends with 1 where a promise is not kept.
    """
    from services.ingest.vendors.conformance import Finding
    from services.ingest.vendors.conformance import check as checks
    from services.ingest.vendors.discovery import in_folder
    from shared.kernel.clock import SystemClock

    clock = SystemClock()
    driver = in_folder(path, clock)

    async def run() -> list[Finding]:
        found = []
        async for finding in checks(driver, path, clock):
            found.append(finding)
            if not as_json:
                results.print(
                    f"{SIGNS[finding.ok]}  {finding.about}{': ' if finding.said else ''}{escape(finding.said)}"
                )
        return found

    findings = asyncio.run(run())
    if as_json:
        print_json([asdict(finding) for finding in findings])
    broken = sum(finding.ok is False for finding in findings)
    if broken:
        fail(f"{broken} of {len(findings)} promises are broken")


SIGNS = {True: "[green]kept     [/green]", False: "[red]broken   [/red]", None: "not tried"}
