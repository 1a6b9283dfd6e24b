"""The working days of a zone where nobody has a shift: from day boundary to day boundary."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

from services.attendance.domain.scans import Scan

_ONE_DAY: Final = timedelta(days=1)
_BUCKET: Final = 12 * 3600
_MOST_BUCKETS: Final = 20_000
EARLIEST: Final = int(datetime(1, 1, 4, tzinfo=UTC).timestamp())
LATEST: Final = int(datetime(9999, 12, 28, tzinfo=UTC).timestamp())


class WorkingDays:
    """The working days of a zone: finds the date of an instant with one lookup.

    The minute of the boundary itself still belongs to the day before, so 04:00:59 does and 04:01:00 does not.
    """

    __slots__ = ("_buckets", "_zone", "boundary")

    def __init__(self, zone: str, boundary: time) -> None:
        """`zone` is an IANA name.

        Raises:
            ZoneInfoNotFoundError: there is no such zone.
        """
        self.boundary = boundary
        self._zone = ZoneInfo(zone)
        # Twelve hours hold at most one change of date, so a bucket is (the change, date before it, date after it).
        self._buckets: dict[int, tuple[int, date, date]] = {}

    def date_of(self, at: int) -> date:
        """The business date of an instant in seconds since 1970."""
        bucket = self._buckets.get(at // _BUCKET) or self._fill(at // _BUCKET)
        return bucket[1] if at < bucket[0] else bucket[2]

    def start_of(self, day: date) -> int:
        """The first second of a working day, since 1970. It is the end of the day before, too."""
        local = datetime.combine(day, self.boundary, tzinfo=self._zone) + timedelta(minutes=1)
        return int(local.timestamp())

    def _fill(self, number: int) -> tuple[int, date, date]:
        first, beyond = number * _BUCKET, (number + 1) * _BUCKET
        before, after = self._search(first), self._search(beyond - 1)
        bucket = (beyond if before == after else self.start_of(after), before, after)
        if len(self._buckets) >= _MOST_BUCKETS:
            self._buckets.clear()
        self._buckets[number] = bucket
        return bucket

    def _search(self, at: int) -> date:
        # A broken clock may say any year; the days at the ends of the calendar stand for what lies beyond them.
        at = min(max(at, EARLIEST), LATEST)
        day = datetime.fromtimestamp(at, self._zone).date()
        while self.start_of(day) > at:
            day -= _ONE_DAY
        while self.start_of(day + _ONE_DAY) <= at:
            day += _ONE_DAY
        return day


@lru_cache(maxsize=256)
def working_days(zone: str, boundary: time) -> WorkingDays:
    """The one `WorkingDays` of a zone and boundary."""
    return WorkingDays(zone, boundary)


def business_date(at: datetime, zone: str, boundary: time) -> date:
    """The date of the working day that an aware instant belongs to."""
    if at.tzinfo is None:
        raise ValueError("an instant needs a zone")
    return working_days(zone, boundary).date_of(int(at.timestamp() // 1))


def by_business_date(scans: Iterable[Scan], zone: str, boundary: time) -> dict[date, list[Scan]]:
    """Scans of one person under their business dates, in the order given."""
    date_of = working_days(zone, boundary).date_of
    days: dict[date, list[Scan]] = {}
    for scan in scans:
        day = date_of(scan.at)
        if day in days:
            days[day].append(scan)
        else:
            days[day] = [scan]
    return days
