"""What becomes of a locked day that would change."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.attendance.domain.locks import KINDS, Adjustment, adjusted, difference, next_open

JAN, FEB, MAR, APR = (date(2024, month, 1) for month in (1, 2, 3, 4))
DAY = date(2024, 1, 15)


def figures(worked: int, status: str = "Present-OnTime") -> dict[str, object]:
    return {"status": status, **dict.fromkeys(KINDS, 0), "worked": worked}


def test_what_would_change_is_booked_in_the_next_open_month():
    found = adjusted(DAY, figures(480), figures(540), [], locked={JAN}, reason="late scans")
    assert found == Adjustment(FEB, figures(480), figures(540), "late scans")
    assert difference(found)["worked"] == 60
    assert adjusted(DAY, figures(480), figures(540), [], locked={JAN, FEB}, reason="x") == Adjustment(
        MAR, figures(480), figures(540), "x"
    )


def test_what_changes_nothing_is_none():
    assert (
        adjusted(DAY, {**figures(480), "flags": "a"}, {**figures(480), "flags": "b"}, [], locked={JAN}, reason="x")
        is None
    )


def test_an_adjustment_in_an_open_month_is_made_anew_and_cancelled_when_nothing_is_left():
    first = Adjustment(FEB, figures(480), figures(540), "x")
    assert adjusted(DAY, figures(480), figures(540), [first], locked={JAN}, reason="y") is None
    assert adjusted(DAY, figures(480), figures(600), [first], locked={JAN}, reason="y") == first._replace(
        after=figures(600), reason="y"
    )
    gone = adjusted(DAY, figures(480), figures(480), [first], locked={JAN}, reason="y")
    assert gone == Adjustment(FEB, figures(480), figures(480), "y", cancelled=True)
    assert adjusted(DAY, figures(480), figures(480), [gone], locked={JAN}, reason="z") is None
    assert adjusted(DAY, figures(480), figures(540), [gone], locked={JAN}, reason="z") == first._replace(reason="z")


def test_an_adjustment_that_was_booked_stands_and_the_rest_follows_it():
    booked = Adjustment(FEB, figures(480), figures(540), "x")
    assert adjusted(DAY, figures(480), figures(540), [booked], locked={JAN, FEB}, reason="y") is None
    assert adjusted(DAY, figures(480), figures(600), [booked], locked={JAN, FEB}, reason="y") == Adjustment(
        MAR, figures(540), figures(600), "y"
    )
    assert adjusted(DAY, figures(480), figures(480), [booked], locked={JAN, FEB}, reason="y") == Adjustment(
        MAR, figures(540), figures(480), "y"
    )


@pytest.mark.parametrize(
    ("month", "locked", "expected"), [(JAN, set(), FEB), (JAN, {FEB, MAR}, APR), (JAN, {MAR}, FEB)]
)
def test_the_next_open_month(month: date, locked: set[date], expected: date):
    assert next_open(month, locked) == expected


@given(st.lists(st.tuples(st.integers(0, 900), st.sampled_from(["", "lock", *range(5)])), min_size=1, max_size=12))
def test_what_was_taken_for_and_all_adjustments_add_up_to_what_is_known_now(steps: list[tuple[int, str | int]]):
    """Whatever months are locked meanwhile, and unlocked again."""
    stored, locked = figures(480), {JAN}
    kept: dict[date, Adjustment] = {}
    for worked, then in steps:
        found = adjusted(DAY, stored, figures(worked), list(kept.values()), locked=locked, reason="x")
        if found is not None:
            assert found.period not in locked
            kept[found.period] = found
        total = 480 + sum(difference(each)["worked"] for each in kept.values())
        assert total == worked
        if then == "lock":
            locked.add(next_open(JAN, locked))
        elif then != "":
            locked -= {*sorted(locked - {JAN})[int(then) : int(then) + 1]}
