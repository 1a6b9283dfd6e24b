"""Commands that put people into a running system and ask it about a day; and what commands with a file share."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Annotated, Any, BinaryIO

import typer
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn
from rich.table import Table

from deploy.cli_support import PARTLY, Api, fail, messages, print_json, results

CHUNK = 256 * 1024


def _readable(text: str) -> Path:
    # Not typer's own check: with a Path, its `allow_dash` does not know a dash when it sees one.
    path = Path(text)
    if text != "-":
        if path.is_dir():
            raise typer.BadParameter(f"{text!r} is a directory")
        if not path.exists():
            raise typer.BadParameter(f"there is no file {text!r}")
        if not os.access(path, os.R_OK):
            raise typer.BadParameter(f"{text!r} may not be read by this user")
    return path


File = Annotated[Path, typer.Argument(parser=_readable, metavar="FILE", help="A file, or - for standard input.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would happen, and change nothing.")]


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    people = typer.Typer(help="People.", no_args_is_help=True)
    people.command("import")(import_people)
    app.add_typer(people, name="people")
    app.command()(explain)


def import_people(
    file: File,
    effective_from: Annotated[
        str | None, typer.Option(help="Date from which changes hold, or `always`; today without it.")
    ] = None,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Import people (CSV, XLSX): employee_id, name, department, designation, level_of_work, badge, and more.

    Who is known already is brought up to date. Ends with 3 where lines had to be left out.
    """
    if effective_from not in (None, "always"):
        _date(effective_from, "--effective-from")
    asked = {"effective_from": effective_from, "dry_run": "true" if dry_run else None}
    with (
        contents(file) as chunks,
        Api().stream(
            "POST",
            "/api/attendance/employees/import/",
            params={name: value for name, value in asked.items() if value is not None},
            content=chunks,
            headers={"Content-Type": "text/csv"},
        ) as answer,
    ):
        answer.read()
        summary = answer.json()
    left_out = len({error["line"] for error in summary["errors"]})
    if as_json:
        print_json(summary)
    else:
        _show_people(summary)
    if left_out:
        fail(f"Left out: {'1 line' if left_out == 1 else f'{left_out} lines'}.", code=PARTLY)


def explain(
    person: Annotated[str, typer.Argument(help="Code of the person, such as EMP001; or else their id.")],
    day: Annotated[str, typer.Argument(metavar="DATE", help="Business date, such as 2026-11-22.")],
    as_json: AsJson = False,
) -> None:
    """Say how a day came to be what it is: which scans count, which rules applied, and why."""
    asked = {"employee": person, "date": _date(day, "DATE").isoformat()}
    explained = Api().call("GET", "/api/attendance/explain/", params=asked).json()
    if as_json:
        print_json(explained)
        return
    whose = f"{explained['employee_id']} {explained['employee_name']}, {explained['date']}"
    results.print("\n".join([whose, *explained["sentences"]]), markup=False)


def _date(text: str, parameter: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise typer.BadParameter(f"{text!r} is no date such as 2026-11-22", param_hint=parameter) from error


@contextmanager
def contents(file: Path) -> Iterator[Iterator[bytes]]:
    """The file in pieces, with a bar where somebody watches."""
    if str(file) == "-":
        yield _pieces(sys.stdin.buffer)
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    with (
        file.open("rb") as stream,
        Progress(*columns, console=messages, transient=True, disable=not messages.is_terminal) as progress,
    ):
        task = progress.add_task(file.name, total=file.stat().st_size)

        def watched() -> Iterator[bytes]:
            for piece in _pieces(stream):
                progress.advance(task, len(piece))
                yield piece

        yield watched()


def _pieces(stream: BinaryIO) -> Iterator[bytes]:
    while piece := stream.read(CHUNK):
        yield piece


def _show_people(summary: dict[str, Any]) -> None:
    ignored, errors, warnings = (summary.pop(name, []) for name in ("ignored_columns", "errors", "warnings"))
    show_figures(summary)
    if ignored:
        results.print(f"columns not known and passed over: {', '.join(ignored)}", markup=False)
    show_lines("error", errors)
    show_lines("warning", warnings)


def show_lines(what: str, lines: list[dict[str, Any]]) -> None:
    """Lines of a file, each with what is said of it."""
    for line in lines:
        words = " · ".join(str(value) for key, value in line.items() if key != "line" and value not in (None, ""))
        results.print(f"{what} line {line.get('line', '?')}: {words}", markup=False)


def show_figures(summary: dict[str, Any]) -> None:
    """A table of names and values; what is None is left out."""
    table = Table.grid(padding=(0, 2))
    for name, value in summary.items():
        if value is not None:
            table.add_row(name.replace("_", " "), str(value))
    results.print(table)
