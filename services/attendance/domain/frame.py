"""A working day's edges and thresholds in absolute time, as the day function compares them: integers only."""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Final, NamedTuple

from services.attendance.domain.settings import DaySettings
from services.attendance.domain.shift import Shift


class Span(NamedTuple):
    """From one minute to another, both since 1970."""

    start: int
    end: int


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
    """A working day of one zone under one set of rules and, maybe, a shift.

    `start` and `end` are seconds since 1970: the day has the instants `start <= at < end`. All other moments are
    *minutes* since 1970, as the rules compare at minute resolution.
    """

    date: date
    zone: str
    settings: DaySettings
    """Those that the shift overrides included."""
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
    shift: Shift | None
    confidence: float | None
    """How sure the shift is where it was inferred."""
    scheduled: bool
    """The person has a schedule, be it that it leaves this date off."""
    plain: bool
    """Hours are presence less `lunch_start` to `lunch_end`, and overtime goes by the clock: the short way."""
    begins: int
    """Where time starts to count if early arrival does not."""
    norm: int
    """Minutes of work on such a date, were it no day of rest."""
    half_ends: int
    """Who has the morning off is expected by then, who has the afternoon off until `half_starts`."""
    half_starts: int
    allowed_from: int
    """Scans of the shift are expected from here to `allowed_until`; all of them where there is no shift."""
    allowed_until: int
    leaving_from: int | None
    """A single scan from here on is a departure; None without a shift."""
    parts: tuple[Span, ...]
    """Of the shift."""
    unpaid: tuple[Span, ...]
    """Windows of time that is nobody's work: lunch, breaks, and what lies between the parts of a shift."""
    paid: tuple[Span, ...]
    """Breaks in which being away is work, too."""
    number: int = field(compare=False)
    """Of 128 bits; identifies all of the above across processes and restarts, and nothing that changes no day."""

    def clock(self, minute: int) -> str:
        """The wall clock at a minute since 1970, such as "08:00"."""
        return _CLOCK[(minute + (self.offset if minute < self.turn else self.offset_after)) % 1440]

    @property
    def starts_at(self) -> datetime:
        return datetime.fromtimestamp(self.start, UTC)

    @property
    def ends_at(self) -> datetime:
        return datetime.fromtimestamp(self.end, UTC)


_CLOCK: Final = [f"{minute // 60:02}:{minute % 60:02}" for minute in range(1440)]
