"""Payroll: what each person's days of a period come to, and the same by the pay codes of their sites.

PostgreSQL adds up the stored days. Days without a row, how sure days are, and overtime by the week come from the same
functions as those of the timesheet, so that both always agree.
"""

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from fractions import Fraction
from typing import Final, NamedTuple

from services.attendance.application.day_facts import Stay, Wanted
from services.attendance.application.days import AT_A_STRETCH, filter_of
from services.attendance.application.holders import Span, Timeline, on_date
from services.attendance.application.payroll_ports import (
    Adjusted,
    PayCodeSet,
    PayrollReading,
    PayrollReads,
    Period,
    Slice,
    Stored,
)
from services.attendance.application.rulebook import Empty, Rulebook, level_of
from services.attendance.application.weeks import Asked, week_overtime
from services.attendance.domain.day import Status
from services.attendance.domain.locks import difference
from services.attendance.domain.pay_codes import Entry, entries, multipliers_of
from services.attendance.domain.payroll import Amounts
from services.attendance.domain.state import State
from services.attendance.domain.terms import LeavePart, terms_of
from shared.kernel.clock import Clock
from shared.web.scope import Scope

SURE_AFTER: Final = timedelta(days=5)
"""A day this old is final in every zone and with every shift: its window ends on the next date, and 24 h later."""


class PersonPay(NamedTuple):
    """What the days of a person come to."""

    place: Stay
    """Where the person was last in the period."""
    amounts: Amounts


class Line(NamedTuple):
    """What a person has under a pay code."""

    place: Stay
    code: str
    unit: str
    quantity: Fraction
    amount: int
    """In minutes, days or times, before any factor."""
    kinds: tuple[str, ...]


class Unmapped(NamedTuple):
    """What nobody said a code for."""

    place: Stay
    kind: str
    unit: str
    amount: int


@dataclass(frozen=True, slots=True)
class Coded:
    """A period by pay codes."""

    lines: list[Line] = field(default_factory=list)
    unmapped: list[Unmapped] = field(default_factory=list)


class Payroll:
    """The reading side of payroll."""

    def __init__(self, reads: PayrollReads, clock: Clock) -> None:
        self._reads = reads
        self._clock = clock

    async def rows(self, period: Period, wanted: Wanted, scope: Scope) -> list[PersonPay]:
        """A row for everybody who was active in the period or has adjustments booked in it, by code.

        Raises:
            Malformed: there is none of a name, or the caller may not know.
        """
        async with self._reads.reading() as reading:
            rules = await reading.rulebook(self._clock.now())
            parts = await _parts(reading, rules, period, wanted, scope)
        rows: dict[int, PersonPay] = {}
        for stay, _, amounts in parts:
            known = rows.get(stay.person_id)
            total = Amounts() if known is None else known.amounts
            total.add(amounts)
            rows[stay.person_id] = PersonPay(stay if known is None else _later(known.place, stay), total)
        return sorted(rows.values(), key=lambda row: row.place.code)

    async def coded(self, period: Period, wanted: Wanted, scope: Scope) -> Coded:
        """The same by pay codes: each date by those that its site has then, an adjustment by those of its month.

        Raises as `rows` does.
        """
        async with self._reads.reading() as reading:
            rules = await reading.rulebook(self._clock.now())
            codes = await reading.pay_codes()
            parts = await _parts(reading, rules, period, wanted, scope, _cuts(codes, rules, period))
        places: dict[int, Stay] = {}
        found: dict[int, list[Entry]] = {}
        for stay, on, amounts in parts:
            person = stay.person_id
            places[person] = _later(places[person], stay) if person in places else stay
            its = on_date(codes.get(stay.site_id or rules.main_site, ()), on)
            multipliers = multipliers_of(rules.settings_for(person, stay.site_id, on))
            found.setdefault(person, []).extend(entries(amounts, {} if its is None else its.codes, multipliers))
        coded = Coded()
        for person in sorted(places, key=lambda one: places[one].code):
            coded.lines.extend(_lines(places[person], found[person]))
            coded.unmapped.extend(_unmapped(places[person], found[person]))
        return coded


