"""Every day of the real logs is what an independent reading of the rules makes of it."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from functools import cache
from math import isnan
from pathlib import Path
from typing import Any
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


@cache
def punches(folder: Path, log: Log) -> pd.DataFrame:
    """The log as the oracle reads it."""
    zone = ZoneInfo(log[1])
    rows = [
        (badge, datetime.fromtimestamp(scan.at, zone).replace(tzinfo=None), scan.quality is Quality.OK, str(scan.id))
        for badge, scans in evidence(folder, log).items()
        for scan in scans.values()
    ]
    return pd.DataFrame(rows, columns=["badge", "wall", "believed", "id"])


def our_days(folder: Path, log: Log, slot: Slot) -> dict[tuple[str, date], Day]:
    """Every day of the log, by our rules."""
    under: dict[tuple[str, date], list[Scan]] = {}
    for badge, scans in evidence(folder, log).items():
        for scan in scans.values():
            under.setdefault((badge, date_at(scan.instant, log[1], lambda _: slot)), []).append(scan)
    frames = {on: frame_of(on, log[1], DEFAULTS, (slot, slot, slot)) for on in {on for _, on in under}}
    return {key: work_day(its, frames[key[1]]) for key, its in under.items()}


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
    ours, theirs = our_days(real_data, log, slot_of(times)), days_of(punches(real_data, log), times)
    assert len(ours) == len(theirs) > 1000
    # The zones of these logs never change their clocks, in the years that they tell of.
    offset = ZoneInfo(log[1]).utcoffset(datetime(2015, 1, 1)) // timedelta(minutes=1)  # type: ignore[operator]
    columns = [theirs[name].tolist() for name in EXPECTED]
    for badge, on, *expected in zip(theirs.badge, theirs.date.dt.date, *columns, strict=True):
        assert _figures(ours[badge, on], offset) == _expected(expected), (badge, on)


FIGURES = ("working", "overtime", "extra", "late", "early", "shortfall", "snacks", "night_bill", "stored")
FLAGS = ("missing_check_out", "missing_check_in", "long_span", "outside_shift", "worked_on_weekend")
EXPECTED = ("status", "arrival", "departure", *FIGURES, *FLAGS)


def _figures(day: Day, offset: int) -> tuple[object, ...]:
    midnight = (day.date - date(1970, 1, 1)).days * 1440 - offset
    return (
        day.status,
        None if day.first_arrival is None else day.first_arrival - midnight,
        None if day.last_departure is None else day.last_departure - midnight,
        *(day.working, day.overtime, day.extra_overtime, day.late, day.early_departure, day.shortfall),
        *(day.snacks, day.night_bill, len(day.used) + len(day.merged) + len(day.quarantined)),
        tuple(map(str, day.flags)),
    )


def _expected(values: Sequence[Any]) -> tuple[object, ...]:
    status, arrival, departure, *rest = values
    figures, flags = rest[: len(FIGURES)], rest[len(FIGURES) :]
    return (
        status,
        None if isnan(arrival) else arrival,
        None if isnan(departure) else departure,
        *figures,
        tuple(name for name, raised in zip(FLAGS, flags, strict=True) if raised),
    )
