"""The relay: publishes what stands in the outbox, with confirms, and only then deletes it."""

import asyncio
import contextlib
import logging
from asyncio import CancelledError
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import asyncpg

from shared.bus.port import Bus, BusUnavailable, Message, Unroutable
from shared.contracts.catalogue import BY_TYPE
from shared.kernel.errors import Unavailable
from shared.observability.logs import get_logger
from shared.outbox.writing import CHANNEL
from shared.storage.database import Database

AT_ONCE = 64
"""Rows that one round takes; a row holds up to 500 events."""
POLL = 1.0
"""Seconds between looks without being told: a NOTIFY is lost while the listener reconnects."""
PUT_OFF_FOR, PUT_OFF_FOR_AT_MOST = timedelta(seconds=2), timedelta(seconds=60)
"""How long a row waits that no queue wants or that the bus refuses: the first time, doubled each time, and at most."""

log = get_logger(__name__)


class Relay:
    """Carries one schema's outbox to the bus, for ever.

    Rows are taken with SKIP LOCKED, so that several relays share the work, and never by "greater than the last
    one": sequence numbers commit out of order, and a cursor would lose rows (RELIABILITY, finding 12). A row is
    published at least once, with the same message id each time, and waits for as long as the bus is away. What no
    queue wants yet, or what the bus refuses, stays, and does not hold up what comes after it.
    """

    def __init__(self, database: Database, bus: Bus) -> None:
        self._database = database
        self._bus = bus
        self._told = asyncio.Event()

    async def run(self) -> None:
        """Relay until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._listen())
            tasks.create_task(self._carry())

    async def drain(self) -> int:
        """Publish what may be published now, once, and say how many rows went.

        Raises:
            Unavailable: the database or the bus is away.
        """
        return (await self._round()).sent

    async def _round(self) -> "_Round":
        async with self._database.fast() as pg:
            rows = await pg.fetch(_TAKE, AT_ONCE)
            if not rows:
                return _Round(taken=0, sent=0)
            outcomes = await asyncio.gather(*(self._bus.publish(_message(row)) for row in rows), return_exceptions=True)
            sent, put_off = [], {}
            away: Unavailable | None = None
            for row, outcome in zip(rows, outcomes, strict=True):
                if outcome is None:
                    sent.append(row["id"])
                elif isinstance(outcome, CancelledError):
                    # A broken connection can cancel what nobody cancelled (RELIABILITY, finding 4), and a task group
                    # takes a cancelled task for one that is done.
                    away = BusUnavailable("the connection to the bus broke while publishing")
                elif isinstance(outcome, Unavailable) and not isinstance(outcome, Unroutable):
                    away = outcome
                else:
                    put_off[row["id"]] = (row["type"], outcome)
            if sent:
                await pg.execute("DELETE FROM outbox WHERE id = ANY($1)", sent)
            if put_off:
                await pg.execute(_PUT_OFF, list(put_off), PUT_OFF_FOR, PUT_OFF_FOR_AT_MOST)
        for type_, reason in dict(put_off.values()).items():
            known = isinstance(reason, Unroutable)
            log.log(
                logging.WARNING if known else logging.ERROR,
                "outbox.unroutable" if known else "outbox.refused_by_the_bus",
                schema=self._database.schema,
                type=type_,
                rows=sum(of == type_ for of, _ in put_off.values()),
                reason=str(reason),
            )
        if away is not None:
            raise away
        return _Round(taken=len(rows), sent=len(sent))

    async def _carry(self) -> None:
        away = False
        while True:
            self._told.clear()
            try:
                if (await self._round()).taken == AT_ONCE:
                    continue
                if away:
                    log.info("outbox.relaying_again", schema=self._database.schema)
                away = False
            except Unavailable as error:
                if not away:
                    log.warning("outbox.waiting", schema=self._database.schema, reason=error.message)
                away = True
                await asyncio.sleep(POLL)
                continue
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(POLL):
                    await self._told.wait()

    async def _listen(self) -> None:
        while True:
            with contextlib.suppress(Unavailable, OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
                await self._listen_once()
            await asyncio.sleep(POLL)

    async def _listen_once(self) -> None:
        async with self._database.listening("relay") as pg:
            ended = asyncio.Event()
            # A LISTEN connection dies in silence otherwise (RELIABILITY, finding 10).
            pg.add_termination_listener(lambda _: ended.set())
            await pg.add_listener(CHANNEL, self._hear)
            self._told.set()
            await ended.wait()

    def _hear(self, _connection: Any, _process: int, _channel: str, schema: object) -> None:
        if schema == self._database.schema:
            self._told.set()


def _message(row: asyncpg.Record) -> Message:
    event = BY_TYPE.get(row["type"])
    return Message(
        id=str(row["id"]),
        type=row["type"],
        body=row["payload"],
        content_type=row["content_type"],
        live_only=event is not None and event.live_only,
    )


_TAKE = """
SELECT id, type, content_type, payload FROM outbox
WHERE not_before <= now()
ORDER BY seq LIMIT $1 FOR UPDATE SKIP LOCKED
"""
_PUT_OFF = """
UPDATE outbox SET attempts = attempts + 1,
    not_before = now() + least($2::interval * 2 ^ least(attempts, 20), $3::interval)
WHERE id = ANY($1)
"""


@dataclass(frozen=True, slots=True)
class _Round:
    taken: int
    sent: int
