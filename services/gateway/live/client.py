"""One live connection: written to at once, and skipped while it cannot take more."""

import asyncio
from collections.abc import Callable, Generator, Mapping
from typing import Any

from starlette.types import Send

from shared.web.scope import Scope

FAREWELL_WITHIN = 2.0
"""Seconds."""


class Client:
    """Somebody who listens.

    A frame goes straight to the socket: no task and no queue a client, which both cost more than the sending
    itself (MEASURED, live fan-out). Where the socket is full the send does not return; then the client is *behind*:
    what comes meanwhile is left out for it, and once it has caught up it is told, with one frame, to read everything
    again. So it holds at most what the socket does and one frame more.
    """

    def __init__(
        self, send: Send, scope: Scope, claims: Mapping[str, Any] | None, *, resync: Callable[[], str]
    ) -> None:
        """`claims` are those of its token; None where it listens without one."""
        self.scope = scope
        self.claims = claims
        self.skipped = 0
        """Frames that were left out."""
        self.behind_since: float | None = None
        self.gone = False
        self.dropped = False
        """True once it was cut off because it would not even take a farewell."""
        self.serving: asyncio.Task[object] | None = None
        """The task that holds the connection."""
        self._ending: asyncio.Task[None] | None = None
        self._send = send
        self._resync = resync
        self._catching_up: asyncio.Task[None] | None = None

    def push(self, frame: str) -> bool:
        """Send `frame` without waiting; False where it was left out."""
        if self._catching_up is not None or self.gone:
            self.skipped += 1
            return False
        sending = _Begun(self._send({"type": "websocket.send", "text": frame}))
        try:
            sending.first = sending.rest.send(None)
        except StopIteration:
            return True
        except Exception:  # noqa: BLE001 - servers say in many ways that a client has gone
            self.gone = True
            return False
        loop = asyncio.get_running_loop()
        self.behind_since = loop.time()
        self._catching_up = loop.create_task(self._catch_up(sending, self.skipped))
        return True

    def end(self, code: int, reason: str) -> None:
        """Close the connection; who does not take the close frame soon is cut off."""
        self.gone = True
        if self._ending is None:
            self._ending = asyncio.get_running_loop().create_task(self._end(code, reason))

    async def leave(self) -> None:
        """Let go of what is under way."""
        self.gone = True
        if self._catching_up is not None:
            self._catching_up.cancel()
            await asyncio.gather(self._catching_up, return_exceptions=True)
            self._caught_up()  # a task that was cancelled before it began has not said so itself

    async def _end(self, code: int, reason: str) -> None:
        try:
            async with asyncio.timeout(FAREWELL_WITHIN):
                await self._send({"type": "websocket.close", "code": code, "reason": reason[:100]})
        except Exception:  # noqa: BLE001 - a timeout, or it has gone already
            self.dropped = True
            if self.serving is not None:
                self.serving.cancel()

    async def _catch_up(self, sending: "_Begun", before: int) -> None:
        try:
            await sending
            while self.skipped != before:
                before = self.skipped
                await self._send({"type": "websocket.send", "text": self._resync()})
        except Exception:  # noqa: BLE001 - as above
            self.gone = True
        finally:
            self._caught_up()

    def _caught_up(self) -> None:
        self._catching_up = None
        self.behind_since = None


class _Begun:
    """A coroutine whose first step has been taken already, to be awaited from there."""

    __slots__ = ("first", "rest")

    def __init__(self, rest: Any) -> None:
        self.rest = rest
        self.first: Any = None

    def __await__(self) -> Generator[Any, Any, None]:
        try:
            # What the coroutine waits for goes to the event loop as if the coroutine had been awaited whole.
            yield self.first
        except BaseException as error:
            try:
                self.rest.throw(error)
            except StopIteration:
                return
            raise
        yield from self.rest.__await__()
