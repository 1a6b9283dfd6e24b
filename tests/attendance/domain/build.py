"""Scans and days from short texts."""

from datetime import date, datetime, time, timedelta
from itertools import count
from pathlib import Path
from uuid import UUID
from zoneinfo import ZoneInfo

from services.attendance.domain.day import Day, work_day
from services.attendance.domain.frame import Frame
from services.attendance.domain.scans import MachineRole, Quality, Scan, ScanType, scan_at
from services.attendance.domain.settings import settings_from
from services.attendance.domain.shift import Shift
from services.attendance.domain.shift_values import shift_from
from services.attendance.domain.terms import Leave, Level
from services.attendance.domain.window import Slot, frame_of

MONDAY = date(2024, 1, 15)
FRIDAY = date(2024, 1, 19)
ZONE = "Asia/Dhaka"
ROOT = Path(__file__).parents[3]

_ids = count(1)


def instant(text: str, on: date = MONDAY, zone: str = ZONE) -> datetime:
    """ "08:00" or "08:00:30" on a date, "+1 00:30" on the next."""
    days, _, clock = text.rpartition(" ")
    wall = datetime.combine(on + timedelta(days=int(days or 0)), time.fromisoformat(clock))
    return wall.replace(tzinfo=ZoneInfo(zone))


def scan(text: str, on: date = MONDAY, zone: str = ZONE) -> Scan:
    """ "08:00", "+1 02:00 OUT", "08:00:30 IN entry", "09:00 UNKNOWN future": the clock comes first."""
    kinds = {str(member): member for kind in (ScanType, Quality, MachineRole) for member in kind}
    words = text.split()
    clock = [word for word in words if word not in kinds]
    said = [kinds[word] for word in words if word in kinds]
    return scan_at(
        instant(" ".join(clock), on, zone),
        UUID(int=next(_ids) << 96),  # in order, and far from what else digests are made of
        next((one for one in said if isinstance(one, ScanType)), ScanType.UNKNOWN),
        quality=next((one for one in said if isinstance(one, Quality)), Quality.OK),
        role=next((one for one in said if isinstance(one, MachineRole)), MachineRole.BOTH),
    )


def a_shift(*parts: str, **values: object) -> Shift:
    """A shift of parts such as "08:00-17:00", with other values by their names in the API."""
    times = [dict(zip(("start", "end"), part.split("-"), strict=True)) for part in parts]
    return shift_from({"parts": times} | values)


def frame(on: date = MONDAY, zone: str = ZONE, shift: Shift | str | None = "none", **settings: object) -> Frame:
    """The frame of a date under settings by their names in the API.

    With a shift it is every date's; None is a date that a schedule leaves off.
    """
    rules = settings_from(settings)
    if isinstance(shift, str):
        return frame_of(on, zone, rules)
    slot = Slot(rules, shift, scheduled=True)
    return frame_of(on, zone, rules, (slot, slot, slot))


def day(
    *texts: str,
    on: date = MONDAY,
    zone: str = ZONE,
    level: Level = Level.WORKER,
    leave: Leave | None = None,
    holiday: str | None = None,
    shift: Shift | str | None = "none",
    **settings: object,
) -> Day:
    """The day of these scans."""
    scans = [scan(text, on, zone) for text in texts]
    return work_day(scans, frame(on, zone, shift, **settings), level=level, leave=leave, holiday=holiday)


def clock(moment: int | None, on: date = MONDAY, zone: str = ZONE) -> str | None:
    """A moment of a day on its wall clock."""
    return None if moment is None else frame(on, zone).clock(moment)
