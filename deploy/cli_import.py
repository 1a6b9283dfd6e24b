"""`muster import`: a file of a machine, and what came of it, in words for a terminal."""

import re
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from enum import Enum
from typing import Annotated, Any, Final

import typer

from deploy.cli_data import AsJson, DryRun, File, contents, show_figures, show_lines
from deploy.cli_support import PARTLY, WRONG_USE, Api, Refused, fail, messages, print_json, results
from deploy.settings import zone
from shared.kernel.errors import MusterError, sentence

SETTLES_WITHIN: Final = 10.0
"""Seconds for which scans may be on their way to who knows whose badges they are."""
NAMED: Final = 5
"""Badges that are named of those that nobody holds."""


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command("import")(import_scans)


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

    Again, or of overlapping months: what is known already is not counted twice. Ends with 3 where all is imported but
    lines that cannot be read: they are listed.
    """
    if timezone is not None:
        _known_zone(timezone)
    if day_first is not None and date_format is not None:
        raise typer.BadParameter("both --day-first and --date-format say how dates are read: give one of them")
    parameters = {"machine": machine, "timezone": timezone, "format": format and format.value, "day_first": day_first}
    parameters |= {"date_format": date_format, "columns": columns, "states": states}
    parameters |= {"delimiter": delimiter, "encoding": encoding, "sheet": sheet}
    flags = {"dry_run": dry_run or None, "force": force or None}
    query = {name: str(value) for name, value in {**parameters, **flags}.items() if value is not None}
    api = Api()
    with (
        _in_options(query.keys()),
        contents(file) as chunks,
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
    unreadable = summary.get("unreadable", 0)
    if as_json:
        print_json(summary)
    else:
        _show_scans(summary)
        if not dry_run:  # the site may yet take its zone from this machine
            _tell_of_zones(api, summary["timezone"])
            _tell_of_unknown_badges(api, summary["machine"])
    if unreadable:
        lines = "1 line" if unreadable == 1 else f"{unreadable} lines"
        fail(f"{lines} of the file cannot be read; {_IMPORTED[dry_run]}.", code=PARTLY)


_IMPORTED: Final = {False: "all others are imported", True: "the others can be imported"}


@contextmanager
def _in_options(typed: Collection[str]) -> Iterator[None]:
    """What is refused names parameters of the API; whoever reads it here has typed options.

    Where one that was typed is what is wrong, the command was used wrongly.
    """
    try:
        yield
    except Refused as error:
        message = in_options(error.message, error.fields)
        if error.fields.keys() & typed:
            fail(message, code=WRONG_USE)
        raise Refused(message, error.status, fields=error.fields) from error


def in_options(message: str, fields: Collection[str]) -> str:
    """The message with `--date-format` instead of `date_format=`; what it is about is named, if it is an option."""
    said = re.sub(rf"\b({_PARAMETERS})=(true\b)?", lambda found: _option(found[1]) + ("" if found[2] else " "), message)
    said = re.sub(rf"\bsay ({_PARAMETERS})\b", lambda found: f"say {_option(found[1])}", said)
    said = re.sub(rf"^({_PARAMETERS})(?=:| is )", lambda found: _option(found[1]), said)
    named = [_option(name) for name in fields if re.fullmatch(_PARAMETERS, name) and _option(name) not in said]
    return f"{said} ({sentence(named)})" if named else said


def _option(parameter: str) -> str:
    return "--" + parameter.replace("_", "-")


_PARAMETERS: Final = (
    "machine|timezone|format|day_first|date_format|columns|states|delimiter|encoding|sheet|force|dry_run"
)


def _tell_of_zones(api: Api, clock: str) -> None:
    """Whoever reads 07:55 on the machine would not look for it at 05:55."""
    site = api.call("GET", "/api/attendance/settings/").json()["timezone"]
    if site != clock:
        messages.print(
            f"This machine's clock is in {clock}, the site in {site}: days and their times are shown in {site}."
            " MUSTER_TIMEZONE sets the site's zone.",
            markup=False,
        )


def _tell_of_unknown_badges(api: Api, machine: str) -> None:
    """Scans of a badge that nobody holds count for nobody, which no figure of an import shows."""
    asked = {"machine": machine, "ordering": "-scans", "limit": str(NAMED)}
    until = time.monotonic() + SETTLES_WITHIN
    while True:
        try:
            settled = not api.call("GET", "/api/attendance/system-status/").json()["queue_size"]
            answer = api.call("GET", "/api/attendance/unknown-badges/", params=asked)
        except MusterError as error:
            settled, why = False, error.message  # such as that of a machine that is new nobody has been told yet
        else:
            why = ""
        if settled or time.monotonic() > until:
            break
        time.sleep(0.2)
    if why:
        messages.print(f"Whether somebody holds all badges is not known yet: {why}", markup=False)
        return
    badges = [row["badge"] for row in answer.json()]
    total = int(answer.headers.get("X-Total-Count", len(badges)))
    if badges:
        them = f"badge {badges[0]}" if total == 1 else f"{total} badges of this machine: {', '.join(badges)}"
        more = " …" if total > len(badges) else ""
        messages.print(
            f"Nobody holds {them}{more}. Their scans are kept, and count once somebody does: import people with"
            " these badges (muster people import), or say whose one is:"
            f' POST /api/attendance/unknown-badges/{badges[0]}/link/ with {{"employee": 7}}, the id of a person.',
            style="yellow",
            markup=False,
        )


def _known_zone(name: str) -> None:
    try:
        zone(name)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--timezone") from error


def _show_scans(summary: dict[str, Any]) -> None:
    unreadable, quarantined = summary.pop("unreadable_lines", []), summary.pop("quarantined_lines", [])
    recognised, sample = summary.pop("recognised", None), summary.pop("sample", None)
    _show_recognised(recognised or {})
    show_lines("scan", sample or [])
    # The figures last: they are what a person looks for, and lines may be many.
    show_lines("unreadable", unreadable)
    show_lines("quarantined", quarantined)
    _show_totals(summary)
    _show_machine(summary)
    show_figures({name: value for name, value in summary.items() if name in _FIGURES})


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


_FIGURES: Final = ("format", "timezone", "days", "first", "last", "seconds")


def _show_totals(summary: dict[str, Any]) -> None:
    """In one line, so that it can be seen to add up."""
    new, quarantined, unreadable = (summary.get(name, 0) for name in ("new", "quarantined", "unreadable"))
    seen_now = summary.get("unreadable_new")
    results.print(
        f"{summary.get('read', 0)} read = {new} new"
        + (f" ({quarantined} of them quarantined)" if quarantined else "")
        + f" + {summary.get('already_known', 0)} known already + {unreadable} unreadable"
        + (f" ({seen_now} of them for the first time)" if seen_now is not None and seen_now < unreadable else ""),
        markup=False,
    )


def _show_machine(summary: dict[str, Any]) -> None:
    if summary.get("dry_run"):
        new = summary.get("machine_id") is None
        would = f"; the machine {summary.get('machine', '')} would be registered" if new else ""
        results.print(f"This was a dry run: nothing is changed{would}.", markup=False)
    elif summary.get("machine_created"):
        results.print(f"The machine {summary.get('machine', '')} is registered now.", markup=False)
