"""A day as a pure function of its scans, its frame and what is known of the person (RULES §1–4).

This is the hot path: it is measured in microseconds a scan. Sentences about a day are made in `explain`.
"""

from collections.abc import Iterable, Iterator
from datetime import date
from enum import StrEnum
from hashlib import blake2b
from operator import attrgetter
from typing import Final, NamedTuple
from uuid import UUID

from services.attendance.domain.frame import Frame, Terms
from services.attendance.domain.overtime import granted, minutes_of
from services.attendance.domain.resolve import Mark, Reading, read_ordered
from services.attendance.domain.scans import Scan
from services.attendance.domain.terms import Leave, LeavePart, Level, leave_status, terms_of


class Status(StrEnum):
    """The statuses that are not leave; those are `Leave-…`, see `leave_status`."""

    ON_TIME = "Present-OnTime"
    CONSIDERED = "Present-Considered"
    LATE = "Present-Late"
    ABSENT = "Absent"
    HOLIDAY = "Holiday"
    WEEKEND = "Weekend"


class Flag(StrEnum):
    """What somebody should look at."""

    MISSING_CHECK_OUT = "missing_check_out"
    MISSING_CHECK_IN = "missing_check_in"
    LONG_SPAN = "long_span"
    WORKED_ON_WEEKEND = "worked_on_weekend"
    WORKED_ON_HOLIDAY = "worked_on_holiday"
    WORKED_ON_LEAVE = "worked_on_leave"
    ABSENT_HALF_DAY = "absent_half_day"
    """On leave for half the day and not seen in the other half."""
    OUTSIDE_SHIFT = "outside_shift"
    """A scan lies further from the shift than is allowed; it counts all the same."""
    UNSCHEDULED = "unscheduled"
    """Worked on a date that the schedule leaves off."""
    INFERRED_SHIFT = "inferred_shift"
    """Nobody assigned the shift; it is the one that the scans fit best."""
    HALF_DAY = "half_day"
    """Worked less than makes a whole day."""
    TOO_SHORT = "too_short"
    """Worked so little that the day counts as absent."""


class Day(NamedTuple):
    """A person's day. Moments are minutes since 1970 (see `Frame.clock`), amounts are minutes.

    A tuple and not a dataclass for the reason of `Scan`.
    """

    date: date
    status: str
    first_arrival: int | None
    last_departure: int | None
    working: int
    """Presence without lunch; overtime is included."""
    overtime: int
    extra_overtime: int
    early_departure: int
    shortfall: int
    late: int
    """After safe entry, for those who came after late entry."""
    snacks: bool
    night_bill: bool
    flags: tuple[Flag, ...]
    used: tuple[UUID, ...]
    merged: tuple[UUID, ...]
    quarantined: tuple[UUID, ...]
    marks: tuple[Mark, ...]
    """The used scans, each with the direction it was taken for."""
    check_in_count: int
    check_out_count: int
    digest: bytes
    """Of all that the day was computed from: equal digests mean equal days."""
    raw_working: int
    """As `working`, before any rounding."""
    expected: int
    """Minutes of work."""
    overtime_unapproved: bool
    """The overtime, extra overtime included, stands and waits for somebody to approve it."""

    @property
    def total_scans(self) -> int:
        """All scans that count, those merged into another included."""
        return len(self.used) + len(self.merged)

    @property
    def present(self) -> bool:
        return bool(self.used)


def work_day(
    scans: Iterable[Scan],
    frame: Frame,
    *,
    level: Level = Level.WORKER,
    leave: Leave | None = None,
    holiday: str | None = None,
) -> Day:
    """Turn the scans of one person in one window into a day.

    Scans may come in any order and may repeat. A missing departure gives 0 hours and a flag, never a guess.
    `holiday` is its name.

    Raises:
        ValueError: a scan lies outside the frame.
    """
    settings = frame.settings
    ordered = sorted(scans)
    if ordered and not (frame.start <= ordered[0].at and ordered[-1].at < frame.end):
        raise ValueError(f"a scan lies outside the window of {frame.date} in {frame.zone}")
    reading = read_ordered(ordered, settings.resolver, settings.merge_seconds, frame.leaving_from)
    terms = frame.terms if leave is None and holiday is None else terms_of(frame, leave, holiday)
    raw, working, overtime, extra = minutes_of(reading, frame, terms, level)
    # Time after the overtime start is not regular time, whether or not its figure is entered by hand.
    expected = terms.expected
    shortfall = max(0, expected - (working - overtime - extra))
    status, late = _status(reading, frame, terms, leave, holiday)
    flags = _flags(reading, frame, leave, holiday)
    if not frame.plain:
        overtime, extra = granted(overtime, extra, settings)
        if not settings.shortfall_counts:
            expected = min(expected, working)
        if not settings.shortfall_counts or shortfall <= settings.shortfall_tolerance:
            shortfall = 0
        if not terms.rest:
            status, flags = _by_thresholds(status, flags, reading, working, frame, leave)
    overtime = overtime if settings.auto_overtime else 0
    extra = extra if settings.auto_extra_overtime else 0
    merged, quarantined = reading.merged, reading.quarantined
    # By place, in the order of the fields: by name it takes half a microsecond more.
    return Day(
        frame.date,
        status,
        reading.arrival,
        reading.departure,
        working,
        overtime,
        extra,
        early_departure(reading, terms),
        shortfall,
        late,
        extra > 0 and extra >= settings.snacks_minutes,
        extra > 0 and extra >= settings.night_bill_minutes,
        flags,
        tuple(map(_ID, reading.kept)),
        tuple(map(_ID, merged)) if merged else (),
        tuple(map(_ID, quarantined)) if quarantined else (),
        tuple(reading.marks),
        reading.check_ins,
        len(reading.marks) - reading.check_ins,
        _digest(reading, frame, level, leave, holiday),
        raw,
        expected,
        settings.overtime_needs_approval and overtime + extra > 0,
    )


