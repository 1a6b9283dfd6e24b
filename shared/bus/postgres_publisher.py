"""Publishing into PostgreSQL: many callers, one commit."""

import asyncio
import logging
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

import asyncpg

from shared.bus import postgres_live as live
from shared.bus.handling import is_cancelled
from shared.bus.link import Link
from shared.bus.port import BusUnavailable, Message, Unroutable
from shared.bus.postgres_schema import LIVE, PRESENT, WAKE, Connection, packed
from shared.bus.postgres_sessions import BROKEN
from shared.bus.topic import matches

log = logging.getLogger(__name__)

GROUP = 500
GROUP_BYTES = 4_000_000
"""How much goes into one commit, at most."""

NOTIFICATION_BYTES = 7900
"""PostgreSQL takes 7,999 bytes in a notification; longer live messages are stored, and only announced."""

LOOK_AGAIN = 30.0
"""Seconds after which the catalogue is read anew, because listeners that died do not sign off."""

LINK_TIMEOUT = 10.0
CATALOGUE_TRIES = 5

_INSERT = f"""
WITH current AS (SELECT 1 FROM bus.catalogue WHERE version = $1),
stored AS (
    INSERT INTO bus.messages (queue, id, type, content_type, headers, body)
    SELECT m.* FROM current, unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::jsonb[], $7::bytea[]) m
),
kept AS (
    INSERT INTO bus.live (payload) SELECT p FROM current, unnest($8::bytea[]) p RETURNING id
)
SELECT (SELECT count(*) FROM current) AS current,
    (SELECT count(pg_notify('{WAKE}', queue)) FROM current, unnest($9::text[]) queue) AS woken,
    (SELECT count(pg_notify('{LIVE}', payload)) FROM current, unnest($10::text[]) payload) AS told,
    (SELECT count(pg_notify('{LIVE}', id::text)) FROM kept) AS announced
"""


@dataclass(slots=True)
class Catalogue:
    """The queues and live subscriptions, as of a version.

    What is published names the version that it was routed by, and is routed again where that has passed: so no
    message misses a queue that was declared before it.
    """

    version: int
    queues: Sequence[tuple[str, Sequence[str]]]
    listeners: Sequence[str]
    """Patterns."""
    routes: dict[str, tuple[Sequence[str], bool]] = field(default_factory=dict)

    def route(self, type_: str) -> tuple[Sequence[str], bool]:
        """The queues that want a type, and whether anybody listens to it."""
        known = self.routes.get(type_)
        if known is None:
            queues = [name for name, patterns in self.queues if any(matches(pattern, type_) for pattern in patterns)]
            known = self.routes[type_] = (queues, any(matches(pattern, type_) for pattern in self.listeners))
        return known

    @classmethod
    async def read(cls, connection: Connection) -> "Catalogue":
        """The version first: what changes while the rest is read makes it an old one."""
        version = await connection.fetchval("SELECT version FROM bus.catalogue")
        queues = await connection.fetch("SELECT name, patterns FROM bus.queues ORDER BY name")
        listeners = await connection.fetch(f"{PRESENT} WHERE p.patterns IS NOT NULL")
        return cls(
            version=version,
            queues=[(row["name"], row["patterns"]) for row in queues],
            listeners=sorted({pattern for row in listeners for pattern in row["patterns"]}),
        )


@dataclass(slots=True)
class _Waiting:
    message: Message
    done: asyncio.Future[None]


