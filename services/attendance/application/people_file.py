"""A file of people, from rows of cells to drafts: columns in any order, what is wrong with each cell. No I/O."""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, NamedTuple, TypeAlias

from services.attendance.application.directory import Span
from services.attendance.application.person import BadgeSpan, Draft, with_level
from shared.files.cells import said
from shared.kernel.errors import Invalid, Malformed, sentence

LONGEST = 200
"""Characters in a cell."""
MOST_ROWS = 200_000

Rows: TypeAlias = Iterable[tuple[int, list[str] | str]]
"""Each with its number in the file; a sentence where it cannot be read."""


class RowError(NamedTuple):
    """What is wrong with a row."""

    line: int
    field: str
    message: str


class Line(NamedTuple):
    """A row that can be read."""

    number: int
    draft: Draft


@dataclass(slots=True, kw_only=True)
class ParsedFile:
    """What a file says."""

    read: int = 0
    header: list[str] = field(default_factory=list)
    cells: dict[int, list[str]] = field(default_factory=dict)
    """Of each row, as they came."""
    lines: list[Line] = field(default_factory=list)
    errors: list[RowError] = field(default_factory=list)
    warnings: list[RowError] = field(default_factory=list)
    ignored_columns: list[str] = field(default_factory=list)


def read_people(rows: Rows) -> ParsedFile:
    """Read a file of people, row by row; the first names the columns.

    A column that is there says what is so: an empty cell of an optional one clears the value. A column that is not
    there changes nothing.

    Raises:
        Malformed: there is no row of column names with `employee_id`, or there are more than `MOST_ROWS` rows.
    """
    each = iter(rows)
    _, header = next(each, (1, []))
    columns = [] if isinstance(header, str) else [column_of(cell) for cell in header]
    _check(columns)
    parsed = ParsedFile(
        header=list(header), ignored_columns=[c for c in columns if c and c not in _FIELDS and c != ERRORS]
    )
    seen: dict[str, int] = {}
    for number, cells in each:
        parsed.read += 1
        if parsed.read > MOST_ROWS:
            raise Malformed(f"this file has more than {MOST_ROWS:,} rows; send it in parts")
        if isinstance(cells, str):
            parsed.cells[number] = []
            parsed.errors.append(RowError(number, "", cells))
            continue
        parsed.cells[number] = cells
        if len(cells) != len(columns):
            message = f"has {len(cells)} cells where the first line has {len(columns)}"
            parsed.errors.append(RowError(number, "", message))
            continue
        _line(number, {name: said(cell.strip()) for name, cell in zip(columns, cells, strict=True)}, parsed, seen)
    return parsed


def error_groups(errors: Iterable[RowError]) -> list[tuple[str, str, list[int]]]:
    """The same mistake of many rows, once: the column, what is wrong without the single values, and the rows."""
    groups: dict[tuple[str, str], list[int]] = {}
    for line, name, message in errors:
        groups.setdefault((name, _VALUE.sub("…", message)), []).append(line)
    return sorted(((*key, lines) for key, lines in groups.items()), key=lambda group: (-len(group[2]), group[2]))


def column_of(cell: str) -> str:
    """The column that a cell of the first row names, however it is written: "Employee ID" is employee_id."""
    return re.sub(r"[\s\-]+", "_", cell.strip().lower())


def _check(columns: Sequence[str]) -> None:
    if "employee_id" not in columns:
        raise Malformed(
            f"the first line has to name the columns, with employee_id among them; possible are {sentence([*_FIELDS])}",
            fields={"employee_id": "there is no such column"},
        )
    twice = sorted({c for c in columns if c in _FIELDS and columns.count(c) > 1})
    if twice:
        raise Malformed(f"the column {sentence(twice)} is there twice", fields=dict.fromkeys(twice, "is there twice"))


def _line(number: int, cells: dict[str, str], parsed: ParsedFile, seen: dict[str, int]) -> None:
    values: dict[str, Any] = {}
    errors: list[RowError] = []
    for name, cell in cells.items():
        if name not in _FIELDS:
            continue
        try:
            values[name] = _FIELDS[name](cell)
        except Invalid as error:
            errors.append(RowError(number, name, error.message))
    code = values.get("employee_id")
    if code in seen:
        errors.append(RowError(number, "employee_id", f"{code} is on line {seen[code]} already"))
    elif code:
        seen[code] = number
    if values.get("badge_machine") and not values.get("badge"):
        errors.append(RowError(number, "badge_machine", "is there without a badge"))
    if errors:
        parsed.errors.extend(errors)
        return
    level = values.get("level_of_work")
    if level and level not in ("Worker", "Staff"):
        message = f"{level!r} is neither Worker nor Staff; it counts as staff, without overtime"
        parsed.warnings.append(RowError(number, "level_of_work", message))
    try:
        parsed.lines.append(Line(number, _draft(values)))
    except Invalid as error:
        parsed.errors.append(RowError(number, "badge_until", error.message))


