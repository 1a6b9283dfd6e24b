"""Overtime by the day and by the week, tolerance, blocks, caps and approval (RULES §5)."""

from datetime import date, timedelta

import pytest

from services.attendance.domain.day import Day
from services.attendance.domain.settings import settings_from
from services.attendance.domain.terms import Leave, LeavePart, Level
from services.attendance.domain.week import Hours, figure_of_week, overtime_by_week, week_of
from tests.attendance.domain.build import FRIDAY, MONDAY, a_shift, day


def figures(*texts: str, **settings: object) -> tuple[int, int, int, int]:
    result = day(*texts, **settings)  # type: ignore[arg-type]
    return result.working, result.overtime, result.extra_overtime, result.shortfall


@pytest.mark.parametrize(
    ("rules", "texts", "expected"),
    [
        pytest.param({}, ("07:00", "18:00"), (600, 120, 0, 0), id="above the expected minutes"),
        pytest.param({}, ("10:00", "19:00"), (480, 0, 0, 0), id="whenever they are worked"),
        pytest.param({}, ("10:00", "18:00"), (420, 0, 0, 60), id="below them it is a shortfall"),
        pytest.param({"overtime_after_hours": 9}, ("07:00", "18:00"), (600, 60, 0, 0), id="above a set amount"),
        pytest.param({"extra_overtime_after_hours": 10}, ("07:00", "19:30"), (690, 120, 90, 0), id="a second tier"),
        pytest.param(
            {"extra_overtime_after_hours": 7}, ("07:00", "18:00"), (600, 0, 120, 0), id="a tier below the first"
        ),
    ],
)
def test_overtime_by_the_day(
    rules: dict[str, object], texts: tuple[str, ...], expected: tuple[int, int, int, int]
) -> None:
    assert figures(*texts, overtime_by="day", **rules) == expected


def test_a_day_of_rest_has_no_overtime_by_the_day_below_its_ordinary_hours_unless_all_of_it_counts() -> None:
    assert figures("08:00", "18:00", on=FRIDAY, overtime_by="day") == (540, 60, 0, 0)
    assert figures("08:00", "18:00", on=FRIDAY, overtime_by="day", rest_day_overtime=True) == (540, 540, 0, 0)
    shift = a_shift("08:00-14:00", breaks=[])
    assert figures("08:00", "15:00", shift=shift, overtime_by="day", holiday="Eid") == (420, 60, 0, 0)


def test_half_a_day_of_leave_expects_half() -> None:
    leave = Leave(type="sick", part=LeavePart.MORNING)
    assert figures("14:00", "19:00", leave=leave, overtime_by="day") == (300, 60, 0, 0)


def test_there_may_be_no_overtime_at_all() -> None:
    assert figures("08:00", "21:00", overtime_by="none") == (720, 0, 0, 0)
    assert figures("08:00", "18:00", on=FRIDAY, overtime_by="none", rest_day_overtime=True) == (540, 0, 0, 0)
    assert figures("10:00", "18:00", overtime_by="none") == (420, 0, 0, 60)


@pytest.mark.parametrize(
    ("rules", "departure", "expected"),
    [
        pytest.param({"overtime_tolerance_minutes": 10}, "17:10", (0, 0), id="up to the tolerance none"),
        pytest.param({"overtime_tolerance_minutes": 10}, "17:11", (11, 0), id="above it all"),
        pytest.param({"overtime_block_minutes": 30}, "17:29", (0, 0), id="less than a block is none"),
        pytest.param({"overtime_block_minutes": 30}, "18:10", (60, 0), id="whole blocks"),
        pytest.param({"overtime_block_minutes": 30}, "19:40", (120, 30), id="of both together"),
        pytest.param({"overtime_cap_hours": 3}, "21:00", (120, 60), id="a cap, taken from the end"),
        pytest.param({"overtime_cap_hours": 1}, "21:00", (60, 0), id="a cap below the first tier"),
        pytest.param({"overtime_cap_hours": 0}, "21:00", (0, 0), id="a cap of nothing"),
    ],
)
def test_what_of_overtime_is_granted(rules: dict[str, object], departure: str, expected: tuple[int, int]) -> None:
    result = day("08:00", departure, **rules)
    assert (result.overtime, result.extra_overtime) == expected
    # What is not granted was worked all the same, and is no regular time.
    assert (result.working, result.shortfall) == (day("08:00", departure).working, 0)


def test_who_comes_late_makes_nothing_up_by_overtime_that_is_not_granted() -> None:
    assert day("09:00", "17:10", overtime_tolerance_minutes=10).shortfall == 60


def test_snacks_go_by_what_was_granted() -> None:
    assert day("08:00", "20:00").snacks
    assert not day("08:00", "20:00", overtime_cap_hours=2.5).snacks


def test_overtime_may_need_approval_and_its_figure_stays() -> None:
    result = day("08:00", "18:00", overtime_needs_approval=True)
    assert (result.overtime, result.overtime_unapproved) == (60, True)
    assert not day("08:00", "17:00", overtime_needs_approval=True).overtime_unapproved
    assert not day("08:00", "18:00").overtime_unapproved


@pytest.mark.parametrize(("departure", "shortfall"), [("16:50", 0), ("16:49", 11), ("17:00", 0)])
def test_a_shortfall_up_to_the_tolerance_is_none(departure: str, shortfall: int) -> None:
    assert day("08:00", departure, shortfall_tolerance_minutes=10).shortfall == shortfall


