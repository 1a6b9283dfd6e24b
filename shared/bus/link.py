"""A connection that is made again whenever it is lost."""

import asyncio
import contextlib
import logging
import random
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from shared.bus.handling import is_cancelled
from shared.bus.port import BusUnavailable

log = logging.getLogger(__name__)

CONNECT_TIMEOUT = 10.0
CLOSE_TIMEOUT = 3.0
FIRST_PAUSE = 0.2
LONGEST_PAUSE = 2.0
"""Seconds between attempts, times 0.5 to 1.5 by chance, so that a fleet does not come back in step."""

C = TypeVar("C")


class Link(Generic[C]):
    """Keeps one connection of any kind, from `start` to `close`, through restarts of the server.

    The loop that keeps it ends only with `close`: whatever fails is reported once and tried again.
    """

    def __init__(
        self,
        name: str,
        *,
        connect: Callable[[], Awaitable[C]],
        lost: Callable[[C], Awaitable[object]],
        drop: Callable[[C], Awaitable[object]],
    ) -> None:
        """`connect` makes it ready for use, `lost` returns when it is gone, `drop` lets go of what is left."""
        self._name = name
        self._connect, self._lost, self._drop = connect, lost, drop
        self._up = asyncio.Event()
        self._known = asyncio.Event()  # up, or known to be away
        self._task: asyncio.Task[None] | None = None
        self._doubted = asyncio.Event()
        self.current: C | None = None
        self.problem: str | None = f"not connected to {name} yet"

    def start(self) -> None:
        """Begin to connect; does nothing when begun already. Returns at once: servers may come later than we."""
        if self._task is None:
            self._task = asyncio.create_task(self._keep(), name=f"link to {self._name}")

    @property
    def is_missing(self) -> bool:
        """Whether somebody needs the connection and it is not there."""
        return self._task is not None and self.current is None

    async def get(self, timeout: float) -> C:  # noqa: ASYNC109 - callers pass on what is left of theirs
        """The connection, waiting for one that is just being made; raises at once while it is known to be away."""
        if not self._known.is_set():
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(timeout):
                    await self._known.wait()
        current = self.current
        if current is None:
            raise BusUnavailable(self.problem or f"{self._name} is away")
        return current

    async def wait(self) -> C:
        """The connection, however long it takes."""
        while True:
            await self._up.wait()
            if (current := self.current) is not None:
                return current

    async def settle(self, timeout: float) -> None:  # noqa: ASYNC109 - as above
        """Wait until it is known whether the server is there."""
        with contextlib.suppress(BusUnavailable):
            await self.get(timeout)

    def doubt(self, connection: C) -> None:
        """Say that the connection failed: a new one is made, and nobody is given this one any more."""
        if connection is self.current:
            self._withdraw()
            self._doubted.set()

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        self.problem = f"the connection to {self._name} is closed"
        self._known.set()

    async def _keep(self) -> None:
        pause = FIRST_PAUSE
        loop = asyncio.get_running_loop()
        while not is_cancelled():  # aiormq swallows a cancellation now and then: then it only shows here
            began = loop.time()
            error = await self._attempt()
            if error is not None:
                if not self._known.is_set():
                    log.warning("%s is away: %s; trying again until it is back", self._name, error)
                self.problem = f"{self._name} is away: {error}"
                self._known.set()
            elif loop.time() - began > LONGEST_PAUSE:
                pause = FIRST_PAUSE
            await asyncio.sleep(pause * random.uniform(0.5, 1.5))
            pause = min(2 * pause, LONGEST_PAUSE)

    async def _attempt(self) -> str | None:
        """Connect and hold until it is lost; the reason where it could not be had."""
        self._doubted.clear()
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT):
                connection = await self._connect()
        except TimeoutError:
            return f"no answer within {CONNECT_TIMEOUT:g} s"
        except (Exception, asyncio.CancelledError) as error:
            if is_cancelled():
                raise
            return f"{type(error).__name__}: {error}"
        if is_cancelled():  # swallowed on the way: whoever closes this link waits for its end
            await self._let_go(connection)
            return None
        if self._known.is_set():
            log.info("%s is back", self._name)
        self.current, self.problem = connection, None
        self._up.set()
        self._known.set()
        try:
            await self._hold(connection)
            log.info("lost the connection to %s", self._name)
        finally:
            self._withdraw()
            await self._let_go(connection)
        return None

    async def _hold(self, connection: C) -> None:
        lost = asyncio.ensure_future(self._lost(connection))
        doubted = asyncio.create_task(self._doubted.wait())
        try:
            await asyncio.wait({lost, doubted}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            lost.cancel()
            doubted.cancel()
            await asyncio.gather(lost, doubted, return_exceptions=True)

    def _withdraw(self) -> None:
        self.current, self.problem = None, f"the connection to {self._name} was lost; a new one is being made"
        self._up.clear()
        self._known.clear()

    async def _let_go(self, connection: C) -> None:
        try:
            async with asyncio.timeout(CLOSE_TIMEOUT):
                await self._drop(connection)
        except (Exception, asyncio.CancelledError) as error:
            if is_cancelled():
                raise
            log.debug("closing the connection to %s: %r", self._name, error)  # it is gone either way
