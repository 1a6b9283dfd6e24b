"""The rule and the settings behind every figure of a day, in words: the half of an explanation that is about rules."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from services.attendance.domain.case import Case, duration
from services.attendance.domain.day import Flag, Status, absent_below
from services.attendance.domain.figures_of_hours import (
    extra_overtime,
    overtime,
    settings_of_extra,
    settings_of_overtime,
    settings_of_shortfall,
    settings_of_working,
    shortfall,
    working,
)
from services.attendance.domain.hours import hours
from services.attendance.domain.shift_values import shift_values
from services.attendance.domain.terms import LeavePart, Level

# What a shift says in place of a setting; None where the setting then says nothing.
SAID_BY_A_SHIFT: Final = {
    "safe_entry_time": "grace_in_minutes",
    "late_entry_time": "late_after_minutes",
    "safe_exit_time": "grace_out_minutes",
    "overtime_start_time": "overtime_after_minutes",
    "extra_overtime_start_time": "extra_overtime_after_minutes",
    "standard_working_hours": "expected_hours",
    "weekend_days": None,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One figure of a day with the rule behind it."""

    name: str
    """As the API names it."""
    value: str | float | bool
    why: str
    settings: dict[str, object]
    """The settings that it depends on, by their names in the API."""


def figures_of(case: Case) -> tuple[Figure, ...]:
    """Every figure of the day, each with its reason."""
    return tuple(_figures(case))


def _figures(case: Case) -> Iterator[Figure]:
    day, rules = case.day, case.frame.settings
    entry = ("safe_entry_time", "late_entry_time")
    short = ("half_day_below_hours", "absent_below_hours") if rules.half_day_below or rules.absent_below else ()
    yield _figure(case, "status", day.status, _status(case), *entry, "weekend_days", *short)
    yield _figure(case, "late_minutes", day.late, _late(case), *entry)
    yield _figure(case, "working_hours", hours(day.working), working(case), *settings_of_working(case))
    if day.raw_working != day.working:
        yield _figure(case, "raw_working_hours", hours(day.raw_working), "the same before any rounding")
    yield _figure(case, "overtime", hours(day.overtime), overtime(case), *settings_of_overtime(case))
    yield _figure(case, "extra_overtime", hours(day.extra_overtime), extra_overtime(case), *settings_of_extra(case))
    if day.overtime_unapproved:
        why = "the overtime stands and waits for somebody to approve it"
        yield _figure(case, "overtime_unapproved", True, why, "overtime_needs_approval")
    for name, value, setting in (
        ("snacks_eligible", day.snacks, "snacks_eligibility_hours"),
        ("night_bill_eligible", day.night_bill, "night_bill_eligibility_hours"),
    ):
        yield _figure(case, name, value, _eligible(case, setting), setting)
    yield _figure(case, "early_departure_minutes", day.early_departure, _early(case), "safe_exit_time")
    yield _figure(case, "shortfall_minutes", day.shortfall, shortfall(case), *settings_of_shortfall(case))


def _figure(case: Case, name: str, value: str | float | bool, why: str, *settings: str) -> Figure:
    return Figure(name=name, value=value, why=why, settings=dict(_named(case, settings)))


def _named(case: Case, settings: Iterable[str]) -> Iterator[tuple[str, object]]:
    """The settings with their values; where the shift says it, what the shift says."""
    shift = case.frame.shift
    if shift is None:
        yield from ((setting, case.values[setting]) for setting in settings)
        return
    yield "shift", shift.title
    said = shift_values(shift) | {"expected_hours": hours(case.frame.norm)}
    for setting in settings:
        name = SAID_BY_A_SHIFT.get(setting, setting)
        if name is not None:
            yield name, said[name] if name in said else case.values[setting]


def _status(case: Case) -> str:
    day, frame, terms = case.day, case.frame, case.terms
    if not day.present:
        return _status_without_scans(case)
    if (other := _status_without_entry(case)) is not None:
        return other
    arrival = day.first_arrival or 0
    at, safe, late = (frame.clock(minute) for minute in (arrival, terms.safe_entry, terms.late_entry))
    moved = ""
    if case.leave is not None and case.leave.part is LeavePart.MORNING:
        moved = f", moved {_after_half(case)} by the morning's leave"
    if day.status == Status.ON_TIME:
        return f"the arrival at {at} is not after safe entry, {safe}{moved}"
    if day.status == Status.CONSIDERED:
        return f"the arrival at {at} is after safe entry, {safe}, and not after late entry, {late}"
    return f"the arrival at {at} is after late entry, {late}{moved}"


def _status_without_entry(case: Case) -> str | None:
    """Where the time of arrival does not decide."""
    day, frame = case.day, case.frame
    if Flag.TOO_SHORT in day.flags:
        least = duration(absent_below(frame, case.leave))
        return f"{duration(day.working)} were worked, and less than {least} count as absent"
    if day.first_arrival is None:
        return "somebody left, but no arrival is known"
    if frame.shift is not None and frame.shift.flexible:
        return "the shift is flexible: whoever comes is in time"
    if frame.shift is None and frame.scheduled:
        return "the schedule has no shift on this date, so nobody is late"
    return None


def _status_without_scans(case: Case) -> str:
    if case.leave is not None:
        return f"there is no scan that counts, and approved {case.leave.type} leave ({case.leave.part} day)"
    if case.holiday is not None:
        return f"there is no scan that counts, and it is a holiday, {case.holiday}"
    if case.frame.shift is None and case.frame.scheduled:
        return "there is no scan that counts, and the schedule has no shift on this date"
    if case.frame.weekend:
        return "there is no scan that counts, and this weekday belongs to the weekend"
    return "there is no scan that counts on a working day"


def _after_half(case: Case) -> str:
    return "to the end of lunch" if case.frame.shift is None else "to the second half of the shift"


def _before_half(case: Case) -> str:
    return "to the start of lunch" if case.frame.shift is None else "to the end of the first half of the shift"


def _late(case: Case) -> str:
    if case.day.late:
        return f"counted from safe entry, {case.frame.clock(case.terms.safe_entry)}"
    if case.terms.rest and case.day.status == Status.LATE:
        return "nobody is late on a day of rest"
    return "there was no arrival after late entry"


def _eligible(case: Case, setting: str) -> str:
    if case.level is not Level.WORKER:
        return "for workers only"
    have = hours(case.day.extra_overtime)
    return f"{have} h of extra overtime, and {case.values[setting]} h are needed"


def _early(case: Case) -> str:
    frame, terms, departure = case.frame, case.terms, case.day.last_departure
    if departure is None or case.reading.no_check_out:
        return "the departure is not known" if case.day.present else "nobody was there to leave"
    if terms.rest:
        return "nobody is expected on a day of rest"
    if frame.shift is not None and frame.shift.flexible:
        return "the shift is flexible: nobody leaves early"
    moved = ""
    if case.leave is not None and case.leave.part is LeavePart.AFTERNOON:
        moved = f", moved {_before_half(case)} by the afternoon's leave"
    return f"the departure at {frame.clock(departure)} against safe exit, {frame.clock(terms.safe_exit)}{moved}"
