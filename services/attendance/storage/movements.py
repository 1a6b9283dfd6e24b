"""Joiners and leavers on PostgreSQL."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date, datetime
from typing import Any

import asyncpg

from services.attendance.application.listing import Page
from services.attendance.application.movements import Movement
from services.attendance.application.rulebook import Rulebook
from services.attendance.storage.looking_up import find_unit, read_rulebook
from services.attendance.storage.sql import Where, day_key, in_unit, like, page, seen_by, text_key
from shared.storage.database import Database
from shared.web.lists import Window
from shared.web.scope import Scope


class PostgresMovements:
    """Opens transactions that read joiners and leavers."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @asynccontextmanager
    async def reading(self) -> AsyncIterator["PostgresMovementReading"]:
        async with self._database.fast() as pg:
            yield PostgresMovementReading(pg)


class PostgresMovementReading:
    """One transaction."""

    def __init__(self, pg: "asyncpg.Connection[Any]") -> None:
        self._pg = pg

    async def rulebook(self, now: datetime) -> Rulebook:
        return await read_rulebook(self._pg, now)

    async def unit(self, text: str) -> int | None:
        return await find_unit(self._pg, text)

    async def movements(
        self, since: date, until: date, *, kind: str | None, unit_id: int | None, scope: Scope, asked: Window
    ) -> Page[Movement]:
        where = Where(since, until)
        where.add("v.date BETWEEN $1 AND $2 AND NOT p.removed")
        seen_by(where, scope, person="p.id", unit="a.unit_id")
        if kind:
            where.add("v.kind = {}", kind)
        if unit_id is not None:
            in_unit(where, unit_id, unit="a.unit_id")
        if asked.search:
            pattern = where.value(like(asked.search))
            where.add(f"(p.code ILIKE {pattern} OR p.name ILIKE {pattern} OR u.name ILIKE {pattern})")
        orders = {"date": day_key("v.date"), "employee_id": text_key("p.code"), "name": text_key("p.name")}
        found = await page(
            self._pg,
            select=_SHOWN,
            source=_SOURCE,
            where=where,
            first=orders[asked.order],
            then=(text_key("p.code"), text_key("v.kind")),
            asked=asked,
        )
        rows = [Movement(*row[: len(Movement._fields)]) for row in found.rows]
        return Page(rows=rows, total=found.total, exact=found.exact, next_after=found.next_after)


_SOURCE = """
people p
CROSS JOIN LATERAL (VALUES ('joined', p.joined_on), ('left', p.left_on)) AS v (kind, date)
LEFT JOIN assignments a ON a.person_id = p.id AND a.during @> v.date LEFT JOIN units u ON u.id = a.unit_id
"""

_SHOWN = """
v.kind, v.date, p.id, p.code, p.name, u.name, a.designation, coalesce(a.level_of_work, 'Worker'), a.site_id,
ARRAY(SELECT DISTINCT b.badge FROM badges b WHERE v.kind = 'left' AND b.person_id = p.id
      AND coalesce(upper(b.during) > v.date + 1, true) ORDER BY b.badge)
"""