async def _parts(  # noqa: PLR0917 -- what is read with, and what is asked for
    reading: PayrollReading,
    rules: Rulebook,
    period: Period,
    wanted: Wanted,
    scope: Scope,
    cuts: Iterable[date] = (),
) -> list[tuple[Stay, date, Amounts]]:
    """The amounts of each place of each person, cut at some dates, too; with a date that they belong to."""
    narrowed = await filter_of(wanted, reading, scope)
    stays = await reading.stays(period.first, period.last, narrowed, scope)
    members = None if narrowed.group_id is None else await reading.members(narrowed.group_id, period)
    rules.leave = await reading.leave(period.first, period.last, list({stay.person_id for stay in stays}))
    slices = list(_slices(stays, members, period, cuts))
    stored = {one.number: one for one in await reading.stored(slices, period)}
    dates = period.dates
    asked = [Asked(s.stay.person_id, s.stay.site_id, s.stay.level_of_work, dates[s.first : s.last + 1]) for s in slices]
    weeks = await week_overtime(reading, rules, asked)
    counting = _Counting(rules, dates, weeks)
    parts = []
    for number, one in enumerate(slices):
        if number % AT_A_STRETCH == 0:
            await asyncio.sleep(0)
        parts.append((one.stay, dates[one.first], counting.of(one, stored.get(number))))
    adjusted = await reading.adjustments(period, narrowed, scope)
    return parts + [(one.stay, one.adjustment.period, _adjusted(one)) for one in adjusted]


def _slices(
    stays: Sequence[Stay], members: Mapping[int, Sequence[Span]] | None, period: Period, cuts: Iterable[date]
) -> Iterator[Slice]:
    always, edges = (Span(),), sorted({(cut - period.first).days for cut in cuts})
    last = (period.last - period.first).days
    for stay in stays:
        # Spans end before their last bound, and people leave after it.
        since = max((day for day in (stay.since, stay.joined_on, period.first) if day), default=period.first)
        until = min((_day_before(stay.until), stay.left_on or date.max, period.last))
        for span in always if members is None else members.get(stay.person_id, ()):
            first = max(0, (max(since, span.since or since) - period.first).days)
            end = min(last, (min(until, _day_before(span.until)) - period.first).days)
            for edge in edges:
                if first < edge <= end:
                    yield Slice(stay, first, edge - 1)
                    first = edge
            if first <= end:
                yield Slice(stay, first, end)


def _day_before(day: date | None) -> date:
    return date.max if day is None else day - timedelta(days=1)


class _Counting:
    """Adds to what is stored what is not, and what depends on how sure a day is."""

    def __init__(self, rules: Rulebook, dates: Sequence[date], weeks: Mapping[tuple[int, date], int]) -> None:
        self._rules = rules
        self._dates = dates
        self._weeks = weeks
        self._open_from = ((rules.now - SURE_AFTER).date() - dates[0]).days
        self._empty: dict[tuple[int | None, str], list[Empty]] = {}
        self._locked: dict[int | None, list[int]] = {}

    def of(self, one: Slice, stored: Stored | None) -> Amounts:
        """The amounts of a slice."""
        stay, here = one.stay, range(one.first, one.last + 1)
        amounts = Amounts() if stored is None else stored.amounts
        amounts.counted["days"] = len(here)
        there: set[int] = set()
        if stored is not None:
            there.update(stored.seen, stored.unseen)
            self._count_states(amounts, stay, stored)
            for number in stored.expected_unknown:
                on = self._dates[number]
                frame = self._rules.frame_for(stay.person_id, stay.site_id, on)
                off = self._rules.time_off(stay.site_id, on, stay.person_id)
                amounts.counted["expected_minutes"] += terms_of(frame, *off).expected
            self._count_weeks(amounts, stay, stored, here)
        if its := self._rules.leave.get(stay.person_id):
            parts = (its[day].part for day in map(self._dates.__getitem__, here) if day in its)
            amounts.counted["half_leave_days"] = sum(part is not LeavePart.FULL for part in parts)
        empty = self._empty_days(stay)
        for number in here:
            if number not in there:
                _count_empty(amounts, empty(number))
        if stay.site_id not in self._locked:
            locked = [number for number, day in enumerate(self._dates) if self._rules.is_locked(stay.site_id, day)]
            self._locked[stay.site_id] = locked
        if locked := self._locked[stay.site_id]:
            amounts.counted["locked_days"] = sum(number in here for number in locked)
        return amounts

    def _empty_days(self, stay: Stay) -> Callable[[int], Empty]:
        """What a date without scans is. One answer serves all who have no days of their own and no leave."""
        rules, dates = self._rules, self._dates
        if stay.person_id in rules.people.holders or stay.person_id in rules.leave:
            level = level_of(stay.level_of_work)
            return lambda number: rules.without_scans(stay.site_id, dates[number], level, stay.person_id)
        key = (stay.site_id, stay.level_of_work)
        if key not in self._empty:
            level = level_of(stay.level_of_work)
            self._empty[key] = [rules.without_scans(stay.site_id, day, level) for day in dates]
        return self._empty[key].__getitem__

    def _count_states(self, amounts: Amounts, stay: Stay, stored: Stored) -> None:
        absent_open = 0
        for seen, numbers in ((True, stored.seen), (False, stored.unseen)):
            for number in numbers:
                if number < self._open_from:
                    continue
                state = self._rules.state(stay.site_id, self._dates[number], seen=seen, person_id=stay.person_id)
                if state is State.FINAL:
                    continue
                amounts.counted["expected_days" if state is State.EXPECTED else "provisional_days"] += 1
                absent_open += number in stored.absent
        amounts.day(Status.ABSENT, final=True, days=len(stored.absent) - absent_open)
        amounts.day(Status.ABSENT, final=False, days=absent_open)

    def _count_weeks(self, amounts: Amounts, stay: Stay, stored: Stored, here: range) -> None:
        """Move what is overtime by the week to where it belongs."""
        if not self._weeks:
            return
        for number in here:
            minutes = self._weeks.get((stay.person_id, self._dates[number]), 0)
            if not minutes:
                continue
            kind = "holiday" if number in stored.holidays else "weekend" if number in stored.weekends else None
            amounts.counted[f"{kind}_minutes" if kind else "regular_minutes"] -= minutes
            amounts.counted[f"{kind}_overtime_minutes" if kind else "week_overtime_minutes"] += minutes


