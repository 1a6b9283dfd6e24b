"""Telling the present state of all people and days again, so that a reader can be rebuilt from nothing."""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Any

import asyncpg

from services.attendance.application.announce import PersonState, day_updated, person_changed
from services.attendance.application.day_facts import Filter
from services.attendance.storage.person_states import path_of, read_parents, read_states
from services.attendance.storage.reading_days import PostgresDayReading
from shared.contracts.cloudevents import MOST_IN_A_BATCH
from shared.contracts.days import DayUpdated
from shared.contracts.event import Event
from shared.kernel.clock import Clock
from shared.outbox.writing import add_fast
from shared.storage.database import Database
from shared.web.lists import Window
from shared.web.scope import Scope


class Republishing:
    """Writes all states into the outbox, from where the running service's relay carries them.

    The versions are the stored ones: readers that know a state already lose nothing by hearing it again. A transaction
    holds the days of one person, so that nothing else waits for this.
    """

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def __call__(self) -> int:
        """Tell everything, people before their days, and say how many events that were."""
        now = self._clock.now()
        people = await self._people(now)
        count = len(people)
        for person in people:
            async with self._database.fast() as pg:
                days = [event async for event in _days(pg, person)]
                await add_fast(pg, days, time=now)
            count += len(days)
        return count

    async def _people(self, now: datetime) -> Sequence[PersonState]:
        async with self._database.fast() as pg:
            epoch = await _epoch(pg)
            ids = [row[0] for row in await pg.fetch("SELECT id FROM people ORDER BY id")]
            states = list((await read_states(pg, ids, now.date())).values())
            events: list[Event] = [person_changed(state, epoch) for state in states]
            await add_fast(pg, events, time=now)
        return states


async def _days(pg: "asyncpg.Connection[Any]", person: PersonState) -> AsyncIterator[DayUpdated]:
    epoch, parents = await _epoch(pg), await read_parents(pg)
    units = {row[1]: row[0] for row in await pg.fetch("SELECT id, name FROM units WHERE kind = 'department'")}
    after: tuple[Any, ...] | None = None
    while True:
        asked = Window(limit=MOST_IN_A_BATCH * 4, after=after, order="date", descending=False)
        page = await PostgresDayReading(pg).days(Filter(person_id=person.id), Scope.everything(), asked, None)
        for facts, details in page.rows:
            path = path_of(units.get(facts.department or ""), parents)
            yield day_updated(facts, details, path, facts.site_id or person.site_id, epoch)
        if page.next_after is None:
            return
        after = page.next_after


async def _epoch(pg: "asyncpg.Connection[Any]") -> int:
    return int(await pg.fetchval("SELECT epoch FROM epoch"))
