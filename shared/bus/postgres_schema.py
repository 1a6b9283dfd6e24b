"""The embedded bus's tables.

A waiting message is a row of `bus.messages`, one for each queue that wants it. It is inserted once and deleted once,
never updated: a retry is a new row with a later `available_at`. So the primary key is in the order in which rows are
taken, and finding the next one is one step down the index, however many wait behind it.
"""

import json
from typing import TypeAlias

import asyncpg

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"

EDITION = 1
"""Raised with every change of the tables, which then needs its own step in `prepare`."""

WAKE = "muster_bus_wake"
"""NOTIFY channel: the payload names a queue that has something new."""

LIVE = "muster_bus_live"
"""NOTIFY channel: the payload is a live message, or says where it is."""

_LOCK = 0x6D75_7374_6572  # "muster"

_TABLES = """
CREATE SCHEMA IF NOT EXISTS bus;

CREATE TABLE bus.catalogue (
    single boolean PRIMARY KEY DEFAULT true CHECK (single),
    edition integer NOT NULL,
    version bigint NOT NULL DEFAULT 1  -- rises with every change of a queue or a live subscription
);

CREATE TABLE bus.queues (
    name text PRIMARY KEY,
    patterns text[] NOT NULL
);

CREATE TABLE bus.messages (
    queue text NOT NULL,
    available_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    seq bigint GENERATED ALWAYS AS IDENTITY,
    attempts integer NOT NULL DEFAULT 0,
    id text NOT NULL,
    type text NOT NULL,
    content_type text NOT NULL,
    headers jsonb NOT NULL,
    body bytea NOT NULL,
    PRIMARY KEY (queue, available_at, seq)
);
-- Rows live for milliseconds. Vacuum must come by number and not by proportion, and must not dawdle.
ALTER TABLE bus.messages SET (
    autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000,
    autovacuum_vacuum_insert_scale_factor = 0, autovacuum_vacuum_insert_threshold = 10000,
    autovacuum_analyze_scale_factor = 0, autovacuum_analyze_threshold = 100000,
    autovacuum_vacuum_cost_delay = 0,
    toast.autovacuum_vacuum_scale_factor = 0, toast.autovacuum_vacuum_threshold = 2000,
    toast.autovacuum_vacuum_cost_delay = 0
);
-- Batches of events shrink to a fifth with lz4, which is sooner done than writing the rest; the default is four times
-- slower, and worse than nothing.
DO $$ BEGIN
    ALTER TABLE bus.messages ALTER COLUMN body SET COMPRESSION lz4;
EXCEPTION WHEN OTHERS THEN  -- a server that was built without it, or before 14
    ALTER TABLE bus.messages ALTER COLUMN body SET STORAGE EXTERNAL;
END $$;

-- Parked messages stay for days; among the others they would keep pages from being reused.
CREATE TABLE bus.dead (
    dead_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    queue text NOT NULL,
    reason text NOT NULL,
    attempts integer NOT NULL,
    parked_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    id text NOT NULL,
    type text NOT NULL,
    content_type text NOT NULL,
    headers jsonb NOT NULL,
    body bytea NOT NULL
);
CREATE INDEX dead_by_queue ON bus.dead (queue, dead_id);

-- Live messages that are too long for a notification. Nobody misses them after a crash.
CREATE UNLOGGED TABLE bus.live (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    payload bytea NOT NULL
);
ALTER TABLE bus.live ALTER COLUMN payload SET STORAGE EXTERNAL;

-- Who consumes and who listens, by the connection that he is notified on; valid as long as that is open.
CREATE UNLOGGED TABLE bus.presence (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    pid integer NOT NULL,
    since timestamptz NOT NULL,
    queue text,
    patterns text[]
);
"""

PRESENT = """
    SELECT p.queue, p.patterns FROM bus.presence p
    JOIN pg_stat_activity a ON a.pid = p.pid AND a.backend_start = p.since
"""


async def prepare(connection: Connection) -> None:
    """Make the tables where they are missing. Any number of processes may start at once."""
    if await _is_prepared(connection):
        return
    # A lock of the session and not of the transaction: within one, the server would not notice that another
    # process has made the tables meanwhile, since it remembers which names it has looked up in vain.
    await connection.execute("SELECT pg_advisory_lock($1)", _LOCK)
    try:
        if not await _is_prepared(connection):
            async with connection.transaction():
                await connection.execute(_TABLES)
                await connection.execute("INSERT INTO bus.catalogue (edition) VALUES ($1)", EDITION)
    finally:
        await connection.execute("SELECT pg_advisory_unlock($1)", _LOCK)


async def _is_prepared(connection: Connection) -> bool:
    if await connection.fetchval("SELECT to_regclass('bus.catalogue')") is None:
        return False
    edition = await connection.fetchval("SELECT edition FROM bus.catalogue")
    if edition is not None and edition > EDITION:
        raise RuntimeError(f"the bus's tables are of edition {edition}, newer than this program's {EDITION}")
    return edition is not None


def packed(headers: object) -> str:
    """Headers as jsonb takes them."""
    return json.dumps(headers) if headers else "{}"


def unpacked(headers: str) -> dict[str, str]:
    """Headers as they were packed."""
    return {} if headers == "{}" else dict(json.loads(headers))
