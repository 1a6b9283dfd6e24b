"""The state of attendance, on PostgreSQL."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

import asyncpg

from services.attendance.application.rulebook import Rulebook
from services.attendance.application.status import Machines
from services.attendance.storage.looking_up import read_rulebook
from shared.storage.database import Database


class PostgresStatus:
    """Opens transactions that read the state."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @asynccontextmanager
    async def reading(self) -> AsyncIterator["PostgresStatusReading"]:
        async with self._database.fast() as pg:
            yield PostgresStatusReading(pg)


class PostgresStatusReading:
    """One transaction."""

    def __init__(self, pg: "asyncpg.Connection[Any]") -> None:
        self._pg = pg

    async def rulebook(self, now: datetime) -> Rulebook:
        return await read_rulebook(self._pg, now)

    async def machines(self) -> Machines:
        row = await self._pg.fetchrow(
            "SELECT count(*), count(*) FILTER (WHERE is_connected) FROM machines WHERE NOT removed"
        )
        return Machines(row[0], row[1])

    async def recomputations(self) -> int:
        waiting: int = await self._pg.fetchval("SELECT count(*) FROM recomputations")
        return waiting
