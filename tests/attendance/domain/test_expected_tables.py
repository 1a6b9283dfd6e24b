"""The table of expected cases is whole even where the cases themselves are not at hand."""

from tests.attendance.domain.expected_cases import DIFFERENT, LEFT_OUT, SAME


def test_each_of_the_110_cases_stands_in_one_table() -> None:
    ids = [*SAME, *DIFFERENT, *LEFT_OUT]
    assert len(ids) == len(set(ids)) == 110


def test_every_case_that_differs_or_waits_says_why() -> None:
    assert all(len(reason.split()) > 5 for reason in [*DIFFERENT.values(), *LEFT_OUT.values()])
