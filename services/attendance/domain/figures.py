"""The rule and the settings behind every figure of a day, in words: the half of an explanation that is about rules."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from services.attendance.domain.day import Day, Status
from services.attendance.domain.frame import Frame, Terms
from services.attendance.domain.hours import hours
from services.attendance.domain.resolve import Reading, Stretch
from services.attendance.domain.terms import Leave, LeavePart, Level
from services.attendance.domain.work import presence, without_lunch


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One figure of a day with the rule behind it."""

    name: str
    """As the API names it."""
    value: str | float | bool
    why: str
    settings: dict[str, object]
    """The settings that it depends on, by their names in the API."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """All that a day came from, and the day."""

    frame: Frame
    level: Level
    leave: Leave | None
    holiday: str | None
    terms: Terms
    reading: Reading
    day: Day
    values: Mapping[str, object]
    """The settings by their names in the API."""

    @property
    def stretches(self) -> Sequence[Stretch]:
        return presence(self.reading, counting_time_away=self.frame.settings.time_away_counts)


def figures_of(case: Case) -> tuple[Figure, ...]:
    """Every figure of the day, each with its reason."""
    day = case.day
    return (
        _figure(case, "status", day.status, _status(case), "safe_entry_time", "late_entry_time", "weekend_days"),
        _figure(case, "late_minutes", day.late, _late(case), "safe_entry_time", "late_entry_time"),
        _figure(
            case, "working_hours", hours(day.working), _working(case), "lunch_start", "lunch_break_duration", "resolver"
        ),
        _figure(
            case,
            "overtime",
            hours(day.overtime),
            _overtime(case),
            "overtime_start_time",
            "extra_overtime_start_time",
            "auto_calculate_overtime",
            "rest_day_overtime",
        ),
        _figure(
            case,
            "extra_overtime",
            hours(day.extra_overtime),
            _extra(case),
            "extra_overtime_start_time",
            "auto_calculate_extra_overtime",
        ),
        _figure(
            case, "snacks_eligible", day.snacks, _eligible(case, "snacks_eligibility_hours"), "snacks_eligibility_hours"
        ),
        _figure(
            case,
            "night_bill_eligible",
            day.night_bill,
            _eligible(case, "night_bill_eligibility_hours"),
            "night_bill_eligibility_hours",
        ),
        _figure(case, "early_departure_minutes", day.early_departure, _early(case), "safe_exit_time"),
        _figure(case, "shortfall_minutes", day.shortfall, _shortfall(case), "standard_working_hours"),
    )


def duration(minutes: int) -> str:
    """Minutes in words: "9 h 30 min", "45 min"."""
    whole, rest = divmod(minutes, 60)
    return f"{whole} h {rest:02} min" if whole else f"{rest} min"


def _figure(case: Case, name: str, value: str | float | bool, why: str, *settings: str) -> Figure:
    return Figure(name=name, value=value, why=why, settings={setting: case.values[setting] for setting in settings})


def _status(case: Case) -> str:
    day, frame, terms = case.day, case.frame, case.terms
    if not day.present:
        return _status_without_scans(case)
    if day.first_arrival is None:
        return "somebody left, but no arrival is known"
    at, safe, late = (frame.clock(minute) for minute in (day.first_arrival, terms.safe_entry, terms.late_entry))
    moved = ""
    if case.leave is not None and case.leave.part is LeavePart.MORNING:
        moved = ", moved to the end of lunch by the morning's leave"
    if day.status == Status.ON_TIME:
        return f"the arrival at {at} is not after safe entry, {safe}{moved}"
    if day.status == Status.CONSIDERED:
        return f"the arrival at {at} is after safe entry, {safe}, and not after late entry, {late}"
    return f"the arrival at {at} is after late entry, {late}{moved}"


def _status_without_scans(case: Case) -> str:
    if case.leave is not None:
        return f"there is no scan that counts, and approved {case.leave.type} leave ({case.leave.part} day)"
    if case.holiday is not None:
        return f"there is no scan that counts, and it is a holiday, {case.holiday}"
    if case.frame.weekend:
        return "there is no scan that counts, and this weekday belongs to the weekend"
    return "there is no scan that counts on a working day"


def _late(case: Case) -> str:
    if case.day.late:
        return f"counted from safe entry, {case.frame.clock(case.terms.safe_entry)}"
    if case.terms.rest and case.day.status == Status.LATE:
        return "nobody is late on a day of rest"
    return "there was no arrival after late entry"


def _working(case: Case) -> str:
    day, frame = case.day, case.frame
    stretches = case.stretches
    if not stretches:
        if not day.present:
            return "there is no scan that counts"
        missing = "departure" if case.reading.no_check_out else "arrival"
        return f"the {missing} is not known, and hours are never guessed"
    spans = " and ".join(f"from {frame.clock(start)} to {frame.clock(end)}" for start, end in stretches)
    present = sum(end - start for start, end in stretches)
    lunch = present - day.working
    less = (
        f" less {duration(lunch)} in the lunch window {frame.clock(frame.lunch_start)}–{frame.clock(frame.lunch_end)}"
        if lunch
        else ", none of it in the lunch window"
    )
    open_end = "; what followed the last arrival is not counted, as no departure is known" if _open(case) else ""
    return f"{spans}, {duration(present)}{less}{open_end}"


def _open(case: Case) -> bool:
    return case.reading.no_check_out and bool(case.reading.stretches)


def _overtime(case: Case) -> str:
    frame, settings = case.frame, case.frame.settings
    if case.level is not Level.WORKER:
        return "staff have no overtime"
    if not settings.auto_overtime:
        return "it is not calculated but entered by a person"
    start, extra = frame.clock(frame.overtime_start), frame.clock(frame.extra_start)
    if case.terms.rest and settings.rest_day_overtime:
        return f"all work on a day of rest counts, up to extra overtime from {extra}"
    return f"time worked from {start} to {extra}"


def _extra(case: Case) -> str:
    if case.level is not Level.WORKER:
        return "staff have no overtime"
    if not case.frame.settings.auto_extra_overtime:
        return "it is not calculated but entered by a person"
    return f"time worked after {case.frame.clock(case.frame.extra_start)}"


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
    moved = ""
    if case.leave is not None and case.leave.part is LeavePart.AFTERNOON:
        moved = ", moved to the start of lunch by the afternoon's leave"
    return f"the departure at {frame.clock(departure)} against safe exit, {frame.clock(terms.safe_exit)}{moved}"


def _shortfall(case: Case) -> str:
    if case.terms.rest:
        return "nothing is expected on a day of rest"
    half = " (half the standard, as the other half is leave)" if case.leave is not None else ""
    regular = case.day.working
    if case.level is Level.WORKER:
        for start, end in case.stretches:
            regular -= without_lunch(max(start, case.frame.overtime_start), end, case.frame)
    return f"{duration(case.terms.expected)} are expected{half}, {duration(regular)} were worked without overtime"
