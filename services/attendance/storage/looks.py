"""Runs that only look, as whoever works at them in the background needs them."""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any
from uuid import UUID

from services.attendance.application.looking import Part
from services.attendance.application.run_ports import LookRun
from services.attendance.storage.run_rows import add_changes, finish, start, tell
from shared.storage.database import Database

LEADER_LOCK = 0x6C6F_6F6B  # any number that only this means


class PostgresLooks:
    """Runs are worked at by one process at a time, whichever holds the session lock."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @asynccontextmanager
    async def oldest(self) -> AsyncIterator[LookRun | None]:
        async with self._database.fast() as pg:
            waiting = await pg.fetchval(f"SELECT EXISTS ({_OLDEST.format('id')})")
        if not waiting:
            yield None
            return
        async with self._database.listening("looks") as pg:
            if not await pg.fetchval("SELECT pg_try_advisory_lock($1)", LEADER_LOCK):
                yield None
                return
            row = await pg.fetchrow(_OLDEST.format(_LOOK))
            if row is None or not await start(pg, row["id"]):
                yield None
                return
            draft, totals = (None if row[name] is None else json.loads(row[name]) for name in ("draft", "totals"))
            yield LookRun(*row)._replace(draft=draft, totals=totals)

    async def begun(self, id_: UUID, n: int, *, changed: bool) -> None:
        async with self._database.fast() as pg:
            await pg.execute(_BEGUN, id_, n, changed)

    async def took(self, run: LookRun, people: int, part: Part, totals: Mapping[str, Any]) -> bool:
        async with self._database.fast() as pg:
            counted = part.totals.days_looked_at, part.totals.days_changed
            if not await pg.fetchval(_TOOK, run.id, run.people_done, people, *counted, json.dumps(totals)):
                return False
            await add_changes(pg, run.id, part.changes)
        return True

    async def finished(self, id_: UUID, problem: str | None = None) -> None:
        async with self._database.fast() as pg:
            await finish(pg, id_, problem)

    async def tell(self, run_id: UUID, at: datetime) -> None:
        async with self._database.fast() as pg:
            await tell(pg, run_id, at)

    async def forget(self, before: datetime) -> None:
        async with self._database.fast() as pg:
            await pg.execute(_FORGET, before)


_LOOK = "id, draft::text AS draft, people, since, until, people_done, rules_n, totals::text AS totals"
_OLDEST = """
SELECT {} FROM recompute_runs
WHERE kind <> 'recompute' AND state IN ('waiting', 'running') ORDER BY asked_at, id LIMIT 1
"""

_FORGET = """
DELETE FROM recompute_runs WHERE kind <> 'recompute' AND asked_at < $1 AND state IN ('done', 'cancelled', 'failed')
"""

_BEGUN = "UPDATE recompute_runs SET rules_n = $2, rules_changed = rules_changed OR $3 WHERE id = $1"

# Whoever was cut off and comes too late finds that these people are done.
_TOOK = """
UPDATE recompute_runs SET people_done = people_done + $3, days_looked_at = days_looked_at + $4,
    days_changed = days_changed + $5, totals = $6::text::jsonb
WHERE id = $1 AND people_done = $2 AND state = 'running' RETURNING true
"""
