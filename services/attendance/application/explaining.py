"""Why a day is what it is: its evidence, every rule and every figure."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any, Protocol
from uuid import UUID

from services.attendance.application.computing import compute
from services.attendance.application.correction_ports import Figures
from services.attendance.application.directory import Holder, PersonDay
from services.attendance.application.history import as_shown
from services.attendance.application.holders import Claim
from services.attendance.application.inferring import Evidence as Around
from services.attendance.application.inferring import frame_of_day
from services.attendance.application.plans import Planned
from services.attendance.application.rulebook import LeaveByPerson, Rulebook
from services.attendance.domain.corrections import Correction
from services.attendance.domain.explain import Explanation
from services.attendance.domain.explain_corrections import explain_corrected, figures_without
from services.attendance.domain.releases import Release
from services.attendance.domain.scans import Scan
from services.attendance.domain.state import State
from services.attendance.domain.terms import Level
from services.attendance.domain.time_off import TimeOff
from services.attendance.domain.week import Hours, figure_of_week, threshold_of_week, week_of
from shared.kernel.clock import Clock
from shared.kernel.errors import NotFound, sentence
from shared.web.scope import Scope


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """Scans, whatever they are worth, and which machine each comes from."""

    scans: Sequence[Scan]
    machines: dict[UUID, str]
    releases: dict[UUID, Release]
    """Rulings in force about these scans. Whose effect is in the window stands there, with good quality."""
    codes: Mapping[int, str]
    """Of the machines that the claims name."""


class ExplainReading(Around, Protocol):
    """One transaction that reads."""

    async def rulebook(self, now: datetime) -> Rulebook:
        """The rules of all sites."""

    async def leave(self, first: date, last: date, people: Sequence[int] | None) -> LeaveByPerson:
        """The leave of these people on the dates from `first` to `last`."""

    async def by_code(self, text: str, scope: Scope) -> int | None:
        """The id of the person with this code, or else this id; None where the caller sees none."""

    async def holder(self, person_id: int, on: date, scope: Scope) -> Holder | None:
        """The person with all assignments and badges; None where they are not the caller's to see on that date."""

    async def evidence(self, claims: Sequence[Claim], start: datetime, end: datetime) -> Evidence:
        """All scans that are claimed, from `start` on and before `end`, by the machines' clocks or as released."""

    async def corrections_of(self, spans: Mapping[PersonDay, tuple[int, int]]) -> dict[PersonDay, list[Correction]]:
        """The corrections in force of each key that has any, by its window in seconds since 1970."""

    async def hours(self, people: Sequence[int], first: date, last: date) -> Mapping[int, Sequence[Hours]]:
        """As `weeks.WeekReading` says."""

    async def kept_of(self, person_id: int, on: date) -> Figures | None:
        """The figures of the stored day, by the names of its columns; None where it has no row."""


class ExplainReads(Protocol):
    """Opens transactions that read what explains a day."""

    def explaining(self) -> AbstractAsyncContextManager[ExplainReading]:
        """One consistent look."""


