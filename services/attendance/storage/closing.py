"""The close of days on PostgreSQL."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import date, datetime
from typing import Any

import asyncpg

from services.attendance.application.closing import Counts, Progress
from services.attendance.application.directory import PersonDay
from services.attendance.application.rulebook import Rulebook
from services.attendance.storage.looking_up import Remembered, read_rulebook
from services.attendance.storage.rules import share_rules
from services.attendance.storage.unseen import EMPLOYED, without_row
from shared.contracts.days import DayClosed
from shared.outbox.writing import add_fast
from shared.storage.database import Database
from shared.web.scope import Caller

LEADER_LOCK = 0x636C_6F73  # any number that only this means


class PostgresClosing:
    """Dates are closed by one process at a time, whichever holds the session lock."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._remembered = Remembered()

    @asynccontextmanager
    async def reading(self) -> AsyncIterator["PostgresClosingReading"]:
        async with self._database.fast() as pg:
            yield PostgresClosingReading(pg, self._remembered)

    @asynccontextmanager
    async def closing(self) -> AsyncIterator["PostgresClosingWriting"]:
        async with self._database.fast() as pg:
            await share_rules(pg)
            yield PostgresClosingWriting(pg, self._remembered)

    @asynccontextmanager
    async def leading(self) -> AsyncIterator[bool]:
        # A connection of its own: catching up may take minutes, and a session lock lasts as long as the session.
        async with self._database.listening("closing") as pg:
            yield bool(await pg.fetchval("SELECT pg_try_advisory_lock($1)", LEADER_LOCK))


class PostgresClosingReading:
    """One transaction that reads."""

    def __init__(self, pg: "asyncpg.Connection[Any]", remembered: Remembered) -> None:
        self._pg = pg
        self._remembered = remembered

    async def rulebook(self, now: datetime) -> Rulebook:
        return await read_rulebook(self._pg, now, self._remembered)

    async def recomputations_wait(self) -> bool:
        return bool(await self._pg.fetchval("SELECT EXISTS (SELECT FROM recomputations)"))

    async def names(self) -> Mapping[int, str]:
        return {row["id"]: row["name"] for row in await self._pg.fetch("SELECT id, name FROM sites")}

    async def progress(self) -> Mapping[int, Progress]:
        rows = await self._pg.fetch("SELECT site_id, begins, next FROM closings")
        return {row["site_id"]: Progress(row["begins"], row["next"]) for row in rows}

    async def closed_at(self, day: date) -> Mapping[int, datetime]:
        rows = await self._pg.fetch("SELECT site_id, closed_at FROM closed_dates WHERE date = $1", day)
        return {row["site_id"]: row["closed_at"] for row in rows}

    async def without_row(self, site_id: int, first: date, last: date, most: int | None = None) -> Sequence[PersonDay]:
        return await without_row(self._pg, site_id, first, last, most)

    async def counts(self, site_id: int, day: date) -> Counts:
        rows = await self._pg.fetch(_COUNTS, site_id, day)
        return Counts(
            people=sum(row["people"] for row in rows),
            unseen=sum(row["unseen"] for row in rows),
            statuses={row["status"]: row["people"] for row in rows if row["status"] is not None},
        )


class PostgresClosingWriting(PostgresClosingReading):
    """One transaction that writes."""

    async def begin(self, site_id: int, on: date) -> None:
        await self._pg.execute(
            "INSERT INTO closings (site_id, begins, next) VALUES ($1, $2, $2) ON CONFLICT DO NOTHING", site_id, on
        )

    async def begin_earlier(self, site_id: int, on: date, by: Caller, at: datetime) -> None:
        await self._pg.execute(_BEGIN_EARLIER, site_id, on, by.user, by.username, at)

    async def close(self, site_id: int, day: date, at: datetime) -> bool:
        await self._pg.execute("UPDATE closings SET next = next + 1 WHERE site_id = $1 AND next = $2", site_id, day)
        return bool(await self._pg.fetchval(_CLOSE, site_id, day, at))

    async def announce(self, closed: DayClosed) -> None:
        await add_fast(self._pg, [closed], time=closed.closed_at)

    async def epoch(self) -> int:
        return int(await self._pg.fetchval("SELECT epoch FROM epoch"))


_COUNTS = f"""
SELECT d.status, count(*) AS people, count(*) FILTER (WHERE d.used = 0) AS unseen
FROM assignments a JOIN people p ON p.id = a.person_id AND {EMPLOYED.format(day="$2")}
LEFT JOIN days d ON d.person_id = p.id AND d.date = $2
WHERE a.site_id = $1 AND a.during @> $2::date GROUP BY 1 ORDER BY 1
"""

_BEGIN_EARLIER = """
UPDATE closings SET begins = $2, next = $2, set_by = $3, set_by_name = $4, set_at = $5
WHERE site_id = $1 AND begins >= $2
"""

_CLOSE = """
INSERT INTO closed_dates (site_id, date, closed_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING RETURNING true
"""
