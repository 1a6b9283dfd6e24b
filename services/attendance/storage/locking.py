"""Locks and adjustments on PostgreSQL."""

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import date, datetime, timedelta
from typing import Any

import asyncpg

from services.attendance.application.adjusting import AdjustmentFacts, adjustment_changed
from services.attendance.application.directory import PersonDay
from services.attendance.application.listing import Page
from services.attendance.application.locking import Lock, WantedAdjustments
from services.attendance.application.rulebook import Rulebook
from services.attendance.domain.locks import Adjustment, month_after
from services.attendance.storage.looking_up import find_person, read_rulebook
from services.attendance.storage.person_states import path_of, read_parents
from services.attendance.storage.rules import ask_recompute, change_rules
from services.attendance.storage.sql import Key as OrderKey
from services.attendance.storage.sql import Where, day_key, instant_key, like, number_key, page, seen_by, text_key
from services.attendance.storage.unseen import without_row
from shared.contracts.adjustments import AdjustmentChanged
from shared.contracts.event import Version
from shared.outbox.writing import add_fast
from shared.storage.database import Database
from shared.web.idempotency import Answer, Key, earlier_fast, keep_fast
from shared.web.lists import Window
from shared.web.scope import Caller, Scope


class PostgresLocks:
    """Opens transactions that read and lock."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @asynccontextmanager
    async def reading(self) -> AsyncIterator["PostgresLockReading"]:
        async with self._database.fast() as pg:
            yield PostgresLockReading(pg)

    @asynccontextmanager
    async def locking(self) -> AsyncIterator["PostgresLocking"]:
        async with self._database.fast() as pg:
            # Workers know by the rules which months are locked.
            await change_rules(pg)
            yield PostgresLocking(pg)


class PostgresLockReading:
    """One transaction that reads."""

    def __init__(self, pg: "asyncpg.Connection[Any]") -> None:
        self._pg = pg

    async def rulebook(self, now: datetime) -> Rulebook:
        return await read_rulebook(self._pg, now)

    async def site_name(self, site_id: int) -> str:
        found: str = await self._pg.fetchval("SELECT name FROM sites WHERE id = $1", site_id)
        return found

    async def person(self, text: str, scope: Scope) -> int | None:
        return await find_person(self._pg, text, scope)

    async def without_row(self, site_id: int, first: date, last: date, most: int | None = None) -> Sequence[PersonDay]:
        return await without_row(self._pg, site_id, first, last, most)

    async def locks(self, site_id: int | None, asked: Window) -> Page[Lock]:
        where = Where()
        if site_id is not None:
            where.add("l.site_id = {}", site_id)
        if asked.search:
            pattern = where.value(like(asked.search))
            where.add(f"(l.reason ILIKE {pattern} OR l.locked_by_name ILIKE {pattern})")
        first = {"month": day_key("l.month"), "locked_at": instant_key("l.locked_at")}[asked.order]
        found = await page(
            self._pg, select=_LOCK, source="locks l", where=where, first=first, then=(number_key("l.id"),), asked=asked
        )
        rows = [Lock(*row[: len(Lock._fields)]) for row in found.rows]
        return Page(rows=rows, total=found.total, exact=found.exact, next_after=found.next_after)

    async def adjustments(
        self, wanted: WantedAdjustments, person_id: int | None, scope: Scope, asked: Window
    ) -> Page[AdjustmentFacts]:
        where = Where()
        where.add("NOT p.removed")
        seen_by(where, scope, person="j.person_id", unit="a.unit_id")
        for condition, value in (
            ("j.person_id = {}", person_id),
            ("j.period = {}", wanted.period),
            ("j.site_id = {}", wanted.site_id),
            ("j.date >= {}", wanted.since),
            ("j.date <= {}", wanted.until),
            ("j.cancelled = {}", wanted.cancelled),
        ):
            if value is not None:
                where.add(condition, value)
        if asked.search:
            pattern = where.value(like(asked.search))
            where.add(f"(p.code ILIKE {pattern} OR p.name ILIKE {pattern} OR j.reason ILIKE {pattern})")
        found = await page(
            self._pg,
            select=_ADJUSTMENT,
            source=_ADJUSTMENTS,
            where=where,
            first=_ORDERS[asked.order],
            then=(number_key("j.id"),),
            asked=asked,
        )
        rows = [_adjustment(row) for row in found.rows]
        return Page(rows=rows, total=found.total, exact=found.exact, next_after=found.next_after)


class PostgresLocking(PostgresLockReading):
    """One transaction that locks or unlocks."""

    async def earlier_answer(self, key: Key) -> Answer | None:
        return await earlier_fast(self._pg, key)

    async def keep_answer(self, key: Key, answer: Answer) -> None:
        await keep_fast(self._pg, key, answer)

    async def recomputations_wait(self) -> bool:
        found: bool = await self._pg.fetchval("SELECT EXISTS (SELECT FROM recomputations)")
        return found

    async def lock_of(self, site_id: int, month: date) -> Lock | None:
        sql = f"SELECT {_LOCK} FROM locks l WHERE l.site_id = $1 AND l.month = $2 AND l.unlocked_at IS NULL"
        return _lock(await self._pg.fetchrow(sql, site_id, month))

    async def one(self, id_: int) -> Lock | None:
        return _lock(await self._pg.fetchrow(f"SELECT {_LOCK} FROM locks l WHERE l.id = $1", id_))

    async def add(self, site_id: int, month: date, reason: str | None, by: Caller, at: datetime) -> Lock:
        made = _lock(await self._pg.fetchrow(_ADD, site_id, month, reason, by.user, by.username, at))
        assert made is not None  # noqa: S101 - it has just been made
        return made

    async def booked(self, lock: Lock) -> Sequence[date]:
        return [row[0] for row in await self._pg.fetch(_BOOKED, lock.site_id, lock.month, month_after(lock.month))]

    async def end(self, lock: Lock, reason: str, by: Caller, at: datetime) -> Lock:
        ended = _lock(await self._pg.fetchrow(_END, lock.id, by.user, by.username, at, reason))
        assert ended is not None  # noqa: S101 - it was there
        until = month_after(lock.month)
        why = f"{lock.month:%Y-%m} was unlocked: {reason}"
        cancelled = await self._pg.fetch(_CANCEL, lock.site_id, lock.month, until, at, why)
        await add_fast(self._pg, await _as_events(self._pg, cancelled), time=at)
        await ask_recompute(
            self._pg,
            reason=why,
            since=lock.month,
            until=until - timedelta(days=1),
        )
        return ended


async def adjustments_after(pg: "asyncpg.Connection[Any]", id_: int, most: int) -> list[AdjustmentChanged]:
    """The events that carry the states of adjustments with a greater id, by id."""
    sql = f"SELECT {_ADJUSTMENT}, a.unit_id, j.n FROM {_ADJUSTMENTS} WHERE j.id > $1 ORDER BY j.id LIMIT $2"
    return await _as_events(pg, await pg.fetch(sql, id_, most))


async def _as_events(pg: "asyncpg.Connection[Any]", rows: Sequence[asyncpg.Record]) -> list[AdjustmentChanged]:
    parents, epoch = await read_parents(pg), await pg.fetchval("SELECT epoch FROM epoch")
    return [
        adjustment_changed(_adjustment(row), path_of(row["unit_id"], parents), Version(epoch, row["n"])) for row in rows
    ]


def _lock(row: asyncpg.Record | None) -> Lock | None:
    return None if row is None else Lock(*row)


def _adjustment(row: Sequence[Any]) -> AdjustmentFacts:
    *who, period, before, after, reason, cancelled, created_at, updated_at = row[:_LENGTH]
    adjustment = Adjustment(period, json.loads(before), json.loads(after), reason, cancelled)
    return AdjustmentFacts._make([*who, adjustment, created_at, updated_at])


_LOCK = ", ".join(f"l.{name}" for name in Lock._fields)

_ADJUSTMENT = (
    "j.id, j.person_id, p.code, p.name, u.name, j.site_id, j.date, j.period, j.before::text, j.after::text, j.reason, "
    "j.cancelled, j.created_at, j.updated_at"
)
_LENGTH = len(_ADJUSTMENT.split(", "))
_ADJUSTMENTS = """
adjustments j JOIN people p ON p.id = j.person_id
LEFT JOIN assignments a ON a.person_id = j.person_id AND a.during @> j.date LEFT JOIN units u ON u.id = a.unit_id
"""
_ORDERS: dict[str, OrderKey] = {
    "date": day_key("j.date"),
    "period": day_key("j.period"),
    "employee_id": text_key("p.code"),
    "updated_at": instant_key("j.updated_at"),
}

_ADD = f"""
INSERT INTO locks AS l (site_id, month, reason, locked_by, locked_by_name, locked_at)
VALUES ($1, $2, $3, $4, $5, $6) RETURNING {_LOCK}
"""

_END = f"""
UPDATE locks l SET unlocked_by = $2, unlocked_by_name = $3, unlocked_at = $4, unlock_reason = $5
WHERE l.id = $1 RETURNING {_LOCK}
"""

_BOOKED = """
SELECT DISTINCT j.period FROM adjustments j
JOIN locks l ON l.site_id = j.site_id AND l.month = j.period AND l.unlocked_at IS NULL
WHERE j.site_id = $1 AND j.date >= $2 AND j.date < $3 AND NOT j.cancelled
"""

_CANCEL = f"""
WITH gone AS (
    UPDATE adjustments SET cancelled = true, after = before, updated_at = $4, reason = $5, n = n + 1
    WHERE site_id = $1 AND date >= $2 AND date < $3 AND NOT cancelled RETURNING *
)
SELECT {_ADJUSTMENT}, a.unit_id, j.n FROM {_ADJUSTMENTS.replace("adjustments j", "gone j")}
"""
