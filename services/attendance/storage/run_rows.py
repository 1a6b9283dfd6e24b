"""Rows of runs: reading them, and what moves one on."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

from services.attendance.application.difference import Change
from services.attendance.application.runs import Run, run_changed
from shared.contracts.event import Version
from shared.outbox.writing import add_fast
from shared.storage.columns import column, rows_from

RUN = """
r.id, r.kind, r.state, r.selection::text, r.draft::text, cardinality(r.people), r.since, r.until, r.reason, r.asked_by,
r.asked_by_name, r.asked_at, r.started_at, r.finished_at, r.rules_n, r.rules_changed, r.people_done, r.days_looked_at,
r.days_changed, r.totals::text, r.problem, r.of_run,
(SELECT x.id FROM recompute_runs x WHERE x.of_run = r.id ORDER BY x.asked_at LIMIT 1)
"""
"""What `run_of` reads, of `recompute_runs r`."""


def run_of(row: asyncpg.Record) -> Run:
    """The run of the columns `RUN`."""
    run = Run(*row[: len(Run._fields)])
    return run._replace(selection=json.loads(row["selection"]), draft=_read(row["draft"]), totals=_read(row["totals"]))


def _read(text: str | None) -> Mapping[str, Any] | None:
    return None if text is None else json.loads(text)


async def start(pg: "asyncpg.Connection[Any]", run_id: UUID) -> bool:
    """Somebody works at it; False where it is wanted no more."""
    return bool(await pg.fetchval(_START, run_id))


async def advance(pg: "asyncpg.Connection[Any]", run_id: UUID, people: int, days: int, changed: int) -> bool:
    """So much more of it is done; False where it is wanted no more."""
    return bool(await pg.fetchval(_ADVANCE, run_id, people, days, changed))


async def finish(pg: "asyncpg.Connection[Any]", run_id: UUID, problem: str | None = None) -> None:
    """All of it is done, or nothing more can be; what was cancelled stays so."""
    await pg.execute(_FINISH, run_id, problem)


async def tell(pg: "asyncpg.Connection[Any]", run_id: UUID, at: datetime) -> None:
    """Announce its present state."""
    n = await pg.fetchval("UPDATE recompute_runs SET n = n + 1 WHERE id = $1 RETURNING n", run_id)
    if n is None:
        return
    run = run_of(await pg.fetchrow(f"SELECT {RUN} FROM recompute_runs r WHERE r.id = $1", run_id))
    version = Version(int(await pg.fetchval("SELECT epoch FROM epoch")), n)
    await add_fast(pg, [run_changed(run, version, at)], time=at)


async def add_changes(pg: "asyncpg.Connection[Any]", run_id: UUID, changes: Sequence[Change]) -> None:
    """Keep what a run found."""
    if changes:
        columns = [column(each) for each in zip(*changes, strict=True)]
        await pg.execute(_CHANGES, run_id, *columns)


_CHANGES = f"""
INSERT INTO run_changes (run_id, {", ".join(Change._fields)})
SELECT $1, r.* FROM {rows_from(Change._fields, ["date", "int", "jsonb", "jsonb", "text", "bool"], first=2)}
"""

_START = """
UPDATE recompute_runs SET state = 'running', started_at = coalesce(started_at, now())
WHERE id = $1 AND state IN ('waiting', 'running') RETURNING true
"""

_ADVANCE = """
UPDATE recompute_runs SET people_done = people_done + $2, days_looked_at = days_looked_at + $3,
    days_changed = days_changed + $4
WHERE id = $1 AND state = 'running' RETURNING true
"""

_FINISH = """
UPDATE recompute_runs SET state = CASE WHEN $2::text IS NULL THEN 'done' ELSE 'failed' END, problem = $2,
    finished_at = now()
WHERE id = $1 AND state = 'running'
"""
