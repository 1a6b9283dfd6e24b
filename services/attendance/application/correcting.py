"""Correcting days: HR edits them, employees and heads ask for corrections, which others approve; all can be withdrawn.

A correction, the day that follows from it and the events about both are one transaction.
"""

from collections.abc import Awaitable, Callable, Sequence
from datetime import date
from typing import TypeVar

from services.attendance.application.computing import FIGURES, compute, row_of
from services.attendance.application.correction_drafts import (
    DayAtHand,
    Draft,
    EditDraft,
    check_figures,
    edit_from,
    said_from,
    without_what_was_shown,
)
from services.attendance.application.correction_ports import (
    CorrectionFacts,
    CorrectionStore,
    CorrectionWriting,
    Deed,
    Figures,
    WantedCorrections,
)
from services.attendance.application.day_facts import Record
from services.attendance.application.directory import PersonDay, SiteWithoutZone
from services.attendance.application.inferring import placed_by_scans
from services.attendance.application.listing import Page
from services.attendance.application.people_ports import Once
from services.attendance.application.ports import Recordings
from services.attendance.application.record_scans import around, recompute, turns_of
from services.attendance.domain import corrections as said
from services.attendance.domain.correction_states import Act, State, after
from services.attendance.domain.edits import New, plan
from services.attendance.domain.time_off import NO_TIME_OFF
from shared.kernel.clock import Clock
from shared.kernel.errors import Conflict, Denied, Malformed, NotFound, Stale
from shared.web.idempotency import Answer
from shared.web.lists import Window
from shared.web.scope import SEES_ALL, Caller, Scope

T = TypeVar("T")

KINDS_TO_ASK_FOR = (said.Kind.SCAN, said.Kind.DUTY)
"""What employees may ask for; heads and HR may ask for anything."""


