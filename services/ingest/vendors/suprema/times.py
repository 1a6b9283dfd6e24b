"""Times of a BioStar server, all of which end in Z, and some of which mean it. Pure. Source: PROTOCOLS §3.2."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, Literal
from zoneinfo import ZoneInfo

Meaning = Literal["utc", "device_local"]

LATEST: Final = "2099-12-31T23:59:59.000Z"
_TIME: Final = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[T ](\d\d):(\d\d):(\d\d)(?:\.\d{0,9})?(?:(Z)|([+-])(\d\d):?(\d\d))?", re.ASCII
)


class NoSuchTime(ValueError):
    """The text is no time, or one that does not exist."""


@dataclass(frozen=True, slots=True)
class Stamp:
    """A time as it is written."""

    written: datetime
    """Naive, in whole seconds."""
    offset: timedelta | None
    """Ahead of UTC, where figures say so. A Z says nothing that could be relied on."""

    @property
    def utc(self) -> datetime:
        """The instant, if what ends in Z is UTC. Saturates at the ends of the calendar."""
        try:
            return (self.written - (self.offset or timedelta(0))).replace(tzinfo=UTC)
        except OverflowError:
            return self.written.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Placed:
    """A time on the clock of the place where the machine hangs."""

    local: datetime
    offset: timedelta | None
    """Ahead of UTC, where the instant is known; None leaves it to the zone."""


def stamp_of(text: str) -> Stamp:
    """The time that a text says.

    Raises:
        NoSuchTime: it says none, or one that does not exist.
    """
    found = _TIME.fullmatch(text.strip())
    if found is None:
        raise NoSuchTime(f"{text[:40]!r} is no time")
    *parts, _, sign, hours, minutes = found.groups()
    try:
        year, month, day, hour, minute, second = map(int, parts)
        written = datetime(year, month, day, hour, minute, second)  # noqa: DTZ001 - a time as written
    except ValueError as error:
        raise NoSuchTime(f"the time {text[:40]!r} does not exist") from error
    if not sign:
        return Stamp(written, None)
    ahead = timedelta(hours=int(hours), minutes=int(minutes))
    if ahead >= timedelta(days=1):
        raise NoSuchTime(f"the time {text[:40]!r} has no possible offset")
    return Stamp(written, -ahead if sign == "-" else ahead)


def placed(stamp: Stamp, zone: ZoneInfo, meaning: Meaning) -> Placed:
    """Where a time lies on the clock of `zone`.

    Raises:
        NoSuchTime: on no day of the calendar.
    """
    if meaning == "device_local" and stamp.offset is None:
        return Placed(stamp.written, None)
    try:
        at = (stamp.written - (stamp.offset or timedelta(0))).replace(tzinfo=UTC).astimezone(zone)
    except OverflowError as error:
        raise NoSuchTime(f"the time {stamp.written} lies on no day in {zone.key}") from error
    return Placed(at.replace(tzinfo=None, fold=0), at.utcoffset())


def as_written(local: datetime, zone: ZoneInfo, meaning: Meaning) -> datetime:
    """A time on the clock of `zone` as events have it; of the two that an hour has which comes twice, the earlier."""
    if meaning == "device_local":
        return local
    try:
        return min(local.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1)).replace(tzinfo=None)
    except OverflowError:
        return local


def instant(where: Placed, zone: ZoneInfo) -> datetime | None:
    """The instant of a placed time; None at the ends of the calendar."""
    try:
        if where.offset is not None:
            return (where.local - where.offset).replace(tzinfo=UTC)
        return where.local.replace(tzinfo=zone).astimezone(UTC)
    except OverflowError:
        return None


def queried(at: datetime) -> str:
    """A time as queries say it."""
    return f"{at:%Y-%m-%dT%H:%M:%S}.000Z" if at.year >= 1000 else "1000-01-01T00:00:00.000Z"


def zone_told(half: str, hour: str, negative: str) -> timedelta | None:
    """The offset of a machine, as rows tell it; None where they do not."""
    if not (hour.isascii() and hour.isdigit() and len(hour) <= 2 and int(hour) < 15):
        return None
    ahead = timedelta(hours=int(hour), minutes=30 if half in ("1", "true") else 0)
    return -ahead if negative in ("1", "true") else ahead


def in_words(offset: timedelta) -> str:
    """An offset from UTC: `UTC+05:30`."""
    minutes = round(offset.total_seconds() / 60)
    hours, rest = divmod(abs(minutes), 60)
    return f"UTC{'-' if minutes < 0 else '+'}{hours:02}:{rest:02}"
