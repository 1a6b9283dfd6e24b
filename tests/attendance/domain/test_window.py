"""Which working day an instant belongs to, and where that day's edges and thresholds lie."""

import subprocess
import sys
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.attendance.domain.boundary import WorkingDays, business_date, by_business_date, working_days
from services.attendance.domain.settings import DEFAULTS, settings_from
from services.attendance.domain.window import frame_of
from tests.attendance.domain.build import FRIDAY, MONDAY, ROOT, ZONE, frame, instant, scan

FOUR = time(4)
ZONES = ("Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "Asia/Dhaka", "Pacific/Apia")


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        pytest.param("08:00", MONDAY, id="a morning"),
        pytest.param("23:59:59", MONDAY, id="the last second before midnight"),
        pytest.param("+1 00:00", MONDAY, id="midnight"),
        pytest.param("+1 03:59:59", MONDAY, id="the second before the boundary"),
        pytest.param("+1 04:00", MONDAY, id="the boundary itself"),
        pytest.param("+1 04:00:59", MONDAY, id="the last second of the boundary's minute"),
        pytest.param("+1 04:01", MONDAY + timedelta(days=1), id="the minute after the boundary"),
        pytest.param("04:00:59", MONDAY - timedelta(days=1), id="the boundary's minute of the date itself"),
    ],
)
def test_a_working_day_ends_with_the_minute_of_its_boundary(at: str, expected: date) -> None:
    assert business_date(instant(at), ZONE, FOUR) == expected


def test_midnight_can_be_the_boundary() -> None:
    assert business_date(instant("00:00:59"), ZONE, time(0)) == MONDAY - timedelta(days=1)
    assert business_date(instant("00:01"), ZONE, time(0)) == MONDAY


def test_an_instant_without_a_zone_has_no_business_date() -> None:
    with pytest.raises(ValueError, match="needs a zone"):
        business_date(datetime(2024, 1, 15, 8), ZONE, FOUR)


def test_an_unknown_zone_is_an_error() -> None:
    with pytest.raises(ZoneInfoNotFoundError):
        business_date(instant("08:00"), "Mars/Olympus", FOUR)


@pytest.mark.parametrize(
    ("zone", "on", "hours"),
    [
        pytest.param("Europe/Berlin", date(2024, 3, 30), 23, id="Berlin loses an hour in the night that ends Saturday"),
        pytest.param("Europe/Berlin", date(2024, 10, 26), 25, id="Berlin wins an hour in the night that ends Saturday"),
        pytest.param("America/New_York", date(2024, 3, 9), 23, id="New York in spring"),
        pytest.param("America/New_York", date(2024, 11, 2), 25, id="New York in autumn"),
        pytest.param("Australia/Lord_Howe", date(2024, 10, 5), 23.5, id="Lord Howe moves by half an hour in spring"),
        pytest.param("Australia/Lord_Howe", date(2024, 4, 6), 24.5, id="Lord Howe moves by half an hour in autumn"),
        pytest.param("Asia/Kolkata", date(2024, 3, 30), 24, id="Kolkata never moves"),
        pytest.param("Pacific/Apia", date(2011, 12, 30), 0, id="Apia had no 30 December 2011"),
        pytest.param("Europe/Berlin", date(2024, 3, 31), 24, id="the date of the change itself, as it ends at 04:00"),
    ],
)
def test_a_day_lasts_as_long_as_it_does_in_its_zone(zone: str, on: date, hours: float) -> None:
    window = frame_of(on, zone, DEFAULTS)
    assert (window.end - window.start) / 3600 == hours


@pytest.mark.parametrize("zone", ZONES)
@settings(deadline=None)
@given(at=st.datetimes(datetime(1990, 1, 1), datetime(2050, 1, 1), timezones=st.just(UTC)))
def test_every_instant_lies_in_the_window_of_its_business_date(zone: str, at: datetime) -> None:
    window = frame_of(business_date(at, zone, FOUR), zone, DEFAULTS)
    assert window.start <= at.timestamp() < window.end


@pytest.mark.parametrize("boundary", [time(0), time(1, 30), time(2, 30), FOUR, time(11, 59)])
@pytest.mark.parametrize("zone", ZONES)
def test_windows_follow_each_other_without_gap_or_overlap(zone: str, boundary: time) -> None:
    rules = settings_from({"day_boundary": boundary})
    days = working_days(zone, boundary)
    for number in range(2 * 366):
        on = date(2011, 1, 1) + timedelta(days=number)
        window, following = frame_of(on, zone, rules), frame_of(on + timedelta(days=1), zone, rules)
        assert window.end == following.start
        if window.start < window.end:
            assert days.date_of(window.start) == days.date_of(window.end - 1) == on


