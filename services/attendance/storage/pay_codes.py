"""Pay codes of sites on PostgreSQL."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date, datetime
from typing import Any

import asyncpg

from services.attendance.application.holders import Span, Timeline
from services.attendance.application.payroll_ports import PayCodeSet
from services.attendance.domain.pay_codes import pay_code_values, pay_codes_from
from services.attendance.storage.directory import span_of
from services.attendance.storage.looking_up import find_site, read_rulebook
from shared.storage.database import Database

PAY_CODES_LOCK = 0x7061_7963  # any number that only this means


class PostgresPayCodes:
    """Opens transactions that read and change pay codes."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @asynccontextmanager
    async def reading(self) -> AsyncIterator["PostgresPayCodeReading"]:
        async with self._database.fast() as pg:
            yield PostgresPayCodeReading(pg)

    @asynccontextmanager
    async def changing(self) -> AsyncIterator["PostgresPayCodeWriting"]:
        # No day depends on pay codes, so workers need not be held up.
        async with self._database.fast() as pg:
            await pg.execute("SELECT pg_advisory_xact_lock($1)", PAY_CODES_LOCK)
            yield PostgresPayCodeWriting(pg)


class PostgresPayCodeReading:
    """One transaction that reads."""

    def __init__(self, pg: "asyncpg.Connection[Any]") -> None:
        self._pg = pg

    async def pay_codes(self) -> dict[int, list[tuple[Span, PayCodeSet]]]:
        return await read_pay_codes(self._pg)

    async def site(self, text: str | None) -> tuple[int, str] | None:
        site_id = (
            await self._pg.fetchval("SELECT min(id) FROM sites") if text is None else await find_site(self._pg, text)
        )
        if site_id is None:
            return None
        return site_id, await self._pg.fetchval("SELECT name FROM sites WHERE id = $1", site_id)

    async def today(self, now: datetime) -> date:
        return (await read_rulebook(self._pg, now)).today()


class PostgresPayCodeWriting(PostgresPayCodeReading):
    """One transaction that changes."""

    async def put(self, site_id: int, codes: Timeline[PayCodeSet]) -> None:
        await self._pg.execute("DELETE FROM pay_codes WHERE site_id = $1", site_id)
        rows = [
            (site_id, json.dumps(pay_code_values(one.codes)), *span, one.by, one.by_name, one.at) for span, one in codes
        ]
        await self._pg.executemany(_PUT, rows)


async def read_pay_codes(pg: "asyncpg.Connection[Any]") -> dict[int, list[tuple[Span, PayCodeSet]]]:
    """Of all sites that have any, over time."""
    found: dict[int, list[tuple[Span, PayCodeSet]]] = {}
    for site_id, during, values, by, by_name, at in await pg.fetch(_READ):
        one = PayCodeSet(codes=pay_codes_from(json.loads(values)), by=by, by_name=by_name, at=at)
        found.setdefault(site_id, []).append((span_of(during), one))
    return found


_READ = """
SELECT site_id, during, values::text, changed_by, changed_by_name, changed_at FROM pay_codes ORDER BY site_id, during
"""

_PUT = """
INSERT INTO pay_codes (site_id, values, during, changed_by, changed_by_name, changed_at)
VALUES ($1, $2::text::jsonb, daterange($3, $4), $5, $6, $7)
"""
