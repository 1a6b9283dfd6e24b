"""The terminal's own time: ISO 8601 with or without an offset, and a zone whose sign is the wrong way round. §4.3."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

_TIME: Final = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[T ](\d\d):(\d\d):(\d\d)(?:\.\d{1,9})?(?:(Z)|([+-])(\d\d):?(\d\d))?", re.ASCII
)
_ZONE: Final = re.compile(r"[A-Za-z]{1,10}([+-]?)(\d{1,2})(?::(\d\d))?(?::(\d\d))?(.*)", re.ASCII | re.DOTALL)


class NoSuchTime(ValueError):
    """The text is no time."""


@dataclass(frozen=True, slots=True)
class Wall:
    """What a clock shows."""

    local: datetime
    """Naive, in whole seconds."""
    offset: timedelta | None
    """Ahead of UTC, where it says so."""


def wall_of(text: str) -> Wall:
    """The time that a text says.

    Raises:
        NoSuchTime: it says none, or one that does not exist.
    """
    found = _TIME.fullmatch(text.strip())
    if found is None:
        raise NoSuchTime(f"{text[:40]!r} is no time")
    *parts, zulu, sign, hours, minutes = found.groups()
    try:
        year, month, day, hour, minute, second = map(int, parts)
        local = datetime(year, month, day, hour, minute, second)  # noqa: DTZ001 - a wall time
    except ValueError as error:
        raise NoSuchTime(f"the time {text[:40]!r} does not exist") from error
    if zulu:
        return Wall(local, timedelta(0))
    if not sign:
        return Wall(local, None)
    ahead = timedelta(hours=int(hours), minutes=int(minutes))
    if ahead >= timedelta(days=1):
        raise NoSuchTime(f"the time {text[:40]!r} has no possible offset")
    return Wall(local, -ahead if sign == "-" else ahead)


def offset_of_zone(text: str) -> timedelta | None:
    """How far ahead of UTC a POSIX zone is: `CST-5:30:00` is UTC+05:30.

    None where it cannot be told, which is so too where it goes over to summer time.
    """
    found = _ZONE.fullmatch(text.strip())
    if found is None or found[5]:
        return None
    behind = timedelta(hours=int(found[2]), minutes=int(found[3] or 0), seconds=int(found[4] or 0))
    if behind >= timedelta(days=1):
        return None
    return behind if found[1] == "-" else -behind


def utc(offset: timedelta) -> str:
    """An offset in words: `UTC+05:30`."""
    minutes = round(offset.total_seconds() / 60)
    hours, rest = divmod(abs(minutes), 60)
    return f"UTC{'-' if minutes < 0 else '+'}{hours:02}:{rest:02}"
