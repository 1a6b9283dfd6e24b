"""Shifts and the names of their values outside."""

import json

import pytest

from services.attendance.domain.settings import DEFAULTS, Resolver, Rounding, settings_from
from services.attendance.domain.shift import DeductedBreak, FixedBreak, Part, PunchedBreak, Shift
from services.attendance.domain.shift_values import shift_from, shift_values
from shared.kernel.errors import Invalid

DAY = {"parts": [{"start": "08:00", "end": "17:00"}]}
EVERYTHING = {
    "name": "Night",
    "parts": [{"start": "22:00", "end": "01:00"}, {"start": "02:00", "end": "06:00"}],
    "flexible": False,
    "expected_hours": 7.0,
    "allowed_early_minutes": 60,
    "allowed_late_minutes": 300,
    "grace_in_minutes": 5,
    "late_after_minutes": 10,
    "grace_out_minutes": 15,
    "breaks": [
        {"kind": "fixed", "start": "23:30", "end": "00:15", "paid": True},
        {"kind": "punched", "at_least_minutes": 30, "at_most_minutes": 60, "after_hours": 6.0, "paid": False},
        {"kind": "deducted", "minutes": 15, "after_hours": 4.5},
    ],
    "overtime_after_minutes": 30,
    "extra_overtime_after_minutes": 180,
    "settings": {"resolver": "by_key", "total_rounding": "down", "total_rounding_minutes": 30},
}


def test_a_shift_has_defaults_for_all_but_its_times() -> None:
    shift = shift_from(DAY)
    assert shift == Shift(parts=(Part(480, 1020),))
    assert (shift.allowed_early, shift.allowed_late, shift.grace_in, shift.late_after) == (120, 240, 0, 5)
    assert (shift.overtime_after, shift.extra_overtime_after, shift.breaks) == (0, 120, None)


def test_a_shift_survives_the_way_through_json() -> None:
    assert shift_values(shift_from(EVERYTHING)) == EVERYTHING
    for values in (EVERYTHING, DAY):
        shift = shift_from(values)
        assert shift_from(json.loads(json.dumps(shift_values(shift)))) == shift


def test_times_follow_each_other_over_midnight() -> None:
    shift = shift_from(EVERYTHING)
    assert shift.parts == (Part(1320, 1500), Part(1560, 1800))
    assert shift.gaps == (Part(1500, 1560),)
    assert shift.breaks == (
        FixedBreak(start=1410, end=1455, paid=True),
        PunchedBreak(at_least=30, at_most=60, after=360),
        DeductedBreak(minutes=15, after=270),
    )
    assert shift.title == "Night (22:00–01:00 and 02:00–06:00)"
    assert shift_from({"parts": [{"start": "08:00", "end": "08:00"}]}).end == 48 * 60 - 16 * 60


def test_a_shift_overrides_settings_and_doing_it_twice_changes_nothing() -> None:
    shift = shift_from(EVERYTHING)
    rules = shift.over(settings_from({"merge_window_seconds": 30}))
    assert (rules.resolver, rules.total_rounding, rules.total_grid, rules.merge_seconds) == (
        Resolver.BY_KEY,
        Rounding.DOWN,
        30,
        30,
    )
    assert shift.over(rules) == rules
    assert shift_from(DAY).over(DEFAULTS) is DEFAULTS


def test_equal_shifts_are_one_key() -> None:
    assert hash(shift_from(EVERYTHING)) == hash(shift_from(dict(EVERYTHING)))
    assert len({shift_from(DAY), shift_from(DAY), shift_from(EVERYTHING)}) == 2


def test_a_name_changes_no_facts() -> None:
    assert shift_from(DAY).facts == shift_from(DAY | {"name": "Early"}).facts
    assert shift_from(DAY).facts != shift_from(DAY | {"grace_in_minutes": 1, "late_after_minutes": 5}).facts


@pytest.mark.parametrize(
    ("change", "name", "why"),
    [
        ({"colour": "red"}, "colour", "no such value"),
        ({"parts": []}, "parts", "say when the shift starts"),
        ({"parts": "08:00-17:00"}, "parts", "list of objects"),
        ({"parts": [["08:00", "17:00"]]}, "parts", "list of objects"),
        ({"parts": [{"start": "8", "end": "17:00"}]}, "parts", "not a time of day"),
        ({"parts": [{"start": "08:00:30", "end": "17:00"}]}, "parts", "whole minute"),
        ({"parts": [{"start": "08:00", "ends": "17:00"}]}, "parts", "has no 'ends'"),
        ({"parts": [{"start": "08:00", "end": "12:00"}] * 3}, "parts", "24 hours"),
        ({"parts": [{"start": "08:00", "end": "12:00"}] * 7}, "parts", "more than 6"),
        ({"name": 7}, "name", "a text"),
        ({"name": "a\nb"}, "name", "a text"),
        ({"flexible": 1}, "flexible", "true or false"),
        ({"expected_hours": 10}, "expected_hours", "more than the shift has"),
        ({"expected_hours": "many"}, "expected_hours", "not a number of hours"),
        ({"allowed_early_minutes": 841}, "allowed_early_minutes", "18:00 of the date before"),
        (
            {"allowed_late_minutes": 1440, "parts": [{"start": "18:00", "end": "02:00"}]},
            "allowed_late_minutes",
            "18:00",
        ),
        ({"grace_in_minutes": 6}, "late_after_minutes", "less than grace_in_minutes"),
        ({"grace_in_minutes": -1}, "grace_in_minutes", "from 0 to 1440"),
        ({"grace_out_minutes": 541}, "grace_out_minutes", "longer than the shift"),
        ({"late_after_minutes": 1.5}, "late_after_minutes", "whole number of minutes"),
        ({"extra_overtime_after_minutes": 0, "overtime_after_minutes": 1}, "extra_overtime_after_minutes", "less than"),
        ({"breaks": "lunch"}, "breaks", "list of objects"),
        ({"breaks": [{"kind": "coffee"}]}, "breaks", "one of fixed, punched, deducted"),
        ({"breaks": [{"kind": "fixed", "start": "18:00", "end": "18:30"}]}, "breaks", "inside the shift"),
        ({"breaks": [{"kind": "fixed", "start": "12:00"}]}, "breaks", "not a time of day"),
        ({"breaks": [{"kind": "deducted", "minutes": 30}]}, "breaks", "not a number of hours"),
        ({"breaks": [{"kind": "punched", "at_least_minutes": 9, "at_most_minutes": 8}]}, "breaks", "at_least_minutes"),
        ({"settings": {"safe_entry_time": "08:00"}}, "settings", "say grace_in_minutes of the shift"),
        ({"settings": {"resolver": "magic"}}, "settings", "one of first_last"),
        ({"settings": []}, "settings", "object of settings"),
    ],
)
def test_a_value_that_makes_no_sense_is_named_with_the_reason(change: dict[str, object], name: str, why: str) -> None:
    with pytest.raises(Invalid) as refused:
        shift_from(DAY | change)
    assert list(refused.value.fields) == [name]
    assert why in refused.value.fields[name]


def test_a_shift_without_times_is_refused() -> None:
    with pytest.raises(Invalid, match="say when the shift starts and ends"):
        shift_from({"name": "Early"})
