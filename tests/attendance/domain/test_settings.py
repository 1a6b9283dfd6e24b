"""The settings of a day and their names outside."""

import json
from datetime import time

import pytest

from services.attendance.domain.settings import (
    DEFAULTS,
    DaySettings,
    Resolver,
    refined,
    settings_from,
    settings_values,
    settled,
)
from shared.kernel.errors import Invalid


def test_the_defaults_are_those_that_clients_know() -> None:
    assert settings_values(DEFAULTS) == {
        "standard_working_hours": 8.0,
        "lunch_start": "13:00",
        "lunch_break_duration": 1.0,
        "safe_entry_time": "08:00",
        "late_entry_time": "08:05",
        "safe_exit_time": "17:00",
        "overtime_start_time": "17:00",
        "extra_overtime_start_time": "19:00",
        "snacks_eligibility_hours": 1.0,
        "night_bill_eligibility_hours": 5.0,
        "weekend_days": [5],
        "auto_calculate_overtime": True,
        "auto_calculate_extra_overtime": True,
        "auto_update_leave_balance": True,
        "day_boundary": "04:00",
        "resolver": "first_last",
        "merge_window_seconds": 60,
        "long_span_hours": 14.0,
        "rest_day_overtime": False,
        "time_away_counts": False,
        "arrival_rounding": "none",
        "arrival_rounding_minutes": 15,
        "departure_rounding": "none",
        "departure_rounding_minutes": 15,
        "total_rounding": "none",
        "total_rounding_minutes": 15,
        "early_arrival_counts": True,
        "half_day_below_hours": 0.0,
        "absent_below_hours": 0.0,
        "shortfall_counts": True,
        "shortfall_tolerance_minutes": 0,
        "overtime_by": "clock",
        "overtime_after_hours": None,
        "extra_overtime_after_hours": None,
        "overtime_week_hours": None,
        "week_starts_on": 1,
        "overtime_tolerance_minutes": 0,
        "overtime_block_minutes": 1,
        "overtime_cap_hours": None,
        "overtime_needs_approval": False,
        "weekend_multiplier": 1.0,
        "holiday_multiplier": 1.0,
        "corrections_per_month": 3,
        "infer_shifts": False,
        "infer_shifts_from": None,
    }


def test_settings_survive_the_way_through_json() -> None:
    changed = settings_from(
        {
            "safe_entry_time": "09:00",
            "late_entry_time": "09:10",
            "weekend_days": [6, 0],
            "departure_rounding": "down",
            "departure_rounding_minutes": 30,
            "overtime_by": "day",
            "overtime_after_hours": 7.67,
            "overtime_week_hours": 44.5,
            "holiday_multiplier": 1.5,
        }
    )
    assert settings_from(json.loads(json.dumps(settings_values(changed)))) == changed


def test_values_are_laid_over_a_base() -> None:
    base = settings_from({"lunch_break_duration": 0.5})
    changed = settings_from({"safe_entry_time": "07:30:00", "resolver": "by_key"}, base)
    assert (changed.lunch_minutes, changed.safe_entry, changed.resolver) == (30, time(7, 30), Resolver.BY_KEY)


def test_equal_settings_are_one_key() -> None:
    assert hash(settings_from({"resolver": "by_key"})) == hash(DaySettings(resolver=Resolver.BY_KEY))
    assert len({DEFAULTS, DaySettings(), settings_from({})}) == 1


@pytest.mark.parametrize(
    ("name", "value", "why"),
    [
        ("coffee_break", 1, "no such setting"),
        ("safe_entry_time", "8 o'clock", "not a time of day"),
        ("safe_entry_time", "25:00", "not a time of day"),
        ("safe_entry_time", 12, "not a time of day"),
        ("safe_entry_time", "08:00:30", "whole minute"),
        ("safe_entry_time", None, "not a time of day"),
        ("lunch_break_duration", "long", "not a number"),
        ("lunch_break_duration", True, "not a number"),
        ("lunch_break_duration", float("nan"), "not a number"),
        ("lunch_break_duration", float("inf"), "not a number"),
        ("lunch_break_duration", -1, "from 0 to 24"),
        ("standard_working_hours", 24.5, "from 0 to 24"),
        ("weekend_days", [7], "list of weekdays"),
        ("weekend_days", "5", "list of weekdays"),
        ("weekend_days", 5, "list of weekdays"),
        ("weekend_days", [True], "list of weekdays"),
        ("auto_calculate_overtime", "yes", "true or false"),
        ("resolver", "by_magic", "one of first_last, alternate, by_key, by_machine"),
        ("merge_window_seconds", 1.5, "whole number of seconds"),
        ("merge_window_seconds", -1, "whole number of seconds"),
        ("late_entry_time", "07:59", "not be before safe_entry_time"),
        ("extra_overtime_start_time", "16:00", "not be before overtime_start_time"),
        ("day_boundary", "12:00", "before 12:00"),
        ("arrival_rounding", "sideways", "one of none, nearest, up, down"),
        ("total_rounding_minutes", 7, "divides an hour"),
        ("total_rounding_minutes", True, "divides an hour"),
        ("overtime_by", "moon", "one of clock, day, week, none"),
        ("overtime_block_minutes", 0, "from 1 to 240"),
        ("overtime_week_hours", 169, "from 0 to 168"),
        ("overtime_cap_hours", "much", "not a number"),
        ("week_starts_on", 7, "a weekday, 0 for Sunday"),
        ("weekend_multiplier", -1, "from 0 to 10"),
        ("weekend_multiplier", float("nan"), "from 0 to 10"),
    ],
)
def test_a_value_that_makes_no_sense_is_named_with_the_reason(name: str, value: object, why: str) -> None:
    with pytest.raises(Invalid) as refused:
        settings_from({name: value})
    assert list(refused.value.fields) == [name]
    assert why in refused.value.fields[name]


@pytest.mark.parametrize(
    ("values", "name"),
    [
        ({"half_day_below_hours": 4, "absent_below_hours": 5}, "absent_below_hours"),
        ({"overtime_after_hours": 9, "extra_overtime_after_hours": 8}, "extra_overtime_after_hours"),
        ({"overtime_by": "week"}, "overtime_week_hours"),
    ],
)
def test_values_that_contradict_each_other_are_named(values: dict[str, object], name: str) -> None:
    with pytest.raises(Invalid) as refused:
        settings_from(values)
    assert list(refused.value.fields) == [name]


def test_settings_that_change_nothing_leave_digests_as_they_were() -> None:
    assert [name for name, _ in settled(DEFAULTS)][-1] == "time_away_counts"
    assert settled(settings_from({"overtime_cap_hours": 3}))[-1] == ("overtime_cap", "180")
    assert not refined(settings_from({"resolver": "by_key"}))
    assert refined(settings_from({"total_rounding": "up"}))


def test_all_wrong_values_are_named_at_once() -> None:
    with pytest.raises(Invalid) as refused:
        settings_from({"resolver": 1, "weekend_days": 9, "lunch_start": "12:00"})
    assert set(refused.value.fields) == {"resolver", "weekend_days"}


def test_extra_overtime_may_start_after_midnight() -> None:
    assert settings_from({"extra_overtime_start_time": "01:00"}).extra_overtime_start == time(1)
