"""The queues in which failed messages wait: made when they are first needed, and counted with their queue."""

import time

from aio_pika.abc import AbstractConnection

from shared.bus import rabbit_topology as topology
from shared.bus.policy import Policy
from shared.bus.port import Depth

ASK_AGAIN = 300.0
"""Seconds until we ask anew for a retry queue that was not there: RabbitMQ logs an error each time that we do."""


class Retries:
    """Which retry queues exist, as far as this process knows."""

    def __init__(self, policy: Policy) -> None:
        self._delays = sorted({*policy.delays, policy.pause_when_away})
        self._there: set[str] = set()
        self._missing: dict[str, float] = {}

    async def ensure(self, connection: AbstractConnection, queue: str, delay: float) -> str:
        """The name of the queue whose messages return to `queue` after `delay` seconds."""
        name = topology.retry(queue, delay)
        if name not in self._there:
            await topology.declare_retry(connection, queue, delay)
            self._there.add(name)
        return name

    def forget(self, name: str) -> None:
        """Somebody deleted it; the next use makes it anew."""
        self._there.discard(name)

    async def depth(self, connection: AbstractConnection, queue: str) -> Depth:
        """How full a queue is, with what waits for its next try; what a consumer works on is not counted."""
        waiting = 0
        for delay in self._delays:
            waiting += await self._count(connection, topology.retry(queue, delay))
        async with topology.brief_channel(connection) as channel:
            ready = (await channel.declare_queue(queue, passive=True, timeout=topology.RPC_TIMEOUT)).declaration_result
        return Depth(
            queue=queue,
            waiting=waiting + (ready.message_count or 0),
            dead=await topology.count(connection, topology.dead(queue)) or 0,
            consumers=ready.consumer_count or 0,
        )

    async def _count(self, connection: AbstractConnection, name: str) -> int:
        if name not in self._there and time.monotonic() < self._missing.get(name, 0.0):
            return 0
        count = await topology.count(connection, name)
        if count is None:
            self._there.discard(name)
            self._missing[name] = time.monotonic() + ASK_AGAIN
            return 0
        self._there.add(name)
        return count
