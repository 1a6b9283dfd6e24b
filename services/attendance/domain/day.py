"""A day as a pure function of its scans, its frame and what is known of the person (RULES §1–4).

This is the hot path: it is measured in microseconds a scan. Sentences about a day are made in `explain`.
"""

from collections.abc import Iterable, Sequence
from datetime import date
from enum import StrEnum
from hashlib import blake2b
from operator import attrgetter
from typing import Final, NamedTuple
from uuid import UUID

from services.attendance.domain.resolve import Mark, Reading, Stretch, read
from services.attendance.domain.scans import Scan
from services.attendance.domain.terms import Leave, LeavePart, Level, leave_status, terms_of
from services.attendance.domain.window import Frame, Terms


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
    reading = read(ordered, settings.resolver, settings.merge_seconds)
    terms = terms_of(frame, leave, holiday)
    worker = level is Level.WORKER
    stretches = presence(reading, counting_time_away=True) if settings.time_away_counts else reading.stretches
    working, overtime, extra = amounts(stretches, frame)
    if terms.rest and settings.rest_day_overtime:
        overtime = working - extra
    if not worker:
        overtime = extra = 0
    # Time after the overtime start is not regular time, whether or not its figure is entered by hand.
    shortfall = terms.expected - (working - overtime - extra)
    overtime = overtime if settings.auto_overtime else 0
    extra = extra if settings.auto_extra_overtime else 0
    status, late = _status(reading, frame, terms, leave, holiday)
    merged, quarantined = reading.merged, reading.quarantined
    return Day(
        date=frame.date,
        status=status,
        first_arrival=reading.arrival,
        last_departure=reading.departure,
        working=working,
        overtime=overtime,
        extra_overtime=extra,
        early_departure=early_departure(reading, terms),
        shortfall=max(0, shortfall),
        late=late,
        snacks=extra > 0 and extra >= settings.snacks_minutes,
        night_bill=extra > 0 and extra >= settings.night_bill_minutes,
        flags=_flags(reading, frame, leave, holiday),
        used=tuple(map(_ID, reading.kept)),
        merged=tuple(map(_ID, merged)) if merged else (),
        quarantined=tuple(map(_ID, quarantined)) if quarantined else (),
        marks=tuple(reading.marks),
        check_in_count=reading.check_ins,
        check_out_count=len(reading.marks) - reading.check_ins,
        digest=_digest(reading, frame, level, leave, holiday),
    )


def presence(reading: Reading, *, counting_time_away: bool) -> Sequence[Stretch]:
    """The stretches that are paid: those seen or, where time away counts, all from first arrival to last departure."""
    arrival, departure = reading.arrival, reading.departure
    if counting_time_away and arrival is not None and departure is not None and arrival < departure:
        return (Stretch(arrival, departure),)
    return reading.stretches


def amounts(stretches: Sequence[Stretch], frame: Frame) -> tuple[int, int, int]:
    """Minutes worked in all, from overtime start up to extra overtime, and after that. Lunch is nobody's work."""
    working = overtime = extra = 0
    for start, end in stretches:
        working += without_lunch(start, end, frame)
        if end > frame.overtime_start:
            overtime += without_lunch(max(start, frame.overtime_start), min(end, frame.extra_start), frame)
            extra += without_lunch(max(start, frame.extra_start), end, frame)
    return working, overtime, extra


def without_lunch(start: int, end: int, frame: Frame) -> int:
    """Minutes from start to end that are not lunch; 0 where the end comes first."""
    if end <= start:
        return 0
    if start < frame.lunch_end and end > frame.lunch_start:
        return end - start - (min(end, frame.lunch_end) - max(start, frame.lunch_start))
    return end - start


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
    if frame.weekend:
        flags.append(Flag.WORKED_ON_WEEKEND)
    if holiday is not None:
        flags.append(Flag.WORKED_ON_HOLIDAY)
    if leave is not None and not half:
        flags.append(Flag.WORKED_ON_LEAVE)
    return tuple(flags)


def _digest(reading: Reading, frame: Frame, level: Level, leave: Leave | None, holiday: str | None) -> bytes:
    # A polynomial modulo 2¹²⁸ with an odd factor: a change of any one scan always shows, and a change of several hides
    # with no chance worth naming. Hashing bytes takes three times as long, and nobody can choose the ids of scans.
    folded = frame.number ^ (_PLAIN[level] if leave is None and holiday is None else _facts(level, leave, holiday))
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
_PLAIN: Final = {level: _facts(level, None, None) for level in Level}
