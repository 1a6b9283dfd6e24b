"""Being notified: consumers are woken, listeners hear."""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass

import asyncpg

from shared.bus import postgres_live
from shared.bus.link import Link
from shared.bus.port import Message
from shared.bus.postgres_schema import LIVE, WAKE, Connection
from shared.bus.postgres_sessions import BROKEN, Sessions
from shared.bus.topic import matches

log = logging.getLogger(__name__)

BEAT = 10.0
"""Seconds between signs of life. LISTEN says nothing when its connection has died (findings 9 and 10)."""

KEEP_LIVE = "30 s"
SETTLE_TIMEOUT = 10.0


@dataclass(eq=False, slots=True)
class Consuming:
    """A consumer that is woken."""

    queue: str
    wake: Callable[[], None]


@dataclass(eq=False, slots=True)
class Listening:
    """A listener that is told."""

    patterns: Sequence[str]
    hear: Callable[[Message], None]


Member = Consuming | Listening


class Ear:
    """The one connection of this process that LISTENs."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions
        self._members: set[Member] = set()
        self._announced: asyncio.Queue[int] = asyncio.Queue()
        self._one_at_a_time = asyncio.Lock()  # an asyncpg connection does one thing at once
        self._fetcher: asyncio.Task[None] | None = None
        self.link: Link[Connection] = Link(
            "PostgreSQL (notifications)", connect=self._connect, lost=self._watch, drop=_drop
        )

    async def join(self, member: Member) -> None:
        """From now on the member is woken or told, as far as the server is there."""
        self._members.add(member)
        if self._fetcher is None:
            self._fetcher = asyncio.create_task(self._fetch(), name="live messages")
        self.link.start()
        await self.link.settle(SETTLE_TIMEOUT)
        await self._sign_in_again()

    async def part(self, member: Member) -> None:
        self._members.discard(member)
        await self._sign_in_again()

    async def close(self) -> None:
        if self._fetcher is not None:
            self._fetcher.cancel()
            await asyncio.gather(self._fetcher, return_exceptions=True)
        await self.link.close()

    async def _connect(self) -> Connection:
        connection = await self._sessions.connect("notifications")
        try:
            await connection.add_listener(WAKE, self._on_wake)
            await connection.add_listener(LIVE, self._on_live)
            await self._sign_in(connection)
        except BaseException:
            connection.terminate()
            raise
        for member in self._members:  # for what came while nobody told us
            if isinstance(member, Consuming):
                member.wake()
        return connection

    async def _sign_in_again(self) -> None:
        connection = self.link.current
        if connection is not None:
            with _as_lost(self.link, connection):
                await self._sign_in(connection)

    async def _sign_in(self, connection: Connection) -> None:
        """Say anew who is here, and forget those who went without a word."""
        async with self._one_at_a_time, connection.transaction():
            await connection.execute(_FORGET)
            await connection.executemany(_ENTER, [_row(member) for member in self._members])
            await connection.execute("UPDATE bus.catalogue SET version = version + 1")

    async def _watch(self, connection: Connection) -> None:
        """Return when the connection is of no more use."""
        ended = asyncio.Event()
        connection.add_termination_listener(lambda _: ended.set())
        while not connection.is_closed():
            with suppress(TimeoutError):
                async with asyncio.timeout(BEAT):
                    await ended.wait()
            if ended.is_set():
                return
            async with self._one_at_a_time:
                await connection.execute(f"DELETE FROM bus.live WHERE at < now() - interval '{KEEP_LIVE}'")

    def _on_wake(self, _connection: object, _pid: int, _channel: str, payload: object) -> None:
        for member in self._members:
            if isinstance(member, Consuming) and member.queue == payload:
                member.wake()

    def _on_live(self, _connection: object, _pid: int, _channel: str, payload: object) -> None:
        text = str(payload)
        if text.isdigit():
            if any(isinstance(member, Listening) for member in self._members):
                self._announced.put_nowait(int(text))
        else:
            self._tell(text)

    async def _fetch(self) -> None:
        """Get the live messages that were too long to be told in a notification."""
        while True:
            ids = [await self._announced.get()]
            while not self._announced.empty():
                ids.append(self._announced.get_nowait())
            connection = await self.link.wait()
            with _as_lost(self.link, connection):
                async with self._one_at_a_time:
                    rows = await connection.fetch("SELECT payload FROM bus.live WHERE id = ANY($1) ORDER BY id", ids)
                for row in rows:
                    self._tell(row["payload"])

    def _tell(self, payload: str | bytes) -> None:
        message = postgres_live.unpacked(payload)
        for member in list(self._members):
            if isinstance(member, Listening) and any(matches(pattern, message.type) for pattern in member.patterns):
                try:
                    member.hear(message)
                except Exception:
                    log.exception("a listener failed on %s", message.type)


def _row(member: Member) -> tuple[str | None, list[str] | None]:
    return (member.queue, None) if isinstance(member, Consuming) else (None, list(member.patterns))


_FORGET = """
    DELETE FROM bus.presence p WHERE pid = pg_backend_pid() OR NOT EXISTS
        (SELECT FROM pg_stat_activity a WHERE a.pid = p.pid AND a.backend_start = p.since)
"""

_ENTER = """
    INSERT INTO bus.presence (pid, since, queue, patterns)
    SELECT pid, backend_start, $1::text, $2::text[] FROM pg_stat_activity WHERE pid = pg_backend_pid()
"""


@contextlib.contextmanager
def _as_lost(link: Link[Connection], connection: Connection) -> Iterator[None]:
    """What fails here is done anew on the next connection."""
    try:
        yield
    except (asyncpg.PostgresError, *BROKEN) as error:
        log.info("the connection for notifications failed: %r", error)
        link.doubt(connection)


async def _drop(connection: Connection) -> None:
    connection.terminate()
