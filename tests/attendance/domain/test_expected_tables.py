"""The tables of expected cases are whole even where the cases themselves are not at hand."""

from tests.attendance.domain import test_expected_cases, test_expected_corrections, test_expected_shift_cases
from tests.attendance.domain.expected_case import TESTED
from tests.attendance.domain.expected_cases import DIFFERENT, LEFT_OUT, OUT_BY_ID, SAME


def test_each_of_the_110_cases_stands_in_one_table() -> None:
    ids = [*SAME, *DIFFERENT, *LEFT_OUT]
    assert len(ids) == len(set(ids)) == 110


def test_every_case_that_differs_says_why() -> None:
    assert all(len(reason.split()) > 5 for reason in [*DIFFERENT.values(), *LEFT_OUT.values()])


def test_fewer_than_one_in_ten_of_the_cases_that_could_be_the_same_are_not() -> None:
    assert not OUT_BY_ID & SAME
    other = sorted((DIFFERENT.keys() | LEFT_OUT.keys()) - OUT_BY_ID)
    assert len(other) == 9, other
    assert len(other) * 10 < 110 - len(OUT_BY_ID)


def test_every_case_that_is_not_left_out_has_a_test() -> None:
    assert test_expected_cases
    assert test_expected_corrections
    assert test_expected_shift_cases
    assert sorted(TESTED) == sorted([*SAME, *DIFFERENT])
