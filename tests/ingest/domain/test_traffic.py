"""A machine that is silent at a time at which it usually is not, and the many that are for a good reason."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.ingest.domain.traffic import LEAST_DAYS, WEEKS, hours_of_interest, silence

DHAKA = ZoneInfo("Asia/Dhaka")
MONDAY = date(2026, 6, 1)
OFFICE: Mapping[int, int] = {8: 30, 9: 25, 12: 10, 13: 12, 17: 28, 18: 20}
"""Scans of a working day, by hour."""

Scans = dict[datetime, int]


def at(day: date, hour: int, minute: int = 0, zone: ZoneInfo = DHAKA) -> datetime:
    return datetime.combine(day, time(hour, minute), zone).astimezone(UTC)


def day_of(day: date, hours: Mapping[int, int], *, zone: ZoneInfo = DHAKA) -> Scans:
    return {at(day, hour, zone=zone): scans for hour, scans in hours.items()}


def weeks(hours: Mapping[int, int], *, number: int = WEEKS, until: date = MONDAY, zone: ZoneInfo = DHAKA) -> Scans:
    """The same weekday, so many weeks before."""
    scans: Scans = {}
    for week in range(1, number + 1):
        scans |= day_of(until - timedelta(weeks=week), hours, zone=zone)
    return scans


def added(*several: Scans) -> Scans:
    total: Scans = {}
    for scans in several:
        for hour, number in scans.items():
            total[hour] = total.get(hour, 0) + number
    return total


PEERS = added(weeks(OFFICE), day_of(MONDAY, OFFICE))
"""Another machine of the site, on a day like any other."""
PEERS_AT_HOME = added(weeks(OFFICE), day_of(MONDAY, {6: 1}))
"""On a holiday: only the guard comes."""


@pytest.mark.parametrize(
    ("own", "peers", "now", "told"),
    [
        pytest.param(weeks(OFFICE), PEERS, at(MONDAY, 10, 5), True, id="nothing came in the morning"),
        pytest.param(weeks(OFFICE), PEERS, at(MONDAY, 8, 55), False, id="the hour is not over"),
        pytest.param(weeks(OFFICE), PEERS, at(MONDAY, 7, 30), False, id="nobody comes so early"),
        pytest.param(weeks(OFFICE), PEERS_AT_HOME, at(MONDAY, 10, 5), False, id="a holiday"),
        pytest.param(weeks(OFFICE), {}, at(MONDAY, 10, 5), False, id="the only machine, and nobody was there"),
        pytest.param(
            added(weeks(OFFICE), day_of(MONDAY, {8: 30, 9: 20})), {}, at(MONDAY, 14), True, id="stopped in the morning"
        ),
        pytest.param(
            added(weeks(OFFICE), day_of(MONDAY, {8: 30, 9: 20})), {}, at(MONDAY, 12, 59), False, id="not for long"
        ),
        pytest.param(
            added(weeks(OFFICE), day_of(MONDAY, {8: 1})),
            PEERS_AT_HOME,
            at(MONDAY, 14),
            False,
            id="a guard on a holiday",
        ),
        pytest.param(
            added(weeks(OFFICE), day_of(MONDAY, {8: 30, 9: 25, 12: 10, 13: 45})),
            added(weeks(OFFICE), day_of(MONDAY, {8: 30, 9: 25, 12: 10, 13: 45})),
            at(MONDAY, 18, 5),
            False,
            id="all left early",
        ),
        pytest.param(added(weeks(OFFICE), day_of(MONDAY, OFFICE)), PEERS, at(MONDAY, 23), False, id="all as usual"),
        pytest.param(weeks(OFFICE, number=LEAST_DAYS - 1), PEERS, at(MONDAY, 14), False, id="a new machine"),
        pytest.param(weeks(OFFICE, number=LEAST_DAYS), PEERS, at(MONDAY, 14), True, id="one that has habits by now"),
        pytest.param(weeks({8: 1}), PEERS, at(MONDAY, 14), False, id="a machine that few use"),
        pytest.param(
            added(weeks(OFFICE), day_of(MONDAY - timedelta(weeks=2), {hour: -n for hour, n in OFFICE.items()})),
            PEERS,
            at(MONDAY, 14),
            True,
            id="a holiday among the weeks before",
        ),
        pytest.param(
            added(weeks(OFFICE), day_of(MONDAY - timedelta(weeks=3), {8: -30, 9: -25})),
            PEERS,
            at(MONDAY, 10, 5),
            False,
            id="once before it was silent in these hours",
        ),
        pytest.param(
            weeks(OFFICE, until=MONDAY - timedelta(days=1)), PEERS, at(MONDAY, 14), False, id="another weekday"
        ),
        pytest.param({}, PEERS, at(MONDAY, 14), False, id="never used"),
    ],
)
def test_silence_is_told_where_it_is_unusual_and_people_are_there(
    own: Scans, peers: Scans, now: datetime, told: bool
) -> None:
    said = silence(own, added(own, peers), last_scan_at=None, now=now, zone=DHAKA)
    assert bool(said) is told


def test_the_sentence_says_since_when_and_what_is_usual() -> None:
    own = added(weeks(OFFICE), day_of(MONDAY, {8: 30, 9: 20}))
    said = silence(own, own, last_scan_at=at(MONDAY, 9, 41), now=at(MONDAY, 14, 2), zone=DHAKA)
    assert said == (
        "nothing has come from it since 2026-06-01 09:41, although it is in contact: on Mondays about 22 scans come"
        " from 10:00 to 14:00. Do people use it?"
    )


def test_weekends_on_which_nobody_comes_are_silent_for_ever() -> None:
    saturday = MONDAY + timedelta(days=5)
    own = added(*(day_of(MONDAY - timedelta(days=days), OFFICE) for days in range(60) if days % 7 not in (1, 2)))
    for hour in range(24):
        assert silence(own, added(own, own), last_scan_at=None, now=at(saturday, hour, 5), zone=DHAKA) is None


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/St_Johns", "Australia/Lord_Howe", "Asia/Kathmandu"])
@pytest.mark.parametrize("day", [date(2026, 3, 29), date(2026, 10, 25), date(2026, 4, 5)], ids=str)
def test_days_of_another_length_are_days(zone: str, day: date) -> None:
    place = ZoneInfo(zone)
    now = datetime.combine(day, time(14, 5), place).astimezone(UTC)
    used = [day - timedelta(weeks=number) for number in range(1, WEEKS + 1)]
    floor = {hour.replace(minute=0) for one in used for hour in day_of(one, OFFICE, zone=place)}
    own = dict.fromkeys(floor, 20)
    assert floor <= set(hours_of_interest(now, place))
    peers = dict.fromkeys({*floor, *(hour.replace(minute=0) for hour in day_of(day, OFFICE, zone=place))}, 20)
    assert silence(own, added(own, peers), last_scan_at=None, now=now, zone=place)


@given(
    st.dictionaries(
        st.datetimes(datetime(2026, 3, 1), datetime(2026, 6, 2), timezones=st.just(UTC)), st.integers(0, 9)
    ),
    st.dictionaries(
        st.datetimes(datetime(2026, 3, 1), datetime(2026, 6, 2), timezones=st.just(UTC)), st.integers(0, 9)
    ),
    st.integers(0, 23),
)
def test_whatever_came_a_machine_that_told_something_in_the_last_hour_is_not_silent(
    own: Scans, peers: Scans, hour: int
) -> None:
    own = added(own, {at(MONDAY, hour): 1})
    for minute in (0, 59):
        now = at(MONDAY, hour, minute) + timedelta(hours=1)
        if now.astimezone(DHAKA).date() == MONDAY:
            assert silence(own, added(own, peers), last_scan_at=None, now=now, zone=DHAKA) is None