class Correcting:
    """What people may say about days."""

    def __init__(self, store: CorrectionStore, recordings: Recordings, clock: Clock) -> None:
        self._store = store
        self._recordings = recordings
        self._clock = clock

    async def listed(self, wanted: WantedCorrections, scope: Scope, asked: Window) -> Page[CorrectionFacts]:
        """Corrections in any state.

        Raises:
            Malformed: there is no such person.
        """
        async with self._store.reading() as reading:
            person_id = None
            if wanted.employee is not None and (person_id := await reading.person(wanted.employee, scope)) is None:
                raise _nobody(wanted.employee)
            return await reading.listed(wanted, person_id, scope, asked)

    async def one(self, id_: int, scope: Scope) -> CorrectionFacts:
        """One correction.

        Raises:
            NotFound: there is none, or not for this caller.
        """
        async with self._store.reading() as reading:
            return _there(await reading.one(id_, scope), id_)

    async def edit(
        self,
        person: int | str,
        on: date,
        draft: EditDraft,
        others: Sequence[Draft],
        *,
        reason: str,
        who: Caller,
        once: Once[Record],
        if_version: int | None = None,
    ) -> Answer:
        """Make a day say what the edit says, by corrections that are in force at once.

        Raises:
            NotFound: nobody visible belonged anywhere on that date.
            Denied: it is the caller's own day.
            Stale: the day was changed since the caller read it.
            Invalid: it cannot have been so.
        """

        async def edited(writing: CorrectionWriting) -> Record:
            day = await self._day(writing, await _person(writing, person, who.scope), on, who.scope)
            _not_own(day.key.person_id, who, "corrects")
            version, before = await writing.stored(*_turned(day.key))
            if if_version is not None and if_version != version:
                raise Stale("this day was changed since you read it; read it again")
            now = self._clock.now()
            edit = edit_from(draft, day, now)
            if day.directory.is_locked(day.assignment.site_id, on):
                edit = without_what_was_shown(edit, before or _figures_of_nothing(day))
            planned = plan(edit, day.scans, day.frame, day.corrections, day.assignment.level, day.off)
            for new in planned.add:
                if isinstance(new.said, said.Figures):
                    check_figures(new.said, day)
            add = [*planned.add, *(New(said_from(other, day, now)) for other in others)]
            deed = Deed(who.user, who.username, now, reason)
            gone = [each.id for each in planned.withdraw]
            await writing.turn(gone, State.WITHDRAWN, deed)
            ids = await writing.add(day.key.person_id, on, add, State.APPROVED, deed)
            await self._follow(writing, day, before, ids, told=[*gone, *ids])
            return await writing.record(day.key.person_id, on, who.scope, now)

        await self._recordings.prepare(around({on}))
        return await self._once(edited, once)

    async def undo(self, person_id: int, on: date, reason: str, who: Caller, *, if_version: int | None) -> None:
        """Withdraw all corrections in force of a day; scans are never deleted.

        Raises:
            NotFound, Denied, Stale: as `edit` does.
            Conflict: there is no correction in force.
        """
        await self._recordings.prepare(around({on}))
        async with self._store.correcting() as writing:
            day = await self._day(writing, person_id, on, who.scope)
            _not_own(person_id, who, "corrects")
            version, before = await writing.stored(*_turned(day.key))
            if if_version is not None and if_version != version:
                raise Stale("this day was changed since you read it; read it again")
            if not day.corrections:
                raise Conflict("nothing of this day was corrected, and scans are never deleted")
            ids = [each.id for each in day.corrections]
            await writing.turn(ids, State.WITHDRAWN, Deed(who.user, who.username, self._clock.now(), reason))
            await self._follow(writing, day, before, [], told=ids)

    async def ask(
        self,
        person: int | str | None,
        on: date,
        draft: Draft,
        *,
        reason: str,
        who: Caller,
        once: Once[CorrectionFacts],
    ) -> Answer:
        """Ask for a correction, for oneself where nobody is named; somebody else approves it.

        Raises:
            NotFound, Invalid: as `edit` does.
            Denied: employees do not enter figures, nor set scans aside.
            Conflict: the same is asked for or corrected already, or the month's requests are used up.
        """

        async def asked(writing: CorrectionWriting) -> CorrectionFacts:
            mine = who.person if person is None else await _person(writing, person, who.scope)
            if mine is None:
                raise Malformed("employee: is missing; you are no employee yourself", fields={"employee": "is missing"})
            day = await self._day(writing, mine, on, who.scope)
            if draft.kind not in KINDS_TO_ASK_FOR and not who.roles & {*SEES_ALL, "department_head"}:
                raise Denied(f"a correction of the kind {draft.kind} is asked for by heads and HR")
            now = self._clock.now()
            what = New(said_from(draft, day, now))
            if (same := await writing.alike(mine, on, what.said)) is not None:
                raise Conflict(_SAME[same[1]].format(same[0]))
            if mine == who.person:
                most = day.directory.settings_of(mine, on, day.assignment).corrections_per_month
                if await writing.asked_in_month(mine, who.user, on) >= most:
                    raise Conflict(f"you may ask for {most} corrections of days of {on:%B %Y}, and have")
            deed = Deed(who.user, who.username, now, reason)
            ids = await writing.add(mine, on, [what], State.REQUESTED, deed)
            return (await writing.tell(ids, now))[0]

        return await self._once(asked, once)

    async def act(
        self,
        id_: int,
        act: Act,
        reason: str | None,
        who: Caller,
        once: Once[CorrectionFacts],
        *,
        if_version: int | None = None,
    ) -> Answer:
        """Approve, reject or withdraw a correction.

        Raises:
            NotFound: there is none, or not for this caller.
            Denied: it is the caller's own, or not theirs to withdraw.
            Conflict: it is in no state for that.
            Stale: it was changed since the caller read it.
        """

        async def done(writing: CorrectionWriting) -> CorrectionFacts:
            first = _there(await writing.one(id_, who.scope), id_)
            # Rules may have changed since it was asked for: it counts on the day that it belongs to now.
            day = await self._day(writing, first.person_id, first.date, who.scope, at=_instant(first.said))
            found = _there(await writing.one(id_, who.scope), id_)
            if if_version is not None and if_version != found.n:
                raise Stale("this correction was changed since you read it; read it again")
            _may(act, found, who)
            state = after(found.state, act)
            _, before = await writing.stored(*_turned(day.key))
            now = self._clock.now()
            await writing.turn([id_], state, Deed(who.user, who.username, now, reason))
            if State.APPROVED in (state, found.state):
                approved = [id_] if state is State.APPROVED else []
                return (await self._follow(writing, day, before, approved, told=[id_]))[0]
            return (await writing.tell([id_], now))[0]

        async with self._store.reading() as reading:
            on = _there(await reading.one(id_, who.scope), id_).date
        await self._recordings.prepare(around({on}))
        return await self._once(done, once)

    async def _day(
        self, writing: CorrectionWriting, person_id: int, on: date, scope: Scope, *, at: int | None = None
    ) -> DayAtHand:
        """The day, its turns taken: nobody else computes or corrects it until the transaction ends.

        With `at` it is the one that this instant belongs to; `on` then says whether the caller may see it.
        """
        holder = await writing.holder(person_id, on, scope)
        directory = await writing.directory(people=[person_id])
        key = PersonDay(on, person_id)
        try:
            if holder is not None and at is not None:
                key = directory.day_of(person_id, at) or key
            placed = None if holder is None else directory.placed(key)
        except SiteWithoutZone as error:
            raise Conflict(f"site {error.site_id} has no zone yet, so that its days cannot be placed") from error
        if holder is None or placed is None:
            raise NotFound(f"there is no day of person {person_id} on {on.isoformat()}")
        await writing.take_turns(set(turns_of(key, directory.badges_in_turn(key))))
        if person_id in directory.inferring:
            placed, _ = (await placed_by_scans(writing, directory, [key]))[key]
        frame, assignment = placed
        scans = await writing.scans_of({key: (frame.start, frame.end, holder.claims_on(key.date))})
        corrections = await writing.corrections_of({key: (frame.start, frame.end)})
        leave = await writing.leave_of([key]) if directory.leave else {}
        return DayAtHand(
            key=key,
            directory=directory,
            holder=holder,
            frame=frame,
            assignment=assignment,
            scans=scans[key],
            corrections=corrections.get(key, []),
            off=directory.time_off({key: placed}, leave).get(key, NO_TIME_OFF),
        )

    async def _follow(
        self,
        writing: CorrectionWriting,
        day: DayAtHand,
        before: Figures | None,
        approved: Sequence[int],
        *,
        told: Sequence[int],
    ) -> list[CorrectionFacts]:
        """Compute the day, keep what became of its figures, and tell of the corrections."""
        if told:
            await recompute(writing, day.directory, {day.key: False}, self._clock)
        if approved:
            _, figures = await writing.stored(*_turned(day.key))
            nothing = _figures_of_nothing(day)
            await writing.keep_figures(approved, before or nothing, figures or nothing)
        return await writing.tell(told, self._clock.now())

    async def _once(self, do: Callable[[CorrectionWriting], Awaitable[T]], once: Once[T]) -> Answer:
        async with self._store.correcting() as writing:
            if once.key is not None and (before := await writing.earlier_answer(once.key)) is not None:
                return before
            answer = once.shown(await do(writing))
            if once.key is not None:
                await writing.keep_answer(once.key, answer)
        return answer


