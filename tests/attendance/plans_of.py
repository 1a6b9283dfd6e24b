"""Which statements a use of attendance sends to PostgreSQL, and how these are answered there.

The statements are those that are really sent, with their values: nothing here repeats them.
"""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

import asyncpg
from asyncpg.connection import LoggedQuery
from sqlalchemy import event

from shared.storage.database import Database

_NOT_QUERIES = re.compile(r"\s*(BEGIN|COMMIT|ROLLBACK|SET|EXPLAIN|SAVEPOINT|RELEASE|LOCK|;|$)", re.IGNORECASE)
_PIECE = re.compile(r"_(\d{6}|default)$")
_READS_ALL = {"Seq Scan", "Sample Scan"}
_BY_INDEX = {"Index Scan", "Index Only Scan", "Bitmap Index Scan", "Tid Scan", "Tid Range Scan"}
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
            self.said.append(Statement(record.query, tuple(record.args or ())))

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

    def pieces_of(self, table: str) -> set[str]:
        """The monthly pieces of a table that it reads."""
        return {piece for piece in self.tables if table_of(piece) == table}


def table_of(piece: str) -> str:
    """The table that a monthly piece belongs to."""
    return _PIECE.sub("", piece)


async def plan_of(
    pg: "asyncpg.Connection[Any]", statement: Statement, *, forced: bool = False, carried_out: bool = False
) -> Plan:
    """Ask PostgreSQL. `forced` takes away what it may do instead of using an index; nothing that is done stays done."""
    how = "EXPLAIN (FORMAT JSON, ANALYZE, TIMING OFF)" if carried_out else "EXPLAIN (FORMAT JSON)"
    transaction = pg.transaction()
    await transaction.start()
    try:
        if forced:
            await pg.execute("SET LOCAL enable_seqscan = off")
        text = await pg.fetchval(f"{how} {statement.query}", *statement.values)
    finally:
        await transaction.rollback()
    (answer,) = json.loads(text)
    scans = list(_scans(answer["Plan"], None, bounded=False))
    return Plan(
        query=statement.query,
        tables=frozenset(table for _, table, _ in scans),
        walks=[
            Walk(node["Node Type"], table, round(node.get("Actual Rows", 0) * node.get("Actual Loops", 1)))
            for node, table, bounded in scans
            if _walks(node, bounded=bounded)
        ],
        milliseconds=answer.get("Execution Time", 0.0),
    )


def _scans(
    node: dict[str, Any], table: str | None, *, bounded: bool
) -> Iterator[tuple[dict[str, Any], str, bool]]:
    """Each node that reads a table, and whether it goes only as far as a limit above it wants."""
    kind = node["Node Type"]
    table = node.get("Relation Name", table)
    if table is not None and kind in _READS_ALL | _BY_INDEX | {"Bitmap Heap Scan"}:
        yield node, table, bounded
    for child in node.get("Plans", ()):
        as_wanted = kind == "Limit" or (bounded and kind in _AS_WANTED)
        first = child.get("Parent Relationship") in ("Outer", "Member", "Subquery")
        yield from _scans(child, table, bounded=as_wanted and first)


def _walks(node: dict[str, Any], *, bounded: bool) -> bool:
    if node["Node Type"] in _READS_ALL:
        return True
    return node["Node Type"] in _BY_INDEX and "Index Cond" not in node and "TID Cond" not in node and not bounded
