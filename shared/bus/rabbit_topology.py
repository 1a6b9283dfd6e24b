"""Exchanges and queues: what they are called and with which arguments they are made.

    muster.events  (topic) ──patterns──▶ <queue>  ──given up──▶ <queue>.dead
                                           ▲  │ failed
                                           │  ▼
                                        <queue>.retry.<milliseconds>   (a time to live, then back)

Nothing here depends on the server's version, from RabbitMQ 3.10 to 4.x: delayed retries, consumer timeouts and poison
counting of 4.3 are not used, and both what 3.10 lacks and what 4.0 defaults to (a delivery limit of 20, after which a
message without a dead-letter exchange is dropped) is said explicitly.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress

from aio_pika import ExchangeType
from aio_pika.abc import AbstractChannel, AbstractConnection
from aio_pika.exceptions import AMQPError, ChannelNotFoundEntity, ChannelPreconditionFailed
from pamqp.common import Arguments

from shared.bus.port import Subscription

log = logging.getLogger(__name__)

EVENTS = "muster.events"
WANTED = "muster.wanted"
"""An exchange and a queue that keep nothing: bound like all durable queues together, they tell a publisher whether any
durable queue wants a type. RabbitMQ itself only tells whether any queue does, be it a passing listener's."""

RPC_TIMEOUT = 10.0
"""Seconds for a declaration; without it a frozen server holds us until the heartbeat notices."""

CLOSE_TIMEOUT = 2.0
"""Seconds for letting go of a channel, which is no loss where it fails."""

_CRASHES = 50
"""Redeliveries after which RabbitMQ gives a message up. Only a handler that takes its process down gets here, or
processes that are killed over and over; failures that a handler lives to report are counted by the policy instead."""

_UNLIMITED = 1_000_000_000
"""Looking at a parked message and giving it back is a redelivery too, and must never be what drops it."""


def dead(queue: str) -> str:
    """Where a queue's parked messages are."""
    return f"{queue}.dead"


def retry(queue: str, delay: float) -> str:
    """Where a queue's messages wait for their next try. The delay is part of the name, because it cannot change."""
    return f"{queue}.retry.{round(delay * 1000)}"


async def declare_exchange(connection: AbstractConnection) -> None:
    """Make the exchange that everything is published to."""
    async with brief_channel(connection) as channel:
        await channel.declare_exchange(EVENTS, ExchangeType.TOPIC, durable=True, timeout=RPC_TIMEOUT)


async def declare(connection: AbstractConnection, subscriptions: Sequence[Subscription]) -> None:
    """Make what the subscriptions need. Idempotent; the bindings are added to those that are there."""
    await declare_exchange(connection)
    async with brief_channel(connection) as channel:
        await channel.declare_exchange(WANTED, ExchangeType.TOPIC, durable=True, timeout=RPC_TIMEOUT)
    await _queue(connection, WANTED, {"x-message-ttl": 0})
    for subscription in subscriptions:
        name = subscription.queue
        await _queue(connection, dead(name), {"x-delivery-limit": _UNLIMITED})
        await _queue(connection, name, {"x-delivery-limit": _CRASHES, **_towards(dead(name))})
        async with brief_channel(connection) as channel:
            queue = await channel.get_queue(name, ensure=False)
            wanted = await channel.get_queue(WANTED, ensure=False)
            for pattern in subscription.patterns:
                await queue.bind(EVENTS, pattern, timeout=RPC_TIMEOUT)
                await wanted.bind(WANTED, pattern, timeout=RPC_TIMEOUT)


async def declare_retry(connection: AbstractConnection, queue: str, delay: float) -> str:
    """The queue in which messages wait for `delay` seconds and then go back."""
    name = retry(queue, delay)
    await _queue(connection, name, {"x-message-ttl": round(delay * 1000), **_towards(queue)})
    return name


async def count(connection: AbstractConnection, name: str) -> int | None:
    """Messages that are ready in a queue, or nothing where there is no such queue."""
    try:
        async with brief_channel(connection) as channel:
            declared = await channel.declare_queue(name, passive=True, timeout=RPC_TIMEOUT)
    except ChannelNotFoundEntity:
        return None
    return declared.declaration_result.message_count


@asynccontextmanager
async def brief_channel(connection: AbstractConnection) -> AsyncIterator[AbstractChannel]:
    """A channel for a few questions: RabbitMQ closes the one on which a question was wrong."""
    channel = connection.channel(publisher_confirms=False)
    async with asyncio.timeout(RPC_TIMEOUT):
        await channel.initialize()
    try:
        yield channel
    finally:
        with suppress(AMQPError, RuntimeError, OSError, TimeoutError):
            async with asyncio.timeout(CLOSE_TIMEOUT):
                await channel.close()


def _towards(queue: str) -> dict[str, str | int]:
    """Dead-letter to a queue without losing anything on the way (which needs exactly this `x-overflow`)."""
    return {
        "x-dead-letter-exchange": "",
        "x-dead-letter-routing-key": queue,
        "x-dead-letter-strategy": "at-least-once",
        "x-overflow": "reject-publish",
    }


async def _queue(connection: AbstractConnection, name: str, arguments: dict[str, str | int]) -> None:
    complete: Arguments = {"x-queue-type": "quorum", **arguments}
    try:
        async with brief_channel(connection) as channel:
            await channel.declare_queue(name, durable=True, arguments=complete, timeout=RPC_TIMEOUT)
    except ChannelPreconditionFailed as error:
        # Made with other arguments, by an operator or an earlier version: its messages matter more than our wishes.
        log.warning("queue %s is used as it is: %s", name, error)
