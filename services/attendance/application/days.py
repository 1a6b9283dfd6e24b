"""Reading days: everybody's on a date, somebody's of a month, a list of them, one, and the figures of a date.

A day without scans has no row. What it is follows from the rules of its site and date, and is worked out here, so
that whoever was absent has a day like everybody else.
"""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from datetime import date, timedelta
from types import MappingProxyType

from services.attendance.application.day_facts import (
    Count,
    DayDetails,
    DayFacts,
    DayReading,
    DayView,
    EmptyDays,
    Figures,
    Filter,
    MonthDay,
    MonthFacts,
    PersonMonth,
    Reads,
    Record,
    Stay,
    Wanted,
)
from services.attendance.application.listing import Page
from services.attendance.application.rulebook import Rulebook, level_of
from services.attendance.application.weeks import Asked, week_overtime
from services.attendance.domain.state import State
from services.attendance.domain.terms import Level
from shared.kernel.clock import Clock
from shared.kernel.errors import Malformed, NotFound
from shared.web.lists import Window
from shared.web.scope import Scope

LONGEST_WITH_ABSENCES = 31
"""Days. A list of more than these holds only days with a row: everybody's absences of years are of use to nobody."""


AT_A_STRETCH = 200
"""Rows of a timesheet that are made before others are let in."""

_NO_WEEKS: Mapping[tuple[int, date], int] = MappingProxyType({})


class Days:
    """The reading side of days."""

    def __init__(self, reads: Reads, clock: Clock) -> None:
        self._reads = reads
        self._clock = clock

    async def on(self, day: date, wanted: Wanted, scope: Scope) -> list[DayView]:
        """A day for everybody active on the date, the absent included."""
        async with self._reads.reading() as reading:
            rules = await reading.rulebook(self._clock.now())
            found = await reading.on(day, await filter_of(wanted, reading, scope), scope)
        return [_view(facts, rules) for facts in found]

    async def month(self, first: date, wanted: Wanted, scope: Scope) -> list[PersonMonth]:
        """A timesheet of the month that begins with `first`."""
        dates = dates_of_month(first)
        async with self._reads.reading() as reading:
            rules = await reading.rulebook(self._clock.now())
            looked_up = await filter_of(wanted, reading, scope)
            stays, stored = await reading.month(dates[0], dates[-1], looked_up, scope)
            asked = [Asked(s.person_id, s.site_id, s.level_of_work, filter(s.covers, dates)) for s in stays]
            weeks = await week_overtime(reading, rules, asked)
        return [month async for month in _timesheet(dates, stays, stored, rules, weeks)]

    async def listed(self, wanted: Wanted, scope: Scope, asked: Window) -> Page[Record]:
        """A list of days. Over at most 31 dates it has the days without scans, too."""
        async with self._reads.reading() as reading:
            rules = await reading.rulebook(self._clock.now())
            looked_up = await filter_of(wanted, reading, scope)
            by_status = wanted.status is not None or asked.order == "status"
            found = await reading.days(looked_up, scope, asked, _empty(looked_up, rules, by_status=by_status))
            weeks = await week_overtime(reading, rules, _asked(facts for facts, _ in found.rows))
        rows = [record_of(facts, details, rules, weeks) for facts, details in found.rows]
        return Page(rows=rows, total=found.total, exact=found.exact, next_after=found.next_after)

    async def one(self, person_id: int, on: date, scope: Scope) -> Record:
        """One day.

        Raises:
            NotFound: nobody active on that date has this id, or the caller may not know.
        """
        async with self._reads.reading() as reading:
            rules = await reading.rulebook(self._clock.now())
            found = await reading.day(person_id, on, scope)
            if found is None:
                raise NotFound(f"there is no day of person {person_id} on {on.isoformat()}")
            weeks = await week_overtime(reading, rules, _asked([found[0]]))
        return record_of(*found, rules, weeks)

    async def figures(
        self, day: date | None, wanted: Wanted, scope: Scope
    ) -> tuple[date, Figures, list[tuple[str | None, Figures]]]:
        """The figures of a date (today's, where none is named), and of each department on it."""
        async with self._reads.reading() as reading:
            rules = await reading.rulebook(self._clock.now())
            day = day or rules.today()
            looked_up = await filter_of(wanted, reading, scope)
            counts = await reading.counts(day, looked_up, scope, list(rules.people.holders))
        total, departments = Figures(), defaultdict[str | None, Figures](Figures)
        for count in counts:
            for figures in (total, departments[count.department]):
                _add(figures, count, day, rules)
        return day, total, sorted(departments.items(), key=lambda item: (item[0] is None, item[0]))

    async def today(self) -> date:
        """The business date of this moment at the main site."""
        async with self._reads.reading() as reading:
            return (await reading.rulebook(self._clock.now())).today()


def dates_of_month(first: date) -> list[date]:
    """All dates of a month, from its first."""
    dates = [first + timedelta(days=n) for n in range(31)]
    return [day for day in dates if day.month == first.month]


async def filter_of(wanted: Wanted, reading: DayReading, scope: Scope) -> Filter:
    """What is asked for, with the ids looked up.

    Raises:
        Malformed: there is none of a name, or the caller may not know.
    """
    person_id = unit_id = group_id = site_id = None
    if wanted.employee is not None and (person_id := await reading.person(wanted.employee, scope)) is None:
        raise _unknown("employee", wanted.employee)
    if wanted.department is not None and (unit_id := await reading.unit(wanted.department)) is None:
        raise _unknown("department", wanted.department)
    if wanted.group is not None and (group_id := await reading.group(wanted.group, scope)) is None:
        raise _unknown("group", wanted.group)
    if wanted.site is not None and (site_id := await reading.site(wanted.site)) is None:
        raise _unknown("site", wanted.site)
    return Filter(
        person_id=person_id,
        unit_id=unit_id,
        level_of_work=wanted.level_of_work,
        status=wanted.status,
        since=wanted.since,
        until=wanted.until,
        search=wanted.search,
        group_id=group_id,
        site_id=site_id,
    )


