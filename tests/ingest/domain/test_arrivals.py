from datetime import UTC, datetime, timedelta

import pytest

from services.ingest.domain.arrivals import Arrivals

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)


def shown(*leads: float, every: float = 60) -> float | None:
    """What the clock is taken to be after scans that were dated so many seconds after their arrival."""
    arrivals, offset = Arrivals(), None
    for number, lead in enumerate(leads):
        arrived = NOON + timedelta(seconds=every * number)
        offset = arrivals.note(arrived + timedelta(seconds=lead), arrived)
    return offset.total_seconds() if offset is not None else None


@pytest.mark.parametrize(
    ("leads", "offset"),
    [
        ((-1,), None),
        ((-1, -1), None),
        ((-1, -2, -1), -1),
        ((119, 118, 120), 120),
        ((-301, -300, -302), -300),
        ((-3600, -3540, -3500, -3200, -2000), None),
        ((-3600, -1800, -2, -1, -1), -1),
        ((-1, -1, -1, -900), -1),
    ],
    ids=[
        "one scan proves nothing",
        "nor do two",
        "three that agree do",
        "a clock that is ahead",
        "a clock that is behind",
        "scans that waited, and agree in nothing",
        "scans that waited, then live ones",
        "one that waited, after live ones",
    ],
)
def test_scans_that_agree_show_the_clock(leads: tuple[float, ...], offset: float | None) -> None:
    assert shown(*leads) == offset


def test_scans_that_waited_together_and_come_in_one_go_do_not_make_a_clock_wrong() -> None:
    assert shown(-7200, -7199, -7198, -7197, every=0.5) is None


def test_a_clock_that_is_ahead_shows_at_once() -> None:
    assert shown(7200, 7200, 7200, every=0.5) == 7200
