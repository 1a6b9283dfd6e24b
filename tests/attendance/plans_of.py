"""Which statements a use of attendance sends to PostgreSQL, and how these are answered there.

The statements are those that are really sent, with their values: nothing here repeats them.
"""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Collection, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

import asyncpg
from asyncpg.connection import LoggedQuery
from sqlalchemy import event

from shared.storage.database import Database

_NOT_QUERIES = re.compile(r"\s*(BEGIN|COMMIT|ROLLBACK|SET|EXPLAIN|SAVEPOINT|RELEASE|LOCK|;|$)", re.IGNORECASE)
_PIECE = re.compile(r"_(\d{6}|default)$")
_READS_ALL = {"Seq Scan", "Sample Scan"}
_BY_INDEX = {"Index Scan", "Index Only Scan", "Bitmap Index Scan"}
_FORCES = (
    ("seqscan",),
    ("seqscan", "hashjoin", "mergejoin", "material"),
    ("seqscan", "hashjoin", "mergejoin", "material", "sort"),
)
# What gives rows on as it reads them.
_AS_WANTED = {
    *("Limit", "Append", "Merge Append", "Nested Loop", "Hash Join", "Merge Join", "Incremental Sort", "Result"),
    *("Subquery Scan", "Memoize", "Materialize"),
}


class Statement(NamedTuple):
    """A statement as it was sent."""

    query: str
    values: tuple[Any, ...]


class Listening:
    """What the connections of a database say from now on."""

    def __init__(self) -> None:
        self.said: list[Statement] = []

    def heard(self, record: LoggedQuery) -> None:
        if not _NOT_QUERIES.match(record.query):
            values = record.args or ()
            if isinstance(values, list):  # of `executemany`: one stands for all
                values = values[0]
            self.said.append(Statement(record.query, tuple(values)))

    async def take(self) -> list[Statement]:
        """What was said since the last time."""
        await asyncio.sleep(0)  # the driver tells it a moment later
        said, self.said = self.said, []
        return said


@asynccontextmanager
async def listening(database: Database) -> AsyncIterator[Listening]:
    """Listen to all statements of a database's pool."""
    ear = Listening()

    def connected(connection: Any, _record: Any) -> None:
        connection.driver_connection.add_query_logger(ear.heard)

    await database.engine.dispose()
    event.listen(database.engine.sync_engine, "connect", connected)
    try:
        yield ear
    finally:
        event.remove(database.engine.sync_engine, "connect", connected)
        await database.engine.dispose()


class Walk(NamedTuple):
    """A table, or a monthly piece, that is read from one end to the other: no condition of an index narrows it."""

    kind: str
    table: str
    rows: int
    """That were read; 0 where nothing was carried out."""

    def __str__(self) -> str:
        return f"{self.kind} of {self.table}"


class Plan(NamedTuple):
    """How a statement is answered."""

    query: str
    tables: frozenset[str]
    """All that it reads, monthly pieces by their own names."""
    walks: Sequence[Walk]
    milliseconds: float
    """Where it was carried out."""

    def walks_of(self, tables: Collection[str]) -> list[Walk]:
        """Those through any of these tables, or a monthly piece of one."""
        return [walk for walk in self.walks if table_of(walk.table) in tables]

    def pieces_of(self, table: str) -> set[str]:
        """The monthly pieces of a table that it reads."""
        return {piece for piece in self.tables if table_of(piece) == table}


def table_of(piece: str) -> str:
    """The table that a monthly piece belongs to."""
    return _PIECE.sub("", piece)


class Planner:
    """Asks PostgreSQL how it answers, and knows the indexes that there are."""

    def __init__(self, pg: "asyncpg.Connection[Any]", indexes: Mapping[str, tuple[str, str | None]]) -> None:
        """`indexes` have the first column of each, and the condition of a partial one."""
        self._pg = pg
        self._indexes = indexes

    async def forced(self, statement: Statement, tables: Collection[str]) -> Plan:
        """The first plan without a walk through any of these tables that PostgreSQL makes when it is forced to choose.

        A small set tempts it to read tables whole, to build hashes of them, to sort them. What tempts it is taken away
        in turn: an index that serves shows itself in one of these plans, and one that is not there in none.
        """
        for ways in _FORCES:
            plan = await self.plan_of(statement, without=ways)
            if not plan.walks_of(tables):
                break
        return plan

    async def plan_of(self, statement: Statement, *, without: Sequence[str] = (), carried_out: bool = False) -> Plan:
        """How a statement is answered, `without` some ways of PostgreSQL; nothing that is done stays done."""
        how = "EXPLAIN (FORMAT JSON, ANALYZE, TIMING OFF)" if carried_out else "EXPLAIN (FORMAT JSON)"
        transaction = self._pg.transaction()
        await transaction.start()
        try:
            for way in without:
                await self._pg.execute(f"SET LOCAL enable_{way} = off")
            text = await self._pg.fetchval(f"{how} {statement.query}", *statement.values)
        finally:
            await transaction.rollback()
        (answer,) = json.loads(text)
        scans = list(_scans(answer["Plan"], None, bounded=False))
        return Plan(
            query=" ".join(statement.query.split()),
            tables=frozenset(table for _, table, _ in scans),
            walks=[
                Walk(node["Node Type"], table, round(node.get("Actual Rows", 0) * node.get("Actual Loops", 1)))
                for node, table, bounded in scans
                if self._walks(node, bounded=bounded)
            ],
            milliseconds=answer.get("Execution Time", 0.0),
        )

    def _walks(self, node: dict[str, Any], *, bounded: bool) -> bool:
        kind = node["Node Type"]
        if kind in _READS_ALL:
            return not bounded or "Filter" in node
        if kind not in _BY_INDEX or bounded:
            return False
        first, condition = self._indexes[node["Index Name"]]
        # Few scans are quarantined, and an index has them alone. (Most releases are in force.)
        return first not in node.get("Index Cond", "") and "quality" not in (condition or "")


async def planner(pg: "asyncpg.Connection[Any]") -> Planner:
    """A planner of what there is now."""
    rows = await pg.fetch(_INDEXES)
    return Planner(pg, {row["name"]: (row["first"], row["condition"]) for row in rows})


def _scans(node: dict[str, Any], table: str | None, *, bounded: bool) -> Iterator[tuple[dict[str, Any], str, bool]]:
    """Each node that reads a table, and whether it goes only as far as a limit above it wants."""
    kind = node["Node Type"]
    table = node.get("Relation Name", table)
    if table is not None and kind in _READS_ALL | _BY_INDEX | {"Bitmap Heap Scan"}:
        yield node, table, bounded
    for child in node.get("Plans", ()):
        as_wanted = kind == "Limit" or (bounded and kind in _AS_WANTED)
        first = child.get("Parent Relationship") in ("Outer", "Member", "Subquery")
        yield from _scans(child, table, bounded=as_wanted and first)


_INDEXES = """
SELECT indexrelid::regclass::text AS name, pg_get_indexdef(indexrelid, 1, true) AS first,
       pg_get_expr(indpred, indrelid) AS condition
FROM pg_index
"""
