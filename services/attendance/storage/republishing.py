"""The present state of people, days, corrections and adjustments as events: a reader can be rebuilt from nothing."""

from collections.abc import AsyncIterator, Sequence
from typing import Any

import asyncpg

from services.attendance.application.announce import (
    PersonState,
    correction_changed,
    day_removed,
    day_updated,
    person_changed,
)
from services.attendance.application.day_facts import Filter
from services.attendance.application.directory import Span
from services.attendance.storage.correcting import corrections_of_person
from services.attendance.storage.expected_days import told_of
from services.attendance.storage.gone_days import gone_of
from services.attendance.storage.locking import adjustments_after
from services.attendance.storage.person_states import path_of, read_parents, read_states
from services.attendance.storage.reading_days import PostgresDayReading
from shared.contracts.cloudevents import MOST_IN_A_BATCH
from shared.contracts.corrections import CorrectionChanged
from shared.contracts.days import DayUpdated
from shared.contracts.event import Event, Version
from shared.kernel.clock import Clock
from shared.storage.database import Database
from shared.web.lists import Window
from shared.web.scope import Scope


class PostgresStates:
    """All that attendance knows and others keep.

    The versions are the stored ones: readers that know a state already lose nothing by hearing it again. A transaction
    holds the days of one person, so that nothing else waits for this.
    """

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def __call__(self) -> AsyncIterator[Sequence[Event]]:
        """Everybody, then of each what is expected, the days and what people said of them, then what is adjusted."""
        async with self._database.fast() as pg:
            epoch = await _epoch(pg)
            ids = [row[0] for row in await pg.fetch("SELECT id FROM people ORDER BY id")]
            lost = {row[0] for row in await pg.fetch("SELECT DISTINCT person_id FROM gone_days")}
            people = list((await read_states(pg, ids, self._clock.now().date())).values())
        yield [person_changed(person, epoch) for person in people]
        for person in people:
            async with self._database.fast() as pg:
                expected = await told_of(pg, [person.id])
                days = [event async for event in _days(pg, person)]
                if person.id in lost:
                    days += [day_removed(day, epoch, self._clock.now()) for day in await gone_of(pg, person.id)]
                corrections = [event async for event in _corrections(pg, person)]
            yield expected
            yield days
            yield corrections
        async for adjustments in self._adjustments():
            yield adjustments

    async def _adjustments(self) -> AsyncIterator[Sequence[Event]]:
        after = 0
        while True:
            async with self._database.fast() as pg:
                told = await adjustments_after(pg, after, MOST_IN_A_BATCH * 4)
            if not told:
                return
            yield told
            after = told[-1].adjustment_id


async def _days(pg: "asyncpg.Connection[Any]", person: PersonState) -> AsyncIterator[DayUpdated]:
    epoch, parents = await _epoch(pg), await read_parents(pg)
    places = [(Span(*row[:2]), row[2]) for row in await pg.fetch(_PLACES, person.id)]
    after: tuple[Any, ...] | None = None
    while True:
        asked = Window(limit=MOST_IN_A_BATCH * 4, after=after, order="date", descending=False)
        page = await PostgresDayReading(pg).days(Filter(person_id=person.id), Scope.everything(), asked, None)
        for facts, details in page.rows:
            path = path_of(next((unit for span, unit in places if span.covers(facts.date)), None), parents)
            yield day_updated(facts, details, path, facts.site_id or person.site_id, epoch)
        if page.next_after is None:
            return
        after = page.next_after


async def _corrections(pg: "asyncpg.Connection[Any]", person: PersonState) -> AsyncIterator[CorrectionChanged]:
    epoch = await _epoch(pg)
    for one in await corrections_of_person(pg, person.id):
        yield correction_changed(one, Version(epoch, one.n))


async def _epoch(pg: "asyncpg.Connection[Any]") -> int:
    return int(await pg.fetchval("SELECT epoch FROM epoch"))


_PLACES = "SELECT lower(during), upper(during), unit_id FROM assignments WHERE person_id = $1"