def test_where_shortfall_does_not_count_no_more_is_expected_than_was_worked() -> None:
    result = day("08:00", "12:00", shortfall_counts=False)
    assert (result.shortfall, result.expected) == (0, 240)
    assert (day("08:00", "12:00").shortfall, day("08:00", "12:00").expected) == (240, 480)


def week(*hours: int, **rules: object) -> list[Day]:
    """Days from Monday on, each from 08:00 for so many hours without lunch."""
    return [
        day("08:00", f"{8 + length:02}:00", on=MONDAY + timedelta(days=number), lunch_break_duration=0, **rules)
        for number, length in enumerate(hours)
        if length
    ]


WEEK = {"overtime_by": "week", "overtime_week_hours": 40, "weekend_days": [0, 6]}


def by_week(days: list[Day], **rules: object) -> list[int]:
    found = overtime_by_week(map(hours_of, days), lambda _: settings_from(rules))
    return [found.get(on, 0) // 60 for on in sorted(day.date for day in days)]


def hours_of(day: Day) -> Hours:
    return Hours(day.date, day.working, day.overtime + day.extra_overtime)


@pytest.mark.parametrize(
    ("hours", "expected"),
    [
        ((8, 8, 8, 8, 8), [0, 0, 0, 0, 0]),
        ((10, 8, 8, 8, 10), [0, 0, 0, 0, 4]),
        ((8, 0, 0, 0, 0, 8), [0, 0]),
        ((10, 10, 10, 10, 10, 5), [0, 0, 0, 0, 10, 5]),
    ],
)
def test_what_is_above_the_hours_of_a_week_is_overtime_of_the_days_that_have_it(
    hours: tuple[int, ...], expected: list[int]
) -> None:
    days = week(*hours, **WEEK)
    assert all(one.overtime == one.extra_overtime == 0 for one in days)
    assert by_week(days, **WEEK) == expected
    assert by_week(days[::-1], **WEEK) == expected


def test_minutes_that_are_overtime_by_the_day_and_by_the_week_count_once() -> None:
    rules = {"overtime_by": "day", "overtime_after_hours": 9, "overtime_week_hours": 40, "weekend_days": []}
    days = week(10, 8, 8, 8, 10, **rules)
    assert [one.overtime // 60 for one in days] == [1, 0, 0, 0, 1]
    assert by_week(days, **rules) == [0, 0, 0, 0, 3]


def test_without_a_rule_of_weeks_there_is_none_by_the_week() -> None:
    assert by_week(week(12, 12, 12, 12, 12), overtime_by="day") == [0] * 5


@pytest.mark.parametrize("rules", [{"overtime_by": "none"}, {"auto_calculate_overtime": False}])
def test_where_no_overtime_is_calculated_there_is_none_by_the_week(rules: dict[str, object]) -> None:
    assert by_week(week(12, 12, 12, 12, 12), overtime_week_hours=40, **rules) == [0] * 5


def test_each_date_goes_by_its_own_settings_and_only_what_is_asked_is_answered() -> None:
    days = [hours_of(one) for one in week(10, 10, 10, 10, 10, **WEEK)]
    friday, stricter = MONDAY + timedelta(days=4), {**WEEK, "overtime_week_hours": 30}
    found = overtime_by_week(days, lambda on: settings_from(stricter if on < friday else WEEK) if on > MONDAY else None)
    assert {on.isoweekday(): minutes // 60 for on, minutes in found.items()} == {2: 0, 3: 0, 4: 10, 5: 10}


def test_the_overtime_of_a_week_is_explained() -> None:
    rules = settings_from({"overtime_by": "day", "overtime_after_hours": 9, "overtime_week_hours": 40})
    days = [hours_of(one) for one in week(10, 8, 8, 8, 10, overtime_by="day", overtime_after_hours=9)]
    told = {on: figure_of_week(days, MONDAY + timedelta(days=on), rules) for on in (0, 4, 5)}
    begins = f"were worked from {MONDAY}, the first date of the week, to this date"
    assert {on: (one.value, one.why) for on, one in told.items() if one is not None} == {
        0: (0.0, f"10 h 00 min {begins}, which are not above 40 h 00 min"),
        4: (
            3.0,
            f"44 h 00 min {begins}; of this date's 10 h 00 min, 4 h 00 min lie above 40 h 00 min, and 1 h 00 min of "
            "these are overtime by the day already",
        ),
        5: (0.0, f"44 h 00 min {begins}; of this date's 0 min, 0 min lie above 40 h 00 min"),
    }
    assert figure_of_week(days, MONDAY, settings_from({})) is None


@pytest.mark.parametrize(
    ("starts", "on", "expected"),
    [
        (1, MONDAY, MONDAY),
        (1, MONDAY - timedelta(days=1), MONDAY - timedelta(days=7)),
        (0, MONDAY, MONDAY - timedelta(days=1)),
        (6, FRIDAY, FRIDAY - timedelta(days=6)),
    ],
)
def test_weeks_start_where_the_settings_say(starts: int, on: date, expected: date) -> None:
    assert week_of(on, settings_from({"week_starts_on": starts})) == expected


def test_staff_have_no_overtime_by_the_day_either() -> None:
    assert day("07:00", "20:00", level=Level.STAFF, overtime_by="day").overtime == 0
