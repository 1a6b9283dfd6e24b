"""The bus on RabbitMQ: durable quorum queues under one topic exchange.

What each part answers is said where it is answered, by the numbers of docs/reliability.md ("finding 4").
"""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import aio_pika
from aio_pika.abc import AbstractConnection
from pamqp.common import FieldTable
from yarl import URL

from shared.bus import rabbit_dead, rabbit_topology
from shared.bus.handling import is_cancelled
from shared.bus.link import Link
from shared.bus.policy import Policy
from shared.bus.port import BusStatus, BusUnavailable, DeadLetter, Depth, Message, NoQueue, Subscription
from shared.bus.rabbit_consumer import RabbitConsumer
from shared.bus.rabbit_live import RabbitListener
from shared.bus.rabbit_publisher import BLOCKED, RabbitPublisher, publishing_link
from shared.bus.rabbit_retries import Retries

HEARTBEAT = 10
"""Seconds. A frozen connection is noticed after 3 × (heartbeat + 1): 33 s instead of the default's 183 (finding 4)."""

WAIT_FOR_SERVER = 10.0


class RabbitBus:
    """The port on RabbitMQ. Connections come back by themselves; none is shared by publishing and consuming."""

    def __init__(self, url: str, *, policy: Policy | None = None, name: str = "muster") -> None:
        """The URL names the vhost too: `amqp://user:password@host:5672/vhost`. `name` shows in RabbitMQ's lists."""
        self._url, self._name, self._policy = URL(url), name, policy or Policy()
        self._publishing = publishing_link(lambda: self._connect("publishing"))
        self._retries = Retries(self._policy)
        self._publisher = RabbitPublisher(self._publishing, self._retries)
        self._consuming = self._link("consuming")
        self._listening = self._link("listening")
        self._links: tuple[Link[Any], ...] = (self._publishing, self._consuming, self._listening)
        self._declared: dict[str, Subscription] = {}

    async def open(self) -> None:
        """Begin to connect. RabbitMQ may start later than this process."""
        # Their errors are said once, by Link, in our words; the libraries would say each several times.
        for library in ("aio_pika", "aiormq"):
            logging.getLogger(library).setLevel(logging.CRITICAL)
        self._publishing.start()

    async def publish(self, message: Message, *, timeout: float = 10.0) -> None:  # noqa: ASYNC109 - the port's promise
        await self._publisher.publish(message, timeout)

    async def put(self, queue: str, message: Message) -> None:
        await self._publisher.put(queue, message, {}, WAIT_FOR_SERVER)

    async def declare(self, subscriptions: Sequence[Subscription]) -> None:
        self._remember(subscriptions)
        with _unavailable():
            outlet = await self._publishing.get(WAIT_FOR_SERVER)
            await rabbit_topology.declare(outlet.connection, subscriptions)

    @asynccontextmanager
    async def consume(self, subscription: Subscription) -> AsyncIterator[None]:
        self._remember([subscription])
        self._consuming.start()
        consumer = RabbitConsumer(subscription, link=self._consuming, publisher=self._publisher, policy=self._policy)
        await consumer.start()
        try:
            yield
        finally:
            await consumer.leave()

    @asynccontextmanager
    async def listen(self, patterns: Sequence[str], hear: Callable[[Message], None]) -> AsyncIterator[None]:
        self._listening.start()
        listener = RabbitListener(patterns, hear, self._listening)
        await listener.start()
        try:
            yield
        finally:
            await listener.leave()

    async def depths(self) -> Sequence[Depth]:
        with _unavailable():
            connection = await self._asking()
            return [await self._retries.depth(connection, queue) for queue in sorted(self._declared)]

    async def dead_letters(self, queue: str, *, limit: int = 100) -> Sequence[DeadLetter]:
        with _unavailable():
            return await rabbit_dead.dead_letters(await self._asking(), queue, limit)

    async def replay_dead(self, queue: str, *, ids: Sequence[str] | None = None) -> int:
        with _unavailable():
            chosen = None if ids is None else frozenset(ids)
            return await rabbit_dead.replay(await self._asking(), self._publisher, queue, chosen)

    def status(self) -> BusStatus:
        outlet = self._publishing.current
        if outlet is None:
            return BusStatus(connected=False, takes=False, problem=self._publishing.problem)
        blocked = outlet.blocked
        takes = not blocked and not outlet.channel.is_closed
        for link in self._links:
            if link.is_missing:
                return BusStatus(connected=False, takes=takes, problem=link.problem)
        return BusStatus(connected=True, takes=takes, blocked=blocked, problem=BLOCKED if blocked else None)

    async def close(self) -> None:
        for link in self._links:
            await link.close()

    def _remember(self, subscriptions: Sequence[Subscription]) -> None:
        self._declared.update({subscription.queue: subscription for subscription in subscriptions})

    async def _asking(self) -> AbstractConnection:
        self._consuming.start()
        return await self._consuming.get(WAIT_FOR_SERVER)

    def _link(self, purpose: str) -> Link[AbstractConnection]:
        return Link(f"RabbitMQ ({purpose})", connect=lambda: self._connect(purpose), lost=_lost, drop=_drop)

    async def _connect(self, purpose: str) -> AbstractConnection:
        # Not `connect_robust`: it retries at a fixed pace, restores declarations that it cannot change, and does not
        # say what it is doing. Link does the same in forty lines, and knows how it stands.
        url = self._url.update_query({"heartbeat": self._url.query.get("heartbeat", str(HEARTBEAT))})
        properties: FieldTable = {"connection_name": f"{self._name} {purpose}"}
        return await aio_pika.connect(url, client_properties=properties, timeout=WAIT_FOR_SERVER)


async def _lost(connection: AbstractConnection) -> None:
    """Return when the socket is gone. aio-pika's own `closed()` only tells that we closed it."""
    if connection.transport is not None:
        await asyncio.wait({connection.transport.connection.closing})


async def _drop(connection: AbstractConnection) -> None:
    await connection.close()


@contextlib.contextmanager
def _unavailable() -> Iterator[None]:
    """Whatever goes wrong between us and the server is that the server is away."""
    try:
        yield
    except (BusUnavailable, NoQueue):
        raise
    except asyncio.CancelledError as error:
        if is_cancelled():
            raise
        raise BusUnavailable("the connection to RabbitMQ died") from error  # finding 4
    except Exception as error:
        raise BusUnavailable(f"RabbitMQ did not answer: {type(error).__name__}: {error}") from error
