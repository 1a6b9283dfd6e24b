"""`Idempotency-Key`: a POST that is sent again is answered again, and done once.

The answer is kept in the transaction of its effect: both are there or neither is. It is kept for a day; a key may be
taken again after that. Old answers go as new ones come, a few at a time.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

import asyncpg
from sqlalchemy import Column, DateTime, Integer, LargeBinary, MetaData, Table, Text, TextClause, func, text
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.kernel.errors import Invalid, Malformed

LONGEST = 200
KEPT_FOR = timedelta(days=7)


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """An Idempotency-Key with whose it is and what it was sent with."""

    caller: int
    key: str
    request: bytes
    """Digest of the request: a key is good for one."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a request was answered."""

    status: int
    body: bytes


def add_answers(metadata: MetaData) -> Table:
    """The table that a service adds to its schema."""
    return Table(
        "answers",
        metadata,
        Column("caller", Integer, primary_key=True),
        Column("key", Text, primary_key=True),
        Column("request", LargeBinary, nullable=False),
        Column("status", Integer, nullable=False),
        Column("body", LargeBinary, nullable=False),
        Column("at", DateTime(timezone=True), nullable=False, server_default=func.now(), index=True),
        comment="What POSTs with an Idempotency-Key were answered.",
    )


def key_of(header: str | None, *, caller: int, method: str, path: str, body: bytes) -> Key | None:
    """The key of a request, or None where it has none.

    Raises:
        Malformed: it is empty or too long.
    """
    if header is None:
        return None
    if not 0 < len(header) <= LONGEST or not header.isprintable():
        raise Malformed(f"Idempotency-Key: 1 to {LONGEST} printable characters", fields={"Idempotency-Key": "bad"})
    request = sha256(b"\n".join((method.encode(), path.encode(), body))).digest()
    return Key(caller=caller, key=header, request=request)


async def earlier(connection: AsyncConnection, key: Key) -> Answer | None:
    """What this request was answered before; the same request at the same moment waits for that answer here.

    Raises:
        Invalid: the key was used for another request.
    """
    await connection.execute(_LOCK, {"name": f"answer {key.caller} {key.key}"})
    row = (await connection.execute(_FIND, {"caller": key.caller, "key": key.key})).one_or_none()
    return _same(row, key)


async def keep(connection: AsyncConnection, key: Key, answer: Answer) -> None:
    """Keep the answer, in the transaction of its effect."""
    values = {"caller": key.caller, "key": key.key, "request": key.request}
    await connection.execute(_KEEP, {**values, "status": answer.status, "body": answer.body})


async def earlier_fast(pg: "asyncpg.Connection[Any]", key: Key) -> Answer | None:
    """The same as `earlier` on the bare connection."""
    await pg.execute("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", f"answer {key.caller} {key.key}")
    return _same(await pg.fetchrow(_plain(_FIND, "caller", "key"), key.caller, key.key), key)


async def keep_fast(pg: "asyncpg.Connection[Any]", key: Key, answer: Answer) -> None:
    """The same as `keep` on the bare connection."""
    statement = _plain(_KEEP, "caller", "key", "request", "status", "body")
    await pg.execute(statement, key.caller, key.key, key.request, answer.status, answer.body)


async def forget(connection: AsyncConnection, *, before: datetime) -> None:
    """Forget answers that nobody will ask for again."""
    await connection.execute(_FORGET, {"before": before})


def _same(row: Any, key: Key) -> Answer | None:
    if row is None:
        return None
    request, status, body = row
    if request != key.request:
        raise Invalid(f"the Idempotency-Key {key.key!r} was used for another request; take a new one")
    return Answer(status, body)


def _plain(statement: TextClause, *names: str) -> str:
    """The statement with `$1` for the first of the names, and so on."""
    sql = statement.text
    for number, name in enumerate(names, 1):
        sql = sql.replace(f":{name}", f"${number}")
    return sql


_LOCK = text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))")
_FIND = text(
    "SELECT request, status, body FROM answers"
    " WHERE caller = :caller AND key = :key AND at > now() - interval '24 hours'"
)
_KEEP = text("""
WITH old AS (
    DELETE FROM answers WHERE (caller, key) IN (
        SELECT caller, key FROM answers WHERE at <= now() - interval '24 hours' AND (caller, key) <> (:caller, :key)
        ORDER BY at LIMIT 4 FOR UPDATE SKIP LOCKED
    )
)
INSERT INTO answers (caller, key, request, status, body) VALUES (:caller, :key, :request, :status, :body)
ON CONFLICT (caller, key) DO UPDATE
SET request = excluded.request, status = excluded.status, body = excluded.body, at = excluded.at
""")
_FORGET = text("DELETE FROM answers WHERE at < :before")
