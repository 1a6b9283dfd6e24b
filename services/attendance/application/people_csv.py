"""A file of people: comma, semicolon or tab; UTF-8, UTF-16 or Windows-1252; columns in any order. No I/O."""

import codecs
import csv
import io
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, NamedTuple

from services.attendance.application.directory import Span
from services.attendance.application.person import BadgeSpan, Draft, with_level
from shared.kernel.errors import Invalid, Malformed, sentence

LONGEST = 200
"""Characters in a cell."""


class CsvError(NamedTuple):
    """What is wrong with a line."""

    line: int
    field: str
    message: str


class Line(NamedTuple):
    """A line that can be read."""

    number: int
    draft: Draft


@dataclass(slots=True, kw_only=True)
class ParsedFile:
    """What a file says."""

    read: int = 0
    lines: list[Line] = field(default_factory=list)
    errors: list[CsvError] = field(default_factory=list)
    warnings: list[CsvError] = field(default_factory=list)
    ignored_columns: list[str] = field(default_factory=list)


def read_people_csv(body: bytes) -> ParsedFile:
    """Read a file of people, line by line.

    A column that is there says what is so: an empty cell of an optional one clears the value. A column that is not
    there changes nothing.

    Raises:
        Malformed: it is not text, or has no line of column names with `employee_id`.
    """
    rows = _rows(_text(body))
    _, header = next(rows, (1, []))
    columns = [] if isinstance(header, str) else [_column(cell) for cell in header]
    _check(columns)
    parsed = ParsedFile(ignored_columns=[c for c in columns if c and c not in _FIELDS])
    seen: dict[str, int] = {}
    for number, cells in rows:
        parsed.read += 1
        if isinstance(cells, str):
            parsed.errors.append(CsvError(number, "", cells))
            continue
        if len(cells) != len(columns):
            message = f"has {len(cells)} cells where the first line has {len(columns)}"
            parsed.errors.append(CsvError(number, "", message))
            continue
        _line(number, dict(zip(columns, map(str.strip, cells), strict=True)), parsed, seen)
    return parsed


def _text(body: bytes) -> str:
    if body.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
        raise Malformed("this is a workbook, not a CSV file; save it as CSV and send that")
    wide = body.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    encodings = ["utf-16"] if wide else ["utf-8-sig", "cp1252"]
    for encoding in encodings:
        try:
            text = body.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" in text:
            break
        return text
    raise Malformed("this is not a text file; send CSV in UTF-8 or Windows-1252")


def _rows(text: str) -> Iterator[tuple[int, list[str] | str]]:
    """Lines that are not blank, each with the number of the line that it begins on; a sentence where it is no CSV."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text), strict=True)
    begins = 1
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            if "end of data" in str(error):
                raise Malformed(f"the quotation mark that opens on line {begins} is never closed") from error
            yield begins, f"cannot be read as CSV: {error}"
        else:
            if any(cell.strip() for cell in cells):
                yield begins, cells
        begins = reader.line_num + 1


def _delimiter(text: str) -> str:
    first = next((line for line in text.splitlines() if line.strip()), "")
    return max(",;\t", key=first.count)


def _column(cell: str) -> str:
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
    errors: list[CsvError] = []
    for name, cell in cells.items():
        if name not in _FIELDS:
            continue
        try:
            values[name] = _FIELDS[name](cell)
        except Invalid as error:
            errors.append(CsvError(number, name, error.message))
    code = values.get("employee_id")
    if code in seen:
        errors.append(CsvError(number, "employee_id", f"{code} is on line {seen[code]} already"))
    elif code:
        seen[code] = number
    if errors:
        parsed.errors.extend(errors)
        return
    level = values.get("level_of_work")
    if level and level not in ("Worker", "Staff"):
        message = f"{level!r} is neither Worker nor Staff; it counts as staff, without overtime"
        parsed.warnings.append(CsvError(number, "level_of_work", message))
    try:
        parsed.lines.append(Line(number, _draft(values)))
    except Invalid as error:
        parsed.errors.append(CsvError(number, "badge_until", error.message))


def _draft(values: dict[str, Any]) -> Draft:
    badge, since, until = (values.pop(name, None) for name in ("badge", "badge_from", "badge_until"))
    if since and until and until <= since:
        raise Invalid(f"{until} is not after badge_from, {since}")
    for name in ("level_of_work", "site"):  # these have no value of "none"
        if not values.get(name):
            values.pop(name, None)
    code = values.pop("employee_id")
    return Draft(code=code, badge=BadgeSpan(badge=badge, span=Span(since, until)) if badge else None, **values)


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
}
