"""Computing days again because something other than a scan changed, a badge, a person, a setting; or on demand.

What is to be done is noted, and done in the background by one process at a time, which goes through the people in the
order of their turns: so a transaction holds few turns, and two of them, which are under way together, not the same.
"""

import asyncio
import contextlib
from calendar import monthrange
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final, Protocol
from uuid import UUID

from services.attendance.application.batches import (
    LONGEST,
    REACH,
    batch_of,
    compute_batch,
    people_at_once,
    pieces_of,
)
from services.attendance.application.ports import Recording, Recordings, Step
from services.attendance.application.record_scans import write
from services.attendance.application.turns import turn_of, turn_of_person
from shared.kernel.clock import Clock
from shared.kernel.errors import Unavailable
from shared.observability.logs import get_logger

Piece = tuple[date, date]
"""A range of dates, both inclusive."""

EARLIEST: Final = date(1, 1, 5)
LATEST: Final = date(9999, 12, 26)
"""Beyond lie the ends of the calendar, past which no window reaches."""
LANES: Final = 2
"""Transactions under way together: while one is computed, PostgreSQL is busy with the other."""
NOT_ASKED: Final = 3 * LONGEST
"""Dates. In a shorter range nobody asks first in which months there is anything."""
LOOK_EVERY = 0.5
"""Seconds between looks without being told: another process may have made a note."""
TELL_EVERY = 0.4
"""Seconds between two events about how far a run is."""
PATIENCE = 3.0
"""Seconds that a change of people waits for the days that follow from it."""
ASK_EVERY = 0.02