def _unknown(name: str, value: str) -> Malformed:
    detail = f"there is no {name} {value[:80]!r}"
    return Malformed(f"{name}: {detail}", fields={name: detail})


def _empty(wanted: Filter, rules: Rulebook, *, by_status: bool) -> EmptyDays | None:
    if wanted.since is None or wanted.until is None:
        return None
    length = (wanted.until - wanted.since).days + 1
    if length > LONGEST_WITH_ABSENCES:
        return None
    dates = [wanted.since + timedelta(days=n) for n in range(length)]
    worker = Level.WORKER  # the level changes no status where there are no scans
    sites = [(site, day, rules.without_scans(site, day, worker).status) for site in rules.site_ids for day in dates]
    own = [one for one in rules.people.holders if wanted.person_id in (None, one)] if by_status else []
    people = [(one, day, rules.without_scans(None, day, worker, one).status) for one in own for day in dates]
    return EmptyDays(sites, people)


def _view(facts: DayFacts, rules: Rulebook) -> DayView:
    if facts.used:
        return DayView(
            facts, facts.status or "", rules.state(facts.site_id, facts.date, seen=True, person_id=facts.person_id)
        )
    empty = rules.without_scans(facts.site_id, facts.date, level_of(facts.level_of_work), facts.person_id)
    return DayView(facts, facts.status or empty.status, empty.state)


def _asked(facts: Iterable[DayFacts]) -> list[Asked]:
    return [Asked(one.person_id, one.site_id, one.level_of_work, [one.date]) for one in facts]


def record_of(
    facts: DayFacts, details: DayDetails, rules: Rulebook, weeks: Mapping[tuple[int, date], int] = _NO_WEEKS
) -> Record:
    """A day with the person as they were on it, as records show it."""
    view = _view(facts, rules)
    shortfall = details.shortfall
    if shortfall is None:
        level = level_of(facts.level_of_work)
        shortfall = rules.without_scans(facts.site_id, facts.date, level, facts.person_id).shortfall
    zone = details.zone or rules.zone(facts.site_id or rules.main_site)
    frame = rules.frame_for(facts.person_id, facts.site_id, facts.date)
    expected = frame.terms.expected if details.expected is None else details.expected
    shift = None if frame.shift is None else frame.shift.title
    week = weeks.get((facts.person_id, facts.date), 0)
    return Record(facts, details, view.status, view.state, zone, shortfall, expected, shift, week)


async def _timesheet(
    dates: Sequence[date],
    stays: Iterable[Stay],
    stored: Iterable[MonthFacts],
    rules: Rulebook,
    weeks: Mapping[tuple[int, date], int],
) -> AsyncIterator[PersonMonth]:
    by_person: dict[int, dict[date, MonthFacts]] = {}
    for facts in stored:
        by_person.setdefault(facts.person_id, {})[facts.date] = facts
    nowhere = {day: MonthDay(day, "", None, None, None, 0, 0, 0) for day in dates}
    absences: dict[tuple[int | None, date, str], MonthDay] = {}
    own = rules.people.holders

    def absent(stay: Stay, day: date) -> MonthDay:
        if stay.person_id in own:
            level = level_of(stay.level_of_work)
            empty = rules.without_scans(stay.site_id, day, level, stay.person_id)
            return MonthDay(day, empty.status, empty.state, None, None, 0, 0, 0)
        key = (stay.site_id, day, stay.level_of_work)
        if key not in absences:
            empty = rules.without_scans(stay.site_id, day, level_of(stay.level_of_work))
            absences[key] = MonthDay(day, empty.status, empty.state, None, None, 0, 0, 0)
        return absences[key]

    def day_of(its_stays: Sequence[Stay], day: date, facts: MonthFacts | None) -> MonthDay:
        stay = next((stay for stay in its_stays if stay.covers(day)), None)
        if stay is None:
            return nowhere[day]
        if facts is None:
            return absent(stay, day)
        _, _, status, check_in, check_out, worked, overtime, extra, used = facts
        state = rules.state(stay.site_id, day, seen=used > 0, person_id=stay.person_id)
        week = weeks.get((stay.person_id, day), 0) if weeks else 0
        return MonthDay(day, status, state, check_in, check_out, worked, overtime, extra, week)

    months: dict[int, list[Stay]] = {}
    for stay in stays:
        months.setdefault(stay.person_id, []).append(stay)
    for number, (person_id, its_stays) in enumerate(months.items()):
        if number % AT_A_STRETCH == 0:
            await asyncio.sleep(0)  # thousands of people take seconds: others are served in between
        its_days = by_person.get(person_id, {})
        yield PersonMonth(its_stays[-1], [day_of(its_stays, day, its_days.get(day)) for day in dates])


def _add(figures: Figures, count: Count, day: date, rules: Rulebook) -> None:
    empty = rules.without_scans(count.site_id, day, Level.WORKER, count.person_id)
    status = count.status or empty.status
    figures.total += count.people
    if status.startswith("Present"):
        figures.present += count.people
    elif status.startswith("Leave"):
        figures.leave += count.people
    elif not count.seen and empty.state is State.EXPECTED:
        figures.expected += count.people
    elif status == "Absent":
        figures.absent += count.people
