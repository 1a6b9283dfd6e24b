"""A bus in this process. It keeps the port's promises but for outliving the process; durable queues wait in memory."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime

from shared.bus.port import (
    BATCH,
    BusStatus,
    BusUnavailable,
    DeadLetter,
    Delivery,
    Depth,
    Message,
    Subscription,
    Unroutable,
)
from shared.bus.topic import matches
from shared.contracts.cloudevents import encode, encode_batch
from shared.contracts.event import Event
from shared.kernel.identifiers import new_id


class FakeBus:
    """Implements `shared.bus.port.Bus`."""

    def __init__(self) -> None:
        self.published: list[Message] = []
        self.away = False
        self.trouble: Callable[[Message], BaseException | None] = lambda _: None
        """What publishing a message raises; nothing by default."""
        self.unwanted: set[str] = set()
        """Types that are refused for want of a queue."""
        self._queues: dict[str, asyncio.Queue[Delivery]] = {}
        self._bound: dict[str, tuple[str, ...]] = {}
        self._dead: defaultdict[str, list[DeadLetter]] = defaultdict(list)
        self._ears: list[tuple[Sequence[str], Callable[[Message], None]]] = []

    async def publish(self, message: Message, *, timeout: float = 10.0) -> None:  # noqa: ASYNC109 - the port's own
        """What no durable queue wants is kept in `published` all the same."""
        if self.away:
            raise BusUnavailable("the fake bus is away")
        if error := self.trouble(message):
            raise error
        if message.type in self.unwanted and not message.live_only:
            raise Unroutable(f"no queue wants {message.type}")
        self.published.append(message)
        for queue, patterns in self._bound.items():
            if any(matches(pattern, message.type) for pattern in patterns):
                self._queues[queue].put_nowait(Delivery(message=message, attempt=1))
        for patterns, hear in tuple(self._ears):
            if any(matches(pattern, message.type) for pattern in patterns):
                hear(message)

    async def put(self, queue: str, message: Message) -> None:
        if queue not in self._queues:
            raise BusUnavailable(f"there is no queue {queue}")
        self._queues[queue].put_nowait(Delivery(message=message, attempt=1))

    async def tell(self, *events: Event, time: datetime) -> None:
        """Publish events of one type as their service would."""
        kind = type(events[0])
        if len(events) == 1:
            body, content_type = encode(events[0], id=str(new_id()), time=time), "application/cloudevents+json"
        else:
            body, content_type = encode_batch([(str(new_id()), event) for event in events], time=time), BATCH
        await self.publish(Message(id=str(new_id()), type=kind.wire_type, body=body, content_type=content_type))

    async def declare(self, subscriptions: Sequence[Subscription]) -> None:
        for subscription in subscriptions:
            self._bound[subscription.queue] = subscription.patterns
            self._queues.setdefault(subscription.queue, asyncio.Queue())

    @asynccontextmanager
    async def consume(self, subscription: Subscription) -> AsyncIterator[None]:
        await self.declare([subscription])
        task = asyncio.create_task(self._deliver(subscription))
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _deliver(self, subscription: Subscription) -> None:
        queue = self._queues[subscription.queue]
        while True:
            batch = [await queue.get()]
            while len(batch) < subscription.most and not queue.empty():
                batch.append(queue.get_nowait())
            for refusal in await subscription.handle(batch):
                self._dead[subscription.queue].append(
                    DeadLetter(
                        id=refusal.message.id,
                        queue=subscription.queue,
                        message=refusal.message,
                        reason=refusal.reason,
                        attempts=1,
                        parked_at=datetime.now().astimezone(),
                    )
                )

    @asynccontextmanager
    async def listen(self, patterns: Sequence[str], hear: Callable[[Message], None]) -> AsyncIterator[None]:
        ear = (patterns, hear)
        self._ears.append(ear)
        try:
            yield
        finally:
            self._ears.remove(ear)

    @property
    def ears(self) -> int:
        """How many listen."""
        return len(self._ears)

    async def depths(self) -> Sequence[Depth]:
        return [
            Depth(queue=name, waiting=queue.qsize(), dead=len(self._dead[name]), consumers=1)
            for name, queue in self._queues.items()
        ]

    async def dead_letters(self, queue: str, *, limit: int = 100) -> Sequence[DeadLetter]:
        return self._dead[queue][:limit]

    async def replay_dead(self, queue: str, *, ids: Sequence[str] | None = None) -> int:
        again = [letter for letter in self._dead[queue] if ids is None or letter.id in ids]
        self._dead[queue] = [letter for letter in self._dead[queue] if letter not in again]
        for letter in again:
            self._queues[queue].put_nowait(Delivery(message=letter.message, attempt=1))
        return len(again)

    def status(self) -> BusStatus:
        return BusStatus(
            connected=not self.away, takes=not self.away, problem="the fake bus is away" if self.away else None
        )

    async def close(self) -> None:
        return
