"""Who works which shift by which settings on which date: shifts, schedules, and all that was said of anybody.

Nearest wins: a single date of the roster, then the schedule of the person, of a group of theirs, of the nearest unit,
and so on up to the site. Settings lie over each other: those of the site, of the units from the top down, of the
person.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Final, NamedTuple

from services.attendance.application.holders import (
    Assignment,
    Holder,
    Layer,
    Owned,
    Site,
    Span,
    Timeline,
    on_date,
    since_when,
)
from services.attendance.domain.frame import Frame
from services.attendance.domain.schedule import Schedule
from services.attendance.domain.settings import DaySettings, settings_from
from services.attendance.domain.shift import Shift
from services.attendance.domain.window import Slot, frame_of
from shared.kernel.errors import Invalid

_ONE_DAY: Final = timedelta(days=1)
_MOST_SLOTS: Final = 400_000

Slots = tuple[Slot, Slot, Slot]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plans:
    """Shifts and schedules by their ids, and what was said of units and sites."""

    shifts: Mapping[int, Timeline[Shift]] = field(default_factory=dict)
    schedules: Mapping[int, Timeline[Schedule]] = field(default_factory=dict)
    units: Mapping[int, Owned] = field(default_factory=dict)
    sites: Mapping[int, Owned] = field(default_factory=dict)
    of_people: bool = False
    """Something was said of single people."""

    @property
    def empty(self) -> bool:
        return not (self.units or self.sites or self.of_people)


class Planned(NamedTuple):
    """The shift of a date, and who says so."""

    shift_id: int | None
    """None is off."""
    schedule_id: int | None
    """None is a single date of the roster."""
    by: str
    """roster, person, group, unit or site."""


class Planning:
    """Finds the slots of people, and remembers them: `plans` and `sites` never change."""

    def __init__(self, plans: Plans, sites: Mapping[int, Site]) -> None:
        self._plans = plans
        self._sites = sites
        self._moving = {site.site_id for site in sites.values() if site.boundary_moves}
        self.nobody = plans.empty and not self._moving
        """Nobody has a day of their own."""
        inferring = {site.site_id for site in sites.values() if any(one.infer_shifts for _, one in site.settings)}
        self._inferring_sites = inferring if plans.shifts else set()
        self._inferring_units = {unit for unit, one in plans.units.items() if _infers(one)} if plans.shifts else set()
        self._choices: dict[tuple[tuple[int, ...] | None, date], tuple[Shift, ...]] = {}
        self._slots: dict[tuple[int, date, date | None], Slot] = {}
        self._over: dict[tuple[DaySettings, int, int], DaySettings] = {}

    def layers_of_units(self) -> Iterator[tuple[Span, Layer]]:
        """All settings of units, whosever."""
        for unit in self._plans.units.values():
            yield from unit.settings

    def concerns(self, holder: Holder) -> bool:
        """Whether any day of the person may be other than what the site alone makes of it."""
        if holder.owned is not None:
            return True
        units, sites = self._plans.units, self._plans.sites
        return any(
            one.site_id in sites or one.site_id in self._moving or not units.keys().isdisjoint(one.unit_path)
            for one in holder.assignments
        )

    def may_infer(self, holder: Holder) -> bool:
        """Whether scans may decide what shift the person has on any date."""
        if holder.owned is not None and self._plans.shifts and _infers(holder.owned):
            return True
        units, sites = self._inferring_units, self._inferring_sites
        return bool(units or sites) and any(
            one.site_id in sites or not units.isdisjoint(one.unit_path) for one in holder.assignments
        )

    def choices(self, holder: Holder, day: date, place: Assignment) -> tuple[Shift, ...]:
        """The shifts of which scans say what the date has; none where somebody said it, or scans are not asked."""
        slot = self.slot(holder, day, place)
        return () if slot.scheduled else self.choices_by(slot.settings, day)

    def choices_by(self, settings: DaySettings, day: date) -> tuple[Shift, ...]:
        """The same of whoever has these settings and no schedule. A flexible shift has no ends to be told by."""
        if not settings.infer_shifts:
            return ()
        key = (settings.infer_shifts_from, day)
        found = self._choices.get(key)
        if found is None:
            shifts = self._plans.shifts
            ids = sorted(shifts) if settings.infer_shifts_from is None else settings.infer_shifts_from
            versions = [on_date(shifts.get(one, ()), day) for one in ids]
            found = self._choices[key] = tuple(one for one in versions if one is not None and not one.flexible)
        return found

    def slots(self, holder: Holder, day: date, place: Assignment) -> Slots:
        """Of the date before, of the date and of the date after; `place` stands in where the person was nowhere."""
        return (
            self.slot(holder, day - _ONE_DAY, place),
            self.slot(holder, day, place),
            self.slot(holder, day + _ONE_DAY, place),
        )

    def slot(self, holder: Holder, day: date, place: Assignment) -> Slot:
        """What a person has on a date."""
        key = (holder.person_id, day, place.span.since)
        slot = self._slots.get(key)
        if slot is None:
            if len(self._slots) >= _MOST_SLOTS:
                self._slots.clear()
            slot = self._slots[key] = self._found(holder, day, holder.assignment_on(day) or place)
        return slot

    def slot_on(self, holder: Holder, place: Assignment) -> Callable[[date], Slot]:
        """As `date_at` asks for it."""
        return lambda day: self.slot(holder, day, place)

    def frame(self, holder: Holder, day: date, place: Assignment, zone: str) -> Frame:
        """The frame of a person's date."""
        slots = self.slots(holder, day, place)
        return frame_of(day, zone, slots[1].settings, slots)

    def settings(self, holder: Holder, day: date, place: Assignment) -> DaySettings:
        """The settings of a person's date, without what the shift overrides."""
        settings = self._sites[place.site_id].settings_on(day)
        for timeline in self._layers(holder, place):
            layer = on_date(timeline, day)
            if layer is not None:
                settings = self._laid_over(settings, layer)
        return settings

    def settings_since(self, holder: Holder, day: date, place: Assignment) -> date | None:
        """Since when the settings of a date hold; None is always."""
        timelines: list[Timeline[object]] = [self._sites[place.site_id].settings, *self._layers(holder, place)]
        return max((since for one in timelines if (since := since_when(one, day)) is not None), default=None)

    def edges(self, holder: Holder, place: Assignment) -> list[date]:
        """The dates of a place on which any of its settings begin, its own first date, and a date if there is none."""
        timelines: list[Timeline[object]] = [self._sites[place.site_id].settings, *self._layers(holder, place)]
        dates = {span.since for one in timelines for span, _ in one} | {
            span.until for one in timelines for span, _ in one
        }
        dates |= {place.span.since}
        first = min((edge for edge in dates if edge is not None), default=date(2000, 1, 2))
        dates |= {first - _ONE_DAY}
        return sorted(edge for edge in dates if edge is not None and place.span.covers(edge))

    def own_layer(self, holder: Holder, place: Assignment, day: date) -> Layer | None:
        """What was said of the person alone or, of nobody in particular, of their unit."""
        owned = holder.owned or self._plans.units.get(place.unit_path[0] if place.unit_path else 0)
        return None if owned is None else on_date(owned.settings, day)

    def planned(self, holder: Holder, day: date, place: Assignment, settings: DaySettings) -> Planned | None:
        """The shift of a date and who says so; None where nobody says anything."""
        owned = holder.owned
        if owned is not None and day in owned.roster:
            return Planned(owned.roster[day], None, "roster")
        for by, schedules in self._schedules(holder, place):
            schedule_id = on_date(schedules, day)
            schedule = None if schedule_id is None else on_date(self._plans.schedules.get(schedule_id, ()), day)
            if schedule is not None:
                return Planned(schedule.shift_on(day, settings), schedule_id, by)
        return None

    def planned_since(self, holder: Holder, day: date, place: Assignment) -> tuple[Planned, date | None] | None:
        """What gives a date its shift, and since when all of that holds: whose schedule it is, the schedule, the shift.

        None where nothing does, be it that the shift does not exist on that date.
        """
        planned = self.planned(holder, day, place, self.settings(holder, day, place))
        if planned is None:
            return None
        shifts = self._plans.shifts.get(planned.shift_id or 0, ())
        if planned.shift_id is not None and on_date(shifts, day) is None:
            return None
        whose = (one for _, one in self._owned(holder, place) if on_date(one.schedules, day) == planned.schedule_id)
        timelines: list[Timeline[object]] = [
            next(whose, Owned()).schedules,
            self._plans.schedules.get(planned.schedule_id or 0, ()),
            shifts,
        ]
        since = [day] if planned.by == "roster" else [since_when(one, day) for one in timelines]
        return planned, max((each for each in since if each is not None), default=None)

    def _found(self, holder: Holder, day: date, place: Assignment) -> Slot:
        settings = self.settings(holder, day, place)
        planned = self.planned(holder, day, place, settings)
        if planned is None:
            return Slot(settings)
        if planned.shift_id is None:
            return Slot(settings, scheduled=True)
        shift = on_date(self._plans.shifts.get(planned.shift_id, ()), day)
        # Of a shift that did not exist yet, or exists no more, nothing follows: it is no date off.
        return Slot(settings) if shift is None else Slot(settings, shift, scheduled=True)

    def _owned(self, holder: Holder, place: Assignment) -> Iterator[tuple[str, Owned]]:
        """Nearest first."""
        if holder.owned is not None:
            yield "person", holder.owned
        for unit in place.unit_path:
            if unit in self._plans.units:
                yield "unit", self._plans.units[unit]
        if place.site_id in self._plans.sites:
            yield "site", self._plans.sites[place.site_id]

    def _schedules(self, holder: Holder, place: Assignment) -> Iterator[tuple[str, Timeline[int]]]:
        """Nearest first."""
        for by, one in self._owned(holder, place):
            yield by, one.schedules
            if one.of_groups:
                yield "group", one.of_groups

    def _layers(self, holder: Holder, place: Assignment) -> list[Timeline[Layer]]:
        """Settings of units from the top down, then of the person."""
        return [one.settings for _, one in self._owned(holder, place) if one.settings][::-1]

    def _laid_over(self, settings: DaySettings, layer: Layer) -> DaySettings:
        # Of what compares equal, the limit of requests may differ.
        key = (settings, settings.corrections_per_month, layer.row)
        found = self._over.get(key)
        if found is None:
            found = self._over[key] = laid_over(settings, layer.values)
        return found


def _infers(owned: Owned) -> bool:
    return any(layer.values.get("infer_shifts") for _, layer in owned.settings)


def laid_over(settings: DaySettings, values: Mapping[str, object]) -> DaySettings:
    """Settings with values over them. What does not go together with them is left out: days go on being computed.

    Whoever changes settings is told of it; it can come about when somebody moves to another site or unit.
    """
    try:
        return settings_from(values, settings)
    except Invalid:
        for name, value in values.items():
            try:
                settings = settings_from({name: value}, settings)
            except Invalid:
                continue
        return settings
