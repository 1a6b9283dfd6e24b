"""The notes of days to compute again, on PostgreSQL."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final
from uuid import UUID

import asyncpg

from services.attendance.application.recompute import LANES, Recomputation
from services.attendance.application.turns import turn_of, turn_of_person
from services.attendance.storage.run_rows import finish, start, tell
from services.attendance.storage.unseen import within
from shared.storage.database import Database

# A window reaches from 18:00 of the date before to 18:00 of the next, in a zone up to 14 hours from UTC.
_MARGIN: Final = timedelta(days=2)

LEADER_LOCK = 0x7265_636F  # any number that only this means


class PostgresRecomputations:
    """Notes are done by one process at a time, whichever holds the session lock."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @asynccontextmanager
    async def oldest(self) -> AsyncIterator[Recomputation | None]:
        async with self._database.fast() as pg:
            waiting = await pg.fetchval("SELECT EXISTS (SELECT FROM recomputations)")
        if not waiting:
            yield None
            return
        # A connection of its own: the work may take minutes, and a session lock lasts as long as the session.
        async with self._database.listening("recompute") as pg:
            if not await pg.fetchval("SELECT pg_try_advisory_lock($1)", LEADER_LOCK):
                yield None
                return
            async with pg.transaction():
                note = await _begun(pg)
            yield note
            if note is not None:
                async with pg.transaction():
                    if note.run_id is not None:
                        await finish(pg, note.run_id)
                    await pg.execute("DELETE FROM recomputations WHERE id = $1", note.id)

    async def newest(self) -> int | None:
        async with self._database.fast() as pg:
            found: int | None = await pg.fetchval("SELECT max(id) FROM recomputations")
            return found

    async def waiting(self, until: int) -> bool:
        async with self._database.fast() as pg:
            return bool(await pg.fetchval("SELECT EXISTS (SELECT FROM recomputations WHERE id <= $1)", until))

    async def months_of(self, people: Sequence[int], first: date, last: date) -> Sequence[date]:
        starts, ends = _midnight(first - _MARGIN), _midnight(last + _MARGIN)
        async with self._database.fast() as pg:
            return [row[0] for row in await pg.fetch(_MONTHS, people, first, last, starts, ends)]

    async def beyond(self, people: Sequence[int], since: date | None, until: date | None) -> Sequence[int]:
        async with self._database.fast() as pg:
            return [row[0] for row in await pg.fetch(_BEYOND, people, since, until)]

    async def tell(self, run_id: UUID, at: datetime) -> None:
        async with self._database.fast() as pg:
            await tell(pg, run_id, at)


async def _begun(pg: "asyncpg.Connection[Any]") -> Recomputation | None:
    """The oldest note. Whoever begins with it writes down in which order its people are done, and keeps to it."""
    row = await pg.fetchrow(
        "SELECT id, person_id, people, since, until, reason, done, run_id FROM recomputations ORDER BY id LIMIT 1"
    )
    if row is None:
        return None
    people, done = row["people"], row["done"]
    if done is None:
        people, done = await _in_turn(pg, people, row["person_id"]), [0] * LANES
        await pg.execute("UPDATE recomputations SET people = $2, done = $3 WHERE id = $1", row["id"], people, done)
    if row["run_id"] is not None:
        await start(pg, row["run_id"])
    return Recomputation(
        id=row["id"],
        people=people,
        since=row["since"],
        until=row["until"],
        reason=row["reason"],
        done=done,
        run_id=row["run_id"],
    )


async def _in_turn(pg: "asyncpg.Connection[Any]", people: Sequence[int] | None, person_id: int | None) -> Sequence[int]:
    if person_id is not None:
        return [person_id]
    rows = await pg.fetch(_PEOPLE, people)
    turns = {one: turn_of_person(one) if badge is None else turn_of(badge) for one, badge in rows}
    return sorted(turns, key=lambda one: (turns[one], one))


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


_PEOPLE = """
SELECT p.id, (SELECT min(badge) FROM badges b WHERE b.person_id = p.id) FROM people p
WHERE p.id = ANY($1::int[]) OR $1 IS NULL AND NOT p.removed
"""

# Each by its own range of dates, so that of who was employed all along no row is looked at.
_BEYOND = f"""
SELECT p.id FROM people p WHERE p.id = ANY($1::int[]) AND (
    p.removed AND EXISTS (SELECT FROM days d WHERE d.person_id = p.id AND {within("$2", "$3")})
    OR EXISTS (SELECT FROM days d WHERE d.person_id = p.id AND {within("$2", "$3")} AND d.date < p.joined_on
               AND d.used = 0)
    OR EXISTS (SELECT FROM days d WHERE d.person_id = p.id AND {within("$2", "$3")} AND d.date > p.left_on
               AND d.used = 0))
ORDER BY p.id
"""

# By scans and instants it is known to two days; what lies in no month that is asked for is left out by whoever asks.
_MONTHS = """
WITH held AS (SELECT DISTINCT badge FROM badges WHERE person_id = ANY($1::int[])),
around (day) AS (
    SELECT s.at FROM held CROSS JOIN LATERAL (
        SELECT at FROM scans WHERE badge = held.badge AND at >= $4 AND at < $5
                               AND quality NOT IN ('implausible_past', 'future') OFFSET 0
    ) AS s
    UNION ALL
    SELECT r.at FROM releases r JOIN held USING (badge) WHERE r.withdrawn_at IS NULL AND r.at >= $4 AND r.at < $5
    UNION ALL
    SELECT c.at FROM corrections c WHERE c.person_id = ANY($1) AND c.state = 'approved' AND c.at >= $4 AND c.at < $5
),
known (day) AS (
    SELECT date FROM days WHERE person_id = ANY($1) AND date BETWEEN $2 AND $3
    UNION ALL
    SELECT date FROM corrections WHERE person_id = ANY($1) AND state = 'approved' AND date BETWEEN $2 AND $3
    UNION ALL
    SELECT date FROM closed_dates WHERE date BETWEEN $2 AND $3
    UNION ALL
    SELECT (day AT TIME ZONE 'UTC')::date + n FROM around CROSS JOIN (VALUES (-2), (2)) AS beside (n)
)
SELECT DISTINCT date_trunc('month', day)::date FROM known ORDER BY 1
"""
