"""Consuming a durable queue: batches in, settled messages out, through any number of lost connections."""

import asyncio
import contextlib
import logging
import math
import random
from collections.abc import Awaitable, Callable, Sequence
from functools import partial

from aio_pika.abc import AbstractConnection, AbstractIncomingMessage

from shared.bus import rabbit_topology as topology
from shared.bus import rabbit_wire as wire
from shared.bus.handling import Verdict, is_cancelled, judge
from shared.bus.link import Link
from shared.bus.policy import Again, Policy
from shared.bus.port import Delivery, Message, Subscription
from shared.bus.rabbit_publisher import RabbitPublisher
from shared.bus.rabbit_session import Session

log = logging.getLogger(__name__)

LEAVE_TIMEOUT = 25.0
"""Seconds that leaving waits for handlers; a container is killed 30 s after it was asked to stop."""

WATCH_INTERVAL = 30.0
"""Seconds between looks at whether our queue, its bindings and its consumer are still there.

That the broker cancels a consumer is noticed at once; this is for what nobody tells us.
"""

PUT_TIMEOUT = 10.0
PUT_AT_ONCE = 50
RESTART_PAUSE = 0.5


class RabbitConsumer:
    """One subscription of this process, from `start` to `leave`."""

    def __init__(
        self,
        subscription: Subscription,
        *,
        link: Link[AbstractConnection],
        publisher: RabbitPublisher,
        policy: Policy,
    ) -> None:
        self._subscription, self._link, self._publisher, self._policy = subscription, link, publisher, policy
        self._leaving = asyncio.Event()
        self._begun = asyncio.Event()
        self._workers: set[asyncio.Task[None]] = set()
        self._keeper: asyncio.Task[None] | None = None
        self._leave_by = math.inf
        self._is_well = True

    async def start(self) -> None:
        """Begin; returns once deliveries come, or once it is clear that they cannot come yet."""
        self._keeper = asyncio.create_task(self._keep(), name=f"consumer of {self._subscription.queue}")
        begun = asyncio.create_task(self._begun.wait())
        away = asyncio.create_task(self._link.settle(topology.RPC_TIMEOUT))
        await asyncio.wait({begun, away}, return_when=asyncio.FIRST_COMPLETED)
        if self._link.current is not None:
            await asyncio.wait({begun}, timeout=topology.RPC_TIMEOUT)
        begun.cancel()
        away.cancel()

    async def leave(self) -> None:
        """Take no more, and wait for the handlers under way. They are never cancelled."""
        self._leave_by = asyncio.get_running_loop().time() + LEAVE_TIMEOUT
        self._leaving.set()
        if self._keeper is not None:
            await self._keeper

    async def _keep(self) -> None:
        leaving = asyncio.create_task(self._leaving.wait())
        while not self._leaving.is_set():
            connecting = asyncio.create_task(self._link.wait())
            await asyncio.wait({leaving, connecting}, return_when=asyncio.FIRST_COMPLETED)
            if not connecting.done():
                connecting.cancel()
                break
            connection = connecting.result()
            try:
                await self._consume(connection)
            except (Exception, asyncio.CancelledError) as error:
                if is_cancelled():
                    raise
                if isinstance(error, TimeoutError):
                    self._link.doubt(connection)  # it left a question without an answer
                level = logging.WARNING if self._is_well else logging.DEBUG  # once, however often it is tried
                log.log(level, "consuming %s was interrupted: %r", self._subscription.queue, error)
                self._is_well = False
            if not self._leaving.is_set():
                await asyncio.wait({leaving}, timeout=RESTART_PAUSE * random.uniform(0.5, 1.5))
        leaving.cancel()
        await self._finish()

    async def _finish(self) -> None:
        if self._workers:
            left = self._leave_by - asyncio.get_running_loop().time()
            _, late = await asyncio.wait(self._workers, timeout=max(0.0, left))
            if late:
                log.error("%s: %d handlers did not end within %g s", self._subscription.queue, len(late), LEAVE_TIMEOUT)

    async def _consume(self, connection: AbstractConnection) -> None:
        """Work on one channel until it, its consumer or its queue is gone, or until we leave."""
        await topology.declare(connection, [self._subscription])
        session = await Session.open(connection, self._subscription)
        workers = {asyncio.create_task(self._work(session)) for _ in range(self._subscription.parallel)}
        self._workers |= workers
        for worker in workers:
            worker.add_done_callback(self._workers.discard)
        self._is_well = True
        self._begun.set()
        leaving = asyncio.create_task(self._leaving.wait())
        over = asyncio.create_task(session.over.wait())
        try:
            while not (leaving.done() or over.done()):
                await asyncio.wait({leaving, over}, timeout=WATCH_INTERVAL, return_when=asyncio.FIRST_COMPLETED)
                if not (leaving.done() or over.done()):
                    await topology.declare(connection, [self._subscription])
                    await session.check()
        finally:
            leaving.cancel()
            over.cancel()
            await session.stop()
            if self._leaving.is_set():
                await self._finish()  # while the channel can still carry their acknowledgements
            await session.close()

    async def _work(self, session: Session) -> None:
        while batch := await session.batch():
            await self._process(session, batch)

    async def _process(self, session: Session, batch: Sequence[AbstractIncomingMessage]) -> None:
        """Handle a batch until every message of it is settled, or given back by not acknowledging it."""
        held_for = 0.0
        while batch:
            deliveries = [wire.delivery(received) for received in batch]
            verdict = await judge(self._subscription, deliveries, self._policy)
            if verdict.held and held_for >= self._policy.hold_at_most:
                pause = Again(self._policy.pause_when_away, counted=False)
                verdict.again.update(dict.fromkeys(verdict.held, pause))
                verdict.held.clear()
            if not await self._pass_on(session, deliveries, verdict):
                return
            await session.acknowledge([received for place, received in enumerate(batch) if place not in verdict.held])
            batch = [batch[place] for place in verdict.held]
            if batch:
                held_for += self._policy.pause_when_away
                if await self._paused(session):
                    return

    async def _pass_on(self, session: Session, deliveries: Sequence[Delivery], verdict: Verdict) -> bool:
        """Put what failed where it belongs, confirmed, before the original is acknowledged; false to give it back."""
        queue = self._subscription.queue
        tries = max(delivery.attempt for delivery in deliveries)
        todo: list[Callable[[], Awaitable[None]]] = [
            partial(self._park, refusal.message, refusal.reason, tries) for refusal in verdict.refused
        ]
        for place, park in verdict.parked.items():
            todo.append(partial(self._park, deliveries[place].message, park.reason, deliveries[place].attempt))
        for place, again in verdict.again.items():
            failures = deliveries[place].attempt if again.counted else deliveries[place].attempt - 1
            todo.append(
                partial(
                    self._publisher.put_later, queue, deliveries[place].message, {wire.ATTEMPTS: failures},
                    delay=again.after, timeout=PUT_TIMEOUT,
                )
            )  # fmt: skip
        while todo:
            if session.over.is_set():
                return False  # it comes again anyway; parking it now would park it twice
            some = todo[:PUT_AT_ONCE]
            results = await asyncio.gather(*(put() for put in some), return_exceptions=True)
            todo[:PUT_AT_ONCE] = [put for put, result in zip(some, results, strict=True) if result is not None]
            problem = next((result for result in results if isinstance(result, BaseException)), None)
            if problem is not None:
                log.warning("%s: what failed cannot be put aside: %s", queue, problem)
                if await self._paused(session):
                    return False
        return True

    async def _park(self, message: Message, reason: str, attempts: int) -> None:
        log.warning("%s: parked %s %s: %s", self._subscription.queue, message.type, message.id, reason)
        headers = wire.parking(reason, attempts)
        await self._publisher.put(topology.dead(self._subscription.queue), message, headers, PUT_TIMEOUT)

    async def _paused(self, session: Session) -> bool:
        """Wait a little; whether the session stopped meanwhile."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._policy.pause_when_away):
                await session.stopped.wait()
        return session.stopped.is_set()
