"""Computing days again because something other than a scan changed: a badge, a person, a setting, a zone."""

import asyncio
import contextlib
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import date
from typing import Protocol

from services.attendance.application.directory import PersonDay, SiteWithoutZone
from services.attendance.application.inferring import ONE_DAY
from services.attendance.application.ports import Recordings
from services.attendance.application.record_scans import recompute
from services.attendance.application.turns import turn_of, turn_of_person
from shared.kernel.clock import Clock
from shared.kernel.errors import Unavailable
from shared.observability.logs import get_logger

AT_ONCE = 500
"""Person-days in a transaction."""
LOOK_EVERY = 0.5
"""Seconds between looks without being told: another process may have made a note."""
PATIENCE = 3.0
"""Seconds that a change of people waits for the days that follow from it."""
ASK_EVERY = 0.02

log = get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recomputation:
    """A note that days are to be computed again; without a person and people it is everybody, None is always."""

    id: int
    person_id: int | None
    people: Sequence[int] | None = None
    since: date | None
    until: date | None
    reason: str


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

    async def people_of(self, note: Recomputation) -> Sequence[int]:
        """Whose days the note is about."""

    async def beyond(self, people: Sequence[int], since: date | None, until: date | None) -> Sequence[int]:
        """Who of these have days stored, in these dates, on which they were not employed and nobody was seen."""

    async def facts_of(
        self, person_id: int, since: date | None, until: date | None
    ) -> tuple[set[date], list[tuple[int, str]], list[int]]:
        """Of a person: the dates that have a row, the countable scans as (seconds since 1970, badge), corrections.

        Dates that are closed are to have a row. Of the dates asked for, and at least all scans and corrections that may
        belong to one of them by whatever rule.
        """


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
            changed = 0
            people = await self._notes.people_of(note)
            for person_id in people:
                # A site without a zone has no days yet; when it gets one, a note of its own follows.
                with contextlib.suppress(SiteWithoutZone):
                    changed += await self._person(person_id, note)
            for person_id in await self._notes.beyond(people, note.since, note.until):
                changed += await self._take_away(person_id, note)
            log.info("recompute.done", reason=note.reason, people=len(people), days_changed=changed)
        return True

    async def _person(self, person_id: int, note: Recomputation) -> int:
        dates, scans, corrected = await self._notes.facts_of(person_id, note.since, note.until)
        keys = {PersonDay(day, person_id) for day in dates}
        async with self._recordings.begin() as recording:
            directory = await recording.directory({badge for _, badge in scans}, [person_id])
            found = {directory.key_of(badge, at) for at, badge in scans}
            found |= {directory.day_of(person_id, at) for at in corrected}
            # Where scans decide, it is not known yet which of the days next to them they belong to.
            near = {key for at, badge in scans for key in directory.near(badge, at) if key.person_id == person_id}
            if person_id in directory.inferring:
                near |= {key for key in found if key is not None}
            else:
                keys |= {key for key in found if key is not None and key.person_id == person_id}
        wanted = {key for key in keys if _within(note, key.date)}
        near = {key for key in near - wanted if any(_within(note, key.date + step * ONE_DAY) for step in (-1, 0, 1))}
        await self._recordings.prepare({key.date for key in wanted | near})
        changed, in_turn = 0, sorted(wanted | near)
        for start in range(0, len(in_turn), AT_ONCE):
            chunk = dict.fromkeys(in_turn[start : start + AT_ONCE], False)
            live, beside = ({key: False for key in chunk if key in some} for some in (wanted, near))
            async with self._recordings.begin() as recording:
                directory = await recording.directory(people=[person_id])
                if person_id in directory.people:
                    changed += await recompute(recording, directory, live, self._clock, near=beside, reason=note.reason)
        return changed

    async def _take_away(self, person_id: int, note: Recomputation) -> int:
        async with self._recordings.begin() as recording:
            holder = (await recording.directory(people=[person_id])).people.get(person_id)
            badges = [] if holder is None else [badge for badge, _ in holder.badges]
            await recording.take_turns({turn_of_person(person_id), *map(turn_of, badges)})
            return await recording.take_away(person_id, note.since, note.until, self._clock.now())


def _within(note: Recomputation, day: date) -> bool:
    return (note.since is None or day >= note.since) and (note.until is None or day <= note.until)
