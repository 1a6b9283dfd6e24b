"""How a batch is shared out among transactions, and whose turn is whose."""

from collections import Counter
from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from services.attendance.application import record_scans
from services.attendance.application.record_scans import shares
from services.attendance.application.turns import TURNS, turn_of
from tests.attendance.worker.company import scan

BADGES = st.text(min_size=1, max_size=12)


@given(BADGES)
def test_a_turn_is_a_small_number(badge: str):
    assert 0 <= turn_of(badge) < TURNS


def test_a_turn_is_the_same_in_every_process_and_release():
    """Workers of two releases run side by side while one follows the other."""
    assert [turn_of(badge) for badge in ("1", "1001", "A17", "é")] == [439, 385, 88, 318]


def test_turns_are_spread():
    counted = Counter(turn_of(str(badge)) for badge in range(20 * TURNS))
    assert max(counted.values()) < 60


@given(st.lists(BADGES, max_size=60), st.integers(1, 20))
def test_every_scan_comes_into_one_share_and_every_badge_too(badges: list[str], repeats: int):
    start = datetime(2026, 1, 5, 8)
    scans = [scan(badge, start + timedelta(seconds=number)) for number in range(repeats) for badge in badges]
    big = scans * (1 + record_scans.AT_ONCE // max(1, len(scans)))
    found = shares(big)
    assert Counter(each.scan_id for share in found for each in share) == Counter(each.scan_id for each in big)
    places = [{turn_of(each.badge) for each in share} for share in found]
    assert sum(map(len, places)) == len(set().union(*places))
    assert all(found)


def test_few_scans_are_not_divided():
    assert shares([]) == []
    scans = [scan(str(badge), datetime(2026, 1, 5, 8)) for badge in range(record_scans.AT_ONCE)]
    assert shares(scans) == [scans]
