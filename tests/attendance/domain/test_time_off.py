"""Holidays of a site over the years, and leave of several requests on one date."""

from datetime import date
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.attendance.domain.terms import Leave, LeavePart
from services.attendance.domain.time_off import Holiday, Holidays, leave_by

FULL, MORNING, AFTERNOON = LeavePart.FULL, LeavePart.MORNING, LeavePart.AFTERNOON
EID = Holiday(id=1, name="Eid", first=date(2024, 4, 10), last=date(2024, 4, 12))
NEW_YEAR = Holiday(id=2, name="New Year", first=date(2023, 12, 31), last=date(2024, 1, 1), every_year=True)
LEAP = Holiday(id=3, name="Leap day", first=date(2024, 2, 29), last=date(2024, 2, 29), every_year=True)
BRIDGE = Holiday(id=4, name="Bridge", first=date(2024, 4, 12), last=date(2024, 4, 13))


@pytest.mark.parametrize(
    ("day", "name"),
    [
        (date(2024, 4, 9), None),
        (date(2024, 4, 10), "Eid"),
        (date(2024, 4, 12), "Eid"),  # the one that begins first names it
        (date(2024, 4, 13), "Bridge"),
        (date(2025, 4, 10), None),  # not every year
        (date(2022, 12, 31), None),  # not before its first year
        (date(2023, 1, 1), None),  # nor the second date of a span before that
        (date(2023, 12, 31), "New Year"),
        (date(2030, 1, 1), "New Year"),
        (date(2028, 2, 29), "Leap day"),
        (date(2025, 3, 1), None),
    ],
)
def test_a_date_has_the_holiday_of_its_year_whatever_the_order_they_are_known_in(day, name):
    for order in permutations((EID, NEW_YEAR, LEAP, BRIDGE)):
        assert Holidays(order).on(day) == name


def test_no_holidays_are_none():
    assert not Holidays()
    assert Holidays([LEAP])


@pytest.mark.parametrize(
    ("charges", "expected"),
    [
        ([], None),
        ([("casual", MORNING, "a")], ("casual", MORNING)),
        ([("sick", AFTERNOON, "a"), ("casual", FULL, "b")], ("casual", FULL)),
        ([("sick", AFTERNOON, "a"), ("casual", MORNING, "b")], ("casual", FULL)),
        ([("sick", FULL, "a"), ("casual", FULL, "b")], ("sick", FULL)),
        ([("sick", MORNING, "b"), ("casual", MORNING, "a")], ("casual", MORNING)),
    ],
)
def test_the_leave_of_a_date_is_that_of_all_requests_that_charge_it(charges, expected):
    for order in permutations(Leave(type=type_, part=part, request=request) for type_, part, request in charges):
        found = leave_by(order)
        assert (None if found is None else (found.type, found.part)) == expected


leaves = st.builds(
    Leave, type=st.sampled_from(["casual", "sick"]), part=st.sampled_from(LeavePart), request=st.sampled_from("abc")
)


@given(st.lists(leaves, max_size=5).flatmap(lambda some: st.tuples(st.just(some), st.permutations(some))))
def test_the_order_in_which_requests_become_known_does_not_matter(both):
    one, other = map(leave_by, both)
    assert one == other
    assert (one and one.request) == (other and other.request)
