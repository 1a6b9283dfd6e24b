"""Which rules hold at a site on a date, what a day without scans is by them, and how sure a day is by now."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple

from services.attendance.application.directory import Site
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


class Rulebook:
    """The rules of all sites as they are at one instant. Made for one request; it remembers what it worked out."""

    def __init__(self, sites: Mapping[int, Site], reporters: Sequence[Reporter], now: datetime) -> None:
        """`sites` is not empty."""
        self.now = now
        self.main_site = min(sites)
        self._sites = sites
        self._reporters = reporters
        self._empty: dict[tuple[int, date, Level], Empty] = {}
        self._closures: dict[tuple[int, date], Closure] = {}
        self._seen: dict[tuple[int | None, date], State] = {}

    @property
    def site_ids(self) -> Sequence[int]:
        return sorted(self._sites)

    def zone(self, site_id: int) -> str:
        return self._sites[site_id].zone or NO_ZONE_YET

    def settings(self, site_id: int, day: date) -> tuple[DaySettings, date | None, date | None]:
        """The settings of a date, since when they hold, and until when (exclusive); None is always."""
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

    def today(self, site_id: int | None = None) -> date:
        """The business date of this moment, at the main site unless another is named."""
        site_id = site_id or self.main_site
        calendar_date = business_date(self.now, self.zone(site_id), DEFAULTS.day_boundary)
        settings, _, _ = self.settings(site_id, calendar_date)
        return business_date(self.now, self.zone(site_id), settings.day_boundary)

    def closure(self, site_id: int | None, day: date) -> Closure:
        """Whether the day's window is closed there, and which machines it waits for."""
        key = (site_id or self.main_site, day)
        if key not in self._closures:
            machines = {r.code: r.reported_until for r in self._reporters if r.site_id == key[0]}
            self._closures[key] = closure(self.frame(*key).ends_at, self.now, machines)
        return self._closures[key]

    def without_scans(self, site_id: int | None, day: date, level: Level) -> Empty:
        """What a day is for whoever was not seen on it."""
        key = (site_id or self.main_site, day, level)
        if key not in self._empty:
            frame = self.frame(site_id, day)
            computed = work_day((), frame, level=level)
            state = state_of(self.closure(site_id, day), self.now, terms_of(frame).due, seen=False)
            self._empty[key] = Empty(computed.status, state, computed.shortfall)
        return self._empty[key]

    def state(self, site_id: int | None, day: date, *, seen: bool) -> State:
        """How sure a day is; `seen` says that a scan counts."""
        if not seen:
            return self.without_scans(site_id, day, Level.WORKER).state
        if (site_id, day) not in self._seen:
            self._seen[site_id, day] = state_of(self.closure(site_id, day), self.now, None, seen=True)
        return self._seen[site_id, day]


def level_of(level_of_work: str) -> Level:
    """Who is not a worker is staff: overtime is the workers' alone. As `Assignment.level` has it."""
    return Level.WORKER if level_of_work.strip().lower() == "worker" else Level.STAFF
