"""The history of a day: what arrived when, what was said about it, what rules made of it, and what each changed.

What a scan or a correction changed is worked out again, by the rules as they are: the day is a function of what was
known at that moment. What other causes changed was written down when it happened.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, NamedTuple, Protocol

from services.attendance.application.correction_ports import CorrectionFacts, Figures
from services.attendance.application.directory import Holder
from services.attendance.application.holders import Claim
from services.attendance.application.inferring import Evidence, frame_of_day
from services.attendance.application.rulebook import LeaveByPerson, Rulebook
from services.attendance.domain.correction_states import State
from services.attendance.domain.corrections import Correction, correct
from services.attendance.domain.explain_corrections import figures_without
from services.attendance.domain.frame import Frame
from services.attendance.domain.hours import hours
from services.attendance.domain.scans import Scan
from services.attendance.domain.terms import Level
from services.attendance.domain.time_off import TimeOff
from shared.kernel.clock import Clock
from shared.kernel.errors import NotFound
from shared.web.scope import Scope


class Arrival(NamedTuple):
    """A scan that counts or counted, and from when until when it did: until a release of it was withdrawn."""

    scan: Scan
    machine: str | None
    at: datetime
    released_by: str | None
    reason: str | None
    until: datetime | None
    withdrawn_by: str | None


class Change(NamedTuple):
    """What a recomputation changed."""

    at: datetime
    reason: str
    before: Figures
    after: Figures


class Held(NamedTuple):
    """A time during which the month of a day was locked."""

    since: datetime
    by: str
    reason: str | None
    until: datetime | None
    """None: it still is, as the next two."""
    unlocked_by: str | None
    unlock_reason: str | None


class HistoryReading(Evidence, Protocol):
    """One transaction that reads."""

    async def rulebook(self, now: datetime) -> Rulebook:
        """The rules of all sites."""

    async def leave(self, first: date, last: date, people: Sequence[int] | None) -> LeaveByPerson:
        """The leave of these people on the dates from `first` to `last`."""

    async def holder(self, person_id: int, on: date, scope: Scope) -> Holder | None:
        """The person with all assignments and badges; None where they are not the caller's to see on that date."""

    async def arrivals(self, claims: Sequence[Claim], start: datetime, end: datetime) -> Sequence[Arrival]:
        """The scans that are claimed, from `start` on and before `end`."""

    async def corrections(self, person_id: int, on: date) -> Sequence[CorrectionFacts]:
        """All corrections of the day, in any state."""

    async def changes(self, person_id: int, on: date) -> Sequence[Change]:
        """What recomputations changed of the day."""

    async def locks(self, site_id: int, on: date) -> Sequence[Held]:
        """When the month of a date was locked at a site."""


