"""What a person says of a day, checked against the day: is there such a scan, does the time lie in it?"""

from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta
from typing import NoReturn
from uuid import UUID

from services.attendance.application.correction_ports import Figures as Stored
from services.attendance.application.directory import Assignment, Directory, Holder, PersonDay
from services.attendance.domain.corrections import (
    PRESENT,
    Correction,
    Duty,
    Figures,
    Kind,
    ManualScan,
    Said,
    SetAside,
    correct,
    evidence_of,
)
from services.attendance.domain.edits import Edit, moment_in
from services.attendance.domain.frame import Frame
from services.attendance.domain.scans import Scan, ScanType
from services.attendance.domain.terms import Level
from services.attendance.domain.time_off import TimeOff
from shared.kernel.errors import Conflict, Invalid, sentence

AHEAD = timedelta(days=31)
"""How far ahead a duty elsewhere may be planned."""

Clock = datetime | time
"""An instant with its zone, or a time of the site's wall clock on that day."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A correction as a caller says it; what its kind has no use for is None."""

    kind: Kind
    at: Clock | None = None
    until: Clock | None = None
    type: ScanType | None = None
    scan: UUID | None = None
    overtime: int | None = None
    """Minutes, as the next."""
    extra_overtime: int | None = None
    status: str | None = None
    note: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EditDraft:
    """An edit as a caller says it; None leaves as it is."""

    first: Clock | None = None
    last: Clock | None = None
    overtime: int | None = None
    extra_overtime: int | None = None
    status: str | None = None
    note: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DayAtHand:
    """A person's day with its evidence, held still for a transaction."""

    key: PersonDay
    directory: Directory
    holder: Holder
    frame: Frame
    assignment: Assignment
    scans: list[Scan]
    corrections: list[Correction]
    off: TimeOff


def said_from(draft: Draft, day: DayAtHand, now: datetime) -> Said:
    """What the draft says of this day.

    Raises:
        Invalid: it lacks something, or cannot have been.
        Conflict: it says of a scan what is so already.
    """
    if draft.kind is Kind.FIGURE:
        return _figures(draft, day)
    if draft.kind is Kind.DUTY:
        start, until = _second("at", draft.at, day.frame), _second("until", draft.until, day.frame)
        if until <= start:
            _wrong("until", "does not come after at")
        if start > (now + AHEAD).timestamp():
            _wrong("at", f"lies more than {AHEAD.days} days ahead")
        return Duty(start, until)
    scan = None if draft.scan is None else _scan(draft.scan, day)
    if draft.kind is Kind.SET_ASIDE:
        if scan is None:
            _wrong("scan", "is missing; say which scan is not to count, by its id")
        return SetAside(scan.at, scan.id)
    if draft.type is None:
        _wrong("type", f"is missing; possible are {sentence([str(one) for one in ScanType])}")
    if scan is not None:
        if draft.at is not None:
            _wrong("at", "stands against scan, which has its time; give one or the other")
        if scan.type is draft.type:
            raise Conflict(f"the scan is of the type {scan.type} already")
        return ManualScan(scan.at, draft.type, scan.id)
    at = _second("at", draft.at, day.frame)
    if at > now.timestamp():
        _wrong("at", "lies in the future; nobody can have been scanned then")
    return ManualScan(at, draft.type)


def edit_from(draft: EditDraft, day: DayAtHand, now: datetime) -> Edit:
    """The same for an edit."""
    first = None if draft.first is None else _second("first_check_in", draft.first, day.frame)
    last = None if draft.last is None else _second("last_check_out", draft.last, day.frame)
    for name, at in (("first_check_in", first), ("last_check_out", last)):
        if at is not None and at > now.timestamp():
            _wrong(name, "lies in the future; nobody can have been scanned then")
    return Edit(
        first=first,
        last=last,
        overtime=draft.overtime,
        extra_overtime=draft.extra_overtime,
        status=draft.status,
        note=draft.note,
    )


def without_what_was_shown(edit: Edit, shown: Stored) -> Edit:
    """The edit without what the day shows already. A locked day shows other figures than it would have by now.

    Whoever sends a whole record back did not say that what came after the lock is wrong.
    """

    def left(at: int | None, name: str) -> int | None:
        value = shown[name]
        same = at is not None and value is not None and at // 60 == _moment(value) // 60
        return None if same else at

    return replace(
        edit,
        first=left(edit.first, "first_in"),
        last=left(edit.last, "last_out"),
        overtime=None if edit.overtime == shown["overtime"] else edit.overtime,
        extra_overtime=None if edit.extra_overtime == shown["extra_overtime"] else edit.extra_overtime,
        status=None if edit.status == shown["status"] else edit.status,
    )


def check_figures(said: Figures, day: DayAtHand) -> None:
    """Refuse figures that nobody can have.

    Raises:
        Invalid: names the figure.
    """
    for name, minutes in (("overtime_hours", said.overtime), ("extra_overtime_hours", said.extra_overtime)):
        if minutes and day.assignment.level is not Level.WORKER:
            _wrong(name, f"{day.holder.code} is no worker, and overtime is the workers' alone")
    if said.overtime is not None or said.extra_overtime is not None:
        leave, holiday = day.off
        now = correct(
            day.scans, day.frame, day.corrections, level=day.assignment.level, leave=leave, holiday=holiday
        ).day
        overtime = now.overtime if said.overtime is None else said.overtime
        extra = now.extra_overtime if said.extra_overtime is None else said.extra_overtime
        if overtime + extra > (day.frame.end - day.frame.start) // 60:
            if said.overtime is None:
                _wrong("extra_overtime_hours", "is with overtime more than the day has")
            _wrong("overtime_hours", "is with extra overtime more than the day has")
    if said.status is not None and said.status not in PRESENT:
        why = "absence, leave and holidays follow from scans, leave requests and the calendar"
        _wrong("status", f"{said.status[:40]!r} cannot be entered; possible are {sentence(list(PRESENT))}; {why}")


def _figures(draft: Draft, day: DayAtHand) -> Figures:
    said = Figures(draft.overtime, draft.extra_overtime, draft.status, draft.note)
    if said == Figures():
        _wrong("overtime_hours", "is missing, as are the other figures; give at least one")
    check_figures(said, day)
    return said


def _second(name: str, clock: Clock | None, frame: Frame) -> int:
    if clock is None:
        _wrong(name, "is missing; give an instant, or a time of that day such as 17:30")
    at = moment_in(frame, clock) if isinstance(clock, time) else int(clock.timestamp())
    if at is None:
        _wrong(name, f"{clock.isoformat('minutes')} is no time of {frame.date} in {frame.zone}: the clocks skipped it")
    if not frame.start <= at < frame.end:
        bounds = f"{frame.clock(frame.start // 60)} of that date to {frame.clock((frame.end - 1) // 60)} of the next"
        _wrong(name, f"does not lie in the day of {frame.date}, which goes from {bounds} in {frame.zone}")
    return at


def _scan(scan_id: UUID, day: DayAtHand) -> Scan:
    evidence = evidence_of(day.scans, day.frame, day.corrections)
    if scan_id in evidence.left_out:
        raise Conflict("this scan is set aside already")
    found = next((scan for scan in day.scans if scan.id == scan_id), None)
    if found is None:
        _wrong("scan", f"there is no scan {scan_id} that counts on this day")
    return found


def _moment(stored: object) -> int:
    return int(datetime.fromisoformat(str(stored)).timestamp())


def _wrong(name: str, detail: str) -> NoReturn:
    raise Invalid(f"{name}: {detail}", fields={name: detail})
