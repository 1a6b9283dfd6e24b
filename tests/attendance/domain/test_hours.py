"""Minutes as hours."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.attendance.domain.hours import hours


@pytest.mark.parametrize(
    ("minutes", "expected"),
    [(0, 0.0), (1, 0.02), (20, 0.33), (30, 0.5), (40, 0.67), (445, 7.42), (650, 10.83), (-650, -10.83), (1440, 24.0)],
)
def test_minutes_become_hours_with_two_decimals(minutes: int, expected: float) -> None:
    assert hours(minutes) == expected


@settings(deadline=None)
@given(st.integers(-100_000, 100_000))
def test_an_hour_figure_is_within_half_a_hundredth_of_the_minutes_and_symmetrical(minutes: int) -> None:
    assert abs(hours(minutes) - minutes / 60) <= 0.005 + 1e-9
    assert hours(-minutes) == -hours(minutes)
    assert round(hours(minutes), 2) == hours(minutes)
