"""Tables in monthly pieces: made when a month is first needed, never in the way of what is running."""

from collections.abc import Iterable
from datetime import date
from typing import Any

import asyncpg

from shared.storage.database import Database

FIRST, END = date(2010, 1, 1), date(2060, 1, 1)
"""Months outside of these have no piece of their own: rows of broken clocks go to the default one, for ever."""


def month_of(day: date) -> date:
    """The first of its month."""
    return day.replace(day=1)


def next_month(month: date) -> date:
    """The first of the month after."""
    return date(month.year + month.month // 12, month.month % 12 + 1, 1)


class Partitions:
    """Makes the monthly pieces of one table, and remembers which there are."""

    def __init__(self, database: Database, table: str, *, fillfactor: int = 100) -> None:
        """`table` is partitioned by range on a date or timestamp, and has a default partition.

        A `fillfactor` below 100 leaves room in each page, so that rows that change often change within it.
        """
        self._fillfactor = fillfactor
        self._database = database
        self._table = table
        self._there: set[date] = set()

    async def ensure(self, days: Iterable[date]) -> None:
        """Make the pieces that these days need; without I/O where they are known to be there."""
        missing = sorted({month_of(day) for day in days if FIRST <= day < END} - self._there)
        if not missing:
            return
        async with self._database.fast() as pg:
            # One maker at a time; the others find the piece there. Attaching takes a lock that lets rows in
            # meanwhile, which CREATE TABLE … PARTITION OF would not.
            await pg.execute("SELECT pg_advisory_xact_lock(hashtext('muster-partitions'))")
            for month in missing:
                await self._make(pg, month)
        self._there.update(missing)

    async def _make(self, pg: "asyncpg.Connection[Any]", month: date) -> None:
        schema, piece = self._database.schema, f"{self._table}_{month:%Y%m}"
        if await pg.fetchval("SELECT to_regclass($1)", f"{schema}.{piece}"):
            return
        await pg.execute(
            f"CREATE TABLE {schema}.{piece} (LIKE {schema}.{self._table} INCLUDING DEFAULTS INCLUDING CONSTRAINTS"
            f" INCLUDING STORAGE INCLUDING GENERATED) WITH (fillfactor = {self._fillfactor})"
        )
        await self._move_what_came_before(pg, month, piece)
        await pg.execute(
            f"ALTER TABLE {schema}.{self._table} ATTACH PARTITION {schema}.{piece}"
            f" FOR VALUES FROM ('{month}') TO ('{next_month(month)}')"
        )

    async def _move_what_came_before(self, pg: "asyncpg.Connection[Any]", month: date, piece: str) -> None:
        """Rows written while the month had no piece are in the default one, and would forbid to attach it."""
        schema = self._database.schema
        key, default = await pg.fetchrow(_KEY_AND_DEFAULT, f"{schema}.{self._table}")
        within = f"{key} >= '{month}' AND {key} < '{next_month(month)}'"
        if await pg.fetchval(f"SELECT EXISTS (SELECT FROM {default} WHERE {within})"):
            await pg.execute(
                f"WITH moved AS (DELETE FROM {default} WHERE {within} RETURNING *)"
                f" INSERT INTO {schema}.{piece} SELECT * FROM moved"
            )


_KEY_AND_DEFAULT = """
SELECT quote_ident(attname), partdefid::regclass::text FROM pg_partitioned_table
JOIN pg_attribute ON attrelid = partrelid AND attnum = partattrs[0] WHERE partrelid = $1::regclass
"""