class Explaining:
    """Explains days."""

    def __init__(self, reads: ExplainReads, clock: Clock) -> None:
        self._reads = reads
        self._clock = clock

    async def of(self, person_id: int, on: date, scope: Scope) -> dict[str, Any]:
        """The explanation of a day, as data and in sentences.

        Raises:
            NotFound: nobody who belonged anywhere on that date has this id, or the caller may not know.
        """
        async with self._reads.explaining() as reading:
            return await self._explained(reading, person_id, on, scope)

    async def by_code(self, code: str, on: date, scope: Scope) -> dict[str, Any]:
        """The same by the company's code. Raises as `of` does."""
        async with self._reads.explaining() as reading:
            person_id = await reading.by_code(code, scope)
            if person_id is None:
                raise NotFound(f"nobody has the code, or else the id, {code[:80]!r}")
            return await self._explained(reading, person_id, on, scope)

    async def _explained(self, reading: ExplainReading, person_id: int, on: date, scope: Scope) -> dict[str, Any]:
        holder = await reading.holder(person_id, on, scope)
        assignment = None if holder is None else holder.assignment_on(on)
        if holder is None or assignment is None:
            raise NotFound(f"there is no such day: {_called(holder, person_id)} belonged nowhere on {on.isoformat()}")
        rules = await reading.rulebook(self._clock.now())
        rules.leave = await reading.leave(on, on, [person_id])
        leave, holiday = rules.time_off(assignment.site_id, on, person_id)
        frame, by_scans = await frame_of_day(reading, rules, holder, assignment, on)
        claims = sorted(holder.claims_on(on), key=lambda claim: (claim.badge, claim.machine_id or 0))
        evidence = await reading.evidence(claims, frame.starts_at, frame.ends_at)
        closed = rules.closure(assignment.site_id, on, person_id)
        waits_for = closed.waits_for if closed.window_over else ()
        key = PersonDay(on, person_id)
        corrections = (await reading.corrections_of({key: (frame.start, frame.end)})).get(key, ())
        explained = explain_corrected(
            evidence.scans,
            frame,
            corrections,
            level=assignment.level,
            leave=leave,
            holiday=holiday,
            settings_since=rules.settings_since(person_id, assignment.site_id, on),
            closed=replace(closed, waits_for=tuple(rules.named(assignment.site_id, closed.waits_for))),
            releases=evidence.releases,
        )
        if assignment.level is Level.WORKER:
            explained = await _with_week(reading, explained, rules, person_id, assignment.site_id)
        state = rules.state(assignment.site_id, on, seen=bool(explained.day.used), person_id=person_id)
        planned = rules.planned(person_id, on)
        notes = (
            *(() if planned is None else (_said(*planned),)),
            *_of_machines(claims, evidence.codes),
            *explained.notes,
        )
        shift_found = () if by_scans is None else tuple(by_scans.sentences(on))
        kept: Mapping[str, object] | None = None
        if locked := rules.is_locked(assignment.site_id, on):
            stored = await reading.kept_of(person_id, on)
            empty = compute((), holder, frame, assignment, off=TimeOff(leave, holiday))
            kept = figures_without(empty.day, frame) if stored is None else as_shown(stored, frame)
            notes = (*notes, _as_locked(kept, figures_without(explained.day, frame)))
        told = replace(explained, expected=state is State.EXPECTED, shift_found=shift_found, notes=notes)
        data = told.as_data()
        return {
            "id": f"{on:%Y%m%d}-{person_id}",
            "employee": person_id,
            "employee_id": holder.code,
            "employee_name": holder.name,
            "department": assignment.department,
            "level_of_work": assignment.level_of_work,
            "badges": list(dict.fromkeys(claim.badge for claim in claims)),
            "state": state,
            "leave": None if leave is None else {"request": leave.request, "type": leave.type, "part": leave.part},
            "holiday": holiday,
            "waits_for": list(waits_for),
            "final_at_latest": None if closed.final else closed.final_at_latest,
            "locked": locked,
            "kept": kept,
            **data,
            "inference": None if by_scans is None else by_scans.data(on),
            "schedule": None if planned is None else {**planned[0]._asdict(), "since": planned[1]},
            "scans": [
                {**account, "machine_id": evidence.machines.get(UUID(account["id"]))}
                for account in _accounts(data["scans"])
            ],
        }


def _as_locked(kept: Mapping[str, object], now: Mapping[str, object]) -> str:
    if kept == now:
        return "The month is locked: the day keeps these figures."
    figures = ", ".join(f"{name} {'none' if value is None else value}" for name, value in kept.items())
    return (
        f"The month is locked, and the day keeps the figures that it had: {figures}. What is said here is what it "
        "would be by what is known now; the difference is an adjustment of a later month."
    )


def _said(planned: Planned, since: date | None) -> str:
    what = "That the date is off" if planned.shift_id is None else "The shift"
    if planned.schedule_id is None:
        return f"{what} was entered in the roster for this date alone."
    holds = f"since {since.isoformat()}" if since else "without a date of beginning"
    return f"{what} follows from schedule {planned.schedule_id}, which the {planned.by} goes by; it holds so {holds}."


def _of_machines(claims: Sequence[Claim], codes: Mapping[int, str]) -> Iterator[str]:
    """Which of the scans with their numbers are theirs, where numbers are bound to machines."""
    for badge, machine_id, but_of in claims:
        if machine_id is not None:
            yield f"Badge {badge} is theirs on machine {codes.get(machine_id, machine_id)} alone."
        elif but_of:
            names = sentence([str(codes.get(each, each)) for each in but_of])
            yield f"Scans of badge {badge} on {names} are not theirs: there the number is bound to somebody by itself."


async def _with_week(
    reading: ExplainReading, explained: Explanation, rules: Rulebook, person_id: int, site_id: int
) -> Explanation:
    """With what of the day is overtime by the week, where there is such a rule."""
    on = explained.day.date
    settings = rules.settings_for(person_id, site_id, on)
    if threshold_of_week(settings) is None:
        return explained
    days = (await reading.hours([person_id], week_of(on, settings), on)).get(person_id, ())
    figure = figure_of_week(days, on, settings)
    return explained if figure is None else replace(explained, figures=(*explained.figures, figure))


def _called(holder: Holder | None, person_id: int) -> str:
    return f"person {person_id}" if holder is None else f"{holder.code} {holder.name}"


def _accounts(scans: object) -> list[dict[str, Any]]:
    assert isinstance(scans, list)  # noqa: S101 - `as_data` says so
    return scans
