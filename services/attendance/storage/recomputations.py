"""The notes of days to compute again, on PostgreSQL."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime, time, timedelta
from typing import Final

from services.attendance.application.recompute import Recomputation
from services.attendance.storage.unseen import BEYOND, EMPLOYED, within
from shared.storage.database import Database

# A window reaches from 18:00 of the date before to 18:00 of the next, in a zone up to 14 hours from UTC.
_MARGIN: Final = timedelta(days=3)
EARLIEST, LATEST = date(1, 1, 5), date(9999, 12, 26)

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
            row = await pg.fetchrow(
                "SELECT id, person_id, people, since, until, reason FROM recomputations ORDER BY id LIMIT 1"
            )
            if row is None:
                yield None
                return
            note = Recomputation(**dict(row))
            yield note
            await pg.execute("DELETE FROM recomputations WHERE id = $1", note.id)

    async def newest(self) -> int | None:
        async with self._database.fast() as pg:
            found: int | None = await pg.fetchval("SELECT max(id) FROM recomputations")
            return found

    async def waiting(self, until: int) -> bool:
        async with self._database.fast() as pg:
            return bool(await pg.fetchval("SELECT EXISTS (SELECT FROM recomputations WHERE id <= $1)", until))

    async def people_of(self, note: Recomputation) -> Sequence[int]:
        if note.person_id is not None:
            return [note.person_id]
        if note.since is not None and note.until is not None:
            return await self._people_with_facts(note, note.since, note.until)
        if note.people is not None:
            return note.people
        async with self._database.fast() as pg:
            return [row[0] for row in await pg.fetch("SELECT id FROM people WHERE NOT removed ORDER BY id")]

    async def _people_with_facts(self, note: Recomputation, since: date, until: date) -> Sequence[int]:
        """Of the people of the note those of whom `facts_of` finds anything: a holiday to come is nobody's yet."""
        first, last = max(since, EARLIEST), min(until, LATEST)
        spans = (first, last, _midnight(first - _MARGIN), _midnight(last + _MARGIN))
        async with self._database.fast() as pg:
            rows = await pg.fetch(_WITH_FACTS, *spans, note.people, first - 2 * _MARGIN, last + 2 * _MARGIN)
        return [row[0] for row in rows]

    async def beyond(self, people: Sequence[int], since: date | None, until: date | None) -> Sequence[int]:
        async with self._database.fast() as pg:
            return [row[0] for row in await pg.fetch(_BEYOND, list(people), since, until)]

    async def facts_of(
        self, person_id: int, since: date | None, until: date | None
    ) -> tuple[set[date], list[tuple[int, str]], list[int]]:
        first = EARLIEST if since is None else max(since, EARLIEST)
        last = LATEST if until is None else min(until, LATEST)
        async with self._database.fast() as pg:
            dates = {row[0] for row in await pg.fetch(_DATES, person_id, first, last)}
            scans = await pg.fetch(_SCANS, person_id, _midnight(first - _MARGIN), _midnight(last + _MARGIN))
            corrected = await pg.fetch(_CORRECTED, person_id)
        dates |= {on for on, _ in corrected}
        instants = [int(at.timestamp()) for _, at in corrected if at is not None]
        return dates, [(int(row["at"].timestamp()), row["badge"]) for row in scans], instants


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


# Wall clocks are within a day of UTC: the dates around it tell the planner which months of scans to look into.
_WITH_FACTS = """
SELECT p.id FROM people p WHERE NOT p.removed AND ($5::int[] IS NULL OR p.id = ANY($5)) AND p.id IN (
    SELECT person_id FROM days WHERE date BETWEEN $1 AND $2
    UNION ALL
    SELECT person_id FROM corrections WHERE state = 'approved' AND date BETWEEN $6::date AND $7::date
    UNION ALL
    SELECT b.person_id FROM badges b WHERE b.badge IN (
        SELECT badge FROM scans WHERE at >= $3 AND at < $4 AND local_at >= $6::date AND local_at < $7::date
        UNION ALL
        SELECT badge FROM releases WHERE at >= $3 AND at < $4 AND withdrawn_at IS NULL))
ORDER BY p.id
"""

_CORRECTED = "SELECT date, at FROM corrections WHERE person_id = $1 AND state = 'approved'"

# Dates that are closed where the person was employed have a row, or are to get one.
_DATES = f"""
SELECT date FROM days WHERE person_id = $1 AND date BETWEEN $2 AND $3
UNION
SELECT c.date FROM people p JOIN assignments a ON a.person_id = p.id
JOIN closed_dates c ON c.site_id = a.site_id AND c.date BETWEEN $2 AND $3 AND a.during @> c.date
WHERE p.id = $1 AND {EMPLOYED.format(day="c.date")}
"""

_BEYOND = f"""
SELECT p.id FROM people p
WHERE p.id = ANY($1::int[]) AND (p.removed OR p.joined_on IS NOT NULL OR p.left_on IS NOT NULL)
  AND EXISTS (SELECT FROM days d WHERE d.person_id = p.id AND {within("$2", "$3")} AND {BEYOND}) ORDER BY p.id
"""

_SCANS = """
SELECT s.at, s.badge FROM scans s
WHERE s.badge IN (SELECT badge FROM badges WHERE person_id = $1) AND s.quality NOT IN ('implausible_past', 'future')
  AND s.at >= $2 AND s.at < $3
UNION ALL
SELECT r.at, r.badge FROM releases r
WHERE r.badge IN (SELECT badge FROM badges WHERE person_id = $1) AND r.withdrawn_at IS NULL
  AND r.at >= $2 AND r.at < $3
"""
