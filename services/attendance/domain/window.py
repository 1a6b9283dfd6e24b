"""Which working day an instant belongs to, and that day's edges and thresholds in absolute time.

Everything here depends on a date, a zone and settings alone. It is worked out once and cached, so that the day function
compares integers.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, fields
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from hashlib import blake2b
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from services.attendance.domain.scans import Scan
from services.attendance.domain.settings import DaySettings

# Raised when the same input would give another day: stored digests then no longer match.
RULES_VERSION: Final = 1

_ONE_DAY: Final = timedelta(days=1)
_BUCKET: Final = 12 * 3600
_MOST_BUCKETS: Final = 20_000
_EARLIEST: Final = int(datetime(1, 1, 4, tzinfo=UTC).timestamp())
_LATEST: Final = int(datetime(9999, 12, 28, tzinfo=UTC).timestamp())


class Terms(NamedTuple):
    """What counts as in time and as enough on a day. Moments are minutes since 1970."""

    expected: int
    """Minutes of work; 0 on a rest day."""
    rest: bool
    """Nobody waits for this person: weekend, holiday or a whole day of leave."""
    safe_entry: int
    late_entry: int
    safe_exit: int

    @property
    def due(self) -> datetime | None:
        """The first instant at which coming is late; None where nobody is expected."""
        return None if self.rest else datetime.fromtimestamp((self.late_entry + 1) * 60, UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """A working day of one zone under one set of rules.

    `start` and `end` are seconds since 1970: the day has the instants `start <= at < end`. All other moments are
    *minutes* since 1970, as the rules compare at minute resolution.
    """

    date: date
    zone: str
    settings: DaySettings
    start: int
    end: int
    terms: Terms
    """What is expected where there is neither leave nor a holiday."""
    lunch_start: int
    lunch_end: int
    overtime_start: int
    extra_start: int
    midnight: int
    """Where the next calendar date begins."""
    weekend: bool
    offset: int
    """Minutes that local time is ahead of UTC at the start."""
    turn: int
    """The minute from which `offset_after` holds; past the end on an ordinary day."""
    offset_after: int
    number: int = field(compare=False)
    """Of 128 bits; identifies all of the above across processes and restarts."""

    def clock(self, minute: int) -> str:
        """The wall clock at a minute since 1970, such as "08:00"."""
        return _CLOCK[(minute + (self.offset if minute < self.turn else self.offset_after)) % 1440]

    @property
    def starts_at(self) -> datetime:
        return datetime.fromtimestamp(self.start, UTC)

    @property
    def ends_at(self) -> datetime:
        return datetime.fromtimestamp(self.end, UTC)


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
        at = min(max(at, _EARLIEST), _LATEST)
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


@lru_cache(maxsize=16_384)
def frame_of(day: date, zone: str, settings: DaySettings) -> Frame:
    """The frame of a date without a shift: from boundary to boundary."""
    days = working_days(zone, settings.day_boundary)
    start, end = days.start_of(day), days.start_of(day + _ONE_DAY)
    tz = ZoneInfo(zone)

    def minute(clock: time) -> int:
        # A time at or before the boundary lies on the next date: extra overtime may start at 00:00.
        on = day if clock > settings.day_boundary else day + _ONE_DAY
        return int(datetime.combine(on, clock, tzinfo=tz).timestamp()) // 60

    weekend = day.isoweekday() % 7 in settings.weekend_days
    terms = Terms(
        expected=0 if weekend else settings.standard_minutes,
        rest=weekend,
        safe_entry=minute(settings.safe_entry),
        late_entry=minute(settings.late_entry),
        safe_exit=minute(settings.safe_exit),
    )
    lunch_start = minute(settings.lunch_start)
    moments = {
        "lunch_start": lunch_start,
        "lunch_end": lunch_start + settings.lunch_minutes,
        "overtime_start": minute(settings.overtime_start),
        "extra_start": minute(settings.extra_overtime_start),
        "midnight": int(datetime.combine(day + _ONE_DAY, time(), tzinfo=tz).timestamp()) // 60,
    }
    offset, turn, offset_after = _offsets(tz, start, end)
    known = [RULES_VERSION, day.isoformat(), zone, start, end, *terms, *moments.values(), offset, turn, offset_after]
    return Frame(
        date=day,
        zone=zone,
        settings=settings,
        start=start,
        end=end,
        terms=terms,
        weekend=weekend,
        offset=offset,
        turn=turn,
        offset_after=offset_after,
        number=int.from_bytes(blake2b(repr((known, _settled(settings))).encode(), digest_size=16).digest()),
        **moments,
    )


def _settled(settings: DaySettings) -> list[tuple[str, object]]:
    """Settings in an order and form that do not change between processes, as a frozenset's does."""
    values = [(f.name, getattr(settings, f.name)) for f in fields(settings) if f.compare]
    return [(name, sorted(value) if isinstance(value, frozenset) else str(value)) for name, value in values]


def _offsets(tz: ZoneInfo, start: int, end: int) -> tuple[int, int, int]:
    """The offset in minutes at the start, the minute of a change within the day, and the offset from then on."""

    def offset(at: int) -> int:
        delta = datetime.fromtimestamp(at, tz).utcoffset()
        return int(delta.total_seconds()) // 60 if delta is not None else 0

    before, after = offset(start), offset(end)
    if before == after:
        return before, end // 60 + 1, after
    low, high = start, end
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if offset(middle) == before else (low, middle)
    return before, high // 60, after


_CLOCK: Final = [f"{minute // 60:02}:{minute % 60:02}" for minute in range(1440)]
