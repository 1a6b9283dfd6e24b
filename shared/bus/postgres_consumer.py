"""Consuming from PostgreSQL: a batch is taken, handled and settled in one transaction.

The rows are deleted when they are taken and the deletion is committed when they are handled: a process that dies
leaves them as they were, at once and without anybody's doing.
"""

import asyncio
import contextlib
import logging
import random
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TypeAlias

import asyncpg

from shared.bus.handling import Verdict, is_cancelled, judge
from shared.bus.policy import Policy
from shared.bus.port import Delivery, Message, Subscription
from shared.bus.postgres_ear import Consuming, Ear
from shared.bus.postgres_schema import packed, unpacked

log = logging.getLogger(__name__)

Pool: TypeAlias = "asyncpg.Pool[asyncpg.Record]"
Pooled: TypeAlias = "asyncpg.pool.PoolConnectionProxy[asyncpg.Record]"

LEAVE_TIMEOUT = 25.0
"""Seconds that leaving waits for handlers; a container is killed 30 s after it was asked to stop."""

LOOK = 2.0
"""Seconds between looks when nobody wakes us: for retries that are due, and for what a dead process gave back."""

OVERLAP = timedelta(seconds=1)
LOOK_BACK = 2.0
LOOK_BACK_SHARE = 20
"""Where rows were deleted, the index still has to be walked over until vacuum has come, which a long query elsewhere
holds up. So a take begins `OVERLAP` before where the last one ended, except every `LOOK_BACK` seconds, or a 20th of the
time where that is costly, for what was given back or committed late: a mere "later than the last one" would lose those
(finding 12)."""

ACQUIRE_TIMEOUT = 10.0

BEGINNING = datetime.fromisoformat("2000-01-01T00:00:00+00:00")

TAKE = """
DELETE FROM bus.messages WHERE ctid = ANY(ARRAY(
    SELECT ctid FROM bus.messages
    WHERE queue = $1 AND available_at >= $2 AND available_at <= (SELECT clock_timestamp())
    ORDER BY available_at, seq LIMIT $3 FOR UPDATE SKIP LOCKED))
RETURNING available_at, seq, attempts, id, type, content_type, headers, body
"""

_AGAIN = """
INSERT INTO bus.messages (queue, available_at, attempts, id, type, content_type, headers, body)
VALUES ($1, clock_timestamp() + $2, $3, $4, $5, $6, $7, $8)
"""

_PARK = """
INSERT INTO bus.dead (queue, reason, attempts, id, type, content_type, headers, body)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
"""


