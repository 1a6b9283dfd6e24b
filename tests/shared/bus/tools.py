"""What the bus tests share: waiting, recording handlers, and servers that may be hurt."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Protocol

import pytest

from shared.bus.opening import open_bus
from shared.bus.policy import Policy
from shared.bus.port import Bus, BusUnavailable, Delivery, Message, Refusal, Subscription

QUICK = Policy(delays=(0.15, 0.3), most_attempts=3, pause_when_away=0.05)


Act = Callable[[Delivery], Awaitable[Refusal | None]]


class Server(Protocol):
    """A private server of either kind."""

    def start(self) -> None: ...
    def stop(self) -> None: ...
    def kill(self) -> None: ...
    def restart(self) -> None: ...
    def freeze(self) -> None: ...
    def thaw(self) -> None: ...


async def until(condition: Callable[[], object], seconds: float = 30.0, what: str = "") -> None:
    """Wait for a condition, failing loudly after a while."""
    try:
        async with asyncio.timeout(seconds):
            while not condition():  # noqa: ASYNC110 - any condition, not only our own events
                await asyncio.sleep(0.005)
    except TimeoutError:
        raise AssertionError(f"not within {seconds} s: {what or condition}") from None


async def until_true(condition: Callable[[], Awaitable[object]], seconds: float = 30.0) -> None:
    """The same for a condition that has to be asked for."""
    try:
        async with asyncio.timeout(seconds):
            while not await condition():  # noqa: ASYNC110 - as above
                await asyncio.sleep(0.02)
    except TimeoutError:
        raise AssertionError(f"not within {seconds} s") from None


def message(id_: str, type_: str = "orders.placed.v1", *, body: bytes = b"{}", live_only: bool = False) -> Message:
    return Message(id=id_, type=type_, body=body, live_only=live_only)


class OnAPlace:
    """Tests on a place of each test's own: the fixture `place` is its address."""

    @pytest.fixture
    async def bus(self, place: str) -> AsyncIterator[Bus]:
        async with open_bus(place, policy=QUICK) as bus:
            yield bus


class Handler:
    """Records what it is given, and does as told before that."""

    def __init__(self, act: Act | None = None) -> None:
        self._act = act
        self.batches: list[list[str]] = []
        self.done: list[Delivery] = []
        self.tried: list[tuple[str, int, float]] = []
        self.at_once = 0
        self.most_at_once = 0

    async def __call__(self, deliveries: Sequence[Delivery]) -> Sequence[Refusal]:
        self.batches.append([delivery.message.id for delivery in deliveries])
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        refusals: list[Refusal] = []
        try:
            now = asyncio.get_running_loop().time()
            for delivery in deliveries:
                self.tried.append((delivery.message.id, delivery.attempt, now))
                if self._act is not None and (refusal := await self._act(delivery)):
                    refusals.append(refusal)
            self.done += deliveries
            return refusals
        finally:
            self.at_once -= 1

    @property
    def ids(self) -> Counter[str]:
        """How often each message was handled."""
        return Counter(delivery.message.id for delivery in self.done)

    def attempts(self, id_: str) -> list[int]:
        return [attempt for tried, attempt, _ in self.tried if tried == id_]

    def times(self, id_: str) -> list[float]:
        return [when for tried, _, when in self.tried if tried == id_]


def orders(handle: Handler, *, queue: str = "shop.orders", **more: object) -> Subscription:
    """A subscription to all orders."""
    return Subscription(queue=queue, patterns=("orders.#",), handle=handle, **more)  # type: ignore[arg-type]


async def publish_somehow(bus: Bus, sent: Message, seconds: float = 30.0) -> None:
    """Publish as an outbox does: with the same id until it is confirmed."""
    async with asyncio.timeout(seconds):
        while True:
            try:
                await bus.publish(sent, timeout=2.0)
                return
            except BusUnavailable:
                await asyncio.sleep(0.05)


async def slowly(_: Delivery) -> None:
    await asyncio.sleep(0.5)


async def briefly(_: Delivery) -> None:
    await asyncio.sleep(0.02)


def failing(id_: str, *, times: int) -> Act:
    """Fails the first tries of one message."""

    async def fail(delivery: Delivery) -> None:
        if delivery.message.id == id_ and delivery.attempt <= times:
            raise ValueError(f"{id_} is bad")

    return fail


async def refusing(delivery: Delivery) -> Refusal:
    return Refusal(message=delivery.message, reason="refused")


async def dead(bus: Bus, count: int) -> bool:
    return [depth.dead for depth in await bus.depths()] == [count]


async def waiting(bus: Bus, queue: str) -> bool:
    return any(depth.waiting for depth in await bus.depths() if depth.queue == queue)


def own(queue: str, handle: Handler, **more: object) -> Subscription:
    return Subscription(queue=queue, patterns=(queue,), handle=handle, **more)  # type: ignore[arg-type]
