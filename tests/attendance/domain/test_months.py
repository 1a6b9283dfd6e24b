"""Months: their dates, and those between two dates."""

from datetime import date

import pytest

from services.attendance.domain.months import dates_of, last_of, month_later, months_between

DECEMBER = date(2023, 12, 1)


@pytest.mark.parametrize(
    ("n", "expected"), [(0, "2023-12"), (1, "2024-01"), (17, "2025-05"), (-11, "2023-01"), (-12, "2022-12")]
)
def test_a_month_so_many_months_later(n: int, expected: str):
    assert f"{month_later(DECEMBER, n):%Y-%m-%d}" == f"{expected}-01"


def test_the_dates_of_a_month():
    february = dates_of(date(2024, 2, 1))
    assert (february[0], february[-1], len(february)) == (date(2024, 2, 1), date(2024, 2, 29), 29)
    assert last_of(DECEMBER) == date(2023, 12, 31)


def test_the_months_of_two_dates():
    assert months_between(date(2023, 12, 31), date(2024, 2, 1)) == [DECEMBER, date(2024, 1, 1), date(2024, 2, 1)]
    assert months_between(date(2024, 2, 2), date(2024, 2, 1)) == [date(2024, 2, 1)]
    assert months_between(date(2024, 2, 2), date(2024, 1, 31)) == []
