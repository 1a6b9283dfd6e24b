"""A consumer's channel: what was delivered on it, and what of that is settled."""

import asyncio
import contextlib
import logging
from collections.abc import Sequence

from aio_pika.abc import AbstractChannel, AbstractConnection, AbstractIncomingMessage, AbstractQueue
from aio_pika.exceptions import AMQPError

from shared.bus.handling import is_cancelled
from shared.bus.port import Subscription
from shared.bus.rabbit_topology import RPC_TIMEOUT

log = logging.getLogger(__name__)


class Session:
    """Delivery tags mean nothing beyond their channel, so what is not settled when it ends is forgotten here.

    RabbitMQ delivers it again, to the next session or to another process.

    Messages are acknowledged explicitly, or not at all: never by aio-pika's `process()`, which drops a message on any
    exception, cancellation at shutdown included (finding 6); nor given back by `nack` or `reject`, which count towards
    a delivery limit in some versions of RabbitMQ and not in others (finding 7). Failures are counted in a header.
    """

    def __init__(self, channel: AbstractChannel, queue: AbstractQueue, subscription: Subscription) -> None:
        self._channel, self._queue, self._subscription = channel, queue, subscription
        self._arrived: asyncio.Queue[AbstractIncomingMessage | None] = asyncio.Queue()
        self._turn = asyncio.Lock()
        self._last = 0  # messages in the batch before
        self._unsettled: dict[int, None] = {}  # delivery tags, lowest first
        self._last_tag = 0
        self._in_order = True
        self._tag: str | None = None
        self.stopped = asyncio.Event()
        """No new batch is begun."""
        self.over = asyncio.Event()
        """The channel or the consumer is gone; what is under way cannot be acknowledged any more."""

    @classmethod
    async def open(cls, connection: AbstractConnection, subscription: Subscription) -> "Session":
        """Begin to consume. The prefetch is what the batches under way hold, and the next one."""
        channel = connection.channel(publisher_confirms=False)
        async with asyncio.timeout(RPC_TIMEOUT):
            await channel.initialize()
        await channel.set_qos(prefetch_count=subscription.most * (subscription.parallel + 1), timeout=RPC_TIMEOUT)
        queue = await channel.get_queue(subscription.queue, ensure=False)
        session = cls(channel, queue, subscription)
        channel.close_callbacks.add(session._end)
        # Finding 8: a broker cancels consumers whose queue is deleted or, from 4.3, who take too long.
        (await channel.get_underlay_channel()).on_consumer_cancel_callbacks.add(session._end)
        session._tag = await queue.consume(session._arrive, timeout=RPC_TIMEOUT)
        return session

    async def batch(self) -> list[AbstractIncomingMessage]:
        """The next messages: at least one, at most `most`, as soon after the first as it says; none at the end."""
        async with self._turn:
            first = await self._arrived.get()
            if first is None or self.stopped.is_set():
                self._arrived.put_nowait(None)  # for the other workers
                return []
            batch = [first]
            loop = asyncio.get_running_loop()
            deadline = loop.time() + self._subscription.waits(self._last)
            while len(batch) < self._subscription.most:
                if self._arrived.empty() and loop.time() >= deadline:
                    break
                try:
                    async with asyncio.timeout_at(deadline if self._arrived.empty() else None):
                        following = await self._arrived.get()
                except TimeoutError:
                    break
                if following is None:
                    self._arrived.put_nowait(None)
                    break
                batch.append(following)
            self._last = len(batch)
            return batch

    async def acknowledge(self, settled: Sequence[AbstractIncomingMessage]) -> None:
        """Tell RabbitMQ that these are done; in one frame where no older one is still under way.

        Failing is no harm: the messages come again, and whoever handles them recognises them. Neither is success
        a proof: an acknowledgement written into a dead connection returns as if it had arrived.
        """
        if not settled:
            return
        tags = [received.delivery_tag or 0 for received in settled]
        for tag in tags:
            self._unsettled.pop(tag, None)
        newest = settled[tags.index(max(tags))]
        try:
            if self._in_order and next(iter(self._unsettled), max(tags) + 1) > max(tags):
                await newest.ack(multiple=True)
            else:
                for received in settled:
                    await received.ack()
        except (AMQPError, RuntimeError, OSError) as error:
            log.debug("%s: not acknowledged: %r", self._subscription.queue, error)
        except asyncio.CancelledError:
            if is_cancelled():
                raise
            log.debug("%s: the connection died under an acknowledgement", self._subscription.queue)  # finding 4

    async def check(self) -> None:
        """See that the queue is there and has a consumer; raises, or ends the session, where it has not."""
        queue = await self._channel.declare_queue(self._subscription.queue, passive=True, timeout=RPC_TIMEOUT)
        if not queue.declaration_result.consumer_count:
            self.over.set()

    async def stop(self) -> None:
        """Take no more deliveries. What arrived and was not begun goes back when the channel is closed."""
        self.stopped.set()
        self._arrived.put_nowait(None)
        if not self.over.is_set() and self._tag is not None:
            with contextlib.suppress(AMQPError, RuntimeError, OSError, TimeoutError):
                await self._queue.cancel(self._tag, timeout=RPC_TIMEOUT)
        while not self._arrived.empty():
            self._arrived.get_nowait()
        self._arrived.put_nowait(None)

    async def close(self) -> None:
        self.over.set()
        with contextlib.suppress(AMQPError, RuntimeError, OSError, TimeoutError):
            async with asyncio.timeout(RPC_TIMEOUT):
                await self._channel.close()

    async def _arrive(self, received: AbstractIncomingMessage) -> None:
        tag = received.delivery_tag or 0
        self._in_order &= tag == self._last_tag + 1
        self._last_tag = tag
        self._unsettled[tag] = None
        self._arrived.put_nowait(received)

    def _end(self, *_: object) -> None:
        self.over.set()
