"""People and sites as far as days need to know them, over time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import NamedTuple, TypeVar

from services.attendance.domain.settings import DEFAULTS, DaySettings
from services.attendance.domain.terms import Level
from services.attendance.domain.time_off import NO_HOLIDAYS, Holidays

T = TypeVar("T")


class Span(NamedTuple):
    """Dates from `since` on and before `until`; None is without an end."""

    since: date | None = None
    until: date | None = None

    def covers(self, day: date) -> bool:
        return (self.since is None or self.since <= day) and (self.until is None or day < self.until)


Timeline = Sequence[tuple[Span, T]]
"""What holds when: spans that do not overlap, in order. Between them nothing holds."""


def on_date(timeline: Timeline[T], day: date) -> T | None:
    """What holds on a date."""
    for span, value in timeline:
        if span.covers(day):
            return value
    return None


def since_when(timeline: Timeline[object], day: date) -> date | None:
    """Since when that holds which holds on a date, be it nothing; None is always."""
    for span, _ in timeline:
        if span.covers(day):
            return span.since
    return max((span.until for span, _ in timeline if span.until and span.until <= day), default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignment:
    """Where a person belongs, and as what, for a time."""

    span: Span
    site_id: int
    department: str | None
    unit_path: list[int]
    """The unit and those above it, nearest first."""
    designation: str | None
    level_of_work: str

    @property
    def level(self) -> Level:
        return Level.WORKER if self.level_of_work.strip().lower() == "worker" else Level.STAFF


class Claim(NamedTuple):
    """Which scans a badge makes somebody's: those with its number, of all machines or of some."""

    badge: str
    machine_id: int | None = None
    """Of this machine alone; None: of all of them."""
    but_of: tuple[int, ...] = ()
    """But for these, on which the number is bound to somebody."""

    def takes(self, badge: str, machine_id: int) -> bool:
        """Whether a scan is one of these."""
        if self.badge != badge:
            return False
        return machine_id not in self.but_of if self.machine_id is None else machine_id == self.machine_id


class Layer(NamedTuple):
    """Settings to lay over those above."""

    row: int
    """Of the table: another row has another number, for ever."""
    values: Mapping[str, object]
    """By their names in the API."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Owned:
    """What was said of the days of a person, of a unit or of a site by itself."""

    schedules: Timeline[int] = ()
    """Ids of schedules."""
    settings: Timeline[Layer] = ()
    """A site's are in `Site`."""
    of_groups: Timeline[int] = ()
    """Of a person: the schedules of the groups that they are in, while they are in them."""
    roster: Mapping[date, int | None] = field(default_factory=dict)
    """A person's single dates: ids of shifts, None is off."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """A person as far as days need to know them."""

    person_id: int
    code: str
    name: str
    assignments: Sequence[Assignment]
    badges: Sequence[tuple[Claim, Span]]
    owned: Owned | None = None
    """None where nothing was said of this person alone."""

    def assignment_on(self, day: date) -> Assignment | None:
        for assignment in self.assignments:
            if assignment.span.covers(day):
                return assignment
        return None

    def claims_on(self, day: date) -> list[Claim]:
        return [claim for claim, span in self.badges if span.covers(day)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """A site's zone, its settings over time, and its holidays."""

    site_id: int
    zone: str | None
    settings: Timeline[DaySettings] = ()
    locked: frozenset[date] = frozenset()
    """The firsts of the months whose days keep their figures."""
    holidays: Holidays = NO_HOLIDAYS

    def settings_on(self, day: date) -> DaySettings:
        return on_date(self.settings, day) or DEFAULTS

    @property
    def boundary_moves(self) -> bool:
        """Days begin at another time from some date on: then every window depends on the dates around it."""
        boundaries = {settings.day_boundary for _, settings in self.settings}
        whole = len(self.settings) == 1 and self.settings[0][0] == Span()
        return len(boundaries if whole else boundaries | {DEFAULTS.day_boundary}) > 1


class PersonDay(NamedTuple):
    """The key of a day."""

    date: date
    person_id: int


class SiteWithoutZone(Exception):
    """A day cannot be placed before its site has a zone."""

    def __init__(self, site_id: int) -> None:
        super().__init__(f"site {site_id} has no zone yet")
        self.site_id = site_id
