"""The alert stream of a terminal, read by a task of its own, so that the log can be read meanwhile."""

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable
from typing import Final

import httpx

from services.ingest.application.drivers import MachineTrouble
from services.ingest.vendors.hikvision.events import AccessEvent, is_heartbeat, told
from services.ingest.vendors.hikvision.isapi import Isapi, Refused
from services.ingest.vendors.hikvision.multipart import Multipart
from services.ingest.vendors.hikvision.tree import NoDocument, tree_of

HELD_EVENTS: Final = 20_000
"""Events that wait to be taken over; what comes on top is left to the log."""


class AlertStream:
    """Opened, it holds what the machine tells until it is taken. It ends by itself; another one follows it."""

    def __init__(self, isapi: Isapi, warn: Callable[[str, str], None]) -> None:
        """`warn` is told what is odd and does not end the stream."""
        self._isapi = isapi
        self._warn = warn
        self._events: deque[AccessEvent] = deque()
        self._something = asyncio.Event()
        self._opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._task: asyncio.Task[None] | None = None
        self.opened_at = self.heard_at = asyncio.get_running_loop().time()
        self.beats = False
        """It has sent a heartbeat: its silence would mean something."""
        self.untaken = 0
        """Events that could not be read or held: they must be looked for in the log."""

    async def open(self) -> None:
        """Connect; from now on nothing is missed.

        Raises:
            Refused: it tells of no events, or not to us.
            MachineTrouble: it cannot be asked.
        """
        self._task = asyncio.create_task(self._read(), name=f"events of {self._isapi.where}")
        await self._opened
        self.opened_at = self.heard_at = asyncio.get_running_loop().time()

    @property
    def ended(self) -> bool:
        """Nothing more will come; what came before may still be taken."""
        return self._task is None or self._task.done()

    def check(self) -> None:
        """Raise what ended it, if that was a mistake of ours: it would end the next one, too."""
        if self._task is not None and self._task.done() and not self._task.cancelled():
            self._task.result()

    def take(self) -> AccessEvent | None:
        """The oldest event that was not taken yet."""
        return self._events.popleft() if self._events else None

    async def wait(self, seconds: float) -> bool:
        """Wait until it says something, ends, or the time is up; whether it said something."""
        if not self.ended and not self._something.is_set():
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._something.wait()
        heard = self._something.is_set()
        self._something.clear()
        return heard

    async def close(self) -> None:
        """Let go."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _read(self) -> None:
        try:
            async with self._isapi.events() as chunks:
                self._opened.set_result(None)
                parts = Multipart()
                async for some in chunks:
                    self.heard_at = asyncio.get_running_loop().time()
                    for document in parts.feed(some):
                        self._take_in(document)
                    if parts.oversized:
                        self._missed("a part of its stream is larger than any event")
                        parts.oversized = 0
                    self._something.set()
        except (Refused, MachineTrouble) as trouble:
            self._fail(trouble)
        except (httpx.HTTPError, OSError) as error:
            self._fail(self._isapi.translated(error, "its stream of events"))
        except asyncio.CancelledError:
            # Also where a broken connection cancels what nobody cancelled: whoever opens must not wait for ever.
            self._opened.cancel()
            raise
        finally:
            self._something.set()

    def _fail(self, error: Exception) -> None:
        if not self._opened.done():
            self._opened.set_exception(error)

    def _take_in(self, document: bytes) -> None:
        try:
            tree = tree_of(document)
        except NoDocument as error:
            self._missed(f"a part of its stream cannot be read: {error}")
            return
        self.beats = self.beats or is_heartbeat(tree)
        event = told(tree)
        if event is None:
            return
        if len(self._events) >= HELD_EVENTS:
            self.untaken += 1
        else:
            self._events.append(event)

    def _missed(self, sentence: str) -> None:
        self.untaken += 1
        self._warn("event not read", f"{sentence}; what it tells is taken from the log")
