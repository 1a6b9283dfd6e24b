"""Time off: the holidays of a site, and what leave a date has by all requests that charge it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final, NamedTuple

from services.attendance.domain.terms import Leave, LeavePart

LONGEST_HOLIDAY: Final = 366


class TimeOff(NamedTuple):
    """What a person's date has beside its scans and its frame."""

    leave: Leave | None = None
    holiday: str | None = None
    """Its name."""


NO_TIME_OFF: Final = TimeOff()


@dataclass(frozen=True, slots=True, kw_only=True)
class Holiday:
    """A holiday that is observed."""

    id: int
    name: str
    first: date
    last: date
    every_year: bool = False
    """On the same dates of each later year, too; 29 February has those of leap years."""

    @property
    def dates(self) -> list[date]:
        """Of its first year."""
        return [self.first + timedelta(days=n) for n in range((self.last - self.first).days + 1)]


class Holidays:
    """The holidays of a site. Where several meet, a date is named by the one that begins first."""

    __slots__ = ("_names", "_yearly")

    def __init__(self, holidays: Iterable[Holiday] = ()) -> None:
        """In any order."""
        self._names: dict[date, str] = {}
        self._yearly: dict[tuple[int, int], list[tuple[date, str]]] = {}
        for holiday in sorted(holidays, key=lambda each: (each.first, each.id)):
            for day in holiday.dates:
                if holiday.every_year:
                    self._yearly.setdefault((day.month, day.day), []).append((day, holiday.name))
                else:
                    self._names.setdefault(day, holiday.name)

    def __bool__(self) -> bool:
        return bool(self._names or self._yearly)

    def on(self, day: date) -> str | None:
        """The name of the holiday of a date."""
        name = self._names.get(day)
        if name is None and self._yearly:
            return next((its for since, its in self._yearly.get((day.month, day.day), ()) if since <= day), None)
        return name


NO_HOLIDAYS: Final = Holidays()


def leave_by(charges: Iterable[Leave]) -> Leave | None:
    """The leave of a date by all requests that charge it, in whatever order they became known.

    Leave sees to it that two requests never charge the same; while one replaces the other both may be known here. A
    whole day wins; a morning and an afternoon make a whole day, of the morning's type.
    """
    ordered = sorted(charges, key=lambda each: (_ORDER[each.part], each.request or "", each.type))
    if not ordered:
        return None
    first = ordered[0]
    if first.part is LeavePart.MORNING and ordered[-1].part is LeavePart.AFTERNOON:
        return Leave(type=first.type, request=first.request)
    return first


_ORDER: Final = {LeavePart.FULL: 0, LeavePart.MORNING: 1, LeavePart.AFTERNOON: 2}
