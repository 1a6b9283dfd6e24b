"""From the stored scans of some person-days to the rows and the events that follow from them. No I/O."""

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime
from typing import Final, NamedTuple

from services.attendance.application.directory import Assignment, Holder
from services.attendance.domain.corrections import Correction, correct
from services.attendance.domain.day import Day, work_day
from services.attendance.domain.frame import Frame
from services.attendance.domain.scans import Scan
from services.attendance.domain.time_off import NO_TIME_OFF, TimeOff
from shared.contracts.days import DayUpdated, ScanOfDay
from shared.contracts.event import Version


class DayRow(NamedTuple):
    """A row of the table `days`, in the order of its columns; `n` and the timestamps are the database's."""

    date: date
    person_id: int
    status: str
    first_in: datetime | None
    last_out: datetime | None
    worked: int
    overtime: int
    extra_overtime: int
    late: int
    early_departure: int
    shortfall: int
    snacks: bool
    night_bill: bool
    flags: str
    used: int
    merged: int
    check_ins: int
    check_outs: int
    marks: str
    zone: str
    digest: bytes
    raw_worked: int | None
    expected: int | None
    overtime_unapproved: bool
    shift: str | None
    shift_confidence: int | None
    """In hundredths, where the shift was inferred."""


FIGURES: Final = (
    "status",
    "first_in",
    "last_out",
    "worked",
    "overtime",
    "extra_overtime",
    "late",
    "early_departure",
    "shortfall",
    "flags",
)
"""Of a row, by which people judge whether a day changed."""


class Computed(NamedTuple):
    """A day with what it was computed by."""

    day: Day
    frame: Frame
    holder: Holder
    assignment: Assignment
    off: TimeOff = NO_TIME_OFF


def compute(
    scans: Iterable[Scan],
    holder: Holder,
    frame: Frame,
    assignment: Assignment,
    corrections: Sequence[Correction] = (),
    *,
    off: TimeOff = NO_TIME_OFF,
) -> Computed:
    """A person's day from all of its scans and corrections, and the time off that it has."""
    level, (leave, holiday) = assignment.level, off
    if corrections:
        day = correct(scans, frame, corrections, level=level, leave=leave, holiday=holiday).day
    else:
        day = work_day(scans, frame, level=level, leave=leave, holiday=holiday)
    return Computed(day, frame, holder, assignment, off)


def row_of(computed: Computed) -> DayRow:
    """The day as it is stored."""
    day, frame, holder, *_ = computed
    clock = frame.clock
    return DayRow(
        day.date,
        holder.person_id,
        day.status,
        _instant(day.first_arrival),
        _instant(day.last_departure),
        day.working,
        day.overtime,
        day.extra_overtime,
        day.late,
        day.early_departure,
        day.shortfall,
        day.snacks,
        day.night_bill,
        " ".join(day.flags),
        len(day.used),
        len(day.merged),
        day.check_in_count,
        day.check_out_count,
        ",".join([f"{clock(minute)} " + type_ for minute, type_ in day.marks]),
        frame.zone,
        day.digest,
        day.raw_working,
        day.expected,
        day.overtime_unapproved,
        None if frame.shift is None else frame.shift.title,
        None if frame.confidence is None else round(frame.confidence * 100),
    )


def event_of(computed: Computed, row: DayRow, *, version: Version, at: datetime, live: bool) -> DayUpdated:
    """The day as others hear of it."""
    day, frame, holder, assignment, _ = computed
    return DayUpdated(
        person_id=holder.person_id,
        employee_id=holder.code,
        employee_name=holder.name,
        department=assignment.department,
        designation=assignment.designation,
        level_of_work=assignment.level_of_work,
        unit_path=assignment.unit_path,
        site_id=assignment.site_id,
        zone=frame.zone,
        date=day.date,
        status=day.status,
        first_in=row.first_in,
        last_out=row.last_out,
        check_in=None if day.first_arrival is None else frame.clock(day.first_arrival),
        check_out=None if day.last_departure is None else frame.clock(day.last_departure),
        worked_minutes=day.working,
        overtime_minutes=day.overtime,
        extra_overtime_minutes=day.extra_overtime,
        late_minutes=day.late,
        early_departure_minutes=day.early_departure,
        shortfall_minutes=day.shortfall,
        snacks_eligible=day.snacks,
        night_bill_eligible=day.night_bill,
        flags=row.flags.split(),
        total_scans=day.total_scans,
        scans=scans_of(row.marks),
        computed_at=at,
        live=live,
        version=version,
        raw_worked_minutes=day.raw_working,
        expected_minutes=day.expected,
        overtime_unapproved=day.overtime_unapproved,
        shift=row.shift,
    )


def scans_of(marks: str) -> list[ScanOfDay]:
    """`"08:00 IN,17:30 OUT"` as a list."""
    return [ScanOfDay(time=mark[:5], type=mark[6:]) for mark in marks.split(",")] if marks else []


def _instant(minute: int | None) -> datetime | None:
    return None if minute is None else datetime.fromtimestamp(minute * 60, UTC)
