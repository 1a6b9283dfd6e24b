"""Who is in now: what the last scan that counts says of a person, and how far that can be trusted.

A list that is read out in front of a burning house must leave nobody out who may be in. So what cannot be known is
`unknown`, never a guess, and each answer says how it is known.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, NamedTuple

from services.attendance.domain.scans import ScanType
from services.attendance.domain.settings import Resolver


class Whereabouts(StrEnum):
    """Where somebody is."""

    IN = "in"
    OUT = "out"
    UNKNOWN = "unknown"


class How(StrEnum):
    """How that is known."""

    NOT_SEEN = "not_seen"
    FIRST_SCAN = "first_scan"
    BY_KEY = "by_key"
    BY_MACHINE = "by_machine"
    ALTERNATE = "alternate"
    SAFE_EXIT = "safe_exit"
    LAST_SCAN = "last_scan"
    LONG_SPAN = "long_span"
    DAY_OVER = "day_over"
    CORRECTED = "corrected"


WORDS: Final = {
    How.NOT_SEEN: "no scan today",
    How.FIRST_SCAN: "came, and was not seen since",
    How.BY_KEY: "by the key that was pressed",
    How.BY_MACHINE: "by the reader, which stands at an entry or an exit",
    How.ALTERNATE: "by turns: one scan comes, the next goes",
    How.SAFE_EXIT: "the last scan comes after the end of work, as a departure does",
    How.LAST_SCAN: "seen again since coming, and nothing says which way",
    How.LONG_SPAN: "came longer ago than people stay, and was not seen leaving",
    How.DAY_OVER: "came the day before, longer ago than people stay, and was not seen leaving",
    How.CORRECTED: "by a correction: no machine has that scan",
}


class Seen(NamedTuple):
    """The last business date on which scans of a person count, as far as presence asks."""

    today: bool
    """It is the present business date, not the one before."""
    resolver: Resolver
    marks: Sequence[ScanType]
    """The day's used scans, each as its resolver took it; at least one."""
    first_in: datetime | None
    at: datetime
    """The last scan that counts."""
    type: ScanType
    """What the machine reported with it."""
    safe_exit: datetime
    manual: bool = False
    """A correction has the last scan, and no machine."""


class Presence(NamedTuple):
    """Where somebody is, since which scan, and how that is known."""

    where: Whereabouts
    since: datetime | None
    how: How


def presence(seen: Seen | None, now: datetime, long_span: timedelta) -> Presence:
    """Judge by the last scan that counts; `long_span` is how long people stay at most."""
    if seen is None:
        return Presence(Whereabouts.OUT, None, How.NOT_SEEN)
    found = _first_last(seen) if seen.resolver is Resolver.FIRST_LAST else _in_turn(seen)
    if seen.manual and found.where is not Whereabouts.UNKNOWN:
        found = found._replace(how=How.CORRECTED)
    if found.where is Whereabouts.OUT or now - _came(seen, found) <= long_span:
        return found
    if seen.today:
        return found._replace(where=Whereabouts.UNKNOWN, how=How.LONG_SPAN)
    return found._replace(where=Whereabouts.OUT, how=How.DAY_OVER)


def _first_last(seen: Seen) -> Presence:
    """The first scan arrives. Of those after it the rule knows only at the day's end which was the last."""
    *before, last = seen.marks
    if not before and last.arrives and not seen.type.leaves:
        return Presence(Whereabouts.IN, seen.first_in or seen.at, How.FIRST_SCAN)
    if seen.type.leaves and (before or last.leaves):
        return Presence(Whereabouts.OUT, seen.at, How.BY_KEY)
    # Most readers report an arrival for every scan; who left by a key is known to use keys.
    if seen.type.arrives and before and before[-1].leaves:
        return Presence(Whereabouts.IN, seen.at, How.BY_KEY)
    if last.leaves and seen.at >= seen.safe_exit:
        return Presence(Whereabouts.OUT, seen.at, How.SAFE_EXIT)
    return Presence(Whereabouts.UNKNOWN, seen.at, How.LAST_SCAN)


def _in_turn(seen: Seen) -> Presence:
    where = Whereabouts.IN if seen.marks[-1].arrives else Whereabouts.OUT
    return Presence(where, seen.at, How(seen.resolver.value))


def _came(seen: Seen, found: Presence) -> datetime:
    """When somebody came who may still be in."""
    if found.how is How.LAST_SCAN and seen.first_in is not None:
        return seen.first_in
    return found.since or seen.at
