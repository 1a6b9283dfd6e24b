"""What the days of a log have to be: the rules of a day, asked without a system around them."""

from calendar import monthrange
from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

from services.attendance.domain.boundary import by_business_date
from services.attendance.domain.day import work_day
from services.attendance.domain.hours import hours
from services.attendance.domain.scans import Scan, ScanType
from services.attendance.domain.settings import DEFAULTS
from services.attendance.domain.terms import Level
from services.attendance.domain.window import frame_of
from tests.acceptance.made_logs import Crew, Punch

_TYPES = {"0": ScanType.IN, "1": ScanType.OUT, "2": ScanType.BREAK_IN, "3": ScanType.BREAK_OUT}


def expected_timesheet(crew: Crew, punches: Iterable[Punch], month: str, zone: str) -> list[dict[str, Any]]:
    """The timesheet of a crew for a month long past, such as 2025-03."""
    year, number = map(int, month.split("-"))
    scans: dict[str, list[Scan]] = defaultdict(list)
    for punch in punches:
        at = int(punch.at.replace(tzinfo=ZoneInfo(zone)).timestamp())
        scans[punch.badge].append(Scan(at, uuid4(), _TYPES[punch.state]))
    days = [date(year, number, day) for day in range(1, monthrange(year, number)[1] + 1)]
    rows = []
    for badge in crew.badges:
        of_day = by_business_date(scans[badge], zone, DEFAULTS.day_boundary)
        row = {
            "employee_id": f"E{badge}",
            "employee_name": f"Person {badge}",
            "department": crew.department,
            "designation": "Hand",
            "level_of_work": crew.level,
            "days": [_day(crew, of_day, day, zone) for day in days],
        }
        rows.append(row)
    return rows


def _day(crew: Crew, scans: Mapping[date, list[Scan]], on: date, zone: str) -> dict[str, Any]:
    frame = frame_of(on, zone, DEFAULTS)
    day = work_day(scans.get(on, []), frame, level=Level.WORKER if crew.level == "Worker" else Level.STAFF)
    return {
        "day": on.day,
        "date": on.isoformat(),
        "status": day.status,
        "state": "final",
        "checkIn": None if day.first_arrival is None else frame.clock(day.first_arrival),
        "checkOut": None if day.last_departure is None else frame.clock(day.last_departure),
        "workingHours": hours(day.working),
        "overtime": hours(day.overtime),
        "extraOvertime": hours(day.extra_overtime),
        "weekOvertime": 0.0,
        "locked": False,
        "adjusted": False,
    }
