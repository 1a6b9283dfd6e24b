"""Reading days: everybody's on a date, somebody's of a month, a list of them, one, and the figures of a date.

A day without scans has no row until it is closed or locked. What it is follows from the rules of its site and date, and
is worked out here, so that whoever was absent has a day like everybody else.
"""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Collection, Iterable, Mapping, Sequence, Set
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
    Standing,
    Stay,
    Wanted,
)
from services.attendance.application.listing import Page
from services.attendance.application.rulebook import Rulebook, level_of
from services.attendance.application.weeks import Asked, week_overtime
from services.attendance.domain.months import dates_of
from services.attendance.domain.state import State
from services.attendance.domain.terms import Level, terms_of
from shared.kernel.clock import Clock
from shared.kernel.errors import Malformed, NotFound
from shared.web.lists import Window
from shared.web.scope import Scope

LONGEST_WITH_ABSENCES = 31
"""Days. A list of more than these holds only days with a row."""

Adjusted = Set[tuple[int, date]]
"""People and dates."""

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
            rules.leave = await reading.leave(day, day, [facts.person_id for facts in found if not facts.used])
            adjusted = await _adjusted(reading, rules, [day])
        standings = _Standings(rules, adjusted)
        return [_view(facts, rules, standings) for facts in found]

    async def month(self, first: date, wanted: Wanted, scope: Scope) -> list[PersonMonth]:
        """A timesheet of the month that begins with `first`."""
        dates = dates_of(first)
        async with self._reads.reading() as reading:
            rules = await reading.rulebook(self._clock.now())
            looked_up = await filter_of(wanted, reading, scope)
            stays, stored = await reading.month(dates[0], dates[-1], looked_up, scope)
            rules.leave = await reading.leave(dates[0], dates[-1], list({stay.person_id for stay in stays}))
            adjusted = await _adjusted(reading, rules, [dates[0], dates[-1]])
            asked = [Asked(s.person_id, s.site_id, s.level_of_work, filter(s.covers, dates)) for s in stays]
            weeks = await week_overtime(reading, rules, asked)
        return [month async for month in _timesheet(dates, stays, stored, rules, adjusted, weeks)]

    async def listed(self, wanted: Wanted, scope: Scope, asked: Window) -> Page[Record]:
        """A list of days. Over at most 31 dates it has the days without scans, too."""
        async with self._reads.reading() as reading:
            rules = await reading.rulebook(self._clock.now())
            looked_up = await filter_of(wanted, reading, scope)
            by_status = wanted.status is not None or asked.order == "status"
            dates = _dates(looked_up)
            if by_status and dates:
                people = None if looked_up.person_id is None else [looked_up.person_id]
                rules.leave = await reading.leave(dates[0], dates[-1], people)
            empty = _empty(looked_up, dates, rules, by_status=by_status) if dates else None
            found = await reading.days(looked_up, scope, asked, empty)
            if not by_status and (unseen := [facts for facts, _ in found.rows if not facts.used]):
                on = [facts.date for facts in unseen]
                rules.leave = await reading.leave(min(on), max(on), list({facts.person_id for facts in unseen}))
            adjusted = await _adjusted(reading, rules, {facts.date for facts, _ in found.rows})
            weeks = await week_overtime(reading, rules, _asked(facts for facts, _ in found.rows))
        rows = [record_of(facts, details, rules, adjusted, weeks) for facts, details in found.rows]
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
            return await whole_record(reading, rules, *found)

    async def figures(
        self, day: date | None, wanted: Wanted, scope: Scope
    ) -> tuple[date, Figures, list[tuple[str | None, Figures]]]:
        """The figures of a date (today's, where none is named), and of each department on it."""
        async with self._reads.reading() as reading:
            rules = await reading.rulebook(self._clock.now())
            day = day or rules.today()
            looked_up = await filter_of(wanted, reading, scope)
            rules.leave = await reading.leave(day, day, None)
            apart = [*rules.people.holders, *(one for one in rules.leave if one not in rules.people.holders)]
            counts = await reading.counts(day, looked_up, scope, apart)
        total, departments = Figures(), defaultdict[str | None, Figures](Figures)
        for count in counts:
            for figures in (total, departments[count.department]):
                _add(figures, count, day, rules)
        return day, total, sorted(departments.items(), key=lambda item: (item[0] is None, item[0]))

    async def today(self) -> date:
        """The business date of this moment at the main site."""
        async with self._reads.reading() as reading:
            return (await reading.rulebook(self._clock.now())).today()


