"""The bus on PostgreSQL: for one machine, where the database is there anyway."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager

import asyncpg

from shared.bus.handling import is_cancelled
from shared.bus.link import Link
from shared.bus.policy import Policy
from shared.bus.port import BusStatus, BusUnavailable, DeadLetter, Depth, Message, NoQueue, Subscription
from shared.bus.postgres_consumer import PostgresConsumer, columns, message_of
from shared.bus.postgres_ear import Ear, Listening
from shared.bus.postgres_publisher import PostgresPublisher
from shared.bus.postgres_schema import PRESENT, WAKE, Connection
from shared.bus.postgres_sessions import CONNECT_TIMEOUT, PATIENCE, Sessions

log = logging.getLogger(__name__)

WAIT_FOR_SERVER = 10.0
CLOSE_TIMEOUT = 5.0


class PostgresBus:
    """The port on PostgreSQL, in the schema `bus`, which it makes by itself."""

    def __init__(
        self, url: str, *, policy: Policy | None = None, name: str = "muster", patience: float = PATIENCE
    ) -> None:
        """`name` shows in PostgreSQL's list of sessions; a statement may take `patience` seconds."""
        self._sessions = Sessions(url=url, name=name, patience=patience)
        self._policy = policy or Policy()
        self._link: Link[Connection] = Link(
            "PostgreSQL", connect=lambda: self._sessions.connect("publishing"), lost=_watch, drop=_drop
        )
        self._publisher = PostgresPublisher(self._link)
        self._ear = Ear(self._sessions)
        self._pool: asyncpg.Pool[asyncpg.Record] | None = None

    async def open(self) -> None:
        """Begin to connect. PostgreSQL may start later than this process."""
        self._link.start()
        self._publisher.start()
        self._pool = await self._sessions.pool("consuming")

    async def publish(self, message: Message, *, timeout: float = 10.0) -> None:  # noqa: ASYNC109 - the port's promise
        await self._publisher.publish(message, timeout)

    async def put(self, queue: str, message: Message) -> None:
        async with self._asking() as connection:
            if not await connection.fetchval(_PUT, queue, *columns(message)):
                raise BusUnavailable(f"there is no queue {queue}")

    async def declare(self, subscriptions: Sequence[Subscription]) -> None:
        rows = [(subscription.queue, list(subscription.patterns)) for subscription in subscriptions]
        async with self._asking() as connection, connection.transaction():
            # One order for all, so that two processes that declare the same do not wait for each other.
            await connection.execute("SELECT FROM bus.catalogue FOR UPDATE")
            await connection.executemany(_DECLARE, sorted(rows))
            await connection.execute("UPDATE bus.catalogue SET version = version + 1")

    @asynccontextmanager
    async def consume(self, subscription: Subscription) -> AsyncIterator[None]:
        consumer = PostgresConsumer(subscription, pool=self._opened(), ear=self._ear, policy=self._policy)
        declaring = asyncio.create_task(self._declare_until_done(subscription))
        await self._link.settle(WAIT_FOR_SERVER)
        if self._link.current is not None:
            await asyncio.wait({declaring}, timeout=WAIT_FOR_SERVER)
        await consumer.start()
        try:
            yield
        finally:
            declaring.cancel()
            await consumer.leave()

    @asynccontextmanager
    async def listen(self, patterns: Sequence[str], hear: Callable[[Message], None]) -> AsyncIterator[None]:
        listening = Listening(tuple(patterns), hear)
        await self._ear.join(listening)
        try:
            yield
        finally:
            await self._ear.part(listening)

    async def depths(self) -> Sequence[Depth]:
        async with self._asking() as connection:
            rows = await connection.fetch(_DEPTHS)
        return [Depth(**row) for row in rows]

    async def dead_letters(self, queue: str, *, limit: int = 100) -> Sequence[DeadLetter]:
        async with self._asking() as connection:
            await _refuse_unknown(connection, queue)
            rows = await connection.fetch(
                "SELECT * FROM bus.dead WHERE queue = $1 ORDER BY dead_id LIMIT $2", queue, limit
            )
        return [
            DeadLetter(
                id=str(row["dead_id"]),
                queue=queue,
                message=message_of(row),
                reason=row["reason"],
                attempts=row["attempts"],
                parked_at=row["parked_at"],
            )
            for row in rows
        ]

    async def replay_dead(self, queue: str, *, ids: Sequence[str] | None = None) -> int:
        async with self._asking() as connection:
            await _refuse_unknown(connection, queue)
            return int(await connection.fetchval(_REPLAY, queue, None if ids is None else list(ids)))

    def status(self) -> BusStatus:
        takes = self._link.current is not None
        for link in (self._link, self._ear.link):
            if link.is_missing:
                return BusStatus(connected=False, takes=takes, problem=link.problem)
        return BusStatus(connected=takes, takes=takes, problem=self._link.problem)

    async def close(self) -> None:
        await self._publisher.close()
        await self._ear.close()
        await self._link.close()
        if self._pool is not None:
            try:
                async with asyncio.timeout(CLOSE_TIMEOUT):
                    await self._pool.close()
            except TimeoutError:
                self._pool.terminate()

    async def _declare_until_done(self, subscription: Subscription) -> None:
        while True:
            try:
                await self._link.wait()
                await self.declare([subscription])
                return
            except BusUnavailable as error:
                log.warning("%s is not declared yet: %s", subscription.queue, error)
                await asyncio.sleep(1.0)

    def _opened(self) -> "asyncpg.Pool[asyncpg.Record]":
        if self._pool is None:
            raise RuntimeError("the bus is not open")
        return self._pool

    @asynccontextmanager
    async def _asking(self) -> AsyncIterator["asyncpg.pool.PoolConnectionProxy[asyncpg.Record]"]:
        """A connection for a question; whatever goes wrong with it is that the server is away."""
        with _unavailable():
            await self._link.get(WAIT_FOR_SERVER)  # which has made the tables
            async with self._opened().acquire(timeout=CONNECT_TIMEOUT) as connection:
                yield connection