_SAME = {
    State.REQUESTED: "this is asked for already, by correction {}, which waits to be approved; withdraw that first",
    State.APPROVED: "this is corrected already, by correction {}, which is approved; HR can withdraw that first",
}


def _figures_of_nothing(day: DayAtHand) -> Figures:
    row = row_of(compute((), day.holder, day.frame, day.assignment, off=day.off))
    return {name: getattr(row, name) for name in FIGURES}


def _may(act: Act, found: CorrectionFacts, who: Caller) -> None:
    if act is Act.WITHDRAW:
        asked_for = found.state is State.REQUESTED and found.asked.user == who.user
        if not asked_for and not who.roles & SEES_ALL:
            raise Denied("only who asked for a correction may withdraw it before it is approved, and HR at any time")
        if not asked_for and found.state is State.APPROVED:
            _not_own(found.person_id, who, "withdraws corrections of")
        return
    if not who.roles & {*SEES_ALL, "department_head"}:
        raise Denied("corrections are approved and rejected by the head of the unit, or by HR")
    _not_own(found.person_id, who, f"{act}s corrections of")
    if found.asked.user == who.user:
        raise Denied(f"nobody {act}s what they asked for; somebody else has to")


def _not_own(person_id: int, who: Caller, does: str) -> None:
    if who.person == person_id:
        raise Denied(f"nobody {does} their own days; somebody else has to")


async def _person(writing: CorrectionWriting, person: int | str, scope: Scope) -> int:
    if isinstance(person, int):
        return person
    found = await writing.person(person, scope)
    if found is None:
        raise _nobody(person)
    return found


def _nobody(text: str) -> Malformed:
    detail = f"there is no employee {text[:80]!r}"
    return Malformed(f"employee: {detail}", fields={"employee": detail})


def _there(found: CorrectionFacts | None, id_: int) -> CorrectionFacts:
    if found is None:
        raise NotFound(f"there is no correction {id_}")
    return found


def _instant(what: said.Said) -> int | None:
    return None if isinstance(what, said.Figures) else what.at


def _turned(key: PersonDay) -> tuple[int, date]:
    return key.person_id, key.date
