import pytest

from services.attendance.domain.units import is_below

PARENTS = {1: None, 2: 1, 3: 2, 4: 1, 5: 6, 6: 5}  # 5 and 6 are each below the other, as no table should be


@pytest.mark.parametrize(
    ("unit", "other", "below"),
    [
        (3, 1, True),
        (3, 2, True),
        (2, 2, True),
        (1, 3, False),
        (4, 2, False),
        (5, 6, True),
        (5, 1, False),
        (9, 1, False),
    ],
)
def test_a_unit_is_below_itself_and_all_above_it(unit: int, other: int, below: bool):
    assert is_below(unit, other, PARENTS) is below
