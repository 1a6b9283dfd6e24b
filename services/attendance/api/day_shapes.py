"""Days as the user's pages know them: a row of the summary, a row of the timesheet, a daily record."""

from collections.abc import Sequence
from datetime import date, datetime
from functools import lru_cache
from typing import Any, TypedDict
from zoneinfo import ZoneInfo

from services.attendance.application.day_facts import DayView, Figures, MonthDay, PersonMonth, Record
from services.attendance.domain.hours import hours
from services.attendance.domain.scans import SCAN_TYPES

Json = dict[str, Any]


class ScanOfDay(TypedDict):
    """A scan in a day: local HH:MM, and what it was taken for."""

    time: str
    type: str


class SummaryRow(TypedDict):
    """A row of the summary in an answer; `shape=camel` names it otherwise."""

    employee_id: str
    employee_name: str
    department: str | None
    designation: str | None
    level_of_work: str
    date: date
    status: str
    state: str
    check_in: str | None
    check_out: str | None
    working_hours: float
    overtime: float
    extra_overtime: float
    attendance_count: int
    scans: list[ScanOfDay]
    waits_for: Sequence[str]
    final_at_latest: datetime | None
    locked: bool
    adjusted: bool


class DayShape(TypedDict):
    """A daily record in an answer."""

    id: str
    employee: int
    employee_id: str
    employee_name: str
    department: str | None
    designation: str | None
    level_of_work: str
    date: date
    date_formatted: str
    status: str
    state: str
    first_check_in: datetime | None
    first_check_in_formatted: str | None
    last_check_out: datetime | None
    last_check_out_formatted: str | None
    total_working_hours: float
    overtime_hours: float
    extra_overtime_hours: float
    total_scans: int
    check_in_count: int
    check_out_count: int
    snacks_eligible: bool
    night_bill_eligible: bool
    notes: str
    is_edited: bool
    edited_by: int | None
    edited_by_name: str | None
    edited_at: datetime | None
    created_at: datetime | None
    updated_at: datetime | None
    timezone: str
    flags: list[str]
    late_minutes: int
    early_departure_minutes: int
    shortfall_minutes: int | None
    scans: list[ScanOfDay]
    shift: str | None
    shift_inferred: bool
    shift_confidence: float | None
    expected_hours: float
    raw_working_hours: float
    overtime_unapproved: bool
    waits_for: Sequence[str]
    final_at_latest: datetime | None
    locked: bool
    adjusted: bool
    week_overtime_hours: float


def summary_row(view: DayView) -> SummaryRow:
    """Whoever was absent has a row, too."""
    facts = view.facts
    scans = _scans(facts.marks)
    waits_for, final_at_latest, locked, adjusted = view.standing
    return {
        "employee_id": facts.code,
        "employee_name": facts.name,
        "department": facts.department,
        "designation": facts.designation,
        "level_of_work": facts.level_of_work,
        "date": facts.date,
        "status": view.status,
        "state": view.state,
        "check_in": facts.check_in,
        "check_out": facts.check_out,
        "working_hours": hours(facts.worked),
        "overtime": hours(facts.overtime),
        "extra_overtime": hours(facts.extra_overtime),
        "attendance_count": len(scans),
        "scans": scans,
        "waits_for": waits_for,
        "final_at_latest": final_at_latest,
        "locked": locked,
        "adjusted": adjusted,
    }


def summary_row_camel(view: DayView) -> Json:
    """The same for pages that know the person as `id` and `name`."""
    facts = view.facts
    scans = [{"time": scan["time"], "type": _SHOWN[scan["type"]]} for scan in _scans(facts.marks)]
    waits_for, final_at_latest, locked, adjusted = view.standing
    return {
        "id": facts.code,
        "name": facts.name,
        "department": facts.department,
        "designation": facts.designation,
        "levelOfWork": facts.level_of_work,
        "date": facts.date,
        "status": view.status,
        "state": view.state,
        "checkIn": facts.check_in,
        "checkOut": facts.check_out,
        "workingHours": hours(facts.worked),
        "overtime": hours(facts.overtime),
        "extraOvertime": hours(facts.extra_overtime),
        "attendanceCount": len(scans),
        "scans": scans,
        "waitsFor": waits_for,
        "finalAtLatest": final_at_latest,
        "locked": locked,
        "adjusted": adjusted,
    }


def timesheet_row(month: PersonMonth) -> Json:
    """The five identifying fields and a day for each day of the month; the days have camel case in both shapes."""
    stay = month.stay
    return {
        "employee_id": stay.code,
        "employee_name": stay.name,
        "department": stay.department,
        "designation": stay.designation,
        "level_of_work": stay.level_of_work,
        "days": [_month_day(day) for day in month.days],
    }


