"""From the wall clock to instants, over changes of clocks."""

from datetime import UTC, date, datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from services.attendance.domain.clocks import instant


@pytest.mark.parametrize(
    ("on", "minutes", "expected"),
    [
        pytest.param(date(2024, 3, 31), 119, "00:59", id="the last minute before clocks skip an hour"),
        pytest.param(date(2024, 3, 31), 150, "01:00", id="a time that is skipped is the instant of the skip"),
        pytest.param(date(2024, 3, 30), 1440 + 190, "01:10", id="after it, counted from the date before"),
        pytest.param(date(2024, 10, 27), 150, "00:30", id="of a time that comes twice the first"),
        pytest.param(date(2024, 10, 27), 180, "02:00", id="after it"),
    ],
)
def test_an_instant_of_the_wall_clock(on: date, minutes: int, expected: str) -> None:
    at = datetime.fromtimestamp(instant(on, minutes, ZoneInfo("Europe/Berlin")), UTC)
    assert at.strftime("%H:%M") == expected


@pytest.mark.parametrize(
    ("zone", "on"),
    [
        ("Europe/Berlin", date(2024, 3, 30)),
        ("Europe/Berlin", date(2024, 10, 26)),
        ("Africa/Cairo", date(2024, 4, 25)),
        ("Pacific/Apia", date(2011, 12, 29)),
    ],
)
def test_times_never_change_places(zone: str, on: date) -> None:
    instants = [instant(on, minute, ZoneInfo(zone)) for minute in range(-1440, 4320)]
    assert all(one <= other for one, other in pairwise(instants))
