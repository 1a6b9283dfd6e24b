"""What is read of days: who is asked for, what is found, and the port that finds it."""

from collections.abc import Mapping, Sequence, Set
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple, Protocol

from services.attendance.application.listing import Page
from services.attendance.application.rulebook import LeaveByPerson, Rulebook
from services.attendance.domain.state import State
from services.attendance.domain.week import Hours
from shared.web.lists import Window
from shared.web.scope import Scope


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which people and days are asked for, as a caller says it."""

    employee: str | None = None
    """The person's id, or the company's code."""
    department: str | None = None
    """A unit's id, or its name; those below it belong to it."""
    level_of_work: str | None = None
    status: str | None = None
    since: date | None = None
    until: date | None = None
    """Inclusive."""
    search: str | None = None
    group: str | None = None
    """A group's id, or its name: who were in it on the date."""
    site: str | None = None
    """A site's id, or its name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """The same with the ids looked up."""

    person_id: int | None = None
    unit_id: int | None = None
    level_of_work: str | None = None
    status: str | None = None
    since: date | None = None
    until: date | None = None
    search: str | None = None
    group_id: int | None = None
    site_id: int | None = None


class DayFacts(NamedTuple):
    """A day with the person as they were on it. Without a row, `status` is None and the figures are 0."""

    person_id: int
    code: str
    name: str
    department: str | None
    designation: str | None
    level_of_work: str
    site_id: int | None
    date: date
    status: str | None
    check_in: str | None
    check_out: str | None
    worked: int
    overtime: int
    extra_overtime: int
    used: int
    marks: str


class DayDetails(NamedTuple):
    """The rest of what is kept of a day."""

    first_in: datetime | None
    last_out: datetime | None
    late: int
    early_departure: int
    shortfall: int | None
    snacks: bool
    night_bill: bool
    flags: str
    merged: int
    check_ins: int
    check_outs: int
    zone: str | None
    n: int | None
    created_at: datetime | None
    updated_at: datetime | None
    raw_worked: int
    expected: int | None
    overtime_unapproved: bool
    shift: str | None
    """As it was called when the day was computed."""
    shift_confidence: int | None
    """In hundredths, where the shift was inferred."""
    edited_by: int | None = None
    """Who decided on the last correction in force, as the next two; None where there is none."""
    edited_by_name: str | None = None
    edited_at: datetime | None = None
    notes: str = ""


class Standing(NamedTuple):
    """What else may become of a day."""

    waits_for: Sequence[str]
    """The machines, once the day's window is over and as long as that matters."""
    final_at_latest: datetime | None
    """None of a final day."""
    locked: bool
    """It keeps its figures."""
    adjusted: bool
    """There is an adjustment of it, in another month."""


class DayView(NamedTuple):
    """A day as callers see it."""

    facts: DayFacts
    status: str
    state: State
    standing: Standing


class Record(NamedTuple):
    """A day with all that is kept of it."""

    facts: DayFacts
    details: DayDetails
    status: str
    state: State
    zone: str
    shortfall: int
    expected: int
    """Minutes of work."""
    shift: str | None
    """How sentences call the shift of the date."""
    shift_confidence: float | None
    """How sure it is from 0 to 1, where scans decided it."""
    standing: Standing
    week_overtime: int = 0
    """Minutes that are overtime by the week alone."""


class EmptyDays(NamedTuple):
    """The statuses of days without a row."""

    sites: Sequence[tuple[int, date, str]]
    """Of every site and date; not empty."""
    people: Sequence[tuple[int, date, str]]
    """Of people who have days of their own; only where the list is chosen or ordered by it."""