async def whole_record(reading: DayReading, rules: Rulebook, facts: DayFacts, details: DayDetails) -> Record:
    """A day as records show it, with what is read beside it."""
    on = facts.date
    rules.leave = await reading.leave(on, on, [facts.person_id])
    adjusted = await _adjusted(reading, rules, [on])
    weeks = await week_overtime(reading, rules, _asked([facts]))
    return record_of(facts, details, rules, adjusted, weeks)


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


def _dates(wanted: Filter) -> list[date]:
    """The dates of which days without scans are listed; none where they would be too many."""
    if wanted.since is None or wanted.until is None:
        return []
    length = (wanted.until - wanted.since).days + 1
    return [] if length > LONGEST_WITH_ABSENCES else [wanted.since + timedelta(days=n) for n in range(length)]


def _empty(wanted: Filter, dates: Sequence[date], rules: Rulebook, *, by_status: bool) -> EmptyDays:
    worker = Level.WORKER  # the level changes no status where there are no scans
    sites = [(site, day, rules.without_scans(site, day, worker).status) for site in rules.site_ids for day in dates]
    own = [one for one in rules.people.holders if wanted.person_id in (None, one)] if by_status else []
    people = [(one, day, rules.without_scans(None, day, worker, one).status) for one in own for day in dates]
    if by_status:
        on_leave = [(one, day) for one, its in rules.leave.items() if one not in rules.people.holders for day in its]
        people += [(one, day, rules.without_scans(None, day, worker, one).status) for one, day in on_leave]
    return EmptyDays(sites, people)


async def _adjusted(reading: DayReading, rules: Rulebook, dates: Collection[date]) -> Adjusted:
    """What is adjusted of these dates: only days of locked months are."""
    locked = [day for day in dates if any(rules.is_locked(site, day) for site in rules.site_ids)]
    return await reading.adjusted(min(locked), max(locked)) if locked else frozenset()


class _Standings:
    """How days stand: as all of a site and date do, but for people who have days of their own, and adjusted ones."""

    def __init__(self, rules: Rulebook, adjusted: Adjusted) -> None:
        self._rules = rules
        self._adjusted = adjusted
        self._common: dict[tuple[int | None, date], Standing] = {}

    def of(self, facts: DayFacts) -> Standing:
        if facts.person_id in self._rules.people.holders or (
            self._adjusted and (facts.person_id, facts.date) in self._adjusted
        ):
            return self._made(facts)
        key = (facts.site_id, facts.date)
        if key not in self._common:
            self._common[key] = self._made(facts)
        return self._common[key]

    def _made(self, facts: DayFacts) -> Standing:
        closed = self._rules.closure(facts.site_id, facts.date, facts.person_id)
        return Standing(
            closed.waits_for if closed.window_over else (),
            None if closed.final else closed.final_at_latest,
            self._rules.is_locked(facts.site_id, facts.date),
            (facts.person_id, facts.date) in self._adjusted,
        )


def _view(facts: DayFacts, rules: Rulebook, standings: _Standings) -> DayView:
    standing = standings.of(facts)
    if facts.used:
        state = rules.state(facts.site_id, facts.date, seen=True, person_id=facts.person_id)
        return DayView(facts, facts.status or "", state, standing)
    empty = rules.without_scans(facts.site_id, facts.date, level_of(facts.level_of_work), facts.person_id)
    return DayView(facts, facts.status or empty.status, empty.state, standing)


