"""Writing events into the outbox, inside the transaction that makes them true."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import islice
from typing import Any
from uuid import UUID

import asyncpg
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.contracts.cloudevents import BATCH_CONTENT_TYPE, CONTENT_TYPE, MOST_IN_A_BATCH, encode, encode_batch
from shared.contracts.event import Event
from shared.kernel.identifiers import new_id

CHANNEL = "outbox"
"""NOTIFY tells the relay; the payload is the schema."""

Row = tuple[UUID, str, str, str, str, bytes]


def rows(events: Sequence[Event], *, time: datetime) -> Iterator[Row]:
    """The outbox rows for events of one type: a row for up to 500 of them; a row an event would cost far more.

    Each event gets the identifier that its content makes unique, or a new one.
    """
    remaining = iter(events)
    while chunk := list(islice(remaining, MOST_IN_A_BATCH)):
        kind = type(chunk[0])
        if len(chunk) == 1:
            body, content_type = encode(chunk[0], id=chunk[0].event_id() or str(new_id()), time=time), CONTENT_TYPE
        else:
            body = encode_batch(((event.event_id() or str(new_id()), event) for event in chunk), time=time)
            content_type = BATCH_CONTENT_TYPE
        aggregate = kind.wire_type.split(".")[1]
        yield new_id(), aggregate, chunk[0].subject() or "", kind.wire_type, content_type, body


async def add(connection: AsyncConnection, *events: Event, time: datetime) -> None:
    """Write events of one type in the transaction of `connection`."""
    for row in rows(events, time=time):
        await connection.execute(_CORE, dict(zip(_COLUMNS, row, strict=True)))
    if events:
        await connection.execute(text(f"SELECT pg_notify('{CHANNEL}', current_schema())"))


async def add_fast(pg: "asyncpg.Connection[Any]", events: Sequence[Event], *, time: datetime) -> None:
    """The same on the bare connection, in one statement."""
    if events:
        await pg.execute(_FAST, *map(list, zip(*rows(events, time=time), strict=True)))


_COLUMNS = ("id", "aggregatetype", "aggregateid", "type", "content_type", "payload")
_CORE = text(f"INSERT INTO outbox ({', '.join(_COLUMNS)}) VALUES ({', '.join(':' + column for column in _COLUMNS)})")
_FAST = f"""
WITH written AS (
    INSERT INTO outbox ({", ".join(_COLUMNS)})
    SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::bytea[])
)
SELECT pg_notify('{CHANNEL}', current_schema())
"""
