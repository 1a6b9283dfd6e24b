"""Where scans decide: every scan belongs to one date, and only the scans of the dates around have a say."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.attendance.application.directory import Directory
from services.attendance.application.holders import Assignment, Claim, Holder, Layer, Owned, PersonDay, Site, Span
from services.attendance.application.inferring import STEPS, Placed, Spans, placed_by_scans
from services.attendance.application.plans import Plans
from services.attendance.domain.corrections import Correction
from services.attendance.domain.scans import Scan
from services.attendance.domain.schedule import Schedule
from services.attendance.domain.settings import settings_from
from services.attendance.domain.shift import Shift
from services.attendance.domain.shift_values import shift_from

MONDAY = date(2026, 3, 23)
"""The clocks of Berlin change on the Sunday of that week."""
ALWAYS = Span()
INFERRED = settings_from({"infer_shifts": True})


def shift(start: str, end: str, **more: object) -> Shift:
    return shift_from({"parts": [{"start": start, "end": end}], **more})


SHIFTS = {
    1: ((ALWAYS, shift("08:00", "16:00")),),
    2: ((ALWAYS, shift("22:00", "06:00")),),
    3: ((ALWAYS, shift("00:30", "09:00", allowed_early_minutes=0, allowed_late_minutes=0)),),
    4: ((Span(MONDAY + timedelta(days=3)), shift("15:00", "23:30", allowed_late_minutes=600)),),
    5: ((ALWAYS, shift("06:00", "22:00", flexible=True, expected_hours=8)),),
}


@dataclass
class Known:
    """Scans at hand."""

    scans: Sequence[Scan]

    async def scans_of(self, spans: Spans) -> dict[PersonDay, list[Scan]]:
        return {key: [one for one in self.scans if start <= one.at < end] for key, (start, end, _) in spans.items()}

    async def corrections_around(self, _: Mapping[PersonDay, tuple[int, int]]) -> dict[PersonDay, list[Correction]]:
        return {}


def directory(zone: str, *, own: Owned | None = None, site: bool = True, unit: Owned | None = None) -> Directory:
    place = Assignment(span=ALWAYS, site_id=1, department=None, unit_path=[7], designation=None, level_of_work="Worker")
    holder = Holder(person_id=1, code="E1", name="", assignments=(place,), badges=((Claim("1"), ALWAYS),), owned=own)
    plans = Plans(
        shifts=SHIFTS,
        schedules={1: ((ALWAYS, Schedule(cycle=(1, 2, None), anchor=MONDAY)),)},
        units={} if unit is None else {7: unit},
        of_people=own is not None,
    )
    found = Directory(1, {1: Site(site_id=1, zone=zone, settings=((ALWAYS, INFERRED),) if site else ())}, plans=plans)
    found.add([holder], ["1"])
    return found


def placed(found: Directory, scans: Sequence[Scan], *days: int) -> dict[int, Placed]:
    keys = [PersonDay(MONDAY + timedelta(days=one), 1) for one in days]
    by_scans = asyncio.run(placed_by_scans(Known(scans), found, keys))
    return {(key.date - MONDAY).days: place for key, (place, _) in by_scans.items()}


def at(minutes: int) -> Scan:
    """A scan so many minutes from the beginning of Monday."""
    second = int(datetime(2026, 3, 23, tzinfo=UTC).timestamp()) + minutes * 60
    return Scan(second, UUID(int=second))


# Mostly near the ends of shifts, so that there is something to be told.
moments = st.tuples(st.integers(-4, 10), st.sampled_from([30, 360, 480, 540, 960, 1320, 1410]), st.integers(-90, 90))
seen = st.lists(moments.map(lambda one: at(one[0] * 1440 + one[1] + one[2])), max_size=20, unique=True)
zones = st.sampled_from(["UTC", "Asia/Dhaka", "Europe/Berlin", "Pacific/Apia"])
said = st.none() | st.builds(
    Owned,
    schedules=st.sampled_from([(), ((Span(MONDAY, MONDAY + timedelta(days=3)), 1),)]),
    roster=st.dictionaries(st.integers(-1, 7).map(lambda n: MONDAY + timedelta(days=n)), st.sampled_from([1, 2, None])),
)


@given(zones, seen, said)
@settings(max_examples=60, deadline=None)
def test_windows_follow_each_other_without_gap_or_overlap(zone: str, scans: list[Scan], own: Owned | None) -> None:
    frames = [frame for frame, _ in placed(directory(zone, own=own), scans, *range(-2, 9)).values()]
    assert all(one.end == other.start for one, other in pairwise(frames))
    assert all(one.start < one.end for one in frames)


@given(zones, seen, said, st.tuples(st.integers(-4, 10), st.integers(0, 1439)))
@settings(max_examples=60, deadline=None)
def test_a_scan_changes_the_dates_around_it_and_no_others(
    zone: str, scans: list[Scan], own: Owned | None, new: tuple[int, int]
) -> None:
    found, one = directory(zone, own=own), at(new[0] * 1440 + new[1])
    days = range(-8, 15)
    before, after = placed(found, scans, *days), placed(found, [*scans, one], *days)
    (near,) = found.near("1", 1, one.at)
    around = {(near.date - MONDAY).days + step for step in STEPS}
    assert {day for day in days if before[day] != after[day]} <= around
    # And what is asked for together is the same as what is asked for alone.
    assert placed(found, scans, new[0])[new[0]] == before[new[0]]


NIGHT = [at(1320), at(1440 + 360)]


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        pytest.param({}, "22:00–06:00", id="for a whole site"),
        pytest.param({"site": False}, None, id="off unless somebody says so"),
        pytest.param(
            {"site": False, "unit": Owned(settings=((ALWAYS, Layer(1, {"infer_shifts": True})),))},
            "22:00–06:00",
            id="for a unit",
        ),
        pytest.param(
            {"unit": Owned(settings=((ALWAYS, Layer(1, {"infer_shifts": False})),))}, None, id="and not for another"
        ),
        pytest.param(
            {"own": Owned(settings=((ALWAYS, Layer(1, {"infer_shifts_from": [1, 3]})),))},
            None,
            id="from some shifts alone",
        ),
        pytest.param(
            {"own": Owned(settings=((Span(MONDAY + timedelta(days=1)), Layer(1, {"infer_shifts": False})),))},
            "22:00–06:00",
            id="until another date",
        ),
        pytest.param({"own": Owned(roster={MONDAY: None})}, None, id="unless somebody said that it is off"),
    ],
)
def test_who_asks_the_scans(facts: dict[str, Owned], expected: str | None) -> None:
    found = directory("UTC", **facts)  # type: ignore[arg-type]
    frame, _ = placed(found, NIGHT, 0)[0]
    assert (None if frame.shift is None else frame.shift.times) == expected
    assert (frame.confidence is not None) is (expected is not None)


def test_nobody_else_is_looked_at() -> None:
    found = directory("UTC", site=False)
    assert found.inferring == set()
    assert found.near("1", 1, NIGHT[0].at) == []
