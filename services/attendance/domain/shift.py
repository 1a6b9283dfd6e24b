"""A shift: the times of work of one date, and all that they imply. Times are minutes from that date's midnight.

A time past 1440 lies on the next date: a night from 22:00 to 06:00 is 1320 to 1800. They are times of the site's wall
clock; `window` turns them into instants.
"""

from dataclasses import dataclass, field, fields
from itertools import pairwise
from typing import Final, NamedTuple

from services.attendance.domain.settings import DaySettings

DATE: Final = 24 * 60
LATEST_END: Final = 42 * 60
"""Scans of a shift are looked for until 18:00 of the next date, and from 18:00 of the date before: so that whatever two
dates of a person have, a day off between them keeps a place of its own."""
EARLIEST_START: Final = -6 * 60


class Part(NamedTuple):
    """Work from one time to another."""

    start: int
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FixedBreak:
    """A break at a time of day. An unpaid one is nobody's work; in a paid one, being away is work, too."""

    start: int
    end: int
    paid: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PunchedBreak:
    """Whatever is scanned out is break: at least so many minutes and, where time away counts or is paid, at most."""

    at_least: int = 0
    at_most: int | None = None
    after: int = 0
    """The least applies to who worked more than this."""
    paid: bool = False
    """Up to `at_most`, being away is work."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeductedBreak:
    """So many minutes are taken off once more than `after` were worked."""

    minutes: int
    after: int


Break = FixedBreak | PunchedBreak | DeductedBreak


@dataclass(frozen=True, slots=True, kw_only=True)
class Shift:
    """The times of work of one date. `shift_from` makes one that is known to make sense."""

    name: str = ""
    parts: tuple[Part, ...]
    """Not empty, in order; several make a split shift."""
    flexible: bool = False
    """Only the amount counts: nobody is late or early, and overtime goes by the day."""
    minutes: int | None = None
    """Expected; None for what the parts have without their unpaid breaks."""
    allowed_early: int = 120
    allowed_late: int = 240
    """Scans are expected from so long before the start to so long after the end."""
    grace_in: int = 0
    """Safe entry is so long after the start, late entry `late_after`."""
    late_after: int = 5
    grace_out: int = 0
    """Safe exit is so long before the end."""
    breaks: tuple[Break, ...] | None = None
    """None for the lunch of the settings."""
    overtime_after: int = 0
    """Overtime starts so long after the end, extra overtime `extra_overtime_after`."""
    extra_overtime_after: int = 120
    changes: tuple[tuple[str, object], ...] = ()
    """Settings that the shift overrides, by their names in `DaySettings`."""
    _hash: int = field(init=False, repr=False, compare=False, default=0)

    def __post_init__(self) -> None:
        # Frames are cached by their shifts, as by their settings: hash once.
        object.__setattr__(self, "_hash", hash(tuple(getattr(self, f.name) for f in fields(self) if f.compare)))

    def __hash__(self) -> int:
        return self._hash

    @property
    def start(self) -> int:
        return self.parts[0].start

    @property
    def end(self) -> int:
        return self.parts[-1].end

    @property
    def gaps(self) -> tuple[Part, ...]:
        """The time between the parts of a split shift."""
        return tuple(Part(one.end, other.start) for one, other in pairwise(self.parts) if one.end < other.start)

    def over(self, settings: DaySettings) -> DaySettings:
        """The settings with what the shift overrides. Doing it twice changes nothing."""
        if not self.changes:
            return settings
        values = {f.name: getattr(settings, f.name) for f in fields(settings) if f.init}
        return DaySettings(**(values | dict(self.changes)))

    @property
    def times(self) -> str:
        """Such as "22:00–06:00", and "08:00–12:00 and 16:00–20:00" of a split shift."""
        return " and ".join(f"{clock_text(start)}–{clock_text(end)}" for start, end in self.parts)

    @property
    def title(self) -> str:
        """How sentences call it."""
        return f"{self.name} ({self.times})" if self.name else self.times

    @property
    def facts(self) -> tuple[object, ...]:
        """What a day depends on, for digests: not the name, and the changes are among the settings."""
        return tuple(repr(getattr(self, f.name)) for f in fields(self) if f.compare and f.name not in _NO_FACTS)


_NO_FACTS: Final = ("name", "changes")


def clock_text(minutes: int) -> str:
    """Minutes from midnight as "06:00"; the date is left to the reader."""
    return f"{minutes // 60 % 24:02}:{minutes % 60:02}"