class PostgresConsumer:
    """One subscription of this process, from `start` to `leave`."""

    def __init__(self, subscription: Subscription, *, pool: Pool, ear: Ear, policy: Policy) -> None:
        self._subscription, self._pool, self._ear, self._policy = subscription, pool, ear, policy
        self._leaving = asyncio.Event()
        self._bell = asyncio.Semaphore(0)
        self._consuming = Consuming(subscription.queue, self._ring)
        self._workers: set[asyncio.Task[None]] = set()
        self._ticker: asyncio.Task[None] | None = None
        self._from = BEGINNING
        self._look_back_at = 0.0
        self._last = 0  # messages in the batch before
        self._is_away = False

    async def start(self) -> None:
        await self._ear.join(self._consuming)
        self._workers = {asyncio.create_task(self._work()) for _ in range(self._subscription.parallel)}
        self._ticker = asyncio.create_task(self._tick())

    async def leave(self) -> None:
        """Take no more, and wait for the handlers under way. They are never cancelled."""
        self._leaving.set()
        if self._ticker is not None:
            self._ticker.cancel()
        for _ in self._workers:
            self._bell.release()
        _, late = await asyncio.wait(self._workers, timeout=LEAVE_TIMEOUT)
        if late:
            log.error("%s: %d handlers did not end within %g s", self._subscription.queue, len(late), LEAVE_TIMEOUT)
        await self._ear.part(self._consuming)

    def _ring(self) -> None:
        """Wake one worker; it wakes the next where there is more than it can take."""
        if self._bell.locked():
            self._bell.release()

    async def _tick(self) -> None:
        while True:
            self._ring()
            await asyncio.sleep(LOOK * random.uniform(0.8, 1.2))

    async def _work(self) -> None:
        while not self._leaving.is_set():
            await self._bell.acquire()
            try:
                while not self._leaving.is_set() and await self._turn():
                    pass
            except (Exception, asyncio.CancelledError) as error:
                if is_cancelled():
                    raise
                if not self._is_away:
                    log.warning("consuming %s was interrupted: %r", self._subscription.queue, error)
                self._is_away = True
                await self._pause()

    async def _turn(self) -> bool:
        """Take and handle one batch; whether there may be more."""
        async with self._pool.acquire(timeout=ACQUIRE_TIMEOUT) as connection:
            transaction = connection.transaction()
            await transaction.start()
            try:
                rows = await self._batch(connection)
                self._is_away = False
                if len(rows) == self._subscription.most:
                    self._ring()
                verdict = await self._handle(connection, rows) if rows else Verdict()
            except BaseException:
                with contextlib.suppress(Exception):
                    await transaction.rollback()
                raise
            if rows and len(verdict.held) == len(rows):
                await transaction.rollback()
            else:
                await transaction.commit()
        if verdict.held:
            await self._pause()
        return bool(verdict.held) or len(rows) == self._subscription.most

    async def _batch(self, connection: Pooled) -> list[asyncpg.Record]:
        rows = await self._take(connection, self._subscription.most)
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._subscription.waits(self._last)
        while rows and len(rows) < self._subscription.most and not self._leaving.is_set():
            try:
                async with asyncio.timeout_at(deadline):
                    await self._bell.acquire()
            except TimeoutError:
                break
            rows += await self._take(connection, self._subscription.most - len(rows))
        self._last = len(rows) or self._last
        return rows

    async def _take(self, connection: Pooled, most: int) -> list[asyncpg.Record]:
        loop = asyncio.get_running_loop()
        began = loop.time()
        is_looking_back = began >= self._look_back_at
        since = BEGINNING if is_looking_back else self._from
        rows: list[asyncpg.Record] = await connection.fetch(TAKE, self._subscription.queue, since, most)
        if is_looking_back:
            self._look_back_at = loop.time() + max(LOOK_BACK, LOOK_BACK_SHARE * (loop.time() - began))
        rows.sort(key=lambda row: (row["available_at"], row["seq"]))
        if rows:
            self._from = rows[-1]["available_at"] - OVERLAP
        return rows

    async def _handle(self, connection: Pooled, rows: Sequence[asyncpg.Record]) -> Verdict:
        """Handle a batch, and write what becomes of the messages that are not done into the same transaction."""
        deliveries = [_delivery(row) for row in rows]
        verdict = await judge(self._subscription, deliveries, self._policy)
        queue = self._subscription.queue
        tries = max(delivery.attempt for delivery in deliveries)
        parked = [(refusal.message, refusal.reason, tries) for refusal in verdict.refused]
        for place, park in verdict.parked.items():
            parked.append((deliveries[place].message, park.reason, deliveries[place].attempt))
        for message, reason, attempts in parked:
            log.warning("%s: parked %s %s: %s", queue, message.type, message.id, reason)
            await connection.execute(_PARK, queue, reason, attempts, *columns(message))
        if len(verdict.held) == len(rows):
            return verdict
        again = [
            (place, decision.after, deliveries[place].attempt if decision.counted else deliveries[place].attempt - 1)
            for place, decision in verdict.again.items()
        ]
        again += [(place, self._policy.pause_when_away, deliveries[place].attempt - 1) for place in verdict.held]
        for place, after, failures in again:
            message = deliveries[place].message
            await connection.execute(_AGAIN, queue, timedelta(seconds=after), failures, *columns(message))
            asyncio.get_running_loop().call_later(after, self._ring)
        return verdict

    async def _pause(self) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._policy.pause_when_away):
                await self._leaving.wait()


def columns(message: Message) -> tuple[str, str, str, str, bytes]:
    """A message as the last five columns of both tables."""
    return message.id, message.type, message.content_type, packed(message.headers), message.body


def message_of(row: asyncpg.Record) -> Message:
    """The message that was stored as `columns`."""
    return Message(
        id=row["id"],
        type=row["type"],
        content_type=row["content_type"],
        headers=unpacked(row["headers"]),
        body=row["body"],
    )


def _delivery(row: asyncpg.Record) -> Delivery:
    return Delivery(message=message_of(row), attempt=row["attempts"] + 1)
