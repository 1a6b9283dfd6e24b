"""Frames as clients know them: API §5."""

from datetime import datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

import msgspec

from services.gateway.domain.badges import Person
from shared.contracts.adjustments import AdjustmentChanged
from shared.contracts.days import DayUpdated
from shared.contracts.recomputing import RecomputeChanged
from shared.contracts.scans import ScanReceived
from shared.kernel.identifiers import new_id


class Frame(msgspec.Struct, frozen=True, kw_only=True):
    """What is sent; the field names are the clients'."""

    id: str
    type: str
    machine_id: str | None = None
    data: dict[str, Any]
    timestamp: datetime
    employee_id: str | None = None


_encoder = msgspec.json.Encoder()


def encoded(frame: Frame) -> str:
    """The frame as text, made once for all who get it."""
    return _encoder.encode(frame).decode()


def scan_received(id_: str, scan: ScanReceived, person: Person | None) -> Frame:
    """A scan that has just happened. The day is computed after it, and has a frame of its own."""
    return Frame(
        id=id_,
        type="scan_received",
        machine_id=scan.machine,
        employee_id=person.code if person else None,
        timestamp=scan.at,
        data={
            "scan_id": scan.scan_id,
            "employee_id": person.code if person else None,
            "employee_name": person.name if person else None,
            "department": person.department if person else None,
            "badge": scan.badge,
            "scan_time": scan.at.astimezone(ZoneInfo(scan.zone)).isoformat(),
            "scan_type": scan.type,
            "quality": scan.quality,
        },
    )


def attendance_updated(id_: str, day: DayUpdated) -> Frame:
    """A day as the summary lists it (API §3)."""
    return Frame(
        id=id_, type="attendance_updated", employee_id=day.employee_id, timestamp=day.computed_at, data=row(day)
    )


def attendance_adjusted(id_: str, adjustment: AdjustmentChanged) -> Frame:
    """A day of a locked month that stays as it is: what is booked of it elsewhere."""
    return Frame(
        id=id_,
        type="attendance_adjusted",
        employee_id=adjustment.employee_id,
        timestamp=adjustment.adjusted_at,
        data={
            "employee_id": adjustment.employee_id,
            "employee_name": adjustment.employee_name,
            "date": adjustment.date,
            "period": adjustment.period,
            "minutes": adjustment.minutes,
            "status_before": adjustment.status_before,
            "status_after": adjustment.status_after,
            "cancelled": adjustment.cancelled,
            "reason": adjustment.reason,
        },
    )


def recompute_changed(id_: str, run: RecomputeChanged) -> Frame:
    """How far a run is that computes days again, or looks what that would change."""
    return Frame(
        id=id_,
        type="recompute_changed",
        timestamp=run.at,
        data={
            "run": run.run_id,
            "kind": run.kind,
            "state": run.state,
            "date_from": run.date_from,
            "date_to": run.date_to,
            "reason": run.reason,
            "asked_by": run.asked_by,
            "employees": run.people,
            "employees_done": run.people_done,
            "days_looked_at": run.days_looked_at,
            "days_changed": run.days_changed,
        },
    )


def row(day: DayUpdated) -> dict[str, Any]:
    """A row of the summary."""
    return {
        "employee_id": day.employee_id,
        "employee_name": day.employee_name,
        "department": day.department,
        "designation": day.designation,
        "level_of_work": day.level_of_work,
        "date": day.date,
        "status": day.status,
        "state": state(day),
        "check_in": day.check_in,
        "check_out": day.check_out,
        "working_hours": hours(day.worked_minutes),
        "overtime": hours(day.overtime_minutes),
        "extra_overtime": hours(day.extra_overtime_minutes),
        "attendance_count": len(day.scans),
        "scans": day.scans,
    }


FINAL_AFTER: Final = timedelta(days=3)
"""From the midnight a date begins with: its window ends within the next date, and 24 h later all is said."""


def state(day: DayUpdated) -> str:
    """How sure the day is (RULES §4), as far as its own event tells.

    Whether all machines have reported past its window is attendance's to know; until nothing but time can tell, a day
    that has just changed is provisional.
    """
    midnight = datetime(day.date.year, day.date.month, day.date.day, tzinfo=ZoneInfo(day.zone))
    return "final" if day.computed_at >= midnight + FINAL_AFTER else "provisional"


def hours(minutes: int) -> float:
    """Hours with two decimals, half away from zero."""
    hundredths = (abs(minutes) * 100 + 30) // 60
    return (hundredths if minutes >= 0 else -hundredths) / 100


def notice(type_: str, message: str, *, at: datetime, machine: str | None = None, **data: Any) -> Frame:
    """A frame that says something in words."""
    return Frame(id=str(new_id()), type=type_, machine_id=machine, timestamp=at, data={"message": message, **data})
