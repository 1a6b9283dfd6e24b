from datetime import timedelta

import pytest

from services.ingest.domain.arrivals import Arrivals


def shown(*leads: float) -> float | None:
    """What the clock is taken to be after scans that were dated so many seconds after their arrival."""
    arrivals, offset = Arrivals(), None
    for lead in leads:
        offset = arrivals.note(timedelta(seconds=lead))
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