class HistoryReads(Protocol):
    """Opens transactions that read histories."""

    def reading_history(self) -> AbstractAsyncContextManager[HistoryReading]:
        """One consistent look."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """Something that happened to a day."""

    at: datetime
    what: str
    by: str | None = None
    reason: str | None = None
    scan: Arrival | None = None
    correction: CorrectionFacts | None = None
    changed: Mapping[str, tuple[object, object]]
    """Each figure that it changed: before, after."""
    kept: bool = False
    """The month was locked by then: the day kept its figures, and what this changed is an adjustment."""


class _Turn(NamedTuple):
    """A step before it is known what it changed: evidence that it adds or takes away, or a change written down."""

    at: datetime
    facts: Mapping[str, Any]
    add: Scan | Correction | None = None
    take: Scan | Correction | None = None
    change: Change | None = None


class Histories:
    """Tells the history of days."""

    def __init__(self, reads: HistoryReads, clock: Clock) -> None:
        self._reads = reads
        self._clock = clock

    async def of(self, person_id: int, on: date, scope: Scope) -> list[Step]:
        """All steps, oldest first.

        Raises:
            NotFound: there is no such day, or the caller may not know.
        """
        async with self._reads.reading_history() as reading:
            holder = await reading.holder(person_id, on, scope)
            assignment = None if holder is None else holder.assignment_on(on)
            if holder is None or assignment is None:
                raise NotFound(f"there is no day of person {person_id} on {on.isoformat()}")
            rules = await reading.rulebook(self._clock.now())
            rules.leave = await reading.leave(on, on, [person_id])
            frame, _ = await frame_of_day(reading, rules, holder, assignment, on)
            off = rules.time_off(assignment.site_id, on, person_id)
            arrivals = await reading.arrivals(holder.claims_on(on), frame.starts_at, frame.ends_at)
            corrections = await reading.corrections(person_id, on)
            changes = await reading.changes(person_id, on)
            locks = await reading.locks(assignment.site_id, on)
        turns = [
            *(turn for arrival in arrivals for turn in _of_scan(arrival)),
            *(turn for correction in corrections for turn in _of_correction(correction)),
            *(_Turn(each.at, {"what": "recomputed", "reason": each.reason}, change=each) for each in changes),
            *(turn for lock in locks for turn in _of_lock(lock)),
        ]
        return list(_played(sorted(turns, key=lambda turn: turn.at), frame, assignment.level, off))


def _of_scan(arrival: Arrival) -> Iterator[_Turn]:
    released = arrival.released_by is not None
    what = "scan_released" if released else "scan_arrived"
    facts = {"what": what, "by": arrival.released_by, "reason": arrival.reason, "scan": arrival}
    yield _Turn(arrival.at, facts, add=arrival.scan)
    if arrival.until is not None:
        facts = {"what": "release_withdrawn", "by": arrival.withdrawn_by, "scan": arrival}
        yield _Turn(arrival.until, facts, take=arrival.scan)


def _of_correction(correction: CorrectionFacts) -> Iterator[_Turn]:
    asked, decided, withdrawn = correction.asked, correction.decided, correction.withdrawn
    at_once = decided is not None and (decided.user, decided.at) == (asked.user, asked.at)

    def facts(what: str, by: str, reason: str | None) -> dict[str, Any]:
        return {"what": f"correction_{what}", "by": by, "reason": reason, "correction": correction}

    if not at_once:
        yield _Turn(asked.at, facts("requested", asked.name, asked.reason))
    rejected = correction.state is State.REJECTED
    if decided is not None:
        reason = asked.reason if at_once else decided.reason
        what = "rejected" if rejected else "approved"
        yield _Turn(decided.at, facts(what, decided.name, reason), add=None if rejected else correction.in_force)
    if withdrawn is not None:
        taken = None if decided is None else correction.in_force
        yield _Turn(withdrawn.at, facts("withdrawn", withdrawn.name, withdrawn.reason), take=taken)


def _of_lock(lock: Held) -> Iterator[_Turn]:
    yield _Turn(lock.since, {"what": "locked", "by": lock.by, "reason": lock.reason})
    if lock.until is not None:
        yield _Turn(lock.until, {"what": "unlocked", "by": lock.unlocked_by, "reason": lock.unlock_reason})


def _played(turns: Sequence[_Turn], frame: Frame, level: Level, off: TimeOff) -> Iterator[Step]:
    known: list[Scan | Correction] = []

    def figures() -> dict[str, object]:
        scans = [each for each in known if isinstance(each, Scan)]
        corrections = [each for each in known if isinstance(each, Correction)]
        day = correct(scans, frame, corrections, level=level, leave=off.leave, holiday=off.holiday).day
        return figures_without(day, frame)

    now = figures()
    locked = False
    for turn in turns:
        before = now
        if turn.add is not None:
            known.append(turn.add)
        if turn.take is not None and turn.take in known:
            known.remove(turn.take)
        if turn.change is not None:
            changed = _differences(as_shown(turn.change.before, frame), as_shown(turn.change.after, frame))
        else:
            now = figures()
            changed = _differences(before, now)
        locked = turn.facts["what"] == "locked" or (locked and turn.facts["what"] != "unlocked")
        yield Step(at=turn.at, changed=changed, kept=locked and bool(changed), **turn.facts)


def _differences(before: Mapping[str, object], after: Mapping[str, object]) -> dict[str, tuple[object, object]]:
    return {name: (before.get(name), value) for name, value in after.items() if before.get(name) != value}


def as_shown(stored: Figures, frame: Frame) -> dict[str, object]:
    """Stored figures as `figures_without` has them."""

    def clock(value: object) -> str | None:
        return None if value is None else frame.clock(int(datetime.fromisoformat(str(value)).timestamp()) // 60)

    return {
        "status": stored["status"],
        "check_in": clock(stored["first_in"]),
        "check_out": clock(stored["last_out"]),
        **{
            shown: hours(int(str(stored[name])))
            for name, shown in (
                ("worked", "working_hours"),
                ("overtime", "overtime"),
                ("extra_overtime", "extra_overtime"),
            )
        },
    }
