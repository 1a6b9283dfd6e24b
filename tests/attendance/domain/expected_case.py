"""One of the cases in `expected_cases.json`, as scans, settings and expected figures."""

import re
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID

import pytest

from services.attendance.domain.day import Day, work_day
from services.attendance.domain.frame import Frame
from services.attendance.domain.scans import Scan, ScanType, scan_at
from services.attendance.domain.settings import settings_from
from services.attendance.domain.shift import Shift
from services.attendance.domain.terms import Level
from services.attendance.domain.window import Slot, frame_of

D = date(2024, 1, 17)  # a Wednesday
TESTED: list[str] = []
KEYS = {"checkIn": ScanType.IN, "checkOut": ScanType.OUT, "IN": ScanType.IN, "OUT": ScanType.OUT}


class Case:
    """One case of the file."""

    def __init__(self, facts: dict[str, Any]) -> None:
        self.id: str = facts["id"]
        self.description: str = facts.get("description", "")
        self.expected: dict[str, Any] = facts["expected"]
        self.punches: list[str] = facts["punches"]
        self.settings: dict[str, Any] = facts["settings"]

    def scans(self) -> list[Scan]:
        """The punches as scans: "10:00", "D+1 01:30", "08:05 checkIn"; a pair "08:00-12:00" is an IN and an OUT."""
        texts: list[str] = []
        for punch in self.punches:
            pair = re.fullmatch(r"(\d\d:\d\d)-(\d\d:\d\d)?", punch.removeprefix("D ").removeprefix("D-1 "))
            texts += [punch] if pair is None else [f"{pair[1]} IN", *([f"{pair[2]} OUT"] if pair[2] else [])]
        return [
            scan_at(instant(text), UUID(int=number), KEYS.get(text.split()[-1], ScanType.UNKNOWN))
            for number, text in enumerate(texts)
        ]

    def day(self, level: Level = Level.WORKER, on: date = D, **settings: Any) -> Day:
        return work_day(self.scans(), frame(on, **settings), level=level)


def instant(text: str) -> datetime:
    parts = re.fullmatch(r"(?:D([+-]\d+)? )?(\d\d:\d\d(?::\d\d)?)(?: \w+)?", text)
    assert parts is not None, text
    return datetime.combine(D + timedelta(days=int(parts[1] or 0)), time.fromisoformat(parts[2]), tzinfo=UTC)


def frame(on: date = D, zone: str = "UTC", **settings: Any) -> Frame:
    """Without lunch unless the case has one, and with overtime undivided: the two parts are a rule of the user's."""
    plain = {"lunch_break_duration": 0, "extra_overtime_start_time": "04:00", "weekend_days": []}
    return frame_of(on, zone, settings_from(plain | settings))


def window(own: Shift | None, on: date = D, zone: str = "UTC", **settings: Any) -> Frame:
    """A frame with a shift on its date and on no other; without lunch unless the case has one."""
    rules = settings_from({"lunch_break_duration": 0, "weekend_days": []} | settings)
    off = Slot(rules, None, scheduled=True)
    return frame_of(on, zone, rules, (off, Slot(rules, own, scheduled=True), off))


def clock(minute: int | None, on: date = D) -> str | None:
    return None if minute is None else frame(on).clock(minute)


def shift(start: str, end: str, standard: float = 4) -> dict[str, Any]:
    """A fixed time of work without grace, said in settings."""
    return {
        "safe_entry_time": start,
        "late_entry_time": start,
        "safe_exit_time": end,
        "overtime_start_time": end,
        "standard_working_hours": standard,
    }


# The Monday to Friday of several cases: 8 to 12 and 13 to 17.
OFFICE: dict[str, Any] = {"resolver": "by_key", "lunch_start": "12:00", "lunch_break_duration": 1}
# The same with a longer lunch: 8 to 12 and 14 to 18.
LONG_LUNCH: dict[str, Any] = {"resolver": "by_key", "lunch_start": "12:00", "lunch_break_duration": 2}
WORKER: dict[str, Any] = {"lunch_break_duration": 1, "extra_overtime_start_time": "19:00"}


def of(*ids: str) -> pytest.MarkDecorator:
    """The test runs once for each of these cases."""
    TESTED.extend(ids)
    return pytest.mark.parametrize("case", ids, indirect=True)
