"""Rulings about quarantined scans on PostgreSQL."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

from services.attendance.application.directory import Directory
from services.attendance.application.scan_list import ScanFacts
from services.attendance.domain.releases import Quarantined, Release
from services.attendance.storage.looking_up import read_rulebook
from services.attendance.storage.reading_scans import read_scan
from services.attendance.storage.recording import Kept, PostgresRecording
from services.attendance.storage.rules import hold_rules
from services.attendance.storage.rulings import QUARANTINED, RULING
from services.attendance.storage.unknown_badges import count_again
from shared.storage.database import Database
from shared.web.idempotency import Answer, Key, earlier_fast, keep_fast
from shared.web.scope import Caller, Scope


class PostgresReleases:
    """Opens transactions that read and rule."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @asynccontextmanager
    async def reading(self) -> AsyncIterator["PostgresReleaseReading"]:
        async with self._database.fast() as pg:
            yield PostgresReleaseReading(pg)

    @asynccontextmanager
    async def ruling(self) -> AsyncIterator["PostgresRuling"]:
        async with self._database.fast() as pg:
            # Badges that nobody holds are counted anew, which no worker may do meanwhile; and of two who rule about
            # one scan, the second sees what the first did.
            await hold_rules(pg)
            yield PostgresRuling(pg, Kept(Directory()), await pg.fetchval("SELECT epoch FROM epoch"))


class PostgresReleaseReading:
    """One transaction that reads. A scan may be of a badge that nobody holds: only who sees all sees it here."""

    def __init__(self, pg: "asyncpg.Connection[Any]") -> None:
        self._pg = pg

    async def quarantined(self, ids: Sequence[UUID], scope: Scope) -> dict[UUID, Quarantined]:
        if scope.reach != "all":
            return {}
        rows = await self._pg.fetch(FIND_QUARANTINED, list(ids))
        return {row["id"]: Quarantined(*row) for row in rows}

    async def is_there(self, scan_id: UUID, scope: Scope) -> bool:
        if scope.reach != "all":
            return False
        found: bool = await self._pg.fetchval("SELECT EXISTS (SELECT FROM scans WHERE id = $1)", scan_id)
        return found


class PostgresRuling(PostgresRecording):
    """One transaction that rules."""

    async def earlier_answer(self, key: Key) -> Answer | None:
        return await earlier_fast(self._pg, key)

    async def keep_answer(self, key: Key, answer: Answer) -> None:
        await keep_fast(self._pg, key, answer)

    async def in_force(self, ids: Sequence[UUID], scope: Scope) -> dict[UUID, Release]:
        if scope.reach != "all":
            return {}
        rows = await self._pg.fetch(_IN_FORCE, list(ids))
        return {row["scan_id"]: Release(*row) for row in rows}

    async def withdraw(self, ids: Sequence[UUID], by: Caller, at: datetime) -> None:
        if ids:
            await self._pg.execute(_WITHDRAW, list(ids), at, by.user, by.username)

    async def add(self, rulings: Sequence[tuple[Quarantined, Release]]) -> None:
        await self._pg.executemany(_ADD, [(*ruling, scan.type) for scan, ruling in rulings])

    async def count_unknown(self, badges: Sequence[str], now: datetime) -> None:
        await count_again(self._pg, badges, await read_rulebook(self._pg, now))

    async def scan(self, scan: Quarantined, now: datetime) -> ScanFacts:
        return await read_scan(self._pg, scan.local_at, scan.id, await read_rulebook(self._pg, now))


FIND_QUARANTINED = f"""
SELECT s.id, s.local_at, s.at, s.badge, s.type, s.machine_id, s.zone FROM scans s
WHERE s.id = ANY($1::uuid[]) AND {QUARANTINED}
"""

_IN_FORCE = f"SELECT {RULING} FROM releases r WHERE r.scan_id = ANY($1::uuid[]) AND r.withdrawn_at IS NULL"

_WITHDRAW = """
UPDATE releases SET withdrawn_at = $2, withdrawn_by = $3, withdrawn_by_name = $4
WHERE scan_id = ANY($1::uuid[]) AND withdrawn_at IS NULL
"""

_ADD = """
INSERT INTO releases (scan_id, badge, local_at, at, wall_time, reason, released_by, released_by_name, released_at,
                      machine_id, type)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
"""