def timesheet_row_camel(month: PersonMonth) -> Json:
    """The same for pages that know the person as `id` and `name`."""
    stay = month.stay
    return {
        "id": stay.code,
        "name": stay.name,
        "department": stay.department,
        "designation": stay.designation,
        "levelOfWork": stay.level_of_work,
        "days": [_month_day(day) for day in month.days],
    }


def record(day: Record) -> DayShape:
    """A daily record with everything that is kept of it."""
    facts, details = day.facts, day.details
    zone = ZoneInfo(day.zone)
    return {
        "id": day_id(facts.date, facts.person_id),
        "employee": facts.person_id,
        "employee_id": facts.code,
        "employee_name": facts.name,
        "department": facts.department,
        "designation": facts.designation,
        "level_of_work": facts.level_of_work,
        "date": facts.date,
        "date_formatted": f"{facts.date.day} {facts.date:%b %Y}",
        "status": day.status,
        "state": day.state,
        "first_check_in": _local(details.first_in, zone),
        "first_check_in_formatted": facts.check_in,
        "last_check_out": _local(details.last_out, zone),
        "last_check_out_formatted": facts.check_out,
        "total_working_hours": hours(facts.worked),
        "overtime_hours": hours(facts.overtime),
        "extra_overtime_hours": hours(facts.extra_overtime),
        "total_scans": facts.used + details.merged,
        "check_in_count": details.check_ins,
        "check_out_count": details.check_outs,
        "snacks_eligible": details.snacks,
        "night_bill_eligible": details.night_bill,
        "notes": details.notes,
        "is_edited": details.edited_at is not None,
        "edited_by": details.edited_by,
        "edited_by_name": details.edited_by_name,
        "edited_at": details.edited_at,
        "created_at": details.created_at,
        "updated_at": details.updated_at,
        "timezone": day.zone,
        "flags": details.flags.split(),
        "late_minutes": details.late,
        "early_departure_minutes": details.early_departure,
        "shortfall_minutes": day.shortfall,
        "scans": _scans(facts.marks),
        "shift": day.shift,
        "shift_inferred": day.shift_confidence is not None,
        "shift_confidence": day.shift_confidence,
        "expected_hours": hours(day.expected),
        "raw_working_hours": hours(details.raw_worked),
        "overtime_unapproved": details.overtime_unapproved,
        "waits_for": day.standing.waits_for,
        "final_at_latest": day.standing.final_at_latest,
        "locked": day.standing.locked,
        "adjusted": day.standing.adjusted,
        "week_overtime_hours": hours(day.week_overtime),
    }


def statistics(day: date, total: Figures, departments: list[tuple[str | None, Figures]]) -> Json:
    """How many were there. Whoever is still expected is not absent."""
    return {
        "date": day,
        "total_employees": total.total,
        "present_today": total.present,
        "absent_today": total.absent,
        "leave_today": total.leave,
        "expected_today": total.expected,
        "attendance_rate": rate(total.present, total.total),
        "department_stats": [
            {
                "department": name,
                "total": figures.total,
                "present": figures.present,
                "absent": figures.absent,
                "leave": figures.leave,
                "expected": figures.expected,
            }
            for name, figures in departments
        ],
    }


def rate(part: int, whole: int) -> float:
    """Hundredths with two decimals, half away from zero; 0 of nothing."""
    return (part * 20_000 + whole) // (2 * whole) / 100 if whole else 0.0


def day_id(day: date, person_id: int) -> str:
    """A day's own id, such as 20240115-17."""
    return f"{day:%Y%m%d}-{person_id}"


def _month_day(day: MonthDay) -> Json:
    return {
        "day": day.date.day,
        "date": day.date,
        "status": day.status,
        "state": day.state,
        "checkIn": day.check_in,
        "checkOut": day.check_out,
        "workingHours": hours(day.worked),
        "overtime": hours(day.overtime),
        "extraOvertime": hours(day.extra_overtime),
        "locked": day.locked,
        "adjusted": day.adjusted,
        "weekOvertime": hours(day.week_overtime),
    }


def _scans(marks: str) -> list[ScanOfDay]:
    return [_scan(mark) for mark in marks.split(",")] if marks else []


@lru_cache(maxsize=16_384)
def _scan(mark: str) -> ScanOfDay:
    """Many rows show the same one: it is read only."""
    return {"time": mark[:5], "type": mark[6:]}


def _local(instant: datetime | None, zone: ZoneInfo) -> datetime | None:
    return None if instant is None else instant.astimezone(zone)


_SHOWN = {name: "Check In" if type_.arrives else "Check Out" for name, type_ in SCAN_TYPES.items()}