@settings(deadline=None)
@given(st.lists(st.integers(0, 4_000_000_000), max_size=50))
def test_a_date_found_from_the_cache_is_the_date_found_without_it(instants: list[int]) -> None:
    warm = working_days("Europe/Berlin", FOUR)
    for at in instants:
        assert warm.date_of(at) == WorkingDays("Europe/Berlin", FOUR).date_of(at)


def test_nonsense_dates_of_broken_clocks_have_a_business_date_too() -> None:
    assert business_date(datetime(2000, 1, 1, tzinfo=UTC), ZONE, FOUR) == date(2000, 1, 1)
    for zone in ZONES:
        assert business_date(datetime(1, 1, 1, tzinfo=UTC), zone, FOUR).year == 1
        assert business_date(datetime(9999, 12, 31, 23, 59, tzinfo=UTC), zone, FOUR).year == 9999


def test_scans_are_put_under_their_dates_in_the_order_given() -> None:
    scans = [scan("17:00"), scan("+1 08:00"), scan("08:00"), scan("+1 02:00")]
    assert by_business_date(scans, ZONE, FOUR) == {
        MONDAY: [scans[0], scans[2], scans[3]],
        MONDAY + timedelta(days=1): [scans[1]],
    }


def test_thresholds_lie_at_their_wall_clock() -> None:
    window = frame()
    moments = {
        "safe_entry": "08:00",
        "late_entry": "08:05",
        "lunch_start": "13:00",
        "lunch_end": "14:00",
        "safe_exit": "17:00",
        "overtime_start": "17:00",
        "extra_start": "19:00",
        "midnight": "00:00",
    }
    for name, wall in moments.items():
        moment = getattr(window, name, None) or getattr(window.terms, name)
        assert window.clock(moment) == wall
        assert window.start <= moment * 60 < window.end


def test_thresholds_up_to_the_boundary_lie_on_the_next_date() -> None:
    window = frame(extra_overtime_start_time="01:00")
    assert window.extra_start * 60 == instant("+1 01:00").timestamp()


@pytest.mark.parametrize(
    ("zone", "on"),
    [
        ("Europe/Berlin", date(2024, 3, 30)),
        ("Europe/Berlin", date(2024, 10, 26)),
        ("America/New_York", date(2024, 11, 2)),
        ("Australia/Lord_Howe", date(2024, 4, 6)),
        ("Asia/Kolkata", date(2024, 4, 6)),
    ],
)
def test_the_clock_of_a_frame_is_the_wall_clock_at_every_minute_of_the_day(zone: str, on: date) -> None:
    window = frame_of(on, zone, DEFAULTS)
    for at in range(window.start, window.end, 60):
        assert window.clock(at // 60) == datetime.fromtimestamp(at, ZoneInfo(zone)).strftime("%H:%M")


@pytest.mark.parametrize(
    ("weekend", "on", "expected"),
    [([5], FRIDAY, True), ([5], MONDAY, False), ([0], date(2024, 1, 14), True), ([0], date(2024, 1, 20), False)],
)
def test_weekdays_count_from_sunday(weekend: list[int], on: date, expected: bool) -> None:
    assert frame(on, weekend_days=weekend).weekend is expected


def test_frames_are_made_once() -> None:
    assert frame_of(MONDAY, ZONE, settings_from({})) is frame_of(MONDAY, ZONE, DEFAULTS)


def test_frames_of_other_days_zones_and_rules_have_other_numbers() -> None:
    frames = [
        frame(),
        frame(FRIDAY),
        frame(zone="Asia/Karachi"),
        frame(resolver="by_key"),
        frame(merge_window_seconds=59),
        frame(auto_calculate_overtime=False),
        frame(weekend_days=[0, 6]),
    ]
    assert len({one.number for one in frames}) == len(frames)


def test_the_number_of_a_frame_is_the_same_in_another_process() -> None:
    program = (
        "from datetime import date\n"
        "from services.attendance.domain.settings import settings_from\n"
        "from services.attendance.domain.window import frame_of\n"
        "settings = settings_from({'weekend_days': [6, 0, 5]})\n"
        "print(frame_of(date(2024, 1, 15), 'Asia/Dhaka', settings).number)"
    )
    # Another process hashes texts with another seed, and a set then has another order.
    outputs = {
        subprocess.run(
            [sys.executable, "-c", program],
            capture_output=True,
            text=True,
            check=True,
            cwd=ROOT,
            env={"PYTHONHASHSEED": seed},
        ).stdout.strip()
        for seed in ("1", "2")
    }
    assert outputs == {str(frame(weekend_days=[0, 5, 6]).number)}
