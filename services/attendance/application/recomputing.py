"""Asking for days to be computed again, and what would change: dry runs, drafts, changes about to be made.

What only looks is answered at once where it is little, else it waits for its turn in the background. What changes days
is a note as any other, which somebody follows.
"""

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import asdict, replace
from datetime import date, timedelta
from typing import Final, NamedTuple
from uuid import UUID

from services.attendance.application.batches import people_at_once, pieces_of
from services.attendance.application.drafts import Draft, shown, tried
from services.attendance.application.listing import Page
from services.attendance.application.looking import Drafted, Part, RulesChanged, Views, look
from services.attendance.application.people_ports import Once
from services.attendance.application.run_ports import ChangeFacts, NewRun, RunReading, RunStore, RunWriting
from services.attendance.application.runs import KEPT_FOR, Run, RunKind, Selection
from services.attendance.application.scheduling_ports import SchedulingStore
from shared.kernel.clock import Clock
from shared.kernel.errors import Conflict, NotFound
from shared.kernel.identifiers import new_id
from shared.web.idempotency import Answer
from shared.web.lists import Window
from shared.web.scope import Caller

AT_ONCE: Final = 4_000
"""Dates of people that are looked at while the caller waits: some tenths of a second."""
AT_A_TIME: Final = 5_000
"""Changes that are read at a time where all are wanted."""
ONE_DAY: Final = timedelta(days=1)


class Asked(NamedTuple):
    """Whose days are meant, and which."""

    selection: Selection
    since: date
    until: date
    """Inclusive."""
    reason: str | None = None


