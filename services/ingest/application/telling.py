"""Having written down what contact with a machine shows, without the machine waiting for it."""

import asyncio
import contextlib
import random
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import NamedTuple

from services.ingest.domain.patience import Patience
from shared.kernel.errors import Unavailable
from shared.observability.logs import get_logger

TELL_EVERY = 25.0
"""Seconds between two words on what merely goes on; others rely on one every 30 s."""
AGAIN_AFTER = timedelta(seconds=1)
"""Between attempts while storage is away."""
MOST_WORDS = 32
"""Turns that wait for storage; of more, the oldest are left out: what is true now is in the latest. Those that say
what no later one says, such as that a log was cleared, go last."""

log = get_logger(__name__)

Word = Callable[[], Awaitable[None]]
"""Writes something down. Raises `Unavailable` where it cannot be now."""


class _Turn(NamedTuple):
    word: Word
    once: bool = False


class Telling:
    """Says turns at once and in their order, and what merely goes on rarely."""

    def __init__(
        self, goes_on: Word, patience: Patience, *, every: float = TELL_EVERY, again_after: timedelta = AGAIN_AFTER
    ) -> None:
        """`goes_on` writes down how things stand when it is called, at most `every` so many seconds."""
        self._goes_on = goes_on
        self._patience = patience
        self._every = every
        self._again_after = again_after
        self._turns: list[_Turn] = []
        self._ticked = False
        self._told_at: float | None = None
        self._something = asyncio.Event()

    def turn(self, word: Word, *, once: bool = False) -> None:
        """Have this said as soon as can be. It says how things stand, too: what went on until now is in it.

        `once` where no later word says the same.
        """
        self._ticked = False
        self._turns.append(_Turn(word, once))
        self._leave_out()
        self._something.set()

    def tick(self) -> None:
        """Something goes on."""
        if not self._ticked:
            self._ticked = True
            self._something.set()

    async def run(self) -> None:
        """Tell until cancelled."""
        while True:
            self._something.clear()
            if self._turns:
                await self._say(self._turns.pop(0))
            elif self._ticked and self._pause() <= 0:
                self._ticked = False
                await self._say(_Turn(self._goes_on), goes_on=True)
            else:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(self._pause() if self._ticked else None):
                        await self._something.wait()

    def _pause(self) -> float:
        """Seconds until what goes on may be told again."""
        if self._told_at is None:
            return 0.0
        return self._told_at + self._every - asyncio.get_running_loop().time()

    def _leave_out(self) -> None:
        while len(self._turns) > MOST_WORDS:
            repeated = (place for place, turn in enumerate(self._turns) if not turn.once)
            del self._turns[next(repeated, 0)]

    async def _say(self, turn: "_Turn", *, goes_on: bool = False) -> None:
        try:
            await turn.word()
        except Unavailable:
            if goes_on:
                # Unless a turn has come meanwhile, which says more.
                self._ticked = self._ticked or not self._turns
            else:
                self._turns.insert(0, turn)
                self._leave_out()
            pause = self._patience.spread(self._again_after, chance=random.random())
            await asyncio.sleep(pause.total_seconds())
        except Exception:
            # A mistake of ours here is a word too few; it must not end the contact, and scans with it.
            log.exception("machine.untold")
        else:
            self._told_at = asyncio.get_running_loop().time()
