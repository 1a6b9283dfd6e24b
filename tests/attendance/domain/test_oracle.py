"""Every day of the real logs is what an independent reading of the rules makes of it."""

from datetime import date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pandas as pd
import pytest

from services.attendance.domain.day import Day, work_day
from services.attendance.domain.scans import Quality, Scan
from services.attendance.domain.settings import DEFAULTS
from services.attendance.domain.shift import Part, Shift
from services.attendance.domain.window import Slot, date_at, frame_of
from tests.attendance.domain.oracle import Times, days_of
from tests.attendance.domain.test_real_logs import OFFICE_CN, OFFICE_ID, ROTATING, Log, evidence

pytestmark = [pytest.mark.real_data, pytest.mark.slow]

DAY_SHIFT = Times(start=9 * 60, end=18 * 60, weekend=None, shift=True)
NIGHT_SHIFT = Times(start=19 * 60, end=31 * 60, weekend=None, shift=True, lunch=None, allowed_late=300)
LONG_REACH = Times(start=7 * 60, end=19 * 60, weekend=None, shift=True, allowed_early=240, allowed_late=660)


def slot_of(times: Times) -> Slot:
    if not times.shift:
        return Slot(DEFAULTS)
    shift = Shift(
        parts=(Part(times.start, times.end),),
        late_after=times.late_after,
        breaks=() if times.lunch is None else None,
        allowed_early=times.allowed_early,
        allowed_late=times.allowed_late,
    )
    return Slot(DEFAULTS, shift, scheduled=True)


@pytest.mark.parametrize(
    "times",
    [
        pytest.param(Times(), id="no shift"),
        pytest.param(DAY_SHIFT, id="a day shift"),
        pytest.param(NIGHT_SHIFT, id="a night shift"),
        pytest.param(LONG_REACH, id="windows that overlap"),
    ],
)
@pytest.mark.parametrize("log", [ROTATING, OFFICE_ID, OFFICE_CN])
def test_every_day_is_what_the_oracle_says(real_data: Path, log: Log, times: Times) -> None:
    stored = evidence(real_data, log)
    zone = ZoneInfo(log[1])
    slot = slot_of(times)
    rows, ours = [], {}
    for badge, scans in stored.items():
        under: dict[date, list[Scan]] = {}
        for scan in scans.values():
            wall = datetime.fromtimestamp(scan.at, zone).replace(tzinfo=None)
            rows.append((badge, wall, scan.quality is Quality.OK, str(scan.id)))
            under.setdefault(date_at(scan.instant, log[1], lambda _: slot), []).append(scan)
        for on, its in under.items():
            ours[badge, on] = work_day(its, frame_of(on, log[1], DEFAULTS, (slot, slot, slot)))
    punches = pd.DataFrame(rows, columns=["badge", "wall", "believed", "id"])
    theirs = days_of(punches, times)
    assert len(ours) == len(theirs) > 1000
    for row in theirs.itertuples():
        day = ours[row.badge, row.date.date()]
        assert _figures(day, zone) == _expected(row), (row.badge, row.date)


FLAGS = ("missing_check_out", "missing_check_in", "long_span", "outside_shift", "worked_on_weekend")


def _figures(day: Day, zone: ZoneInfo) -> tuple[object, ...]:
    return (
        day.status,
        _minute(day, zone, day.first_arrival),
        _minute(day, zone, day.last_departure),
        *(day.working, day.overtime, day.extra_overtime, day.late, day.early_departure, day.shortfall),
        *(day.snacks, day.night_bill),
        tuple(map(str, day.flags)),
        len(day.used) + len(day.merged) + len(day.quarantined),
    )


def _minute(day: Day, zone: ZoneInfo, moment: int | None) -> int | None:
    """Minutes of the wall clock from the date's midnight."""
    if moment is None:
        return None
    wall = datetime.fromtimestamp(moment * 60, zone).replace(tzinfo=None)
    return (wall - datetime.combine(day.date, datetime.min.time())) // timedelta(minutes=1)


def _expected(row: object) -> tuple[object, ...]:
    get = row.__getattribute__
    return (
        get("status"),
        None if pd.isna(get("arrival")) else get("arrival"),
        None if pd.isna(get("departure")) else get("departure"),
        *(get(name) for name in ("working", "overtime", "extra", "late", "early", "shortfall")),
        *(get(name) for name in ("snacks", "night_bill")),
        tuple(name for name in FLAGS if get(name)),
        get("stored"),
    )
