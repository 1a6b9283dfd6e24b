"""Live subscriptions: a queue that exists as long as somebody listens, and drops what he is too slow for."""

import asyncio
import contextlib
import logging
import random
from collections.abc import Callable, Sequence

from aio_pika.abc import AbstractConnection, AbstractIncomingMessage

from shared.bus import rabbit_topology as topology
from shared.bus.handling import is_cancelled
from shared.bus.link import Link
from shared.bus.port import Message
from shared.bus.rabbit_wire import incoming

log = logging.getLogger(__name__)

BACKLOG = 10_000
"""Messages that RabbitMQ keeps for a slow listener; then the oldest go."""

RESTART_PAUSE = 0.5


class RabbitListener:
    """One live subscription, from `start` to `leave`, on a connection that durable consumers do not share."""

    def __init__(
        self, patterns: Sequence[str], hear: Callable[[Message], None], link: Link[AbstractConnection]
    ) -> None:
        self._patterns, self._hear, self._link = patterns, hear, link
        self._begun = asyncio.Event()
        self._keeper: asyncio.Task[None] | None = None
        self._leaving = False

    async def start(self) -> None:
        """Begin; returns once the listener hears, or once it is clear that it cannot yet."""
        self._keeper = asyncio.create_task(self._keep(), name="listener")
        await self._link.settle(topology.RPC_TIMEOUT)
        if self._link.current is not None:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(topology.RPC_TIMEOUT):
                    await self._begun.wait()

    async def leave(self) -> None:
        self._leaving = True
        if self._keeper is not None:
            self._keeper.cancel()
            await asyncio.gather(self._keeper, return_exceptions=True)

    async def _keep(self) -> None:
        while True:
            try:
                await self._listen(await self._link.wait())
            except (Exception, asyncio.CancelledError) as error:
                if self._leaving or is_cancelled():
                    raise
                log.warning("listening was interrupted: %r", error)
            await asyncio.sleep(RESTART_PAUSE * random.uniform(0.5, 1.5))

    async def _listen(self, connection: AbstractConnection) -> None:
        over = asyncio.Event()
        async with topology.brief_channel(connection) as channel:
            await topology.declare_exchange(connection)
            channel.close_callbacks.add(lambda *_: over.set())
            (await channel.get_underlay_channel()).on_consumer_cancel_callbacks.add(lambda _: over.set())
            queue = await channel.declare_queue(
                exclusive=True,
                auto_delete=True,
                arguments={"x-max-length": BACKLOG, "x-overflow": "drop-head"},
                timeout=topology.RPC_TIMEOUT,
            )
            for pattern in self._patterns:
                await queue.bind(topology.EVENTS, pattern, timeout=topology.RPC_TIMEOUT)
            await queue.consume(self._arrive, no_ack=True, timeout=topology.RPC_TIMEOUT)
            self._begun.set()
            await over.wait()

    async def _arrive(self, received: AbstractIncomingMessage) -> None:
        try:
            self._hear(incoming(received))
        except Exception:
            log.exception("a listener failed on %s", received.type)
