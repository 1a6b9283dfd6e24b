"""Looking at days without changing any: one snapshot a look, by rules that are read once."""

from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from datetime import date
from typing import Any

import asyncpg

from services.attendance.application.computing import DayRow
from services.attendance.application.directory import Directory, PersonDay, Span
from services.attendance.application.looking import Drafted, RulesChanged
from services.attendance.storage.directory import read_people, read_sites
from services.attendance.storage.plans import read_plans
from services.attendance.storage.recording import Kept, PostgresRecording
from services.attendance.storage.time_off import knows_leave
from shared.storage.database import Database


class PostgresViews:
    """Opens views."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def view(self, drafted: Drafted | None) -> "PostgresView":
        async with self._database.fast() as pg:
            await pg.execute(_SNAPSHOT)
            leave = await knows_leave(pg)
            n = await pg.fetchval("SELECT n FROM rules")
            held = Directory(n, await read_sites(pg), plans=await read_plans(pg), leave=leave)
            if drafted is None:
                return PostgresView(self._database, held)
            held.add(await read_people(pg, people=[holder.person_id for holder in drafted.holders]))
        # Where the rules are others by now than those under the draft, looking says so.
        directory = Directory(drafted.n, dict(drafted.sites), plans=drafted.plans, leave=leave)
        directory.add(drafted.holders)
        return PostgresView(self._database, directory, held)


class PostgresView:
    """A directory of its own, which no worker has."""

    def __init__(self, database: Database, directory: Directory, held: Directory | None = None) -> None:
        """`held` has the rules that hold, where those of the directory are a draft's."""
        self._database = database
        self._directory = directory
        self._held = held

    @property
    def n(self) -> int:
        return self._directory.n

    @asynccontextmanager
    async def looking(self) -> AsyncIterator["PostgresLooking"]:
        async with self._database.fast() as pg:
            # Days and the scans that they were computed from are committed together, so they are seen together.
            await pg.execute(_SNAPSHOT)
            if await pg.fetchval("SELECT n FROM rules") != self._directory.n:
                raise RulesChanged
            yield PostgresLooking(pg, self._directory, self._held)


class PostgresLooking(PostgresRecording):
    """One transaction. It reads as workers do, and nothing can be written in it."""

    moving = False

    def __init__(self, pg: "asyncpg.Connection[Any]", directory: Directory, held: Directory | None) -> None:
        super().__init__(pg, Kept(directory), 0)
        self._held = held

    async def directory(self, badges: Iterable[str] = (), people: Iterable[int] = ()) -> Directory:
        directory = self._kept.directory
        if strangers := [person for person in people if person not in directory.people]:
            directory.add(await read_people(self._pg, people=strangers))
        return directory

    async def held(self, people: Sequence[int]) -> Directory | None:
        if self._held is not None:
            # Of whom the draft says nothing by themselves, both know the same.
            known = await self.directory(people=people)
            strangers = [one for one in people if one in known.people and one not in self._held.people]
            self._held.add(known.people[one] for one in strangers)
        return self._held

    async def employed(self, people: Sequence[int]) -> dict[int, Span]:
        return {row[0]: Span(row[1], row[2]) for row in await self._pg.fetch(_EMPLOYED, people)}

    async def rows_of(self, people: Sequence[int], first: date, last: date) -> dict[PersonDay, DayRow]:
        rows = await self._pg.fetch(_ROWS, people, first, last)
        return {PersonDay(row[0], row[1]): DayRow(*row) for row in rows}


_SNAPSHOT = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY"

_ROWS = f"""
SELECT {", ".join(DayRow._fields)} FROM days WHERE person_id = ANY($1::int[]) AND date BETWEEN $2 AND $3
"""

_EMPLOYED = "SELECT id, joined_on, left_on + 1 FROM people WHERE id = ANY($1::int[]) AND NOT removed"
