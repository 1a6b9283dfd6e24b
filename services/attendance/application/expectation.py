"""What is expected of people on the dates of a month: minutes of work by shift or standard hours. No I/O."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Final, NamedTuple

from services.attendance.application.holders import Assignment, Holder, Site
from services.attendance.application.plans import Planning, Plans
from services.attendance.application.rulebook import NO_ZONE_YET
from services.attendance.domain.months import dates_of
from services.attendance.domain.window import Slot, expected_on

_MOST_REMEMBERED: Final = 200_000


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
        self._shared: dict[tuple[int, tuple[int, ...], date], list[int]] = {}
        """Months of whoever has no days of their own: by site, units and month."""

    def of(self, people: Iterable[Employee], months: Sequence[date]) -> list[MonthExpected]:
        """What is expected of these people in these months."""
        planning = Planning(self._plans, self._sites)  # it remembers each date of everybody: for these people only
        return [self._month(planning, person, month) for person in people for month in months]

    def _month(self, planning: Planning, person: Employee, month: date) -> MonthExpected:
        days = dates_of(month)
        places = [person.place_on(day) for day in days]
        minutes = [0] * len(days)
        for place in {id(place): place for place in places if place is not None}.values():
            there = self._at(planning, person, place, month, days)
            for number, its in enumerate(places):
                if its is place:
                    minutes[number] = there[number]
        employed = any(place is not None for place in places)
        return MonthExpected(person.person_id, person.code, month, minutes, employed)

    def _at(
        self, planning: Planning, person: Employee, place: Assignment, month: date, days: Sequence[date]
    ) -> list[int]:
        holder = person.holder
        assert holder is not None  # noqa: S101 - who has a place is somebody
        if holder.owned is not None:
            return [self._minutes(planning, holder, place, day) for day in days]
        key = (place.site_id, tuple(unit for unit in place.unit_path if unit in self._plans.units), month)
        if key not in self._shared:
            self._shared[key] = [self._minutes(planning, _alone(holder, place), place, day) for day in days]
        return self._shared[key]

    def _minutes(self, planning: Planning, holder: Holder, place: Assignment, day: date) -> int:
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


def _alone(holder: Holder, place: Assignment) -> Holder:
    """Somebody who is at this place on all dates, for a month that others at it share."""
    return Holder(person_id=holder.person_id, code=holder.code, name=holder.name, assignments=(place,), badges=())
