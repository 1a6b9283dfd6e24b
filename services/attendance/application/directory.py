"""Who holds a badge, where they belong, and by which settings their days are computed: what workers keep at hand.

It is read once and kept until `rules.n` says that something changed (see `storage.rules`). Every scan asks it, so
what it is asked often it remembers.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import NamedTuple

from services.attendance.domain.boundary import working_days
from services.attendance.domain.frame import Frame
from services.attendance.domain.settings import DEFAULTS, DaySettings
from services.attendance.domain.terms import Level
from services.attendance.domain.window import frame_of


class Span(NamedTuple):
    """Dates from `since` on and before `until`; None is without an end."""

    since: date | None = None
    until: date | None = None

    def covers(self, day: date) -> bool:
        return (self.since is None or self.since <= day) and (self.until is None or day < self.until)


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """A person as far as days need to know them."""

    person_id: int
    code: str
    name: str
    assignments: Sequence[Assignment]
    badges: Sequence[tuple[str, Span]]

    def assignment_on(self, day: date) -> Assignment | None:
        for assignment in self.assignments:
            if assignment.span.covers(day):
                return assignment
        return None

    def badges_on(self, day: date) -> list[str]:
        return [badge for badge, span in self.badges if span.covers(day)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """A site's zone and its settings over time."""

    site_id: int
    zone: str | None
    settings: Sequence[tuple[Span, DaySettings]] = ()

    def settings_on(self, day: date) -> DaySettings:
        return next((values for span, values in self.settings if span.covers(day)), DEFAULTS)


class PersonDay(NamedTuple):
    """The key of a day."""

    date: date
    person_id: int


class SiteWithoutZone(Exception):
    """A day cannot be placed before its site has a zone."""

    def __init__(self, site_id: int) -> None:
        super().__init__(f"site {site_id} has no zone yet")
        self.site_id = site_id


@dataclass(slots=True)
class Directory:
    """People by badge and by id, and all sites, as they were at `n`.

    It only ever grows; at another `n` there is another directory.
    """

    n: int = -1
    sites: dict[int, Site] = field(default_factory=dict)
    people: dict[int, Holder] = field(default_factory=dict)
    by_badge: dict[str, tuple[Holder, ...]] = field(default_factory=dict)
    _frames: dict[tuple[int, date], Frame] = field(default_factory=dict)

    def without(self, badges: Iterable[str]) -> list[str]:
        """The badges that were not looked up yet."""
        return [badge for badge in badges if badge not in self.by_badge]

    def add(self, people: Iterable[Holder], looked_up: Iterable[str] = ()) -> None:
        """Take in what was read: `looked_up` badges that nobody holds are remembered as such."""
        found: dict[str, dict[int, Holder]] = {badge: {} for badge in looked_up}
        for person in people:
            self.people[person.person_id] = person
            for badge, _ in person.badges:
                if badge in found:
                    found[badge][person.person_id] = person
        for badge, holders in found.items():
            self.by_badge[badge] = tuple(holders.values())

    def key_of(self, badge: str, at: int) -> PersonDay | None:
        """The person-day that a scan (seconds since 1970) belongs to; None where nobody held the badge then.

        Raises:
            SiteWithoutZone: the holder's site has none yet.
        """
        for holder in self.by_badge[badge]:
            for assignment in holder.assignments:
                day = self.date_at(assignment.site_id, at)
                if assignment.span.covers(day):
                    for held, span in holder.badges:
                        if held == badge and span.covers(day):
                            return PersonDay(day, holder.person_id)
        return None

    def placed(self, key: PersonDay) -> tuple[Frame, Assignment] | None:
        """The frame of a person-day, and the assignment; None where the person belonged nowhere on that date."""
        assignment = self.people[key.person_id].assignment_on(key.date)
        if assignment is None:
            return None
        site_day = (assignment.site_id, key.date)
        frame = self._frames.get(site_day)
        if frame is None:
            frame = self._frames[site_day] = self._frame(*site_day)
        return frame, assignment

    def date_at(self, site_id: int, at: int) -> date:
        """The business date of an instant at a site.

        Raises:
            SiteWithoutZone: it has none yet.
        """
        site = self.sites[site_id]
        if site.zone is None:
            raise SiteWithoutZone(site_id)
        day = working_days(site.zone, DEFAULTS.day_boundary).date_of(at)
        if site.settings:
            return working_days(site.zone, site.settings_on(day).day_boundary).date_of(at)
        return day

    def _frame(self, site_id: int, day: date) -> Frame:
        site = self.sites[site_id]
        if site.zone is None:
            raise SiteWithoutZone(site_id)
        return frame_of(day, site.zone, site.settings_on(day))
