"""Being in contact with one machine: for as long as it is wanted, whatever happens to it or to us."""

import asyncio
import contextlib
import random
from contextlib import AsyncExitStack, aclosing

from services.ingest.application.drivers import (
    HasNotCome,
    MachineTrouble,
    ProtocolBroken,
    Session,
    Streams,
    Unreachable,
)
from services.ingest.application.standing import Standing
from services.ingest.application.taking import Taker
from services.ingest.application.watched_log import WatchedLog
from services.ingest.domain.machine import Machine
from services.ingest.domain.patience import Failures, Patience
from services.ingest.domain.reading import Unreadable
from services.ingest.domain.scan import Naming
from shared.observability.logs import get_logger

STEADY = 20.0
"""Seconds of contact after which earlier failures are forgotten."""

log = get_logger(__name__)


class MachineWatch:
    """Connects, catches up, takes live scans, and starts over when the machine goes away."""

    def __init__(
        self,
        machine: Machine,
        streams: Streams,
        *,
        pulls: bool,
        standing: Standing,
        taker: Taker,
        logs: WatchedLog,
        patience: Patience,
    ) -> None:
        """`pulls` where its sessions end once everything is read."""
        self.machine = machine
        self._streams = streams
        self._pulls = pulls
        self.standing = self._standing = standing
        self._taker = taker
        self._logs = logs
        self._patience = patience
        self._mistake: str | None = None
        self._failures = Failures()
        self._hurried = asyncio.Event()

    @property
    def connected(self) -> bool:
        """Whether there is contact now."""
        return self._standing.connected

    async def run(self) -> None:
        """Watch until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._watch(), name=f"contact {self.machine.machine_id}")
            # In the foreground, so that nothing is told any more from the moment of being cancelled, although a
            # session may take its time to let go.
            await self._standing.tell()

    def hurry(self) -> None:
        """There is reason to think that it will answer now: forget what failed, and try at once."""
        self._failures = Failures()
        if not self._standing.connected:
            self._hurried.set()

    async def _watch(self) -> None:
        while True:
            trouble = await self._contact()
            if _cancelled():
                return
            if trouble is None:
                self._failures = Failures()
                self._standing.polled()
                pause = self._patience.spread(self._streams.poll_every, chance=random.random())
            else:
                before = Failures() if isinstance(trouble, HasNotCome) else self._failures
                self._failures = before.after(lasting=trouble.lasting)
                self._standing.away(trouble)
                pause = self._patience.pause(self._failures, chance=random.random())
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(pause.total_seconds()):
                    await self._hurried.wait()
            self._hurried.clear()

    async def _contact(self) -> MachineTrouble | None:
        """One contact, and what ended it; None where it ended as it should."""
        self._standing.begin()
        self._logs.begin()
        began: float | None = None
        try:
            async with AsyncExitStack() as stack:
                session = await self._entered(stack)
                began = asyncio.get_running_loop().time()
                self._hurried.clear()
                if self._standing.back():
                    self._mistake = None
                # One reading of the log is one chronology: what the order of scans says ends with the contact.
                naming = Naming(self.machine)
                batches = await stack.enter_async_context(aclosing(session.batches()))  # type: ignore[type-var]  # any async iterator with aclose
                async for batch in batches:
                    if _cancelled():
                        break
                    tally = self._logs.tally(batch)
                    taken = await self._taker.take(naming, batch, clock_offset=self._standing.offset, tally=tally)
                    await session.acknowledge(batch)
                    self._standing.taken(batch, taken)
                    self._logs.taken(batch)
                    # A session that never has to wait must not keep the others waiting.
                    await asyncio.sleep(0)
        except MachineTrouble as trouble:
            if trouble.evidence:
                await self._taker.keep([Unreadable(reason=trouble.message, raw=trouble.evidence)], source="contact")
            return trouble
        except asyncio.CancelledError:
            if _cancelled():
                raise
            # A broken connection can cancel what nobody cancelled (RELIABILITY, finding 4).
            return Unreachable("the connection broke")
        except Exception as mistake:
            if repr(mistake) != self._mistake:
                self._mistake = repr(mistake)
                log.exception("machine.failed", machine=self.machine.machine_id)
            return ProtocolBroken("the driver failed; the log of ingest has the details")
        finally:
            if began is not None:
                self._standing.ended()
                if asyncio.get_running_loop().time() - began > STEADY:
                    self._failures = Failures()
        return None if self._pulls else Unreachable("the machine ended the connection")

    async def _entered(self, stack: AsyncExitStack) -> Session:
        within = self._patience.connecting.total_seconds()
        deadline = asyncio.timeout(within)
        try:
            async with deadline:
                return await stack.enter_async_context(self._streams.session(self.machine, self._standing))
        except TimeoutError as error:
            if not deadline.expired():
                raise
            raise Unreachable(f"no contact came about within {within:g} s") from error


def _cancelled() -> bool:
    """Whether the present task was asked to end; a session may have taken that for a fault of its own."""
    task = asyncio.current_task()
    return task is None or task.cancelling() > 0