class PostgresPublisher:
    """The sending half. A commit costs the same for one message and for hundreds, so callers share them."""

    def __init__(self, link: Link[Connection]) -> None:
        self._link = link
        self._waiting: deque[_Waiting] = deque()
        self._some = asyncio.Event()
        self._flusher: asyncio.Task[None] | None = None
        self._catalogue: Catalogue | None = None
        self._read_at = 0.0
        self._read_from: Connection | None = None

    def start(self) -> None:
        self._flusher = asyncio.create_task(self._flush(), name="bus publisher")

    async def close(self) -> None:
        if self._flusher is not None:
            self._flusher.cancel()
            await asyncio.gather(self._flusher, return_exceptions=True)
        while self._waiting:
            _fail(self._waiting.popleft(), BusUnavailable("the bus is closed"))

    async def publish(self, message: Message, timeout: float) -> None:  # noqa: ASYNC109 - the port's promise
        """As the port says."""
        waiting = _Waiting(message, asyncio.get_running_loop().create_future())
        self._waiting.append(waiting)
        self._some.set()
        try:
            async with asyncio.timeout(timeout):
                await waiting.done
        except TimeoutError as error:
            raise BusUnavailable(f"not committed within {timeout:g} s") from error

    async def _flush(self) -> None:
        while True:
            await self._some.wait()
            self._some.clear()
            while group := self._next_group():
                try:
                    await self._commit(group)
                except (Exception, asyncio.CancelledError) as error:
                    problem = str(error) if isinstance(error, BusUnavailable) else f"{type(error).__name__}: {error}"
                    for waiting in group:  # an error each: their callers add their own tracebacks
                        _fail(waiting, BusUnavailable(f"not committed: {problem}"))
                    if is_cancelled():
                        raise

    def _next_group(self) -> list[_Waiting]:
        group: list[_Waiting] = []
        size = 0
        while self._waiting and len(group) < GROUP and size < GROUP_BYTES:
            waiting = self._waiting.popleft()
            if not waiting.done.done():  # its caller gave up
                group.append(waiting)
                size += len(waiting.message.body)
        return group

    async def _commit(self, group: Sequence[_Waiting]) -> None:
        try:
            await self._store(group, await self._link.get(LINK_TIMEOUT))
        except asyncpg.DataError as error:
            # One of them holds what PostgreSQL cannot, a zero byte perhaps. It must not take the others along.
            if len(group) == 1:
                _fail(group[0], BusUnavailable(f"PostgreSQL refused the message: {error}"))
                return
            for waiting in group:
                await self._commit([waiting])
        except TimeoutError:  # frozen: its callers have waited long enough
            raise
        except BROKEN:
            # The server was restarted while we were idle (finding 10). Once more, on the connection that Link makes;
            # what was committed after all arrives twice, with the same id.
            await self._store(group, await self._link.get(LINK_TIMEOUT))

    async def _store(self, group: Sequence[_Waiting], connection: Connection) -> None:
        try:
            catalogue, is_new = await self._current(connection)
            for _ in range(CATALOGUE_TRIES):
                plan = _plan(group, catalogue)
                if (is_new or not plan.unwanted) and await _insert(connection, catalogue.version, plan):
                    _settle(group, plan.unwanted)
                    return
                catalogue, is_new = await self._read(connection), True
        except asyncpg.DataError:
            raise
        except BaseException:
            self._link.doubt(connection)
            raise
        raise BusUnavailable("queues are being declared without end")

    async def _current(self, connection: Connection) -> tuple[Catalogue, bool]:
        is_usable = self._read_from is connection and asyncio.get_running_loop().time() - self._read_at < LOOK_AGAIN
        if self._catalogue is not None and is_usable:
            return self._catalogue, False
        return await self._read(connection), True

    async def _read(self, connection: Connection) -> Catalogue:
        self._catalogue = await Catalogue.read(connection)
        self._read_from, self._read_at = connection, asyncio.get_running_loop().time()
        return self._catalogue


@dataclass(slots=True)
class _Plan:
    rows: list[tuple[str, Message]] = field(default_factory=list)
    live: list[Message] = field(default_factory=list)
    unwanted: list[_Waiting] = field(default_factory=list)


def _plan(group: Sequence[_Waiting], catalogue: Catalogue) -> _Plan:
    plan = _Plan()
    for waiting in group:
        message = waiting.message
        queues, is_heard = catalogue.route(message.type)
        if not queues and not message.live_only:
            plan.unwanted.append(waiting)
            continue
        plan.rows += [(queue, message) for queue in queues]
        if is_heard:
            plan.live.append(message)
    return plan


async def _insert(connection: Connection, version: int, plan: _Plan) -> bool:
    """Commit what the plan says, unless the catalogue has changed since; whether it was committed."""
    payloads = [live.packed(message) for message in plan.live]
    short = [payload.decode() for payload in payloads if len(payload) <= NOTIFICATION_BYTES]
    return bool(
        await connection.fetchval(
            _INSERT,
            version,
            [queue for queue, _ in plan.rows],
            [message.id for _, message in plan.rows],
            [message.type for _, message in plan.rows],
            [message.content_type for _, message in plan.rows],
            [packed(message.headers) for _, message in plan.rows],
            [message.body for _, message in plan.rows],
            [payload for payload in payloads if len(payload) > NOTIFICATION_BYTES],
            sorted({queue for queue, _ in plan.rows}),
            short,
        )
    )


def _settle(group: Sequence[_Waiting], unwanted: Sequence[_Waiting]) -> None:
    for waiting in unwanted:
        _fail(waiting, Unroutable(f"no durable queue wants {waiting.message.type}"))
    for waiting in group:
        if not waiting.done.done():
            waiting.done.set_result(None)


def _fail(waiting: _Waiting, error: BusUnavailable) -> None:
    if not waiting.done.done():
        waiting.done.set_exception(error)