def _count_empty(amounts: Amounts, empty: Empty) -> None:
    counted, final = amounts.counted, empty.state is State.FINAL
    amounts.day(empty.status, final=final)
    counted["expected_minutes"] += empty.expected
    if final or empty.status != Status.ABSENT:
        counted["shortfall_minutes"] += empty.shortfall
    if not final:
        counted["expected_days" if empty.state is State.EXPECTED else "provisional_days"] += 1


def _adjusted(one: Adjusted) -> Amounts:
    amounts = Amounts()
    counted, before, after = amounts.counted, one.adjustment.before, one.adjustment.after
    minutes = difference(one.adjustment)
    counted["adjustments"] = 1
    for name, is_one in (("present", _is_present), ("absent", _is_absent)):
        counted[f"adjustment_{name}_days"] = is_one(after["status"]) - is_one(before["status"])
    for status, days in ((str(before["status"]), -1), (str(after["status"]), 1)):
        if status.startswith("Leave-"):
            amounts.adjusted_leaves[status] = amounts.adjusted_leaves.get(status, 0) + days
    for name in ("worked", "overtime", "extra_overtime", "late", "early_departure", "shortfall"):
        counted[f"adjustment_{name}_minutes"] = minutes[name]
    counted["adjustment_regular_minutes"] = minutes["worked"] - minutes["overtime"] - minutes["extra_overtime"]
    return amounts


def _is_present(status: object) -> bool:
    return str(status).startswith("Present")


def _is_absent(status: object) -> bool:
    return status == Status.ABSENT


def _later(one: Stay, other: Stay) -> Stay:
    """Where somebody was last."""
    return other if (other.since or date.min) >= (one.since or date.min) else one


def _cuts(codes: Mapping[int, Timeline[PayCodeSet]], rules: Rulebook, period: Period) -> set[date]:
    """The dates within a period on which other pay codes begin to hold, or other multipliers."""
    edges = {edge for timeline in codes.values() for span, _ in timeline for edge in span}
    edges |= rules.edges_of("weekend_multiplier", "holiday_multiplier")
    return {edge for edge in edges if edge is not None and period.first < edge <= period.last}


def _lines(place: Stay, found: Sequence[Entry]) -> Iterator[Line]:
    by_code: dict[tuple[str, str], list[Entry]] = {}
    for entry in found:
        if entry.code is not None:
            by_code.setdefault((entry.code.code, entry.code.unit), []).append(entry)
    for (code, unit), its in sorted(by_code.items()):
        quantity, amount = sum((entry.quantity for entry in its), Fraction(0)), sum(entry.amount for entry in its)
        yield Line(place, code, unit, quantity, amount, tuple(dict.fromkeys(entry.kind for entry in its)))


def _unmapped(place: Stay, found: Sequence[Entry]) -> Iterator[Unmapped]:
    by_kind: dict[str, list[Entry]] = {}
    for entry in found:
        if entry.code is None:
            by_kind.setdefault(entry.kind, []).append(entry)
    for kind, its in by_kind.items():
        yield Unmapped(place, kind, its[0].unit, sum(entry.amount for entry in its))
