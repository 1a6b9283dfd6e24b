"""How dates are read where somebody has said it: an order, or a pattern."""

import re
from datetime import datetime
from typing import Final

from services.ingest.vendors.files.cells import NotReadable, shown
from services.ingest.vendors.files.dates import Date, Order, Written, written
from shared.kernel.errors import Malformed

_DIRECTIVES: Final = frozenset("YymbBdHIMSfp")
_TIMES: Final = frozenset("HIMSfp")
_SAMPLE: Final = datetime(2026, 10, 25, 17, 41, 52)  # noqa: DTZ001 - a wall time has no zone
_ORDERS: Final = {"dmy": Order.DAY_FIRST, "mdy": Order.MONTH_FIRST, "ymd": Order.YEAR_FIRST}


class Pattern:
    """A pattern such as `%d.%m.%Y %H:%M`, or of a date alone."""

    def __init__(self, pattern: str) -> None:
        """Raises `Malformed` if it leaves open which day it is."""
        directives = re.findall("%(.?)", pattern.replace("%%", ""))
        try:
            if set(directives) - _DIRECTIVES:
                raise ValueError(pattern)  # noqa: TRY301 - one sentence for all that may be wrong
            read = datetime.strptime(_SAMPLE.strftime(pattern), pattern)  # noqa: DTZ007 - a wall time has no zone
        except (ValueError, re.error) as error:
            raise _wrong(pattern) from error
        self._has_time = bool(set(directives) & _TIMES)
        if read.date() != _SAMPLE.date() or (self._has_time and (read.hour, read.minute) != (17, 41)):
            raise _wrong(pattern)
        self.pattern = pattern
        self._words = len(pattern.split())

    def written(self, text: str) -> Written:
        """Read a cell. What reads the same for everybody, such as 2026-02-01, is read although it is of another form.

        Raises:
            NotReadable: it does not fit.
        """
        words = text.split()
        here, rest = (text, "") if self._has_time else (" ".join(words[: self._words]), " ".join(words[self._words :]))
        try:
            read = datetime.strptime(here, self.pattern)  # noqa: DTZ007 - a wall time has no zone - a wall time has no zone
        except ValueError as error:
            other = written(text)
            if other.dates and not other.certain:
                raise NotReadable(f"{shown(text)} is not of the form {self.pattern}") from error
            return other
        dates = dict.fromkeys(Order, (read.year, read.month, read.day))
        if self._has_time:
            return Written(text, dates, (read.hour, read.minute, read.second), None)
        after = written(rest) if rest else None
        return Written(text, dates, after.time if after else None, after.offset if after else None)


class Ordered:
    """An order, or none, which reads only what is the same in any."""

    def __init__(self, order: Order | None) -> None:
        self._order = order

    def written(self, text: str) -> Written:
        """Read a cell. Raises `NotReadable` where the order does not fit."""
        found = written(text)
        if not found.dates:
            return found
        date: Date = found.date(self._order)
        return Written(text, dict.fromkeys(Order, date), found.time, found.offset)


def said(date_format: str | None, day_first: bool | None) -> Order | Pattern | None:
    """What somebody says of the dates of a file.

    Raises:
        Malformed: it is no form of dates, or both are said.
    """
    if date_format is not None and day_first is not None:
        raise Malformed(
            "both day_first and date_format say how dates are read: give one of them",
            fields={"day_first": "is said by date_format"},
        )
    if date_format is None:
        return None if day_first is None else Order.DAY_FIRST if day_first else Order.MONTH_FIRST
    if "%" in date_format:
        return Pattern(date_format)
    letters = re.sub(r"(.)\1*", r"\1", re.sub(r"[^dmy]", "", date_format.lower()))
    for order in Order:
        if date_format.lower().replace("-", "_") == order or _ORDERS.get(letters) is order:
            return order
    raise _wrong(date_format)


def _wrong(date_format: str) -> Malformed:
    return Malformed(
        f"{date_format!r} is no form of dates: say day_first, month_first, year_first, or such as %d.%m.%Y %H:%M",
        fields={"date_format": "day_first, month_first, year_first, or such as %d.%m.%Y %H:%M"},
    )
