"""Overtime by the week, worked out whenever days are read: a day that changes would change those after it, too."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from typing import NamedTuple, Protocol

from services.attendance.application.rulebook import Rulebook, level_of
from services.attendance.domain.settings import DaySettings
from services.attendance.domain.terms import Level
from services.attendance.domain.week import Hours, overtime_by_week

LONGEST_BACK = timedelta(days=6)
"""Of a week, before one of its dates."""


class Asked(NamedTuple):
    """Dates of a person at one place."""

    person_id: int
    site_id: int | None
    level_of_work: str
    dates: Iterable[date]


class WeekReading(Protocol):
    """What a transaction has to offer for it."""

    async def hours(self, people: Sequence[int], first: date, last: date) -> Mapping[int, Sequence[Hours]]:
        """The stored days of these people, whoever may see them: a week is a whole."""


async def week_overtime(
    reading: WeekReading, rules: Rulebook, asked: Iterable[Asked]
) -> Mapping[tuple[int, date], int]:
    """Minutes of overtime by the week, by person and date; where there is none, nothing stands.

    It costs nothing where no settings have a rule of weeks, and one statement elsewhere.
    """
    if not rules.has_weeks:
        return {}
    wanted: dict[int, dict[date, DaySettings]] = {}
    by_site: dict[int | None, dict[date, DaySettings]] = {}
    for person_id, site_id, level_of_work, dates in asked:
        if level_of(level_of_work) is not Level.WORKER:
            continue
        # One answer serves all of a site who have no days of their own.
        known = {} if person_id in rules.people.holders else by_site.setdefault(site_id, {})
        days = list(dates)
        for day in days:
            if day not in known:
                known[day] = rules.settings_for(person_id, site_id, day)
        its = {day: known[day] for day in days if known[day].overtime_week is not None}
        if its:
            wanted.setdefault(person_id, {}).update(its)
    if not wanted:
        return {}
    first = min(min(days) for days in wanted.values()) - LONGEST_BACK
    last = max(max(days) for days in wanted.values())
    stored = await reading.hours(list(wanted), first, last)
    return {
        (person_id, day): minutes
        for person_id, hours in stored.items()
        for day, minutes in overtime_by_week(hours, wanted[person_id].get).items()
        if minutes
    }
