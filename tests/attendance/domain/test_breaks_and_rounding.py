"""Breaks, rounding and thresholds: how presence becomes hours (RULES §5)."""

import pytest

from services.attendance.domain.day import Flag
from services.attendance.domain.explain import explain
from services.attendance.domain.settings import Rounding
from services.attendance.domain.terms import Leave, LeavePart
from services.attendance.domain.work import Worked, cut_to, on_grid
from tests.attendance.domain.build import FRIDAY, a_shift, day, frame, scan

TEN = {"kind": "fixed", "start": "10:00", "end": "10:15", "paid": True}
NOON = {"kind": "fixed", "start": "12:00", "end": "12:30"}
THREE = {"kind": "fixed", "start": "15:00", "end": "15:15"}


def working(*texts: str, breaks: list[dict[str, object]] | None, **settings: object) -> int:
    return day(*texts, shift=a_shift("08:00-17:00", breaks=breaks), resolver="alternate", **settings).working


@pytest.mark.parametrize(
    ("breaks", "texts", "expected"),
    [
        pytest.param(None, ("08:00", "17:00"), 480, id="the lunch of the settings"),
        pytest.param([], ("08:00", "17:00"), 540, id="no break at all"),
        pytest.param([NOON], ("08:00", "17:00"), 510, id="a fixed break"),
        pytest.param([NOON, THREE], ("08:00", "17:00"), 495, id="several"),
        pytest.param([NOON, THREE], ("08:00", "12:10"), 240, id="what of it somebody was there for"),
        pytest.param([NOON, NOON], ("08:00", "17:00"), 510, id="the same break twice is one"),
        pytest.param([NOON], ("08:00", "12:00", "12:30", "17:00"), 510, id="scanned out or not"),
        pytest.param([TEN], ("08:00", "17:00"), 540, id="a paid break costs nothing"),
        pytest.param([TEN], ("08:00", "10:00", "10:20", "17:00"), 535, id="being away in it is work, up to its end"),
        pytest.param([TEN, TEN], ("08:00", "10:00", "10:20", "17:00"), 535, id="and is paid once"),
        pytest.param([TEN], ("08:00", "10:05"), 125, id="who does not come back from it is not paid for it"),
    ],
)
def test_fixed_breaks(breaks: list[dict[str, object]] | None, texts: tuple[str, ...], expected: int) -> None:
    assert working(*texts, breaks=breaks) == expected


@pytest.mark.parametrize(
    ("punched", "texts", "expected"),
    [
        pytest.param({}, ("08:00", "12:00", "12:20", "17:00"), 520, id="what was scanned out"),
        pytest.param({"at_least_minutes": 30}, ("08:00", "12:00", "12:20", "17:00"), 510, id="at least so many"),
        pytest.param({"at_least_minutes": 30}, ("08:00", "12:00", "12:40", "17:00"), 500, id="more is more"),
        pytest.param({"at_least_minutes": 30}, ("08:00", "17:00"), 510, id="whether or not anybody scanned"),
        pytest.param(
            {"at_least_minutes": 30, "after_hours": 6}, ("08:00", "14:00"), 360, id="only after so many hours"
        ),
        pytest.param({"at_least_minutes": 30, "after_hours": 6}, ("08:00", "14:01"), 331, id="and one minute"),
        pytest.param({"at_least_minutes": 30}, ("08:00", "08:20"), 0, id="never below nothing"),
        pytest.param({"paid": True}, ("08:00", "12:00", "12:20", "17:00"), 540, id="a paid one"),
        pytest.param(
            {"paid": True, "at_most_minutes": 15}, ("08:00", "12:00", "12:20", "17:00"), 535, id="paid up to so many"
        ),
    ],
)
def test_punched_breaks(punched: dict[str, object], texts: tuple[str, ...], expected: int) -> None:
    assert working(*texts, breaks=[{"kind": "punched"} | punched]) == expected


@pytest.mark.parametrize(("at_most", "expected"), [(None, 500), (30, 510), (60, 500)])
def test_where_time_away_counts_only_the_break_of_it_comes_off(at_most: int | None, expected: int) -> None:
    breaks = [{"kind": "punched", "at_most_minutes": at_most}]
    assert working("08:00", "12:00", "12:40", "17:00", breaks=breaks, time_away_counts=True) == expected


@pytest.mark.parametrize(
    ("departure", "expected"),
    [("14:00", 360), ("14:01", 331), ("17:00", 510), ("17:01", 496), ("17:15", 510)],
)
def test_minutes_are_deducted_once_more_than_so_many_hours_were_worked(departure: str, expected: int) -> None:
    breaks = [
        {"kind": "deducted", "minutes": 30, "after_hours": 6},
        {"kind": "deducted", "minutes": 15, "after_hours": 9},
    ]
    assert working("08:00", departure, breaks=breaks) == expected


def test_a_deducted_break_lies_in_the_regular_time() -> None:
    shift = a_shift("08:00-17:00", breaks=[{"kind": "deducted", "minutes": 45, "after_hours": 6}])
    result = day("08:00", "20:00", shift=shift)
    assert (result.working, result.overtime, result.extra_overtime, result.shortfall) == (675, 120, 60, 0)
    assert frame(shift=shift).terms.expected == 495


