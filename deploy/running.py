"""What running one service and running all of them in a process have in common."""

import asyncio
import gc
import signal
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import asynccontextmanager
from typing import Any

import uvloop
from starlette.types import ASGIApp, Receive, Scope, Send

from deploy.catalogue import SERVICES, Given
from shared.kernel.errors import Unavailable
from shared.observability.logs import get_logger
from shared.storage.migrations import History, upgrade

log = get_logger(__name__)


def run(main: Coroutine[Any, Any, None]) -> None:
    """Run a coroutine as the process's own, on the faster loop."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main)


@asynccontextmanager
async def until_told_to_stop() -> AsyncIterator[asyncio.Event]:
    """An event that SIGTERM and Ctrl-C set. The second of them ends the process at once."""
    told = asyncio.Event()
    loop = asyncio.get_running_loop()

    def stop() -> None:
        told.set()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop)
    try:
        yield told
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)


def settle_memory() -> None:
    """Take what was made at start out of the garbage collector's sight: it lives as long as the process.

    What comes later is looked through in steps of a few milliseconds, and all of it hardly ever: the loop stands still
    meanwhile.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 5, 1_000)


async def migrate(url: str, histories: Sequence[History], *, patience: float = 30.0) -> None:
    """Bring all schemas to their newest step. A database that is only just starting is waited for.

    Raises:
        Unavailable: it did not come within `patience` seconds.
    """
    deadline = asyncio.get_running_loop().time() + patience
    for history in histories:
        while True:
            try:
                await upgrade(url, history)
                break
            except (OSError, TimeoutError) as error:
                if asyncio.get_running_loop().time() > deadline:
                    raise Unavailable(f"The database does not answer: {error}") from error
                await asyncio.sleep(1)


async def prepared(names: Sequence[str], given: Given) -> None:
    """Do what services need done before they are of use. Waits for the database for as long as it is away."""
    for name in names:
        first = SERVICES[name].first
        while first is not None:
            try:
                await first(given)
                break
            except Unavailable as error:
                log.warning("service.waiting", service=name, reason=error.message)
                await asyncio.sleep(1)


class Later:
    """Stands for an application of this process that is not built yet: peers know each other before they exist."""

    def __init__(self) -> None:
        self.app: ASGIApp | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        assert self.app is not None  # noqa: S101 - all are built before the first runs
        await self.app(scope, receive, send)
