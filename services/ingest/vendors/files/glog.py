"""`GLG_001.TXT`, `AGL_001.TXT`: the text log of another large family of terminals.

A header names the columns (`No TMNo EnNo Name GMNo Mode IN/OUT Antipass DateTime`, with variants), and its tabs
do not always line up with those of the data. What holds for all: the badge (EnNo) is the third column, the date
and time the last, and the columns after the name line up from the right. A fixed-width form has blanks for tabs.

Times have 12 or 24 hours, and dates are year first, day first or month first. Which of the last two a file
means is decided by evidence over the file: a first number above 12, a second above 12, else the order in which
the dates do not run backwards, else day first. Up to `UNDECIDED` lines are held for that. `day_first` says it outright.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from services.ingest.domain.reading import Reading, ScanType, Unreadable
from services.ingest.vendors.files.cells import NotReadable, badge_of, columns_of, moment, shown, text_of
from services.ingest.vendors.files.lines import Line

NAME = "glog"

UNDECIDED = 10_000
"""Lines that are held at most until the order of day and month is decided: about a megabyte."""

_TIME = re.compile(
    r"(\d{1,4})([-/.])(\d{1,2})\2(\d{1,4})[ T]+(\d{1,2}):(\d{1,2})(?::(\d{1,2}))? ?([AaPp][Mm])?", re.ASCII
)
_FIXED = re.compile(r"\s*(\d+)\s+(\d+)\s+(\S+)\s+(?:(.*?)\s+)?(\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}\s+\S.*)")
_DIRECTIONS = {"in/out", "inout", "iomd", "i/o", "io"}

STATES = {
    "E": ScanType.IN,  # entrada
    "S": ScanType.OUT,  # salida, saída
    "I": ScanType.IN,
    "O": ScanType.OUT,
    "IN": ScanType.IN,
    "OUT": ScanType.OUT,
    "DUTYON": ScanType.IN,
    "DUTYOFF": ScanType.OUT,
    "OVERTIMEON": ScanType.OVERTIME_IN,
    "OVERTIMEOFF": ScanType.OVERTIME_OUT,
    "GOOUT": ScanType.BREAK_IN,
    "GOIN": ScanType.BREAK_OUT,
    "0": ScanType.IN,
    "1": ScanType.OUT,
}
"""The cell under IN/OUT, in capitals. Anything else is unknown."""


@dataclass(frozen=True, slots=True)
class _Row:
    """A line, read except for the order of its date."""

    line: Line
    text: str
    record_no: str
    badge: str
    device_time: str
    date: tuple[int, int, int]
    time: tuple[int, int, int]
    state: str
    verify: str | None


class Glog:
    """Reads the lines of one file."""

    def __init__(self, *, day_first: bool | None = None) -> None:
        """`day_first`: None leaves it to the evidence of the file."""
        self._day_first = day_first
        self._columns: list[str] = []
        self._held: list[_Row | Unreadable] = []

    def recognises(self, line: Line) -> bool:
        text = text_of(line.raw)
        if _is_header(text):
            return True
        try:
            _row(line, text, [])
        except NotReadable:
            return False
        return True

    def read(self, line: Line) -> Sequence[Reading | Unreadable]:
        text = text_of(line.raw)
        if text.startswith("#"):
            return ()
        if _is_header(text):
            self._columns = [name.lower() for name in text.split()]
            return ()
        item: _Row | Unreadable
        try:
            item = _row(line, text, self._columns)
        except NotReadable as reason:
            item = Unreadable(reason=str(reason), raw=line.raw, position=line.number)
        if self._day_first is None:
            self._held.append(item)
            self._day_first = _evidence(item)
            return self._release() if self._day_first is not None or len(self._held) >= UNDECIDED else ()
        return (self._finished(item),)

    def finish(self) -> Sequence[Reading | Unreadable]:
        return self._release()

    def _release(self) -> Sequence[Reading | Unreadable]:
        if self._day_first is None:
            dates = [item.date for item in self._held if isinstance(item, _Row) and item.date[0] <= 31]
            self._day_first = _steps_back(dates, day_first=True) <= _steps_back(dates, day_first=False)
        held, self._held = self._held, []
        return [self._finished(item) for item in held]

    def _finished(self, item: _Row | Unreadable) -> Reading | Unreadable:
        if isinstance(item, Unreadable):
            return item
        try:
            local_time = moment(item.device_time, _ymd(item.date, day_first=self._day_first is not False), item.time)
        except NotReadable as reason:
            return Unreadable(reason=str(reason), raw=item.line.raw, position=item.line.number)
        return Reading(
            badge=item.badge,
            device_time=item.device_time,
            local_time=local_time,
            state=item.state,
            type=STATES.get(item.state.upper(), ScanType.UNKNOWN),
            verify=item.verify,
            record_no=item.record_no,
            raw={"line": item.text},
            position=item.line.number,
        )


def _is_header(text: str) -> bool:
    names = text.lower().split()
    return len(names) >= 4 and "enno" in names and names[-1] == "datetime"


def _row(line: Line, text: str, columns: Sequence[str]) -> _Row:
    if "\t" in text:
        cells = [cell.strip() for cell in text.rstrip().split("\t")]
        if len(cells) < 4:
            raise NotReadable(f"{columns_of(cells)} instead of at least 4")
        number, badge, after, device_time = cells[0], cells[2], cells[3:-1], cells[-1]
    elif match := _FIXED.fullmatch(text.rstrip()):
        number, badge, device_time = match[1], match[3], match[5]
        after = (match[4] or "").split()
    else:
        raise NotReadable("no tabs, and not the fixed-width form")
    if not number.isdecimal():
        raise NotReadable(f"no record number: {shown(number)}")
    date, time = _date_and_time(device_time)
    named = dict(zip(reversed(columns[:-1]), reversed(after), strict=False))
    return _Row(
        line=line,
        text=text,
        record_no=number,
        badge=badge_of(badge),
        device_time=device_time,
        date=date,
        time=time,
        state=next((value for name, value in named.items() if name in _DIRECTIONS), ""),
        verify=named.get("mode") or None,
    )


def _date_and_time(text: str) -> tuple[tuple[int, int, int], tuple[int, int, int]]:
    match = _TIME.fullmatch(" ".join(text.split()))
    if match is None:
        raise NotReadable(f"no date and time: {shown(text)}")
    hour, minute, second = int(match[5]), int(match[6]), int(match[7] or 0)
    if half := match[8]:
        if not 1 <= hour <= 12:
            raise NotReadable(f"{shown(text)} is no time of 12 hours")
        hour = hour % 12 + (12 if half.upper() == "PM" else 0)
    return (int(match[1]), int(match[3]), int(match[4])), (hour, minute, second)


def _evidence(item: _Row | Unreadable) -> bool | None:
    """What one date says about the order: True for day first, None where it says nothing."""
    if isinstance(item, Unreadable) or item.date[0] > 31:
        return None
    first, second, _ = item.date
    if (first > 12) == (second > 12):
        return None
    return first > 12


def _ymd(date: tuple[int, int, int], *, day_first: bool) -> tuple[int, int, int]:
    if date[0] > 31:
        return date
    day, month = date[:2] if day_first else (date[1], date[0])
    return date[2] if date[2] > 99 else 2000 + date[2], month, day


def _steps_back(dates: Sequence[tuple[int, int, int]], *, day_first: bool) -> int:
    read = [_ymd(date, day_first=day_first) for date in dates]
    return sum(later < earlier for earlier, later in pairwise(read))