@pytest.mark.parametrize(
    ("minutes", "way", "grid", "expected"),
    [
        (7, "none", 15, 7),
        (7, "nearest", 15, 0),
        (8, "nearest", 15, 15),
        (15, "nearest", 30, 30),
        (1, "up", 15, 15),
        (15, "up", 15, 15),
        (14, "down", 15, 0),
        (0, "up", 15, 0),
    ],
)
def test_a_number_on_a_grid(minutes: int, way: str, grid: int, expected: int) -> None:
    assert on_grid(minutes, Rounding(way), grid) == expected


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        pytest.param({"arrival_rounding": "up", "departure_rounding": "down"}, 480, id="in favour of one side"),
        pytest.param({"arrival_rounding": "down", "departure_rounding": "up"}, 510, id="in favour of the other"),
        pytest.param({"arrival_rounding": "nearest"}, 503, id="the nearest, one of them only"),
        pytest.param({"total_rounding": "down"}, 495, id="the total"),
        pytest.param({"total_rounding": "up", "total_rounding_minutes": 60}, 540, id="the total on a coarser grid"),
        pytest.param({"total_rounding": "nearest", "total_rounding_minutes": 10}, 500, id="the total, the nearest"),
    ],
)
def test_rounding_keeps_what_was_there(rules: dict[str, object], expected: int) -> None:
    result = day("08:07", "17:23", lunch_break_duration=1, **rules)
    raw = day("08:07", "17:23", lunch_break_duration=1)
    assert (result.working, result.raw_working) == (expected, raw.working)
    assert (result.first_arrival, result.last_departure, result.status) == (
        raw.first_arrival,
        raw.last_departure,
        raw.status,
    )


def test_rounding_goes_by_the_wall_clock() -> None:
    # Kolkata is five and a half hours ahead, so a grid of UTC would be half an hour off.
    rules = {"arrival_rounding": "down", "arrival_rounding_minutes": 60}
    assert day("08:40", "17:00", zone="Asia/Kolkata", **rules).working == 480


def test_rounding_never_makes_hours_negative_or_out_of_nothing() -> None:
    rules = {"arrival_rounding": "up", "departure_rounding": "down", "total_rounding": "up"}
    assert day("08:01", "08:14", **rules).working == 0
    assert day("08:01", **rules).working == 0
    in_turn = day("08:01", "08:03", "08:20", "08:22", resolver="alternate", **rules)
    assert (in_turn.working, in_turn.raw_working) == (0, 4)


def test_a_rounded_total_changes_the_end_of_the_day() -> None:
    down = day("08:00", "19:50", total_rounding="down", total_rounding_minutes=60)
    assert (down.working, down.overtime, down.extra_overtime, down.shortfall) == (600, 120, 0, 0)
    up = day("08:00", "17:50", total_rounding="up", total_rounding_minutes=60)
    assert (up.working, up.overtime, up.extra_overtime) == (540, 60, 0)
    regular = day("08:00", "16:50", total_rounding="up", total_rounding_minutes=60)
    assert (regular.working, regular.overtime, regular.shortfall) == (480, 0, 0)


def test_less_is_taken_from_the_end() -> None:
    assert cut_to(100, Worked(130, 20, 20)) == (100, 10, 0)
    assert cut_to(10, Worked(130, 20, 20)) == (10, 0, 0)


def test_early_arrival_may_not_count() -> None:
    assert day("07:30", "17:00", early_arrival_counts=False).working == 480
    assert day("07:30", "17:00").working == 510
    shift = a_shift("09:00-18:00", breaks=[])
    assert day("07:30", "18:00", shift=shift, early_arrival_counts=False).working == 540
    assert day("07:30", "08:00", shift=shift, early_arrival_counts=False).working == 0
    assert day("10:00", "16:00", shift=None, early_arrival_counts=False).working == 300


@pytest.mark.parametrize(
    ("departure", "status", "flags"),
    [
        ("08:59", "Absent", (Flag.TOO_SHORT,)),
        ("09:00", "Present-OnTime", (Flag.HALF_DAY,)),
        ("11:59", "Present-OnTime", (Flag.HALF_DAY,)),
        ("12:00", "Present-OnTime", ()),
    ],
)
def test_a_short_day_is_half_a_day_or_none(departure: str, status: str, flags: tuple[Flag, ...]) -> None:
    result = day("08:00", departure, half_day_below_hours=4, absent_below_hours=1)
    assert (result.status, result.flags) == (status, flags)
    assert result.working == result.raw_working > 0


def test_nothing_is_made_of_hours_that_are_not_known_nor_of_a_day_of_rest() -> None:
    rules = {"half_day_below_hours": 4, "absent_below_hours": 1}
    assert day("08:00", **rules).flags == (Flag.MISSING_CHECK_OUT,)
    assert day("08:00", **rules).status == "Present-OnTime"
    assert day("08:00", "08:30", on=FRIDAY, **rules).flags == (Flag.WORKED_ON_WEEKEND,)
    half = Leave(type="sick", part=LeavePart.AFTERNOON)
    assert day("08:00", "11:00", leave=half, **rules).flags == ()
    assert day(**rules).flags == ()


def test_who_has_half_the_day_off_need_be_there_for_half_as_long() -> None:
    half = Leave(type="sick", part=LeavePart.MORNING)
    rules = {"absent_below_hours": 4}
    assert day("14:00", "17:00", **rules).flags == (Flag.TOO_SHORT,)
    assert day("14:00", "17:00", leave=half, **rules).flags == ()
    short = day("14:00", "15:59", leave=half, **rules)
    assert (short.status, short.flags) == ("Absent", (Flag.TOO_SHORT,))
    case = [scan("14:00"), scan("15:59")]
    said = explain(case, frame(**rules), leave=half)
    assert [why for _, why in said.flags] == [
        "1 h 59 min were worked, and less than 2 h 00 min count as absent (absent_below_hours)"
    ]
