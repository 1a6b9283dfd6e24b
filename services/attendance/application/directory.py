"""Who holds a badge, where they belong, and by which settings their days are computed: what workers keep at hand.

It is read once and kept until `rules.n` says that something changed (see `storage.rules`). Every scan asks it, so
what it is asked often it remembers.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from services.attendance.application.holders import Assignment, Holder, PersonDay, Site, SiteWithoutZone, Span
from services.attendance.application.plans import Planning, Plans
from services.attendance.domain.boundary import EARLIEST, LATEST, working_days
from services.attendance.domain.frame import Frame
from services.attendance.domain.locks import month_of
from services.attendance.domain.settings import DEFAULTS, DaySettings
from services.attendance.domain.terms import Leave
from services.attendance.domain.time_off import NO_TIME_OFF, TimeOff
from services.attendance.domain.window import date_at, frame_of

_ONE_DAY = timedelta(days=1)

__all__ = ["Assignment", "Directory", "Holder", "PersonDay", "Site", "SiteWithoutZone", "Span"]


@dataclass(slots=True)
class Directory:
    """People by badge and by id, and all sites, as they were at `n`.

    It only ever grows; at another `n` there is another directory.
    """

    n: int = -1
    sites: dict[int, Site] = field(default_factory=dict)
    people: dict[int, Holder] = field(default_factory=dict)
    by_badge: dict[str, tuple[Holder, ...]] = field(default_factory=dict)
    plans: Plans = field(default_factory=Plans)
    leave: bool = False
    """Any request charges any date: else nobody need ask for leave."""
    _frames: dict[tuple[int, date], Frame] = field(default_factory=dict)
    planning: Planning = field(init=False)
    _holidays: bool = field(init=False)
    """Any site has any."""
    _planned: set[int] = field(default_factory=set)
    """Whose days are their own; all others take the shortest way."""
    inferring: set[int] = field(default_factory=set)
    """For whom scans may decide which shift it was (see `inferring`)."""

    def __post_init__(self) -> None:
        self.planning = Planning(self.plans, self.sites)
        self._holidays = any(site.holidays for site in self.sites.values())

    def without(self, badges: Iterable[str]) -> list[str]:
        """The badges that were not looked up yet."""
        return [badge for badge in badges if badge not in self.by_badge]

    def add(self, people: Iterable[Holder], looked_up: Iterable[str] = ()) -> None:
        """Take in what was read: `looked_up` badges that nobody holds are remembered as such."""
        found: dict[str, dict[int, Holder]] = {badge: {} for badge in looked_up}
        for person in people:
            self.people[person.person_id] = person
            if not self.planning.nobody and self.planning.concerns(person):
                self._planned.add(person.person_id)
            if self.planning.may_infer(person):
                self.inferring.add(person.person_id)
            for claim, _ in person.badges:
                if claim.badge in found:
                    found[claim.badge][person.person_id] = person
        for badge, holders in found.items():
            self.by_badge[badge] = tuple(holders.values())

    def key_of(self, badge: str, machine_id: int, at: int) -> PersonDay | None:
        """The person-day that a scan (seconds since 1970) belongs to; None where nobody held the badge there and then.

        Raises:
            SiteWithoutZone: the holder's site has none yet.
        """
        for holder in self.by_badge[badge]:
            own = holder.person_id in self._planned
            for assignment in holder.assignments:
                day = self._own_date(holder, assignment, at) if own else self.date_at(assignment.site_id, at)
                if assignment.span.covers(day):
                    for claim, span in holder.badges:
                        if span.covers(day) and claim.takes(badge, machine_id):
                            return PersonDay(day, holder.person_id)
        return None

    def near(self, badge: str, machine_id: int, at: int) -> list[PersonDay]:
        """Of those for whom scans decide: person-days next to a scan of their badge, one for each of their places.

        Which date the scan belongs to is known once the scans around it were read.

        Raises:
            SiteWithoutZone: the holder's site has none yet.
        """
        moment = datetime.fromtimestamp(min(max(at, EARLIEST), LATEST), UTC)
        found = []
        for holder in self.by_badge[badge]:
            if holder.person_id not in self.inferring:
                continue
            held = [span for claim, span in holder.badges if claim.takes(badge, machine_id)]
            for assignment in holder.assignments:
                day = moment.astimezone(ZoneInfo(self.zone(assignment.site_id))).date()
                # A night's departure may come on the morning after the last date of badge and place.
                for on in (day, day - _ONE_DAY, day + _ONE_DAY):
                    if assignment.span.covers(on) and any(span.covers(on) for span in held):
                        found.append(PersonDay(on, holder.person_id))
                        break
        return found

    def badges_in_turn(self, key: PersonDay) -> list[str]:
        """The badges whose turns keep others from computing the day meanwhile."""
        holder = self.people[key.person_id]
        # Where scans decide, a day follows from those of the dates around, whichever badge they are of.
        claims = (
            [claim for claim, _ in holder.badges] if key.person_id in self.inferring else holder.claims_on(key.date)
        )
        return [claim.badge for claim in claims]

    def day_of(self, person_id: int, at: int) -> PersonDay | None:
        """The day of a person that an instant (seconds since 1970) belongs to; None where they belonged nowhere.

        Raises:
            SiteWithoutZone: the person's site has none yet.
        """
        holder = self.people.get(person_id)
        if holder is None:
            return None
        own = person_id in self._planned
        for assignment in holder.assignments:
            day = self._own_date(holder, assignment, at) if own else self.date_at(assignment.site_id, at)
            if assignment.span.covers(day):
                return PersonDay(day, person_id)
        return None

    def is_locked(self, site_id: int, day: date) -> bool:
        """Whether the day keeps its figures, whatever comes to be known."""
        locked = self.sites[site_id].locked
        return bool(locked) and month_of(day) in locked

    def placed(self, key: PersonDay) -> tuple[Frame, Assignment] | None:
        """The frame of a person-day, and the assignment; None where the person belonged nowhere on that date."""
        holder = self.people[key.person_id]
        assignment = holder.assignment_on(key.date)
        if assignment is None:
            return None
        if key.person_id in self._planned:
            zone = self.zone(assignment.site_id)
            return self.planning.frame(holder, key.date, assignment, zone), assignment
        site_day = (assignment.site_id, key.date)
        frame = self._frames.get(site_day)
        if frame is None:
            frame = self._frames[site_day] = self._frame(*site_day)
        return frame, assignment

    def time_off(
        self, placed: Mapping[PersonDay, tuple[Frame, Assignment]], leave: Mapping[PersonDay, Leave]
    ) -> dict[PersonDay, TimeOff]:
        """What those of these days have beside their scans that have anything; `leave` has that of all of them."""
        if not (leave or self._holidays):
            return {}
        found = {key: TimeOff(leave.get(key), self._holiday(key.date, place)) for key, (_, place) in placed.items()}
        return {key: off for key, off in found.items() if off != NO_TIME_OFF}

    def settings_of(self, person_id: int, day: date, assignment: Assignment) -> DaySettings:
        """The settings of a person's date, without what a shift overrides."""
        return self.planning.settings(self.people[person_id], day, assignment)

    def date_at(self, site_id: int, at: int) -> date:
        """The business date of an instant at a site.

        Raises:
            SiteWithoutZone: it has none yet.
        """
        zone, site = self.zone(site_id), self.sites[site_id]
        day = working_days(zone, DEFAULTS.day_boundary).date_of(at)
        if site.settings:
            return working_days(zone, site.settings_on(day).day_boundary).date_of(at)
        return day

    def _own_date(self, holder: Holder, assignment: Assignment, at: int) -> date:
        moment = datetime.fromtimestamp(min(max(at, EARLIEST), LATEST), UTC)
        return date_at(moment, self.zone(assignment.site_id), self.planning.slot_on(holder, assignment))

    def _holiday(self, day: date, place: Assignment) -> str | None:
        return self.sites[place.site_id].holidays.on(day)

    def _frame(self, site_id: int, day: date) -> Frame:
        return frame_of(day, self.zone(site_id), self.sites[site_id].settings_on(day))

    def zone(self, site_id: int) -> str:
        """The zone of a site. Raises as `date_at` does."""
        zone = self.sites[site_id].zone
        if zone is None:
            raise SiteWithoutZone(site_id)
        return zone
