"""The shift of somebody who has no schedule, found in the scans around a date."""

from collections.abc import Iterable
from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.attendance.domain.day import Flag, work_day
from services.attendance.domain.explain import explain
from services.attendance.domain.inference import Inferred, candidates, evidence_of, infer
from services.attendance.domain.scans import Scan
from services.attendance.domain.settings import DEFAULTS, settings_from
from services.attendance.domain.window import Slot, frame_of, without_shift
from tests.attendance.domain.build import MONDAY, ZONE, a_shift, scan

DAY = a_shift("07:00-19:00", name="Day", breaks=[])
NIGHT = a_shift("19:00-07:00", name="Night", breaks=[])
OFFICE = a_shift("09:00-18:00", name="Office")
SATURDAY = MONDAY + timedelta(days=5)
SHIFTS = (OFFICE, DAY, NIGHT)


def found(*texts: str, on: date = MONDAY) -> Inferred:
    return infer([scan(text) for text in texts], on, ZONE, SHIFTS)


def name(inferred: Inferred) -> str | None:
    return None if inferred.shift is None else inferred.shift.name


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        pytest.param(("08:55", "18:10"), "Office", id="a plain day"),
        pytest.param(("06:50", "19:05"), "Day", id="a long one"),
        pytest.param(("18:50", "+1 07:05"), "Night", id="a night"),
        pytest.param(("09:30", "17:00"), "Office", id="late and early away"),
        pytest.param(("-1 18:50", "07:05"), None, id="the night before is not of this date"),
        pytest.param(("+1 08:55", "+1 18:00"), None, id="nor is the day after"),
        pytest.param((), None, id="no scans at all"),
        pytest.param(("12:30",), None, id="a scan far from all edges"),
        pytest.param(("08:59",), "Office", id="one edge is better than nothing"),
        pytest.param(("09:00 future", "18:00 future"), None, id="what does not count says nothing"),
    ],
)
def test_the_shift_whose_edges_the_scans_are_nearest_to(texts: tuple[str, ...], expected: str | None) -> None:
    assert name(found(*texts)) == expected


def test_a_date_between_two_nights_and_a_day_is_told_apart_by_its_neighbours() -> None:
    # The scans of this date, 07:00 and 19:00, would make a perfect day; the nights around need both.
    scans = ["-1 18:55", "-1 22:00", "02:00", "06:58", "19:01", "23:00", "+1 03:00", "+1 07:02"]
    assert name(found(*scans)) == "Night"
    assert found(*scans).confidence > 0.6


def test_what_can_be_read_in_two_ways_is_not_sure() -> None:
    ends = [f"{number:+} {clock}" for number in (-1, 0, 1) for clock in ("07:00", "19:00")]
    unsure = found(*ends, "+2 07:00")
    assert unsure.confidence <= 0.5
    assert found("08:59", "18:01").confidence > 0.8
    assert found("10:00", "16:30").confidence < found("09:30", "17:30").confidence < found("09:00", "18:00").confidence


def test_without_enough_surety_a_date_is_one_without_a_schedule() -> None:
    assert Inferred(OFFICE, 0.49).slot(DEFAULTS) == Inferred(None, 1.0).slot(DEFAULTS) == Slot(DEFAULTS)
    assert Inferred(OFFICE, 0.5).slot(DEFAULTS) == Slot(DEFAULTS, OFFICE, scheduled=True, confidence=0.5)


def test_an_inferred_shift_is_marked_and_said() -> None:
    own, none = Inferred(NIGHT, 0.8).slot(DEFAULTS), Slot(DEFAULTS)
    frame = frame_of(MONDAY, ZONE, DEFAULTS, (none, own, none))
    assigned = frame_of(MONDAY, ZONE, DEFAULTS, (none, own._replace(confidence=None), none))
    scans = [scan("19:00"), scan("+1 07:00")]
    day = work_day(scans, frame)
    assert (day.flags, day.working) == ((Flag.INFERRED_SHIFT,), 720)
    assert work_day(scans, assigned).flags == ()
    assert day.digest != work_day(scans, assigned).digest
    assert "confidence 0.8" in dict(explain(scans, frame).flags)[Flag.INFERRED_SHIFT]


def test_scans_of_a_weekend_tell_when_somebody_worked_and_not_that_they_had_to() -> None:
    saturday = settings_from({"weekend_days": [6]})
    own, none = Inferred(DAY, 0.9).slot(saturday), Slot(saturday)
    frame = frame_of(SATURDAY, ZONE, saturday, (none, own, none))
    scans = [scan("+5 07:30"), scan("+5 18:00")]
    day = work_day(scans, frame)
    assert (day.flags, day.late, day.shortfall, day.expected, day.working) == (
        (Flag.INFERRED_SHIFT, Flag.WORKED_ON_WEEKEND),
        0,
        0,
        0,
        630,
    )
    scheduled = frame_of(SATURDAY, ZONE, saturday, (none, own._replace(confidence=None), none))
    assert (work_day(scans, scheduled).late, scheduled.terms.expected) == (30, 720)


def test_without_anybody_seen_a_date_is_what_the_settings_say() -> None:
    own, none = Inferred(NIGHT, 0.9).slot(DEFAULTS), Slot(DEFAULTS)
    frame = frame_of(MONDAY, ZONE, DEFAULTS, (none, own, none))
    bare = without_shift(frame, DEFAULTS)
    assert (bare.start, bare.end, bare.shift, bare.confidence) == (frame.start, frame.end, None, None)
    assert bare.terms.expected == DEFAULTS.standard_minutes
    assert work_day((), bare).status == "Absent"


def test_what_somebody_said_of_the_dates_beside_leaves_their_scans_to_them() -> None:
    # Whoever is known to have worked the night before left at 07:00, and did not come.
    scans = [scan("07:00"), scan("18:00")]
    free = infer(scans, MONDAY, ZONE, SHIFTS)
    assert name(free) == "Day"
    told = infer([scan("-1 19:00"), *scans], MONDAY, ZONE, SHIFTS, ((NIGHT,), ()))
    assert name(told) != "Day"
    assert candidates([scan("-1 19:00"), *scans], MONDAY, ZONE, SHIFTS, ((), ()))[0].shift == DAY


moments = st.integers(-3 * 1440, 3 * 1440)


def _scans(minutes: Iterable[int]) -> list[Scan]:
    start, _ = evidence_of(MONDAY, ZONE)
    noon = scan("12:00")
    return [noon._replace(at=start + 86_400 + minute * 60) for minute in minutes]


@settings(deadline=None)
@given(st.lists(moments, max_size=12), st.data())
def test_neither_order_nor_repetition_nor_what_lies_further_away_matters(
    minutes: list[int], data: st.DataObject
) -> None:
    start, end = evidence_of(MONDAY, ZONE)
    scans = _scans(minutes)
    result = infer(scans, MONDAY, ZONE, SHIFTS)
    again = data.draw(st.permutations(scans + scans[:3]))
    assert infer(again, MONDAY, ZONE, SHIFTS) == result
    assert infer([one for one in scans if start <= one.at < end], MONDAY, ZONE, SHIFTS) == result
    assert 0 <= result.confidence <= 1
    assert result.shift is None or result.shift in SHIFTS


def test_there_may_be_no_shift_to_choose_from() -> None:
    assert infer([scan("09:00")], MONDAY, ZONE, ()) == Inferred(None, 0.5)


def test_the_evidence_is_three_dates_and_the_morning_after() -> None:
    start, end = evidence_of(date(2024, 3, 31), "Europe/Berlin")
    assert timedelta(seconds=end - start) == timedelta(days=3, hours=11)