def _asked(facts: Iterable[DayFacts]) -> list[Asked]:
    return [Asked(one.person_id, one.site_id, one.level_of_work, [one.date]) for one in facts]


def record_of(
    facts: DayFacts,
    details: DayDetails,
    rules: Rulebook,
    adjusted: Adjusted = frozenset(),
    weeks: Mapping[tuple[int, date], int] = _NO_WEEKS,
) -> Record:
    """A day with the person as they were on it, as records show it."""
    view = _view(facts, rules, _Standings(rules, adjusted))
    shortfall = details.shortfall
    if shortfall is None:
        level = level_of(facts.level_of_work)
        shortfall = rules.without_scans(facts.site_id, facts.date, level, facts.person_id).shortfall
    zone = details.zone or rules.zone(facts.site_id or rules.main_site)
    frame = rules.frame_for(facts.person_id, facts.site_id, facts.date)
    expected = details.expected
    if expected is None:
        expected = terms_of(frame, *rules.time_off(facts.site_id, facts.date, facts.person_id)).expected
    shift = None if frame.shift is None else frame.shift.title
    confidence = None
    if details.shift_confidence is not None:
        # Which one it was is known from the scans, and not from the rules.
        shift, confidence = details.shift, details.shift_confidence / 100
    return Record(
        facts,
        details,
        view.status,
        view.state,
        zone,
        shortfall,
        expected,
        shift,
        confidence,
        view.standing,
        weeks.get((facts.person_id, facts.date), 0),
    )


async def _timesheet(  # noqa: PLR0917 -- what is read
    dates: Sequence[date],
    stays: Iterable[Stay],
    stored: Iterable[MonthFacts],
    rules: Rulebook,
    adjusted: Adjusted,
    weeks: Mapping[tuple[int, date], int],
) -> AsyncIterator[PersonMonth]:
    by_person: dict[int, dict[date, MonthFacts]] = {}
    for facts in stored:
        by_person.setdefault(facts.person_id, {})[facts.date] = facts
    nowhere = {day: MonthDay(day, "", None, None, None, 0, 0, 0) for day in dates}
    absences: dict[tuple[int | None, date, str], MonthDay] = {}
    own = rules.people.holders
    locked = {site: rules.is_locked(site, dates[0]) for site in (None, *rules.site_ids)}

    leave = rules.leave

    def absent(stay: Stay, day: date) -> MonthDay:
        if stay.person_id in own or (leave and day in leave.get(stay.person_id, ())):
            level = level_of(stay.level_of_work)
            empty = rules.without_scans(stay.site_id, day, level, stay.person_id)
            return MonthDay(day, empty.status, empty.state, None, None, 0, 0, 0, 0, locked[stay.site_id])
        key = (stay.site_id, day, stay.level_of_work)
        if key not in absences:
            empty = rules.without_scans(stay.site_id, day, level_of(stay.level_of_work))
            absences[key] = MonthDay(day, empty.status, empty.state, None, None, 0, 0, 0, 0, locked[stay.site_id])
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
        return MonthDay(day, status, state, check_in, check_out, worked, overtime, extra, week, locked[stay.site_id])

    months: dict[int, list[Stay]] = {}
    for stay in stays:
        months.setdefault(stay.person_id, []).append(stay)
    for number, (person_id, its_stays) in enumerate(months.items()):
        if number % AT_A_STRETCH == 0:
            await asyncio.sleep(0)  # thousands of people take seconds: others are served in between
        its_days = by_person.get(person_id, {})
        days = [day_of(its_stays, day, its_days.get(day)) for day in dates]
        if adjusted:
            days = [day._replace(adjusted=(person_id, day.date) in adjusted) if day.locked else day for day in days]
        yield PersonMonth(its_stays[-1], days)


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
