"""One process at a time goes to the machines, and empties the spool; the others stand by.

Who may is said by a lease that storage keeps. It passes to another soon after its holder has ended, and also where the
holder hangs or cannot reach storage any more: then it stops by itself before the lease can pass. A holder that nobody
would follow goes on while storage is away, as nobody else could hold anything.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from services.ingest.application.contact_ports import LEASE_LASTS, Lease, Word
from shared.kernel.errors import Unavailable
from shared.observability.logs import get_logger
from shared.observability.metrics import Gauge

CONFIRMED_EVERY: Final = 2.0
"""Seconds between two words that the lease is still ours."""
ASKED_EVERY: Final = 0.5
"""The same where it is not, or where nobody answered."""
KEPT_FOR: Final = LEASE_LASTS * 0.6
"""Seconds without a word after which we stop, where somebody stands by; the rest is for letting go."""

LET_GO_WITHIN: Final = 1.0

HOLDS = Gauge("muster_ingest_holds_machines", "Whether this process goes to the machines: 1, or 0 where it stands by")

log = get_logger(__name__)


class Holding:
    """Does `work` while the lease is ours."""

    def __init__(
        self,
        lease: Lease,
        work: Callable[[], Awaitable[None]],
        *,
        confirmed_every: float = CONFIRMED_EVERY,
        asked_every: float = ASKED_EVERY,
        kept_for: float = KEPT_FOR,
    ) -> None:
        """`work` lasts until it is cancelled, and has let go of everything when it ends."""
        self._confirmed_every, self._asked_every, self._kept_for = confirmed_every, asked_every, kept_for
        self._lease = lease
        self._work = work
        self._doing: asyncio.Task[None] | None = None
        self._asking: asyncio.Task[Word] | None = None
        self._asked_at = self._confirmed_at = float("-inf")
        self._confirmed = False
        self._alone = False
        self._said: object = None
        self.holds = False
        """Whether this process is the one."""

    def in_words(self) -> str:
        """The same, for people."""
        return "held by this process" if self.holds else "this process stands by"

    async def run(self) -> None:
        """Ask for the lease, work while it is ours, and stand by while it is not, until cancelled."""
        try:
            while True:
                await self._turn(holds=await self._ask())
                await self._wait()
        finally:
            await self._stop()
            if self._asking is not None:
                self._asking.cancel()
                await asyncio.wait([self._asking], timeout=LET_GO_WITHIN)
                self._asking = None
            await self._lease.release()

    async def _ask(self) -> bool:
        """Whether we are to go on, or to begin."""
        word, why = await self._word()
        if word is not None and word.ours and self._asked_at + self._kept_for < asyncio.get_running_loop().time():
            # It was true when it was said, which is too long ago: another may have the lease by now.
            self._alone = self._alone and word.others == 0
            word, why = None, "an answer that came too late"
        self._confirmed = word is not None and word.ours
        if word is None:
            self._say("machines.lease_unknown", reason=why)
            return self.holds and (self._alone or self._left() > 0)
        if word.ours:
            self._confirmed_at, self._alone = self._asked_at, word.others == 0
            self._say("machines.held")
        else:
            self._say("machines.stand_by", holder=word.holder)
        return word.ours

    async def _word(self) -> tuple[Word | None, str]:
        """What storage says, or why it says nothing in the time that we have."""
        loop = asyncio.get_running_loop()
        if self._asking is None:
            self._asked_at = loop.time()
            self._asking = asyncio.create_task(self._lease.ask(), name="lease")
        # What waits for a frozen server cannot be relied on to be cancelled in time: it is left to its own end.
        hurries = self.holds and not self._alone
        done, _ = await asyncio.wait([self._asking], timeout=max(0.0, self._left()) if hurries else None)
        if not done:
            return None, "no answer"
        asked, self._asking = self._asking, None
        try:
            return asked.result(), ""
        except Unavailable as error:
            return None, error.message

    def _left(self) -> float:
        """Seconds for which the lease is still ours for sure."""
        return self._confirmed_at + self._kept_for - asyncio.get_running_loop().time()

    async def _turn(self, *, holds: bool) -> None:
        if holds and self._doing is None:
            self._doing = asyncio.create_task(self._do(), name="machines")
            self.holds = True
            HOLDS.set(1)
        elif not holds and self._doing is not None:
            log.warning("machines.let_go")
            await self._stop()

    async def _do(self) -> None:
        await self._work()

    async def _wait(self) -> None:
        """Until it is time to ask again, which it is when the lease ends; what ends the work ends us, too."""
        pause = self._confirmed_every if self._confirmed else self._asked_every
        if self._doing is None:
            await asyncio.sleep(pause)
            return
        ended = asyncio.create_task(self._lease.ended(), name="lease ended")
        try:
            await asyncio.wait([self._doing, ended], timeout=pause, return_when=asyncio.FIRST_COMPLETED)
        finally:
            ended.cancel()
        if self._doing.done():
            doing, self._doing, self.holds = self._doing, None, False
            await doing

    async def _stop(self) -> None:
        self.holds = False
        HOLDS.set(0)
        if self._doing is None:
            return
        self._doing.cancel()
        await asyncio.wait([self._doing])
        doing, self._doing = self._doing, None
        if not doing.cancelled() and (error := doing.exception()) is not None:
            log.error("machines.let_go_badly", exc_info=error)

    def _say(self, event: str, **fields: str) -> None:
        """Once, until something else is to be said."""
        if self._said == (event, fields):
            return
        self._said = (event, fields)
        (log.warning if "reason" in fields else log.info)(event, **fields)
