"""Running services in this process: one in production, all of them when embedded."""

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

from shared.bus.port import Bus
from shared.kernel.errors import Unavailable
from shared.observability.logs import get_logger
from shared.runtime.service import Loop, Service

RESTART_AFTER = (0.5, 30.0)
"""Seconds before a loop that failed is started again: the first time, and at most."""

log = get_logger(__name__)


@asynccontextmanager
async def hosted(services: Sequence[Service], bus: Bus) -> AsyncIterator[None]:
    """Run `services` while the context is open.

    Starting does not wait for the bus or the database: a service answers, and says that it is not ready, until
    they are there. Leaving stops consumers first, and waits for what they have in hand; then loops, then resources.
    """
    async with AsyncExitStack() as stack:
        for service in services:
            for resource in service.resources:
                await stack.enter_async_context(resource())
        tasks: list[asyncio.Task[None]] = []
        stack.push_async_callback(_stopped, tasks)
        for service in services:
            for name, loop in service.loops:
                tasks.append(asyncio.create_task(_kept_running(f"{service.name}.{name}", loop), name=name))
        for subscription in [s for service in services for s in service.subscriptions]:
            await stack.enter_async_context(bus.consume(subscription))
        yield


async def _kept_running(name: str, loop: Loop) -> None:
    """Run `loop` for ever. No loop ends in silence: what it raises is logged, and it is started again."""
    shortest, longest = RESTART_AFTER
    pause = shortest
    while True:
        started = asyncio.get_running_loop().time()
        try:
            await loop()
            log.warning("loop.ended", loop=name)
        except asyncio.CancelledError:
            task = asyncio.current_task()
            # A broken connection can cancel what nobody cancelled (RELIABILITY, finding 4).
            if task is None or task.cancelling():
                raise
            log.warning("loop.cancelled_by_its_connection", loop=name)
        except Unavailable as error:
            log.warning("loop.waiting", loop=name, reason=error.message)
        except Exception as error:
            if _something_is_away(error):
                log.warning("loop.waiting", loop=name, reason=str(error))
            else:
                log.exception("loop.failed", loop=name)
        if asyncio.get_running_loop().time() - started > longest:
            pause = shortest
        await asyncio.sleep(pause * random.uniform(0.8, 1.2))
        pause = min(pause * 2, longest)


def _something_is_away(error: Exception) -> bool:
    """Whether a task group failed for nothing else."""
    return isinstance(error, ExceptionGroup) and error.split(Unavailable)[1] is None


async def _stopped(tasks: Sequence[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    for task in tasks:
        with contextlib.suppress(asyncio.CancelledError):
            await task
