"""What a machine may be asked to do when it calls, and its answers. Pure.

This is the list of all that is ever sent. Nothing on it changes or deletes anything at the machine; what clears,
reboots, updates or runs something has no name here. Source: PROTOCOLS §2.8.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from urllib.parse import unquote_plus

from services.ingest.application.drivers import COUNT_LOG, READ_LOG, SET_CLOCK
from services.ingest.domain.reconciliation import Counted
from services.ingest.vendors.zkteco.adms.calls import text_of
from shared.kernel.errors import Invalid

UPLOAD, CHECK, INFO = "upload", "check", "info"
WITH_SPAN: Final[Mapping[str, str]] = {READ_LOG: "DATA QUERY ATTLOG", COUNT_LOG: "VERIFY SUM ATTLOG"}
PLAIN: Final[Mapping[str, str]] = {UPLOAD: "LOG", CHECK: "CHECK", INFO: "INFO", SET_CLOCK: "CHECK"}
"""A machine sets its clock as it reads its settings, by the zone that stands in them where that is allowed."""

CODES: Final[Mapping[int, str]] = {
    -1: "a parameter is wrong",
    -3: "it could not read or write",
    -10: "it knows no such person",
    -1001: "it has no room",
    -1002: "it does not know this command",
    -1003: "it took too long",
    -1004: "its configuration does not fit",
    -1005: "it is busy",
    -1006: "the command is too long",
    -1007: "it is out of memory",
}
LONGEST_RESULT: Final = 4000

WALL: Final = "%Y-%m-%d %H:%M:%S"
_SPAN: Final = re.compile(r"VERIFY SUM ATTLOG StartTime=([\d :-]{19})\tEndTime=([\d :-]{19})")
_SUM: Final = re.compile(r"AttlogSum=(\d{1,9})", re.IGNORECASE)
_SECRET: Final = re.compile(r"pass|pwd|secret|token|key", re.IGNORECASE)
_BEGINS: Final = re.compile(rb"\s*ID=", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What a machine answered to a command."""

    id: str
    code: int | None
    text: str
    """What it said beside that, such as `AttlogSum=62`."""


def command_text(name: str, first: datetime | None, last: datetime | None) -> str:
    """A command as the machine reads it; `first` and `last` are wall times of the machine.

    Raises:
        Invalid: there is none of this name, or it lacks its span.
    """
    if name in PLAIN:
        if first is not None or last is not None:
            raise Invalid(f"{name} takes no span", fields={"first": "not for this command"})
        return PLAIN[name]
    if name not in WITH_SPAN:
        known = ", ".join([*WITH_SPAN, *PLAIN])
        raise Invalid(f"there is no command {name!r}; there are {known}", fields={"command": "unknown"})
    if first is None or last is None or first > last:
        raise Invalid(f"{name} needs the span from first to last", fields={"first": "from", "last": "to"})
    return f"{WITH_SPAN[name]} StartTime={first:{WALL}}\tEndTime={last:{WALL}}"


def counted(text: str, result: str) -> Counted | None:
    """What a machine answered to `VERIFY SUM ATTLOG`, which was sent as `text`; None where it does not say."""
    span = _SPAN.fullmatch(text)
    told = _SUM.search(result)
    if span is None or told is None:
        return None
    first, last = (datetime.strptime(wall, WALL) for wall in span.groups())  # noqa: DTZ007 - a wall time
    return Counted(first=first, last=last, records=int(told[1]))


def sent(id: int, text: str) -> str:  # noqa: A002 - its name
    """The line that carries a command."""
    return f"C:{id}:{text}\n"


def results(body: bytes) -> Sequence[Result]:
    """The answers in a body: `ID=7&Return=0&CMD=DATA` a line, and lines that belong to the answer before them."""
    found: list[Result] = []
    lines: list[bytes] = []
    for line in [*body.splitlines(), b"ID="]:
        if _BEGINS.match(line):
            if lines:
                found.append(_result(lines))
            lines = [line]
        elif lines and line.strip():
            lines.append(line)
    return found


def meaning(code: int | None) -> str:
    """What an answer's code means, in words; nothing where it is well."""
    if code is None or code >= 0:
        return ""
    return CODES.get(code, "it could not")


def records_told(info: str) -> int | None:
    """How many records it has, by the `INFO` with which it asks for commands: firmware, users, fingers, records."""
    cells = info.split(",")
    return int(cells[3]) if len(cells) > 3 and re.fullmatch(r"\d{1,9}", cells[3].strip()) else None


def _result(lines: Sequence[bytes]) -> Result:
    pairs = [pair.partition("=") for pair in text_of(lines[0]).strip().split("&")]
    given = {name.strip().lower(): unquote_plus(value).strip() for name, _, value in pairs}
    code = given.get("return", "")
    beside = [
        f"{name.strip()}={unquote_plus(value).strip()}"
        for name, _, value in pairs
        if name.strip().lower() not in ("id", "return", "cmd")
    ]
    more = [text_of(line).strip() for line in lines[1:]]
    told = [text for text in (*beside, *more) if not _SECRET.search(text.partition("=")[0])]
    return Result(
        id=given.get("id", ""),
        code=int(code) if re.fullmatch(r"-?\d{1,9}", code) else None,
        text=_printable("\n".join(told))[:LONGEST_RESULT],
    )


def _printable(text: str) -> str:
    return "".join(letter if letter.isprintable() or letter == "\n" else " " for letter in text)
