"""The machine's own time: 32 bits in its log, six bytes in its events, and never a zone.

Years have 372 days in the 32 bits, so that they can say dates that do not exist. Source: PROTOCOLS §1.6.
"""

from datetime import datetime
from typing import Final

LAST_YEAR: Final = 2099
"""What lies beyond is a negative number that a machine wrote: it shows such a time as `1971--10--29`."""


class NoSuchTime(ValueError):
    """The bytes say a date that does not exist."""


def unpacked(value: int) -> datetime:
    """Wall time from the 32 bits.

    Raises:
        NoSuchTime: such as 30 February, or after 2099.
    """
    value, second = divmod(value, 60)
    value, minute = divmod(value, 60)
    value, hour = divmod(value, 24)
    value, day = divmod(value, 31)
    year, month = divmod(value, 12)
    return _wall(2000 + year, month + 1, day + 1, hour, minute, second)


def packed(wall: datetime) -> int:
    """The 32 bits of a wall time from 2000 to 2099."""
    return packed_parts(wall.year, wall.month, wall.day, wall.hour, wall.minute, wall.second)


def packed_parts(year: int, month: int, day: int, hour: int, minute: int, second: int) -> int:  # noqa: PLR0917 - as in a datetime
    """The same for what need not be a date."""
    return (((year % 100) * 12 + month - 1) * 31 + day - 1) * 86400 + hour * 3600 + minute * 60 + second


def from_six(six: bytes) -> datetime:
    """Wall time from an event's six bytes: year - 2000, month, day, hour, minute, second.

    Raises:
        NoSuchTime: they are no time.
    """
    return _wall(2000 + six[0], *six[1:6])


def in_six(wall: datetime) -> bytes:
    """The six bytes of a wall time."""
    return bytes([wall.year - 2000, wall.month, wall.day, wall.hour, wall.minute, wall.second])


def _wall(year: int, month: int, day: int, hour: int, minute: int, second: int) -> datetime:  # noqa: PLR0917 - as in a datetime
    try:
        if year <= LAST_YEAR:
            return datetime(year, month, day, hour, minute, second)  # noqa: DTZ001 - a wall time
    except ValueError:
        pass
    raise NoSuchTime(f"the time {year}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02} does not exist")