def early_departure(reading: Reading, terms: Terms) -> int:
    """Minutes before safe exit; 0 where nobody was expected or the departure is not known."""
    departure = reading.departure
    if departure is None or terms.rest or reading.no_check_out or departure >= terms.safe_exit:
        return 0
    return terms.safe_exit - departure


def _status(reading: Reading, frame: Frame, terms: Terms, leave: Leave | None, holiday: str | None) -> tuple[str, int]:
    """The status, and the minutes late."""
    if not reading.kept:
        return _status_without_scans(frame, leave, holiday), 0
    arrival = reading.arrival
    if arrival is None:
        return Status.LATE, 0
    if arrival <= terms.safe_entry:
        return Status.ON_TIME, 0
    if arrival <= terms.late_entry:
        return Status.CONSIDERED, 0
    return Status.LATE, 0 if terms.rest else arrival - terms.safe_entry


def _status_without_scans(frame: Frame, leave: Leave | None, holiday: str | None) -> str:
    if leave is not None:
        return leave_status(leave.type)
    if holiday is not None:
        return Status.HOLIDAY
    return Status.WEEKEND if frame.weekend else Status.ABSENT


def _flags(reading: Reading, frame: Frame, leave: Leave | None, holiday: str | None) -> tuple[Flag, ...]:
    half = leave is not None and leave.part is not LeavePart.FULL
    if not reading.kept:
        absent_half = half and holiday is None and not frame.weekend
        return (Flag.ABSENT_HALF_DAY,) if absent_half else ()
    flags: list[Flag] = []
    if reading.no_check_out:
        flags.append(Flag.MISSING_CHECK_OUT)
    if reading.no_check_in:
        flags.append(Flag.MISSING_CHECK_IN)
    arrival, departure = reading.arrival, reading.departure
    if arrival is not None and departure is not None and departure - arrival > frame.settings.long_span_minutes:
        flags.append(Flag.LONG_SPAN)
    if frame.scheduled:
        flags.extend(_flags_of_schedule(reading, frame))
    elif frame.weekend:
        flags.append(Flag.WORKED_ON_WEEKEND)
    if holiday is not None:
        flags.append(Flag.WORKED_ON_HOLIDAY)
    if leave is not None and not half:
        flags.append(Flag.WORKED_ON_LEAVE)
    return tuple(flags)


def _flags_of_schedule(reading: Reading, frame: Frame) -> Iterator[Flag]:
    if frame.shift is None:
        yield Flag.UNSCHEDULED
    # Kept scans are in the order of time.
    elif reading.kept[0].at // 60 < frame.allowed_from or reading.kept[-1].at // 60 > frame.allowed_until:
        yield Flag.OUTSIDE_SHIFT
    if frame.confidence is not None:
        yield Flag.INFERRED_SHIFT
        if frame.weekend:
            yield Flag.WORKED_ON_WEEKEND


def _by_thresholds(  # noqa: PLR0917 -- what a day has found out so far
    status: str,
    flags: tuple[Flag, ...],
    reading: Reading,
    working: int,
    frame: Frame,
    leave: Leave | None,
) -> tuple[str, tuple[Flag, ...]]:
    """What a short day is called. Where hours are not known, nothing is made of them."""
    if not reading.kept or reading.no_check_in or reading.no_check_out:
        return status, flags
    if working < absent_below(frame, leave):
        return Status.ABSENT, (*flags, Flag.TOO_SHORT)
    if working < frame.settings.half_day_below and leave is None:
        return status, (*flags, Flag.HALF_DAY)
    return status, flags


def absent_below(frame: Frame, leave: Leave | None) -> int:
    """Minutes of work below which a day counts as absent: half of them where the other half is leave."""
    return frame.settings.absent_below if leave is None else frame.settings.absent_below // 2


def _digest(reading: Reading, frame: Frame, level: Level, leave: Leave | None, holiday: str | None) -> bytes:
    # A polynomial modulo 2¹²⁸ with an odd factor: a change of any one scan always shows, and a change of several hides
    # with no chance worth naming. Hashing bytes takes three times as long, and nobody can choose the ids of scans.
    if leave is None and holiday is None:
        known = _PLAIN_WORKER if level is Level.WORKER else _PLAIN_STAFF
    else:
        known = _facts(level, leave, holiday)
    folded = frame.number ^ known
    for scans in (reading.kept, reading.merged, reading.quarantined):
        for at, id_, type_, quality, role in scans:
            folded = folded * _FACTOR + (id_.int ^ (at << 8 | type_.code << 5 | quality.code << 2 | role.code)) & _MASK
    return folded.to_bytes(16)


def _facts(level: Level, leave: Leave | None, holiday: str | None) -> int:
    known = (level.value, None if leave is None else (leave.type, leave.part.value), holiday is not None)
    return int.from_bytes(blake2b(repr(known).encode(), digest_size=16).digest())


_ID: Final = attrgetter("id")
_FACTOR: Final = 0x2360ED051FC65DA44385DF649FCCF645
_MASK: Final = (1 << 128) - 1
# Not by level in a dictionary: to hash a member of an enum takes longer than all of the above.
_PLAIN_WORKER: Final = _facts(Level.WORKER, None, None)
_PLAIN_STAFF: Final = _facts(Level.STAFF, None, None)