log = get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recomputation:
    """A note that days are to be computed again, by somebody who has begun with it."""

    id: int
    people: Sequence[int]
    """In the order in which they are done."""
    since: date | None
    """None is always, as of `until`, which is inclusive."""
    until: date | None
    reason: str
    done: Sequence[int]
    """Of each lane: how many of its people are done. The lanes have equal parts of the people, one after the other."""
    run_id: UUID | None

    def lanes(self) -> list[Sequence[int]]:
        """The people of each lane."""
        number, length = len(self.done), len(self.people)
        return [self.people[length * n // number : length * (n + 1) // number] for n in range(number)]


class Recomputations(Protocol):
    """The notes, oldest first."""

    def oldest(self) -> AbstractAsyncContextManager[Recomputation | None]:
        """The oldest note, held by this process while the context is open; None where there is none to be had.

        Left without an exception, the note is done and gone. In one process at a time.
        """

    async def newest(self) -> int | None:
        """The id of the newest note, None where there is none."""

    async def waiting(self, until: int) -> bool:
        """Whether any note up to this id is not done yet."""

    async def months_of(self, people: Sequence[int], first: date, last: date) -> Sequence[date]:
        """The firsts of the months in which these people have days, or anything that may make some."""

    async def tell(self, run_id: UUID, at: datetime) -> None:
        """Announce how far a run is."""

    async def beyond(self, people: Sequence[int], since: date | None, until: date | None) -> Sequence[int]:
        """Who of these have days stored, in these dates, on which they were not employed and nobody was seen."""


class Recompute:
    """Works through the notes."""

    def __init__(self, notes: Recomputations, recordings: Recordings, clock: Clock) -> None:
        self._notes = notes
        self._recordings = recordings
        self._clock = clock
        self._told = asyncio.Event()
        self._running = False

    async def run(self) -> None:
        """Work through notes as they come, for ever."""
        self._running = True
        try:
            while True:
                self._told.clear()
                try:
                    if await self.next():
                        continue
                except Unavailable as error:
                    log.warning("recompute.waiting", reason=error.message)
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(LOOK_EVERY):
                        await self._told.wait()
        finally:
            self._running = False

    def tell(self) -> None:
        """There is a new note."""
        self._told.set()

    async def settled(self) -> None:
        """Wait until the notes that there are now are done, but not for long: what is left follows by itself.

        So whoever links a badge sees its past scans count in the very next answer.
        """
        if not self._running:
            return
        self._told.set()
        with contextlib.suppress(TimeoutError, Unavailable):
            async with asyncio.timeout(PATIENCE):
                newest = await self._notes.newest()
                # Who does the notes may be another process, which tells nobody.
                while newest is not None and await self._notes.waiting(newest):  # noqa: ASYNC110 - see above
                    await asyncio.sleep(ASK_EVERY)

    async def next(self) -> bool:
        """Do the oldest note; whether there was one."""
        async with self._notes.oldest() as note:
            if note is None:
                return False
            telling = Telling(self._notes.tell, note.run_id, self._clock)
            await telling.now()
            lanes = [self._lane(note, number, people, telling) for number, people in enumerate(note.lanes())]
            changed = sum(await _together(lanes))
            log.info("recompute.done", reason=note.reason, people=len(note.people), days_changed=changed)
        await telling.now()
        return True

    async def _lane(self, note: Recomputation, lane: int, people: Sequence[int], telling: "Telling") -> int:
        """Do what is left of a lane; returns how many days changed."""
        done, changed = note.done[lane], 0
        for person_id in await self._notes.beyond(people, note.since, note.until):
            changed += await self._take_away(person_id, note)
        short = None
        if note.since is not None and note.until is not None and (note.until - note.since).days < NOT_ASKED:
            short = pieces_of(note.since, note.until)
        size = people_at_once(short or ())
        while done < len(people):
            batch = people[done : done + size]
            pieces = await self._months(note, batch) if short is None else short
            for number, piece in enumerate(pieces, 1):
                finished = number == len(pieces)
                step = Step(note.id, note.run_id, lane, done + len(batch) * finished, len(batch) * finished, 0, 0)
                # Where nobody asks how far it is, nobody is told of the very last step: then the note is gone.
                needed = note.run_id is not None or step.done < len(people)
                found = await self._piece(note, batch, piece, step if needed else None)
                if found is None:
                    return changed
                changed += found
            done += len(batch)
            await telling.now_and_then()
            await asyncio.sleep(0)  # a batch is worked out in one go: others are served in between
        return changed

    async def _piece(
        self, note: Recomputation, people: Sequence[int], piece: Piece | None, step: Step | None
    ) -> int | None:
        """One transaction; returns how many days changed, None where the note is wanted no more."""
        if piece is not None:
            await self._recordings.prepare(_with_reach(note, piece))
        async with self._recordings.begin() as recording:
            looked, changed = (0, 0) if piece is None else await self._days(recording, note, people, piece)
            if step is not None and not await recording.progressed(step._replace(days=looked, changed=changed)):
                return None
        return changed

    async def _days(
        self, recording: Recording, note: Recomputation, people: Sequence[int], piece: Piece
    ) -> tuple[int, int]:
        """How many days these people have there, and how many changed: to others it costs reading and a comparison."""
        directory = await recording.directory(people=people)
        wide = _with_reach(note, piece) if directory.inferring else piece
        batch = batch_of(directory, people, piece, wide)
        if not batch.placed:
            return 0, 0
        await recording.take_turns(batch.turns)
        stored = await recording.digests_of(people, *wide)
        computed = await compute_batch(
            recording, directory, batch, stored.keys() | await recording.due_of(people, *piece)
        )
        # A locked day keeps its digest, whatever becomes of its adjustments.
        wanted = {
            key: day
            for key, day in computed.items()
            if stored.get(key) != day.day.digest or directory.is_locked(day.assignment.site_id, key.date)
        }
        return len(computed), await write(recording, directory, wanted, self._clock.now(), reason=note.reason)

    async def _take_away(self, person_id: int, note: Recomputation) -> int:
        async with self._recordings.begin() as recording:
            holder = (await recording.directory(people=[person_id])).people.get(person_id)
            badges = [] if holder is None else [claim.badge for claim, _ in holder.badges]
            await recording.take_turns({turn_of_person(person_id), *map(turn_of, badges)})
            return await recording.take_away(person_id, note.since, note.until, self._clock.now())

    async def _months(self, note: Recomputation, people: Sequence[int]) -> Sequence[Piece | None]:
        """The months in which there is anything, as far as they are asked for."""
        first, last = max(note.since or EARLIEST, EARLIEST), min(note.until or LATEST, LATEST)
        months = await self._notes.months_of(people, first, last)
        ends = [month.replace(day=monthrange(month.year, month.month)[1]) for month in months]
        pieces = [(max(month, first), min(end, last)) for month, end in zip(months, ends, strict=True)]
        return [piece for piece in pieces if piece[0] <= piece[1]] or [None]


def _with_reach(note: Recomputation, piece: Piece) -> Piece:
    """The dates, with those beside the note that may follow where scans decide which shift it was.

    A run that people asked for keeps to the dates that they named, as its dry run did.
    """
    first, last = piece
    if note.run_id is not None:
        return piece
    return (first - REACH if first == note.since else first), (last + REACH if last == note.until else last)


class Telling:
    """Announces how far a run is, now and then; of other notes nobody is told."""

    def __init__(self, tell: Callable[[UUID, datetime], Awaitable[None]], run_id: UUID | None, clock: Clock) -> None:
        self._tell = tell
        self._run_id = run_id
        self._clock = clock
        self._told = 0.0

    async def now(self) -> None:
        if self._run_id is not None:
            self._told = asyncio.get_running_loop().time()
            await self._tell(self._run_id, self._clock.now())

    async def now_and_then(self) -> None:
        if asyncio.get_running_loop().time() - self._told >= TELL_EVERY:
            await self.now()


async def _together(lanes: Sequence[Coroutine[object, object, int]]) -> list[int]:
    """What each of them gives; where one fails, the others end, and it is as if it had been alone.

    Raises what the first of them does.
    """
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(lane) for lane in lanes]
    except BaseExceptionGroup as failed:
        raise failed.exceptions[0] from failed
    return [task.result() for task in tasks]