async def _watch(connection: Connection) -> None:
    ended = asyncio.Event()
    connection.add_termination_listener(lambda _: ended.set())
    if not connection.is_closed():
        await ended.wait()


async def _drop(connection: Connection) -> None:
    connection.terminate()


async def _refuse_unknown(connection: Connection, queue: str) -> None:
    if not await connection.fetchval("SELECT EXISTS (SELECT FROM bus.queues WHERE name = $1)", queue):
        raise NoQueue(queue)


@contextlib.contextmanager
def _unavailable() -> Iterator[None]:
    try:
        yield
    except (BusUnavailable, NoQueue):
        raise
    except asyncio.CancelledError as error:
        if is_cancelled():
            raise
        raise BusUnavailable("the connection to PostgreSQL died") from error
    except Exception as error:
        raise BusUnavailable(f"PostgreSQL did not answer: {type(error).__name__}: {error}") from error


_DECLARE = """
INSERT INTO bus.queues (name, patterns) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET patterns = EXCLUDED.patterns
"""

_PUT = f"""
WITH stored AS (
    INSERT INTO bus.messages (queue, id, type, content_type, headers, body)
    SELECT name, $2, $3, $4, $5, $6 FROM bus.queues WHERE name = $1 RETURNING 1
)
SELECT count(*) FROM stored, pg_notify('{WAKE}', $1)
"""

_DEPTHS = f"""
SELECT name AS queue,
    (SELECT count(*) FROM bus.messages WHERE queue = name) AS waiting,
    (SELECT count(*) FROM bus.dead WHERE queue = name) AS dead,
    (SELECT count(*) FROM ({PRESENT}) present WHERE present.queue = name) AS consumers
FROM bus.queues ORDER BY name
"""

_REPLAY = f"""
WITH gone AS (
    DELETE FROM bus.dead WHERE queue = $1 AND ($2::text[] IS NULL OR dead_id::text = ANY($2)) RETURNING *
),
back AS (
    INSERT INTO bus.messages (queue, id, type, content_type, headers, body)
    SELECT queue, id, type, content_type, headers, body FROM gone ORDER BY dead_id RETURNING 1
)
SELECT count(*) FROM back, pg_notify('{WAKE}', $1)
"""