class Recomputing:
    """Asks for runs, follows them, and lists what they found."""

    def __init__(
        self, runs: RunStore, views: Views, store: SchedulingStore, clock: Clock, told: Callable[[], None]
    ) -> None:
        """`told` wakes whoever works at runs in the background."""
        self._runs = runs
        self._views = views
        self._store = store
        self._clock = clock
        self._told = told

    async def dry_run(self, asked: Asked, who: Caller) -> Run:
        """What would change by the rules that hold: done, or waiting.

        Raises:
            Malformed: somebody or something that is named is not known.
        """
        async with self._runs.reading() as reading:
            people = await reading.selected(asked.selection, asked.since, asked.until)
        return await self._look(self._new("dry_run", asked, people, who), None)

    async def sandbox(self, asked: Asked, draft: Draft, who: Caller) -> Run:
        """What would change by a draft, of those who are selected or, where nobody is, whom it touches.

        Raises:
            as the changes that the draft stands for would.
        """
        drafted = await tried(self._store, draft, self._clock.now())
        people: Sequence[int] = drafted.people
        if asked.selection != Selection():
            async with self._runs.reading() as reading:
                people = await reading.selected(asked.selection, asked.since, asked.until)
        return await self._look(self._new("sandbox", asked, people, who, draft), drafted)

    async def last_month(self) -> tuple[date, date]:
        """The first and the last date of the month before this one, at the main site."""
        async with self._runs.reading() as reading:
            last = (await reading.rulebook(self._clock.now())).today().replace(day=1) - ONE_DAY
        return last.replace(day=1), last

    async def preview(self, draft: Draft, who: Caller) -> Run:
        """What a change would do to the days that it calls for.

        Raises:
            as the change would.
        """
        now = self._clock.now()
        drafted = await tried(self._store, draft, now)
        async with self._runs.reading() as reading:
            today = (await reading.rulebook(now)).today()
            first = await reading.first_day()
        spans = [span for _, span in drafted.touched]
        if first is None:
            first = min((span.since for span in spans if span.since is not None), default=today)
        since = max(min((span.since or first for span in spans), default=today) - ONE_DAY, first)
        until = min(max((span.until or today for span in spans), default=today), today) + ONE_DAY
        asked = Asked(Selection(), min(since, until), until)
        return await self._look(self._new("preview", asked, drafted.people, who, draft), drafted)

    async def recompute(self, asked: Asked, who: Caller, once: Once[Run]) -> Answer:
        """Ask for the days themselves to be computed again.

        Raises:
            Malformed: somebody or something that is named is not known.
        """
        async with self._runs.writing() as writing:
            if once.key is not None and (before := await writing.earlier_answer(once.key)) is not None:
                return before
            people = await writing.selected(asked.selection, asked.since, asked.until)
            run = await _added(writing, self._new("recompute", asked, people, who))
            answer = once.shown(run)
            if once.key is not None:
                await writing.keep_answer(once.key, answer)
        self._told()
        return answer

    async def turned_real(self, id_: UUID, reason: str | None, who: Caller) -> Run:
        """Let a dry run be done: the same people and dates. Once it was, that run is the answer.

        Raises:
            NotFound: there is no such run.
            Conflict: it is no dry run, is not done, or the rules have changed since.
        """
        async with self._runs.writing() as writing:
            run = await _one(writing, id_)
            if run.real_run is not None:
                return await _one(writing, run.real_run)
            if run.kind != "dry_run":
                raise Conflict(f"a run of the kind {run.kind} cannot be done; send the change itself")
            if run.state != "done":
                raise Conflict(f"the dry run is {run.state}; only one that is done can be turned into a real one")
            if run.rules_changed or run.rules_n != writing.rules_n:
                raise Conflict(
                    "the rules have changed since this dry run (settings, shifts, people or badges), so that something "
                    "else might come of it; ask for another dry run"
                )
            people = await writing.people_of(id_)
            asked = Asked(Selection(**run.selection), run.since, run.until, reason or run.reason)
            real = await _added(writing, replace(self._new("recompute", asked, people, who), of_run=run.id))
        self._told()
        return real

    async def cancel(self, id_: UUID) -> Run:
        """End a run that is not done. Days that it has computed stay as they are: each is right by itself.

        Raises:
            NotFound: there is no such run.
            Conflict: it is over.
        """
        async with self._runs.writing() as writing:
            run = await _one(writing, id_)
            if run.state not in ("waiting", "running"):
                raise Conflict(f"the run is {run.state} already")
            await writing.cancel(id_, self._clock.now())
            return await _one(writing, id_)

    async def one(self, id_: UUID) -> Run:
        """A run.

        Raises:
            NotFound: there is none of this id, or no more.
        """
        async with self._runs.reading() as reading:
            return await _one(reading, id_)

    async def listed(self, kind: str | None, state: str | None, asked: Window) -> Page[Run]:
        """Runs."""
        async with self._runs.reading() as reading:
            return await reading.runs(kind, state, asked)

    async def changes(self, id_: UUID, asked: Window) -> Page[ChangeFacts]:
        """What a run found until now. Raises as `one` does."""
        async with self._runs.reading() as reading:
            await _one(reading, id_)
            return await reading.changes(id_, asked)

    async def every_change(self, id_: UUID) -> AsyncIterator[ChangeFacts]:
        """All that a run found until now, by date and person; read as it is taken."""
        last: tuple[date, int] | None = None
        while True:
            # No transaction is held open for however long the caller takes.
            async with self._runs.reading() as reading:
                found = await reading.changes_after(id_, last, AT_A_TIME)
            for facts in found:
                yield facts
            if len(found) < AT_A_TIME:
                return
            last = (found[-1].change.date, found[-1].change.person_id)

    def _new(
        self, kind: RunKind, asked: Asked, people: Sequence[int], who: Caller, draft: Draft | None = None
    ) -> NewRun:
        return NewRun(
            id=new_id(),
            kind=kind,
            selection={name: value for name, value in asdict(asked.selection).items() if value is not None},
            draft=None if draft is None else shown(draft),
            people=people,
            since=asked.since,
            until=asked.until,
            reason=asked.reason,
            asked_by=who.user,
            asked_by_name=who.username,
            asked_at=self._clock.now(),
        )

    async def _look(self, new: NewRun, drafted: Drafted | None) -> Run:
        days = (new.until - new.since).days + 1
        found = await self._at_once(new, drafted) if len(new.people) * days <= AT_ONCE else None
        async with self._runs.writing() as writing:
            if found is None:
                run = await _added(writing, new)
            else:
                await writing.add_done(new, *found)
                run = await _one(writing, new.id)
        self._told()
        return run

    async def _at_once(self, new: NewRun, drafted: Drafted | None) -> tuple[Part, int] | None:
        """What there is to be found; None where rules change in between: then it waits for its turn."""
        view = await self._views.view(drafted)
        pieces = pieces_of(new.since, new.until)
        size = people_at_once(pieces)
        found = Part()
        try:
            for start in range(0, len(new.people), size):
                part = await look(view, new.people[start : start + size], pieces, new.asked_at)
                found.totals.add(part.totals)
                found.changes += part.changes
        except RulesChanged:
            return None
        return found, view.n


async def _added(writing: RunWriting, new: NewRun) -> Run:
    await writing.add(new)
    return await _one(writing, new.id)


async def _one(reading: RunReading, id_: UUID) -> Run:
    run = await reading.run(id_)
    if run is None:
        raise NotFound(f"there is no run {id_}; what only looked is kept for {KEPT_FOR.days} days")
    return run