def _draft(values: dict[str, Any]) -> Draft:
    badge, since, until, machine = (values.pop(name, None) for name in _OF_THE_BADGE)
    if since and until and until <= since:
        raise Invalid(f"{until} is not after badge_from, {since}")
    for name in ("level_of_work", "site"):  # these have no value of "none"
        if not values.get(name):
            values.pop(name, None)
    code = values.pop("employee_id")
    return Draft(
        code=code, badge=BadgeSpan(badge=badge, span=Span(since, until), machine=machine) if badge else None, **values
    )


def _optional(cell: str) -> str | None:
    if len(cell) > LONGEST:
        raise Invalid(f"is longer than {LONGEST} characters")
    if not cell.isprintable():
        raise Invalid("holds a character that cannot be seen")
    return cell or None


def _required(cell: str) -> str:
    text = _optional(cell)
    if text is None:
        raise Invalid("is empty")
    return text


def _date(cell: str) -> date | None:
    cell = cell.removesuffix(" 00:00:00")  # as workbooks may show a date
    if not cell:
        return None
    try:
        found = date.fromisoformat(cell) if re.fullmatch(r"\d{4}-\d\d-\d\d", cell) else None
    except ValueError:
        found = None
    if found is None:
        raise Invalid(f"{cell[:40]!r} is not a date such as 2024-01-31")
    if not 1900 <= found.year < 2200:
        raise Invalid(f"{cell} is not between 1900 and 2199")
    return found


def read_gender(cell: str) -> str | None:
    """The three words that leave policies know.

    Raises:
        Invalid: it is another.
    """
    found = {"": None, "m": "male", "f": "female"}.get(cell.lower(), cell.lower())
    if found not in (None, "male", "female", "other"):
        raise Invalid(f"{cell[:40]!r} is not male, female or other")
    return found


def read_email(cell: str) -> str | None:
    """An address, as far as a glance can tell.

    Raises:
        Invalid: it is none.
    """
    text = _optional(cell)
    if text is not None and not re.fullmatch(r"[^@\s]+@[^@\s]+", text):
        raise Invalid(f"{text[:40]!r} is not an e-mail address")
    return text


ERRORS = "errors"
"""The column that a file of rejected rows has beside those of its own; it says nothing of people."""
_VALUE = re.compile(r"'[^']*'|\b\d{4}-\d\d-\d\d\b|\b\d+\b")

_FIELDS: dict[str, Callable[[str], Any]] = {
    "employee_id": _required,
    "name": _required,
    "department": _optional,
    "designation": _optional,
    "level_of_work": lambda cell: with_level(_optional(cell) or ""),
    "badge": _optional,
    "email": read_email,
    "phone": _optional,
    "gender": read_gender,
    "joined_on": _date,
    "left_on": _date,
    "site": _optional,
    "badge_from": _date,
    "badge_until": _date,
    "badge_machine": _optional,
}
_OF_THE_BADGE = ("badge", "badge_from", "badge_until", "badge_machine")

COLUMNS: dict[str, str] = {
    "employee_id": "The company's own code; the only column that has to be there. Who is known is changed.",
    "name": "Has to be there for those who are new.",
    "department": "One that is not there is made.",
    "designation": "",
    "level_of_work": "Worker or Staff; only workers have overtime.",
    "badge": "As machines know the person; added to those that they hold.",
    "email": "",
    "phone": "",
    "gender": "male, female or other.",
    "joined_on": "The first day, as 2024-01-31.",
    "left_on": "The last day, as 2024-01-31.",
    "site": "A site's name; without it the main site.",
    "badge_from": "From when the badge is this person's, as 2024-01-31.",
    "badge_until": "The first day on which it no longer is.",
    "badge_machine": "The code of the machine where the number is theirs; empty: on all of them.",
}
"""What is possible, for a template; each with what to write."""
