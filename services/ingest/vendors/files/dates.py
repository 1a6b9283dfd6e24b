"""Dates and times as people and their programs write them. Pure.

What 01/02/2026 means depends on who wrote it. So the orders in which a text can be read at all are told apart from
reading it: whoever has seen a whole file knows which order reads all of it, or that several do, and has to ask.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone, tzinfo
from enum import StrEnum
from functools import lru_cache
from typing import Final

from services.ingest.vendors.files.cells import NotReadable, moment, shown

LONGEST: Final = 64
"""Characters of a date and time."""


class Order(StrEnum):
    """Which number of a date comes first."""

    YEAR_FIRST = "year_first"
    DAY_FIRST = "day_first"
    MONTH_FIRST = "month_first"


Date = tuple[int, int, int]
"""Year, month, day."""
Time = tuple[int, int, int]
"""Hour, minute, second."""

_MONTHS: Final = {
    name: number
    for number, names in enumerate(
        ["jan january", "feb february", "mar march", "apr april", "may", "jun june", "jul july", "aug august",
         "sep sept september", "oct october", "nov november", "dec december"], 1)
    for name in names.split()
}  # fmt: skip
_WEEKDAY: Final = re.compile(r"\b(?:mon|tue|wed|thu|fri|sat|sun)(?:s|nes|rs|ur)?(?:day)?\b\.?,?", re.IGNORECASE)
_NUMBERS: Final = re.compile(r"(\d{1,4})([-/.])(\d{1,2})\2(\d{1,4})", re.ASCII)
_USUAL: Final = re.compile(_NUMBERS.pattern + r" (\d{1,2}):(\d{2})(?::(\d{2}))?", re.ASCII)
_HAN: Final = re.compile(r"(\d{4})年(\d{1,2})月(\d{1,2})日", re.ASCII)
_COMPACT: Final = re.compile(r"(\d{4})(\d{2})(\d{2})", re.ASCII)
_MONTH_INSIDE: Final = re.compile(r"(\d{1,2})[-/. ]*([A-Za-z]{3,9})[-/., ]+(\d{4}|\d{2})", re.ASCII)
_MONTH_AHEAD: Final = re.compile(r"([A-Za-z]{3,9})[-. ]*(\d{1,2}),?[- ]+(\d{4})", re.ASCII)
_TIME: Final = re.compile(
    r"(\d{1,2})([:.])(\d{2})(?:\2(\d{2})(?:[.,]\d{1,9})?)?(?: ?([AaPp])\.?[Mm]\.?)?(?: ?([Zz]|[+-]\d{2}:?\d{2}))?",
    re.ASCII,
)
_COMPACT_TIME: Final = re.compile(r"(\d{2})(\d{2})(\d{2})?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Written:
    """A date, a time or both, as far as they can be read without knowing the order."""

    text: str
    dates: Mapping[Order, Date]
    """What the date is in each order in which there is such a date; all orders where it is the same in any."""
    time: Time | None
    offset: timedelta | None

    @property
    def certain(self) -> bool:
        """Whether the date is the same in any order."""
        return len(self.dates) == len(Order) and len(set(self.dates.values())) == 1

    def date(self, order: Order | None) -> Date:
        """The date in this order; None is enough for what reads the same in all.

        Raises:
            NotReadable: there is none.
        """
        if not self.dates:
            raise NotReadable(f"no date: {shown(self.text)}")
        if self.certain:
            order = Order.YEAR_FIRST
        if order is None or order not in self.dates:
            raise NotReadable(f"{shown(self.text)} is no date with the {words(order)}")
        return self.dates[order]


def words(order: Order | None) -> str:
    """For a sentence: "day first"."""
    return "order of the others" if order is None else order.value.replace("_", " ")


@lru_cache(maxsize=4096)
def written(text: str) -> Written:
    """Read a cell as far as that goes.

    Raises:
        NotReadable: it has no date and no time, or such as never was.
    """
    if match := _USUAL.fullmatch(text):  # nearly all of a long file
        hour, minute, second = int(match[5]), int(match[6]), int(match[7] or 0)
        if hour < 24 and minute < 60 and second < 60:
            return Written(
                text, _numbers(text[: match.end(4)], match[1], match[3], match[4]), (hour, minute, second), None
            )
    if len(text) > LONGEST:
        raise NotReadable(f"a time of {len(text)} characters")
    rest = " ".join(_WEEKDAY.sub(" ", text).split()).strip(",")
    dates, after = _dates(rest)
    after = after[1:] if dates and after[:1] in ("T", "t", ",") else after
    time, offset = _time(after.strip(), compact=bool(dates)) if after.strip() else (None, None)
    if not dates and time is None:
        raise NotReadable(f"no date and time: {shown(text)}" if text else "no time")
    return Written(text, dates, time, offset)


def together(
    text: str, date: Date, time: Time, offset: timedelta | None, zone: tzinfo
) -> tuple[datetime, timedelta | None]:
    """The wall time, naive; what tells its offset from UTC is told in the wall time of `zone`, with the offset there.

    Raises:
        NotReadable: there is no such moment.
    """
    wall = moment(text, date, time)
    if offset is None:
        return wall, None
    try:
        placed = wall.replace(tzinfo=timezone(offset)).astimezone(zone)
    except (OverflowError, ValueError) as error:
        raise NotReadable(f"{shown(text)} is no date and time: {error}") from error
    return placed.replace(tzinfo=None, fold=0), placed.utcoffset()


def _dates(text: str) -> tuple[Mapping[Order, Date], str]:
    if match := _HAN.match(text):
        return _certain(text, int(match[1]), int(match[2]), int(match[3])), text[match.end() :]
    if match := _MONTH_INSIDE.match(text):
        return _certain(text, _year(match[3]), _month(match[2], text), int(match[1])), text[match.end() :]
    if match := _MONTH_AHEAD.match(text):
        return _certain(text, int(match[3]), _month(match[1], text), int(match[2])), text[match.end() :]
    if match := _NUMBERS.match(text):
        return _numbers(text, match[1], match[3], match[4]), text[match.end() :]
    if (match := _COMPACT.match(text)) and not text[8:9].isalpha():
        return _certain(text, int(match[1]), int(match[2]), int(match[3])), text[match.end() :]
    return {}, text


def _certain(text: str, year: int, month: int, day: int) -> Mapping[Order, Date]:
    moment(text, (year, month, day), (0, 0, 0))
    return dict.fromkeys(Order, (year, month, day))


@lru_cache(maxsize=1024)
def _numbers(text: str, first: str, second: str, last: str) -> Mapping[Order, Date]:
    one, two, three = int(first), int(second), int(last)
    if len(first) == 4 and len(last) <= 2:
        return _certain(text, one, two, three)
    if len(first) > 2 or len(last) not in (2, 4):
        raise NotReadable(f"no date: {shown(text)}")
    year = _year(last)
    may_be = {Order.DAY_FIRST: (year, two, one), Order.MONTH_FIRST: (year, one, two)}
    if len(last) == 2 and len(first) == 2:
        may_be[Order.YEAR_FIRST] = (2000 + one, two, three)
    found = {order: date for order, date in may_be.items() if _is(date)}
    if not found:
        raise NotReadable(f"{shown(text)} is no date in any order of day and month")
    if one == two and len(set(found.values())) == 1:  # 01/01/2026 is the same in any order
        return dict.fromkeys(Order, found[Order.DAY_FIRST])
    return found


def _is(date: Date) -> bool:
    try:
        moment("", date, (0, 0, 0))
    except NotReadable:
        return False
    return True


def _year(text: str) -> int:
    return int(text) if len(text) == 4 else 2000 + int(text)


def _month(name: str, text: str) -> int:
    number = _MONTHS.get(name.lower())
    if number is None:
        raise NotReadable(f"no date: {shown(text)}")
    return number


def _time(text: str, *, compact: bool) -> tuple[Time, timedelta | None]:
    if match := _TIME.fullmatch(text):
        hour, minute, second = int(match[1]), int(match[3]), int(match[4] or 0)
        if half := match[5]:
            if not 1 <= hour <= 12:
                raise NotReadable(f"{shown(text)} is no time of 12 hours")
            hour = hour % 12 + (12 if half in "Pp" else 0)
        offset = _offset(match[6])
    elif compact and (match := _COMPACT_TIME.fullmatch(text)):
        hour, minute, second, offset = int(match[1]), int(match[2]), int(match[3] or 0), None
    else:
        raise NotReadable(f"no date and time: {shown(text)}")
    moment(text, (2000, 1, 1), (hour, minute, second))
    return (hour, minute, second), offset


def _offset(text: str | None) -> timedelta | None:
    if text is None:
        return None
    if text in "Zz":
        return timedelta(0)
    minutes = int(text[1:3]) * 60 + int(text[-2:])
    if minutes > 14 * 60:
        raise NotReadable(f"{text} is no offset from UTC")
    return timedelta(minutes=-minutes if text[0] == "-" else minutes)
