"""What a bus promises, whatever carries it."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Protocol

from shared.kernel.errors import NotFound, Unavailable

EVENT = "application/cloudevents+json"
BATCH = "application/cloudevents-batch+json"


SEVERAL: Final = 5
"""Messages in a batch, from which on there are so many that the next one may wait for more."""


class BusUnavailable(Unavailable):
    """The message may or may not have arrived; publish it again with the same id."""


class NoQueue(NotFound):
    """No such durable queue was ever declared here."""

    def __init__(self, queue: str) -> None:
        super().__init__(f"There is no queue {queue!r} on this bus.")


class Unroutable(BusUnavailable):
    """No durable queue wants the message yet; keep it and try again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """What travels: one event, or a batch of events of one type, as bytes."""

    id: str
    """Stays the same each time that the message is published again."""
    type: str
    """The routing key: the event's name and version, `ingest.scan.received.v1`."""
    body: bytes
    content_type: str = EVENT
    headers: Mapping[str, str] = field(default_factory=dict)
    """Context such as `traceparent`; nothing that a consumer needs to understand the event."""
    live_only: bool = False
    """Nobody keeps it: no durable queue need want it, and without a listener it is gone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """A message as a consumer receives it."""

    message: Message
    attempt: int
    """1 for the first try. Counts the failures of this message, not those of its neighbours."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """One event that no retry can help: it is parked alone in `<queue>.dead` with the reason."""

    message: Message
    """The single event, with an id of its own; never the batch that it came in."""
    reason: str


Handler = Callable[[Sequence[Delivery]], Awaitable[Sequence[Refusal]]]
"""Handles a batch in one transaction of its own and returns what it refuses for good.

When it returns, its work is committed. When it raises, nothing is, and it is called again: at once with each
message alone (so that one bad message does not fail its neighbours), then after a delay. `Unavailable` means
that the fault is not the message's, and is never counted against it.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """A durable queue and what is done with its messages. Consumers with the same queue compete."""

    queue: str
    """`<service>.<purpose>`, such as `attendance.scans`."""
    patterns: tuple[str, ...]
    """Routing keys; `*` stands for one word, `#` for none or more."""
    handle: Handler
    most: int = 1
    """Messages in a batch, at most (N)."""
    within: float = 0.0
    """Seconds that a batch waits for more after its first message (T). 0 takes what is there already."""
    within_when_busy: float = 0.0
    """The same after a batch of `SEVERAL` messages or more, where that is longer: larger batches cost less each."""
    parallel: int = 1
    """Batches that one consumer works on at once."""

    def waits(self, last: int) -> float:
        """Seconds that a batch waits for more, after one of `last` messages."""
        return max(self.within, self.within_when_busy) if last >= SEVERAL else self.within


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetter:
    """An event that was parked."""

    id: str
    queue: str
    """The queue that it was refused in, without `.dead`."""
    message: Message
    reason: str
    attempts: int
    parked_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Depth:
    """How full a durable queue is."""

    queue: str
    waiting: int
    """Messages that are ready or wait for their next try."""
    dead: int
    consumers: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BusStatus:
    """Whether the bus works now; `problem` is a sentence where it does not."""

    connected: bool
    """Whether every connection that is in use here is there."""
    takes: bool
    """Whether the connection that messages leave by is there, and is not blocked."""
    blocked: bool = False
    problem: str | None = None


class Bus(Protocol):
    """At least once, in no order that a consumer may rely on."""

    async def publish(self, message: Message, *, timeout: float = 10.0) -> None:  # noqa: ASYNC109 - part of the promise
        """Return once the message cannot be lost.

        Safe to call from many tasks at once; calls do not wait for each other's confirms.

        Raises:
            Unroutable: no durable queue is bound to the type (unless `live_only`).
            BusUnavailable: no confirm within `timeout` seconds, or the bus is away or blocked.
        """

    async def put(self, queue: str, message: Message) -> None:
        """Put a message into one durable queue alone, past all patterns; return once it cannot be lost.

        For telling one consumer again what the others know.

        Raises:
            BusUnavailable: there is no such queue, or the bus is away.
        """

    async def declare(self, subscriptions: Sequence[Subscription]) -> None:
        """Make the durable queues and their bindings, without consuming. Idempotent.

        What an earlier version bound and this one does not may go on arriving (RabbitMQ cannot be asked).

        Raises:
            BusUnavailable: not now.
        """

    def consume(self, subscription: Subscription) -> AbstractAsyncContextManager[None]:
        """Deliver while the context is open, through any number of restarts of the server.

        Leaving waits for the handlers under way (up to 25 s), and gives back what was not begun.
        """

    def listen(self, patterns: Sequence[str], hear: Callable[[Message], None]) -> AbstractAsyncContextManager[None]:
        """Call `hear` with each matching message from now on: live, lossy, and never a brake on others.

        `hear` must not block. What it raises is logged and forgotten. Messages published while the connection
        is away are missed.
        """

    async def depths(self) -> Sequence[Depth]:
        """The durable queues, at least those that were declared or consumed through this object."""

    async def dead_letters(self, queue: str, *, limit: int = 100) -> Sequence[DeadLetter]:
        """The parked events of a queue, oldest first; looking changes nothing.

        Raises:
            NoQueue: there is none of that name.
        """

    async def replay_dead(self, queue: str, *, ids: Sequence[str] | None = None) -> int:
        """Put parked events (all, or those) back into their queue, and say how many.

        Raises:
            NoQueue: there is none of that name.
        """

    def status(self) -> BusStatus:
        """Known without asking the server: whether every connection that is in use here is there."""

    async def close(self) -> None:
        """Let go of all connections. Consumers and listeners must have been left before."""
