"""Between the wall clock of a zone and instants."""

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo


def instant(day: date, minutes: int, tz: ZoneInfo) -> int:
    """Seconds since 1970 at a time of the wall clock, in minutes from a date's midnight.

    Times never change places: one that the clock skips is the instant at which it does, one that comes twice the first.
    """
    naive = datetime.combine(day, time()) + timedelta(minutes=minutes)
    late = int(naive.replace(tzinfo=tz).timestamp())
    early = int(naive.replace(tzinfo=tz, fold=1).timestamp())
    if early >= late:
        return late
    return change_between(tz, early, late)


def change_between(tz: ZoneInfo, low: int, high: int) -> int:
    """The second of a change of offset that lies between two others."""
    before = offset_at(tz, low)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if offset_at(tz, middle) == before else (low, middle)
    return high


def offset_at(tz: ZoneInfo, at: int) -> int:
    """Minutes that local time is ahead of UTC."""
    delta = datetime.fromtimestamp(at, tz).utcoffset()
    return int(delta.total_seconds()) // 60 if delta is not None else 0
