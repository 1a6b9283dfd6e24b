"""Which rules hold at a site on a date, what a day without scans is by them, and how sure a day is by now."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Final, NamedTuple

from services.attendance.application.holders import Assignment, Holder, Site
from services.attendance.application.plans import Planning, Plans
from services.attendance.domain.boundary import business_date
from services.attendance.domain.day import work_day
from services.attendance.domain.frame import Frame
from services.attendance.domain.settings import DEFAULTS, DaySettings
from services.attendance.domain.state import Closure, State, closure, state_of
from services.attendance.domain.terms import Level, terms_of
from services.attendance.domain.window import frame_of

NO_ZONE_YET = "UTC"
"""The zone of a site that nobody has configured and no machine has told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reporter:
    """An active machine that reports by itself: days wait for it."""

    code: str
    site_id: int
    reported_until: datetime | None


class Empty(NamedTuple):
    """A day without scans."""

    status: str
    state: State
    shortfall: int


class People(NamedTuple):
    """Who has days of their own, and what these come from."""

    planning: Planning
    holders: Mapping[int, Holder]
    """By their ids. For anybody else one answer serves all of a site."""


NOBODY: Final = People(Planning(Plans(), {}), {})


class Rulebook:
    """The rules of all sites as they are at one instant. Made for one request; it remembers what it worked out."""

    def __init__(
        self, sites: Mapping[int, Site], reporters: Sequence[Reporter], now: datetime, people: People = NOBODY
    ) -> None:
        """`sites` is not empty."""
        self.now = now
        self.people = people
        self.main_site = min(sites)
        self._sites = sites
        self._reporters = reporters
        self._settings: dict[tuple[int, date], tuple[DaySettings, date | None, date | None]] = {}
        self._empty: dict[tuple[int, date, Level], Empty] = {}
        self._closures: dict[tuple[int, int], Closure] = {}
        self._seen: dict[tuple[int | None, date], State] = {}
        self._by_frame: dict[tuple[int, int, Level], Empty] = {}

    @property
    def site_ids(self) -> Sequence[int]:
        return sorted(self._sites)

    def zone(self, site_id: int) -> str:
        return self._sites[site_id].zone or NO_ZONE_YET

    def settings(self, site_id: int, day: date) -> tuple[DaySettings, date | None, date | None]:
        """The settings of a date, since when they hold, and until when (exclusive); None is always."""
        key = (site_id, day)
        found = self._settings.get(key)
        if found is None:
            found = self._settings[key] = self._settings_on(site_id, day)
        return found

    def _settings_on(self, site_id: int, day: date) -> tuple[DaySettings, date | None, date | None]:
        spans = self._sites[site_id].settings
        for span, values in spans:
            if span.covers(day):
                return values, span.since, span.until
        since = max((span.until for span, _ in spans if span.until and span.until <= day), default=None)
        until = min((span.since for span, _ in spans if span.since and span.since > day), default=None)
        return DEFAULTS, since, until

    def frame(self, site_id: int | None, day: date) -> Frame:
        site_id = site_id or self.main_site
        return frame_of(day, self.zone(site_id), self._sites[site_id].settings_on(day))

    def frame_for(self, person_id: int, site_id: int | None, day: date) -> Frame:
        """The frame of a person's date."""
        frame = self._own_frame(person_id, day)
        return self.frame(site_id, day) if frame is None else frame

    def settings_since(self, person_id: int, site_id: int | None, day: date) -> date | None:
        """Since when the settings of a person's date hold; None is always."""
        own = self._own_place(person_id, day)
        if own is None:
            return self.settings(site_id or self.main_site, day)[1]
        return self.people.planning.settings_since(own[0], day, own[1])

    def today(self, site_id: int | None = None) -> date:
        """The business date of this moment, at the main site unless another is named."""
        site_id = site_id or self.main_site
        calendar_date = business_date(self.now, self.zone(site_id), DEFAULTS.day_boundary)
        settings, _, _ = self.settings(site_id, calendar_date)
        return business_date(self.now, self.zone(site_id), settings.day_boundary)

    def closure(self, site_id: int | None, day: date, person_id: int | None = None) -> Closure:
        """Whether the day's window is closed there, or a person's, and which machines it waits for."""
        site_id = site_id or self.main_site
        frame = None if person_id is None else self._own_frame(person_id, day)
        return self._closure(site_id, (self.frame(site_id, day) if frame is None else frame).end)

    def without_scans(self, site_id: int | None, day: date, level: Level, person_id: int | None = None) -> Empty:
        """What a day is for whoever was not seen on it; for a person by their own schedule."""
        frame = None if person_id is None else self._own_frame(person_id, day)
        if frame is not None:
            return self._without_scans(site_id or self.main_site, frame, level)
        key = (site_id or self.main_site, day, level)
        if key not in self._empty:
            self._empty[key] = self._without_scans(key[0], self.frame(site_id, day), level)
        return self._empty[key]

    def state(self, site_id: int | None, day: date, *, seen: bool, person_id: int | None = None) -> State:
        """How sure a day is; `seen` says that a scan counts."""
        if not seen:
            return self.without_scans(site_id, day, Level.WORKER, person_id).state
        if person_id in self.people.holders:
            return state_of(self.closure(site_id, day, person_id), self.now, None, seen=True)
        if (site_id, day) not in self._seen:
            self._seen[site_id, day] = state_of(self.closure(site_id, day), self.now, None, seen=True)
        return self._seen[site_id, day]

    def _without_scans(self, site_id: int, frame: Frame, level: Level) -> Empty:
        key = (site_id, frame.number, level)
        if key not in self._by_frame:
            computed = work_day((), frame, level=level)
            state = state_of(self._closure(site_id, frame.end), self.now, terms_of(frame).due, seen=False)
            self._by_frame[key] = Empty(computed.status, state, computed.shortfall)
        return self._by_frame[key]

    def _closure(self, site_id: int, end: int) -> Closure:
        key = (site_id, end)
        if key not in self._closures:
            machines = {r.code: r.reported_until for r in self._reporters if r.site_id == site_id}
            self._closures[key] = closure(datetime.fromtimestamp(end, UTC), self.now, machines)
        return self._closures[key]

    def _own_frame(self, person_id: int, day: date) -> Frame | None:
        own = self._own_place(person_id, day)
        if own is None:
            return None
        holder, place = own
        return self.people.planning.frame(holder, day, place, self.zone(place.site_id))

    def _own_place(self, person_id: int, day: date) -> tuple[Holder, Assignment] | None:
        """Who has days of their own, and where they were; None for anybody else, and for who was nowhere."""
        holder = self.people.holders.get(person_id)
        place = None if holder is None else holder.assignment_on(day)
        return None if holder is None or place is None else (holder, place)


def level_of(level_of_work: str) -> Level:
    """Who is not a worker is staff: overtime is the workers' alone. As `Assignment.level` has it."""
    return Level.WORKER if level_of_work.strip().lower() == "worker" else Level.STAFF
