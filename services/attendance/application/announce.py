"""Stored states as the events that carry them."""

from datetime import UTC, date, datetime
from typing import Any, NamedTuple

from services.attendance.application.computing import scans_of
from services.attendance.application.correction_ports import CorrectionFacts, Deed
from services.attendance.application.day_facts import DayDetails, DayFacts
from services.attendance.application.directory import Span
from services.attendance.domain.corrections import Figures, ManualScan, Said, SetAside
from shared.contracts import corrections as contract
from shared.contracts.days import DayUpdated
from shared.contracts.event import Version
from shared.contracts.people import BadgeHeld, BadgeOnMachine, PersonChanged


class BadgeState(NamedTuple):
    """A badge of somebody, and when it is theirs; the machine where it is bound to one."""

    badge: str
    span: Span
    machine_id: int | None
    machine: str | None
    """Its code."""


class PersonState(NamedTuple):
    """A person as they are now, with all badges that they ever held."""

    id: int
    n: int
    code: str
    name: str
    email: str | None
    phone: str | None
    gender: str | None
    joined_on: date | None
    left_on: date | None
    removed: bool
    department: str | None
    unit_path: list[int]
    """The unit and those above it, nearest first."""
    designation: str | None
    level_of_work: str
    site_id: int
    site: str
    badges: list[BadgeState]
    created_at: datetime
    updated_at: datetime


class GoneDay(NamedTuple):
    """A day that has lost its row, and where its person belonged then, or last."""

    date: date
    person_id: int
    n: int
    """The version of its removal."""
    zone: str
    code: str
    name: str
    department: str | None
    designation: str | None
    level_of_work: str
    site_id: int
    unit_path: list[int]


def person_changed(person: PersonState, epoch: int) -> PersonChanged:
    """The event that carries a person's state."""
    return PersonChanged(
        person_id=person.id,
        code=person.code,
        name=person.name,
        email=person.email,
        department=person.department,
        unit_id=person.unit_path[0] if person.unit_path else None,
        unit_path=person.unit_path,
        designation=person.designation,
        level_of_work=person.level_of_work,
        site_id=person.site_id,
        joined_on=person.joined_on,
        left_on=person.left_on,
        badges=[
            BadgeHeld(badge=badge, since=span.since, until=span.until)
            for badge, span, machine_id, _ in person.badges
            if machine_id is None
        ],
        machine_badges=[
            BadgeOnMachine(badge=badge, machine_id=machine_id, since=span.since, until=span.until)
            for badge, span, machine_id, _ in person.badges
            if machine_id is not None
        ],
        version=Version(epoch, person.n),
        removed=person.removed,
    )


def day_updated(facts: DayFacts, details: DayDetails, unit_path: list[int], site_id: int, epoch: int) -> DayUpdated:
    """The event that carries the state of a stored day. It happened some time ago, so it is not live."""
    assert details.n is not None and details.updated_at is not None  # noqa: S101, PT018 - the day is stored
    return DayUpdated(
        person_id=facts.person_id,
        employee_id=facts.code,
        employee_name=facts.name,
        department=facts.department,
        designation=facts.designation,
        level_of_work=facts.level_of_work,
        unit_path=unit_path,
        site_id=site_id,
        zone=details.zone or "UTC",
        date=facts.date,
        status=facts.status or "",
        first_in=details.first_in,
        last_out=details.last_out,
        check_in=facts.check_in,
        check_out=facts.check_out,
        worked_minutes=facts.worked,
        overtime_minutes=facts.overtime,
        extra_overtime_minutes=facts.extra_overtime,
        late_minutes=details.late,
        early_departure_minutes=details.early_departure,
        shortfall_minutes=details.shortfall or 0,
        snacks_eligible=details.snacks,
        night_bill_eligible=details.night_bill,
        flags=details.flags.split(),
        total_scans=facts.used + details.merged,
        scans=scans_of(facts.marks),
        computed_at=details.updated_at,
        live=False,
        version=Version(epoch, details.n),
        raw_worked_minutes=details.raw_worked,
        expected_minutes=details.expected,
        overtime_unapproved=details.overtime_unapproved,
        shift=details.shift,
    )


def day_removed(day: GoneDay, epoch: int, at: datetime) -> DayUpdated:
    """The event that says that there is no such day any more."""
    return DayUpdated(
        person_id=day.person_id,
        employee_id=day.code,
        employee_name=day.name,
        department=day.department,
        designation=day.designation,
        level_of_work=day.level_of_work,
        unit_path=day.unit_path,
        site_id=day.site_id,
        zone=day.zone,
        date=day.date,
        status="",
        first_in=None,
        last_out=None,
        check_in=None,
        check_out=None,
        worked_minutes=0,
        overtime_minutes=0,
        extra_overtime_minutes=0,
        late_minutes=0,
        early_departure_minutes=0,
        shortfall_minutes=0,
        snacks_eligible=False,
        night_bill_eligible=False,
        flags=[],
        total_scans=0,
        scans=[],
        computed_at=at,
        live=False,
        version=Version(epoch, day.n),
        raw_worked_minutes=0,
        expected_minutes=0,
        removed=True,
    )


def correction_changed(correction: CorrectionFacts, version: Version) -> contract.CorrectionChanged:
    """The event that carries a correction's state."""
    return contract.CorrectionChanged(
        correction_id=correction.id,
        person_id=correction.person_id,
        employee_id=correction.code,
        date=correction.date,
        kind=correction.kind,
        values=values_of(correction.said),
        state=correction.state,
        asked=_deed(correction.asked),
        decided=None if correction.decided is None else _deed(correction.decided),
        withdrawn=None if correction.withdrawn is None else _deed(correction.withdrawn),
        before=None if correction.before is None else dict(correction.before),
        after=None if correction.after is None else dict(correction.after),
        version=version,
    )


def values_of(said: Said) -> dict[str, Any]:
    """What a correction says, as events and the API carry it: amounts in minutes."""
    if isinstance(said, Figures):
        names = {"overtime": "overtime_minutes", "extra_overtime": "extra_overtime_minutes"}
        return {names.get(name, name): value for name, value in said._asdict().items() if value is not None}
    if isinstance(said, SetAside):
        return {"at": _moment(said.at), "scan": str(said.scan_id)}
    if isinstance(said, ManualScan):
        replaces = None if said.replaces is None else str(said.replaces)
        return {"at": _moment(said.at), "type": str(said.type), "replaces": replaces}
    return {"at": _moment(said.at), "until": _moment(said.until)}


def _deed(deed: Deed) -> contract.Deed:
    return contract.Deed(user=deed.user, name=deed.name, at=deed.at, reason=deed.reason)


def _moment(at: int) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat().replace("+00:00", "Z")
