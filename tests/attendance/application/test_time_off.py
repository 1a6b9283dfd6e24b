"""Which dates a changed holiday touches, and what can be no holiday or request."""

from datetime import date

import msgspec
import pytest

from services.attendance.application.time_off import check_holiday, check_request, observed_by, runs, touched
from shared.contracts.leave import ChargedDate
from shared.kernel.errors import Malformed
from tests.attendance.time_off import holiday, leave


def day(of_april: int) -> date:
    return date(2024, 4, of_april)


def test_dates_are_told_as_stretches_without_a_gap():
    assert list(runs([])) == []
    assert list(runs([day(3), day(1), day(2), day(2), day(7)])) == [(day(1), day(3)), (day(7), day(7))]


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (None, holiday(first="2024-04-10", last="2024-04-12"), [(None, day(10), day(12))]),
        # Only what is new of it, and only what is no longer.
        (
            holiday(first="2024-04-10", last="2024-04-12"),
            holiday(first="2024-04-09", last="2024-04-11"),
            [(None, day(9), day(9)), (None, day(12), day(12))],
        ),
        # Another name, or another kind, changes no day.
        (holiday(), holiday(name="Founder's day", holiday_type="national"), []),
        # At other sites it is another one.
        (
            holiday(first="2024-04-10", sites=[1]),
            holiday(first="2024-04-10", sites=[2]),
            [({1}, day(10), day(10)), ({2}, day(10), day(10))],
        ),
        (holiday(first="2024-04-10"), holiday(first="2024-04-10", removed=True), [(None, day(10), day(10))]),
        (holiday(first="2024-04-10"), holiday(first="2024-04-10", is_observed=False), [(None, day(10), day(10))]),
        (holiday(is_observed=False), holiday(removed=True), []),
        # Every year is for ever.
        (None, holiday(first="2024-04-10", is_recurring=True), [(None, day(10), None)]),
        (
            holiday(first="2024-04-10", is_recurring=True),
            holiday(first="2024-04-10"),
            [(None, day(10), None), (None, day(10), day(10))],
        ),
    ],
)
def test_a_holiday_touches_the_dates_on_which_it_was_or_is_one(before, after, expected):
    found = list(touched(None if before is None else observed_by(before), observed_by(after)))
    assert [(None if each.sites is None else set(each.sites), each.since, each.until) for each in found] == expected


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        (holiday(first="2024-04-10", last="2024-04-09"), "a holiday of 0 days"),
        (holiday(first="2024-04-10", last="9999-12-31"), "it has 1 to 366"),
        (holiday(first="1969-12-31"), "further away"),
    ],
)
def test_what_can_be_no_holiday_is_refused_with_the_reason(wrong, why):
    with pytest.raises(Malformed, match=why):
        check_holiday(wrong)


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        (leave(1, "2024-01-09 evening"), "'evening' is no part of a day"),
        (leave(1, "2024-01-09", type_=""), "no type of leave"),
        (leave(1, "2024-01-09", type_="a b"), "no type of leave"),
        (leave(1, "2024-01-09", "2024-01-09 morning"), "charges a date twice"),
        (leave(1, "0001-01-09"), "further away"),
        (
            msgspec.structs.replace(
                leave(1),
                charged=[
                    ChargedDate(date=date.fromordinal(738_000 + n), part="full", leave_type="sick")
                    for n in range(1_001)
                ],
            ),
            "1,001 dates",
        ),
    ],
)
def test_what_can_be_no_request_is_refused_with_the_reason(wrong, why):
    with pytest.raises(Malformed, match=why):
        check_request(wrong)
