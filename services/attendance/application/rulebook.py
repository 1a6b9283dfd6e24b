"""Which rules hold at a site on a date, what a day without scans is by them, and how sure a day is by now."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Final, NamedTuple

from services.attendance.application.holders import Assignment, Holder, Layer, Site, Span
from services.attendance.application.plans import Planned, Planning, Plans
from services.attendance.domain.boundary import business_date
from services.attendance.domain.day import work_day
from services.attendance.domain.frame import Frame
from services.attendance.domain.inference import evidence_of
from services.attendance.domain.locks import month_of
from services.attendance.domain.settings import DEFAULTS, DaySettings
from services.attendance.domain.state import Closure, State, closure, state_of
from services.attendance.domain.terms import Leave, Level, terms_of
from services.attendance.domain.time_off import NO_TIME_OFF, TimeOff
from services.attendance.domain.window import date_at, frame_of

NO_ZONE_YET = "UTC"
"""The zone of a site that nobody has configured and no machine has told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reporter:
    """An active machine that reports by itself: days wait for it."""

    code: str
    name: str = ""
    site_id: int
    reported_until: datetime | None


LeaveByPerson = Mapping[int, Mapping[date, Leave]]
"""Leave by the ids of people and by date."""


class Empty(NamedTuple):
    """A day without scans."""

    status: str
    state: State
    shortfall: int
    expected: int
    """Minutes of work, as the shortfall."""


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
        self.leave: LeaveByPerson = {}
        """Of the dates and people in question; whoever asks about them reads it first."""
        self._sites = sites
        self._reporters = reporters
        self._settings: dict[tuple[int, date], tuple[DaySettings, date | None, date | None]] = {}
        self._empty: dict[tuple[int, date, Level], Empty] = {}
        self._closures: dict[tuple[int, int], Closure] = {}
        self._of_sites: dict[tuple[int, date], Closure] = {}
        self._seen: dict[tuple[int | None, date], State] = {}
        self._by_frame: dict[tuple[int, int, Level, TimeOff], Empty] = {}
        self._has_weeks: bool | None = None
        self._by_units: dict[tuple[int | date, ...], DaySettings] = {}

    @property
    def site_ids(self) -> Sequence[int]:
        return sorted(self._sites)

    def has_zone(self, site_id: int) -> bool:
        """A site without one has no days yet."""
        return self._sites[site_id].zone is not None

    def is_locked(self, site_id: int | None, day: date) -> bool:
        """Whether days of that month keep their figures."""
        locked = self._sites[site_id or self.main_site].locked
        return bool(locked) and month_of(day) in locked

    def reporters(self, site_id: int) -> Sequence[Reporter]:
        """The machines there that days wait for, by code."""
        return sorted((r for r in self._reporters if r.site_id == site_id), key=lambda r: r.code)

    def named(self, site_id: int | None, codes: Collection[str]) -> list[str]:
        """Machines there by name and code: "Front door (door)"."""
        found = [r for r in self.reporters(site_id or self.main_site) if r.code in codes]
        return [f"{r.name} ({r.code})" if r.name not in ("", r.code) else r.code for r in found]

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

    def settings_for(self, person_id: int, site_id: int | None, day: date) -> DaySettings:
        """The settings of a person's date, without what a shift overrides."""
        own = self._own_place(person_id, day)
        if own is None:
            return self._sites[site_id or self.main_site].settings_on(day)
        holder, place = own
        if holder.owned is not None and holder.owned.settings:
            return self.people.planning.settings(holder, day, place)
        key: tuple[int | date, ...] = (place.site_id, day, *place.unit_path)
        if key not in self._by_units:
            self._by_units[key] = self.people.planning.settings(holder, day, place)
        return self._by_units[key]

    @property
    def has_weeks(self) -> bool:
        """Whether any settings have a rule of weeks, wherever and whenever."""
        if self._has_weeks is None:
            of_sites = (values for site in self._sites.values() for _, values in site.settings)
            self._has_weeks = any(values.overtime_week is not None for values in of_sites) or any(
                "overtime_week_hours" in layer.values for _, layer in self._layers()
            )
        return self._has_weeks

    def edges_of(self, *settings: str) -> set[date]:
        """The dates on which any of these settings may begin to be another for somebody; names are those of the API."""
        spans = [span for site in self._sites.values() for span, _ in site.settings]
        spans += [span for span, layer in self._layers() if not layer.values.keys().isdisjoint(settings)]
        return {edge for span in spans for edge in span if edge is not None}

    def frame(self, site_id: int | None, day: date) -> Frame:
        site_id = site_id or self.main_site
        return frame_of(day, self.zone(site_id), self._sites[site_id].settings_on(day))

    def frame_for(self, person_id: int, site_id: int | None, day: date) -> Frame:
        """The frame of a person's date."""
        frame = self._own_frame(person_id, day)
        return self.frame(site_id, day) if frame is None else frame

    def time_off(self, site_id: int | None, day: date, person_id: int | None = None) -> TimeOff:
        """What a date has beside scans: the holiday of the site, and the person's leave."""
        leave = None if person_id is None else self._leave_on(person_id, day)
        holiday = self._sites[site_id or self.main_site].holidays.on(day)
        return NO_TIME_OFF if leave is None and holiday is None else TimeOff(leave, holiday)

    def settings_since(self, person_id: int, site_id: int | None, day: date) -> date | None:
        """Since when the settings of a person's date hold; None is always."""
        own = self._own_place(person_id, day)
        if own is None:
            return self.settings(site_id or self.main_site, day)[1]
        return self.people.planning.settings_since(own[0], day, own[1])

    def planned(self, person_id: int, day: date) -> tuple[Planned, date | None] | None:
        """What shift somebody's date has, who says so, and since when; None where nobody says anything."""
        own = self._own_place(person_id, day)
        return None if own is None else self.people.planning.planned_since(own[0], day, own[1])

    def today(self, site_id: int | None = None) -> date:
        """The business date of this moment, at the main site unless another is named."""
        site_id = site_id or self.main_site
        calendar_date = business_date(self.now, self.zone(site_id), DEFAULTS.day_boundary)
        settings, _, _ = self.settings(site_id, calendar_date)
        return business_date(self.now, self.zone(site_id), settings.day_boundary)

    def today_of(self, person_id: int, today: date) -> date:
        """The business date of this moment for a person of whose site it is `today`: a night goes on after midnight."""
        own = self._own_place(person_id, today)
        if own is None:
            return today
        return date_at(self.now, self.zone(own[1].site_id), self.people.planning.slot_on(*own))

    def closure(self, site_id: int | None, day: date, person_id: int | None = None) -> Closure:
        """Whether the day's window is closed there, or a person's, and which machines it waits for."""
        site_id = site_id or self.main_site
        frame = None if person_id is None else self._own_frame(person_id, day)
        if frame is not None:
            return self._closure(site_id, self._over_at(site_id, day, frame, person_id))
        if (site_id, day) not in self._of_sites:
            end = self._over_at(site_id, day, self.frame(site_id, day), None)
            self._of_sites[site_id, day] = self._closure(site_id, end)
        return self._of_sites[site_id, day]

    def own_window_end(self, person_id: int, site_id: int, day: date) -> int | None:
        """When a person's own window of the date ends, if that site is theirs then; None for who goes by the site's."""
        own = self._own_place(person_id, day)
        if own is None or own[1].site_id != site_id:
            return None
        frame = self.people.planning.frame(own[0], day, own[1], self.zone(site_id))
        return self._over_at(site_id, day, frame, person_id)

    def closure_of(self, site_id: int, end: int) -> Closure:
        """Whether a window that ends then, in seconds since 1970, is closed there."""
        return self._closure(site_id, end)

    def without_scans(self, site_id: int | None, day: date, level: Level, person_id: int | None = None) -> Empty:
        """What a day is for whoever was not seen on it; for a person by their own schedule."""
        own = None if person_id is None else self._own_place(person_id, day)
        if own is not None:
            holder, place = own
            frame = self.people.planning.frame(holder, day, place, self.zone(place.site_id))
            return self._without_scans(place.site_id, frame, level, self.time_off(place.site_id, day, person_id))
        if person_id is not None and self._leave_on(person_id, day) is not None:
            off = self.time_off(site_id, day, person_id)
            return self._without_scans(site_id or self.main_site, self.frame(site_id, day), level, off)
        key = (site_id or self.main_site, day, level)
        if key not in self._empty:
            self._empty[key] = self._without_scans(key[0], self.frame(site_id, day), level, self.time_off(site_id, day))
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

    def _without_scans(self, site_id: int, frame: Frame, level: Level, off: TimeOff) -> Empty:
        key = (site_id, frame.number, level, off)
        if key not in self._by_frame:
            computed = work_day((), frame, level=level, leave=off.leave, holiday=off.holiday)
            state = state_of(self._closure(site_id, frame.end), self.now, terms_of(frame, *off).due, seen=False)
            self._by_frame[key] = Empty(computed.status, state, computed.shortfall, computed.expected)
        return self._by_frame[key]

    def _closure(self, site_id: int, end: int) -> Closure:
        key = (site_id, end)
        if key not in self._closures:
            machines = {r.code: r.reported_until for r in self._reporters if r.site_id == site_id}
            self._closures[key] = closure(datetime.fromtimestamp(end, UTC), self.now, machines)
        return self._closures[key]

    def _leave_on(self, person_id: int, day: date) -> Leave | None:
        if not self.leave:
            return None
        its = self.leave.get(person_id)
        return None if its is None else its.get(day)

    def _over_at(self, site_id: int, day: date, frame: Frame, person_id: int | None) -> int:
        """When nothing more can come that has a say in the day, in seconds since 1970."""
        if not self._infers(site_id, day, person_id):
            return frame.end
        return max(frame.end, evidence_of(day, self.zone(site_id))[1])

    def _infers(self, site_id: int, day: date, person_id: int | None) -> bool:
        own = None if person_id is None else self._own_place(person_id, day)
        planning = self.people.planning
        if own is None:
            return bool(planning.choices_by(self._sites[site_id].settings_on(day), day))
        return bool(planning.choices(own[0], day, own[1]))

    def _layers(self) -> Iterator[tuple[Span, Layer]]:
        """All settings of units and of people, whosever."""
        yield from self.people.planning.layers_of_units()
        for holder in self.people.holders.values():
            if holder.owned is not None:
                yield from holder.owned.settings

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
