"""What is expected of people on the dates of a month: minutes of work by shift or standard hours. No I/O."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Final, NamedTuple

from services.attendance.application.holders import Assignment, Holder, Owned, Site
from services.attendance.application.plans import Planning, Plans
from services.attendance.application.rulebook import NO_ZONE_YET
from services.attendance.domain.months import dates_of
from services.attendance.domain.window import Slot, expected_on

_MOST_REMEMBERED: Final = 50_000


class Employee(NamedTuple):
    """A person with the time that they belong to the company."""

    person_id: int
    code: str
    joined_on: date | None
    left_on: date | None
    """The last day."""
    holder: Holder | None
    """None of who was removed."""

    def place_on(self, day: date) -> Assignment | None:
        """Where the person is on a date; None before, after and where they belong nowhere."""
        if self.holder is None or (self.joined_on is not None and day < self.joined_on):
            return None
        return None if self.left_on is not None and day > self.left_on else self.holder.assignment_on(day)


class MonthExpected(NamedTuple):
    """What is expected of a person in a month."""

    person_id: int
    code: str
    month: date
    minutes: list[int]
    """Of each of its dates."""
    employed: bool
    """On any of them."""


class Expectation:
    """By rules as they were at one moment; it remembers what it worked out."""

    def __init__(self, plans: Plans, sites: Mapping[int, Site]) -> None:
        self._plans = plans
        self._sites = sites
        self._amounts: dict[tuple[date, str, Slot], int] = {}
        self._shared: dict[tuple[object, ...], list[int]] = {}
        """Months of all who are at one place and have the same schedules and settings; most are like others."""

    def of(self, people: Iterable[Employee], months: Sequence[date]) -> list[MonthExpected]:
        """What is expected of these people in these months."""
        return [self._month(person, month, dates_of(month)) for person in people for month in months]

    def _month(self, person: Employee, month: date, days: Sequence[date]) -> MonthExpected:
        first = person.place_on(days[0])
        if first is not None and first is person.place_on(days[-1]):
            return MonthExpected(person.person_id, person.code, month, self._at(person, first, days), True)
        places = [person.place_on(day) for day in days]
        at = {place.span.since: self._at(person, place, days) for place in places if place is not None}
        minutes = [0 if place is None else at[place.span.since][n] for n, place in enumerate(places)]
        return MonthExpected(person.person_id, person.code, month, minutes, any(place is not None for place in places))

    def _at(self, person: Employee, place: Assignment, days: Sequence[date]) -> list[int]:
        """All of a month at one place."""
        assert person.holder is not None  # noqa: S101 - who has a place is somebody
        owned = person.holder.owned or Owned()
        layers = tuple((span, layer.row) for span, layer in owned.settings)
        units = tuple(unit for unit in place.unit_path if unit in self._plans.units)
        key = (place.site_id, units, tuple(owned.schedules), layers, days[0])
        minutes = self._shared.get(key)
        if minutes is None:
            if len(self._shared) >= _MOST_REMEMBERED:
                self._shared.clear()
            minutes = self._shared[key] = self._minutes(person.holder, place, replace(owned, roster={}), days)
        if rostered := [day for day in days if day in owned.roster] if owned.roster else []:
            minutes = list(minutes)
            for day, its in zip(rostered, self._minutes(person.holder, place, owned, rostered), strict=True):
                minutes[day.day - 1] = its
        return minutes

    def _minutes(self, holder: Holder, place: Assignment, owned: Owned, days: Iterable[date]) -> list[int]:
        """Of dates on which somebody is at a place, whether this holder is or not."""
        there = replace(holder, assignments=(place,), owned=None if owned == Owned() else owned)
        planning = Planning(self._plans, self._sites)
        return [self._on(planning, there, place, day) for day in days]

    def _on(self, planning: Planning, holder: Holder, place: Assignment, day: date) -> int:
        site = self._sites[place.site_id]
        if site.holidays.on(day) is not None:
            return 0
        key = (day, site.zone or NO_ZONE_YET, planning.slot(holder, day, place))
        found = self._amounts.get(key)
        if found is None:
            if len(self._amounts) >= _MOST_REMEMBERED:
                self._amounts.clear()
            found = self._amounts[key] = expected_on(*key)
        return found