class Stay(NamedTuple):
    """Where a person was, and as what, for some dates; within what the caller may see."""

    person_id: int
    code: str
    name: str
    joined_on: date | None
    left_on: date | None
    department: str | None
    designation: str | None
    level_of_work: str
    site_id: int | None
    since: date | None
    until: date | None
    """Exclusive."""

    def covers(self, day: date) -> bool:
        """Whether the person was there, and employed, on that date."""
        return (
            (self.since is None or self.since <= day)
            and (self.until is None or day < self.until)
            and (self.joined_on is None or self.joined_on <= day)
            and (self.left_on is None or day <= self.left_on)
        )


class MonthFacts(NamedTuple):
    """A stored day of a timesheet."""

    person_id: int
    date: date
    status: str
    check_in: str | None
    check_out: str | None
    worked: int
    overtime: int
    extra_overtime: int
    used: int


class MonthDay(NamedTuple):
    """A day of a timesheet. Its status is empty where the person was not employed, or not the caller's to see."""

    date: date
    status: str
    state: State | None
    check_in: str | None
    check_out: str | None
    worked: int
    overtime: int
    extra_overtime: int
    week_overtime: int = 0
    locked: bool = False
    """As in `Standing`, like the next."""
    adjusted: bool = False


class PersonMonth(NamedTuple):
    """A row of a timesheet. The person is as they were at the month's end."""

    stay: Stay
    days: list[MonthDay]


class Count(NamedTuple):
    """How many people of a department and site have a status. None: no row."""

    department: str | None
    site_id: int | None
    status: str | None
    seen: bool
    people: int
    person_id: int | None
    """Of somebody who is counted apart."""


@dataclass(slots=True, kw_only=True)
class Figures:
    """Of a department, or of all. There are weekends and the expected, so it need not add up to the total."""

    total: int = 0
    present: int = 0
    absent: int = 0
    leave: int = 0
    expected: int = 0


class DayReading(Protocol):
    """One transaction that reads."""

    async def rulebook(self, now: datetime) -> Rulebook:
        """The rules of all sites."""

    async def leave(self, first: date, last: date, people: Sequence[int] | None) -> LeaveByPerson:
        """The leave of these people, of everybody where it is None, on the dates from `first` to `last`."""

    async def person(self, text: str, scope: Scope) -> int | None:
        """The id of the person with this id, or else this code; None where the caller sees none."""

    async def unit(self, text: str) -> int | None:
        """The id of the unit with this id, or else this name."""

    async def group(self, text: str, scope: Scope) -> int | None:
        """The id of the group with this id, or else this name; None where the caller sees none."""

    async def site(self, text: str) -> int | None:
        """The id of the site with this id, or else this name."""

    async def on(self, day: date, wanted: Filter, scope: Scope) -> Sequence[DayFacts]:
        """Everybody active on a date, by code."""

    async def month(
        self, first: date, last: date, wanted: Filter, scope: Scope
    ) -> tuple[Sequence[Stay], Sequence[MonthFacts]]:
        """Who was active in these dates, by code and date, and their stored days."""

    async def days(
        self, wanted: Filter, scope: Scope, asked: Window, empty: EmptyDays | None
    ) -> Page[tuple[DayFacts, DayDetails]]:
        """Days with a row; with `empty` also those without, of its dates."""

    async def day(self, person_id: int, on: date, scope: Scope) -> tuple[DayFacts, DayDetails] | None:
        """One person's day; None where the person was not active, or is not the caller's to see."""

    async def adjusted(self, first: date, last: date) -> Set[tuple[int, date]]:
        """The people and dates, whoever may see them, that have an adjustment."""

    async def hours(self, people: Sequence[int], first: date, last: date) -> Mapping[int, Sequence[Hours]]:
        """As `weeks.WeekReading` says."""

    async def counts(self, day: date, wanted: Filter, scope: Scope, apart: Sequence[int]) -> Sequence[Count]:
        """Everybody active on a date, counted; whoever is to be kept apart, each by themselves."""


class Reads(Protocol):
    """Opens transactions that read days."""

    def reading(self) -> AbstractAsyncContextManager[DayReading]:
        """One consistent look."""
