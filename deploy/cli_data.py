"""Commands that put data into a running system and ask it about a day."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from enum import Enum
from pathlib import Path
from typing import Annotated, Any, BinaryIO

import typer
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn
from rich.table import Table

from deploy.cli_support import Api, fail, messages, print_json, results
from deploy.settings import zone

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


def _some_text(text: str) -> str:
    if not text.strip():
        raise typer.BadParameter("is empty")
    return text


class Format(Enum):
    """What a log file may be."""

    ATTLOG = "attlog"
    GLOG = "glog"
    CSV = "csv"
    XLSX = "xlsx"


File = Annotated[Path, typer.Argument(parser=_readable, metavar="FILE", help="A file, or - for standard input.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would happen, and change nothing.")]


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("import")(import_scans)
    people = typer.Typer(help="People.", no_args_is_help=True)
    people.command("import")(import_people)
    app.add_typer(people, name="people")
    app.command()(explain)


def import_scans(  # noqa: PLR0917 - the options of a command
    file: File,
    machine: Annotated[
        str, typer.Option(parser=_some_text, help="Code of the machine that the file is of; registered if new.")
    ],
    timezone: Annotated[str | None, typer.Option(help="Zone of the machine's clock, such as Asia/Kolkata.")] = None,
    format: Annotated[Format | None, typer.Option(help="Found out otherwise.")] = None,  # noqa: A002 - the option's name
    day_first: Annotated[bool | None, typer.Option(help="How 03/04/2026 is read.")] = None,
    date_format: Annotated[
        str | None, typer.Option(help="day_first, month_first, year_first, or such as '%d.%m.%Y %H:%M'.")
    ] = None,
    columns: Annotated[
        str | None,
        typer.Option(help="What is where in a table: 'badge=AC-No.,time=\"Date, time\",state=State', or by number."),
    ] = None,
    states: Annotated[
        str | None, typer.Option(help="What the machine itself calls its states: 'C/In=0,C/Out=1'.")
    ] = None,
    delimiter: Annotated[str | None, typer.Option(help="Of CSV: comma, semicolon, tab, pipe or a character.")] = None,
    encoding: Annotated[str | None, typer.Option(help="Of CSV, if it is not Unicode: cp1252, gbk …")] = None,
    sheet: Annotated[str | None, typer.Option(help="Of a workbook; otherwise its first.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Import although most lines cannot be read.")] = False,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Import a log of a machine: its USB export, CSV or XLSX.

    Again, or of overlapping months: what is known already is not counted twice.
    """
    if timezone is not None:
        _known_zone(timezone)
    parameters = {"machine": machine, "timezone": timezone, "format": format and format.value, "day_first": day_first}
    parameters |= {"date_format": date_format, "columns": columns, "states": states}
    parameters |= {"delimiter": delimiter, "encoding": encoding, "sheet": sheet}
    flags = {"dry_run": dry_run or None, "force": force or None}
    query = {name: str(value) for name, value in {**parameters, **flags}.items() if value is not None}
    api = Api()
    with (
        _read(file) as chunks,
        api.stream(
            "POST",
            "/api/attendance/scans/import/",
            params={name: value.lower() if value in ("True", "False") else value for name, value in query.items()},
            content=chunks,
            headers={"Content-Type": "application/octet-stream"},
        ) as answer,
    ):
        answer.read()
        summary = answer.json()
    if as_json:
        print_json(summary)
    else:
        _show_scans(summary)
        if not dry_run:  # the site may yet take its zone from this machine
            _tell_of_zones(api, summary["timezone"])


def _tell_of_zones(api: Api, clock: str) -> None:
    """Whoever reads 07:55 on the machine would not look for it at 05:55."""
    site = api.call("GET", "/api/attendance/settings/").json()["timezone"]
    if site != clock:
        messages.print(
            f"This machine's clock is in {clock}, the site in {site}: days and their times are shown in {site}."
            " MUSTER_TIMEZONE sets the site's zone.",
            markup=False,
        )


def import_people(
    file: File,
    effective_from: Annotated[
        str | None, typer.Option(help="Date from which changes hold, or `always`; today without it.")
    ] = None,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Import people from CSV: employee_id, name, department, designation, level_of_work, badge, and more if there are.

    Who is known already is brought up to date. Ends with 1 where lines had to be left out.
    """
    if effective_from not in (None, "always"):
        _date(effective_from, "--effective-from")
    asked = {"effective_from": effective_from, "dry_run": "true" if dry_run else None}
    with (
        _read(file) as chunks,
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
        fail(f"Left out: {left_out} lines.")


def explain(
    person: Annotated[str, typer.Argument(help="Code of the person, such as EMP001.")],
    day: Annotated[str, typer.Argument(metavar="DATE", help="Business date, such as 2026-11-22.")],
    as_json: AsJson = False,
) -> None:
    """Say how a day came to be what it is: which scans count, which rules applied, and why."""
    asked = {"employee": person, "date": _date(day, "DATE").isoformat()}
    explained = Api().call("GET", "/api/attendance/explain/", params=asked).json()
    if as_json:
        print_json(explained)
        return
    results.print("\n".join(explained["sentences"]), markup=False)


def _date(text: str, parameter: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise typer.BadParameter(f"{text!r} is no date such as 2026-11-22", param_hint=parameter) from error


def _known_zone(name: str) -> None:
    try:
        zone(name)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--timezone") from error


@contextmanager
def _read(file: Path) -> Iterator[Iterator[bytes]]:
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


def _show_scans(summary: dict[str, Any]) -> None:
    unreadable, quarantined = summary.pop("unreadable_lines", []), summary.pop("quarantined_lines", [])
    recognised, sample = summary.pop("recognised", None), summary.pop("sample", None)
    _show_recognised(recognised or {})
    _show_lines("scan", sample or [])
    # The figures last: they are what a person looks for, and lines may be many.
    _show_lines("unreadable", unreadable)
    _show_lines("quarantined", quarantined)
    _show(summary)


def _show_recognised(recognised: dict[str, Any]) -> None:
    """How a table is read: what a dry run is for."""
    columns = recognised.pop("columns", {})
    if columns:
        results.print("columns: " + "; ".join(f"{kind} = {name}" for kind, name in columns.items()), markup=False)
    ignored = recognised.pop("ignored", [])
    if ignored:
        results.print(f"columns passed over: {', '.join(ignored)}", markup=False)
    words = [f"{name.replace('_', ' ')} {value}" for name, value in recognised.items() if value is not None]
    if words:
        results.print("read with: " + ", ".join(words), markup=False)


def _show_people(summary: dict[str, Any]) -> None:
    ignored, errors, warnings = (summary.pop(name, []) for name in ("ignored_columns", "errors", "warnings"))
    _show(summary)
    if ignored:
        results.print(f"columns not known and passed over: {', '.join(ignored)}", markup=False)
    _show_lines("error", errors)
    _show_lines("warning", warnings)


def _show_lines(what: str, lines: list[dict[str, Any]]) -> None:
    for line in lines:
        words = " · ".join(str(value) for key, value in line.items() if key != "line" and value not in (None, ""))
        results.print(f"{what} line {line.get('line', '?')}: {words}", markup=False)


def _show(summary: dict[str, Any]) -> None:
    table = Table.grid(padding=(0, 2))
    for name, value in summary.items():
        if value is not None:
            table.add_row(name.replace("_", " "), str(value))
    results.print(table)
