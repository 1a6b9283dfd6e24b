"""Being in contact with one machine: for as long as it is wanted, whatever happens to it or to us."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from datetime import datetime, timedelta
from hashlib import sha256

from services.ingest.application.conditions import Conditions, Progress
from services.ingest.application.drivers import (
    Capability,
    Driver,
    MachineTrouble,
    Phase,
    ProtocolBroken,
    Streams,
    Unreachable,
)
from services.ingest.application.ports import Evidence, Ledger
from services.ingest.application.publishing import ScanPublisher
from services.ingest.domain.machine import Machine
from services.ingest.domain.patience import Patience
from services.ingest.domain.reading import Batch, Mode
from services.ingest.domain.scan import Naming, Scan
from shared.contracts.cloudevents import MOST_IN_A_BATCH
from shared.kernel.clock import Clock
from shared.kernel.errors import Unavailable
from shared.observability.logs import get_logger

TELL_EVERY = timedelta(seconds=25)
"""Between two words on how far a machine has reported; others rely on one every 30 s."""
STEADY = 60.0
"""Seconds of contact after which earlier failures are forgotten."""
OURS = 1.0
"""Seconds between attempts while it is we who cannot take scans."""

log = get_logger(__name__)


class MachineWatch:
    """Connects, catches up, takes live scans, and starts over when the machine goes away.

    Also the `Contact` that sessions report to.
    """

    def __init__(
        self,
        machine: Machine,
        driver: Driver,
        *,
        publisher: ScanPublisher,
        ledger: Ledger,
        evidence: Evidence,
        conditions: Conditions,
        clock: Clock,
        patience: Patience | None = None,
    ) -> None:
        assert isinstance(driver, Streams)  # noqa: S101 - the supervisor watches no others
        self.machine = machine
        self._streams: Streams = driver
        self._pulls = Capability.PULLS in driver.capabilities
        self._publisher = publisher
        self._ledger = ledger
        self._evidence = evidence
        self._conditions = conditions
        self._clock = clock
        self._patience = patience or Patience()
        self._offset = timedelta(0)
        self._connected = False
        self._reason: str | None = None
        self._latest: datetime | None = None
        self._complete: datetime | None = None
        self._told_at: datetime | None = None
        self._untold: Callable[[], Awaitable[None]] | None = None
        self.heard_at: datetime | None = None
        self.records_there: int | None = None
        self.capacity: int | None = None
        self._phase = Phase.CATCHING_UP
        self._warnings: dict[str, str] = {}

    @property
    def connected(self) -> bool:
        """Whether there is contact now."""
        return self._connected

    async def run(self) -> None:
        """Watch until cancelled."""
        failures = 0
        while True:
            began = asyncio.get_running_loop().time()
            trouble = await self._contact()
            if trouble is None:
                await asyncio.sleep(self._streams.poll_every.total_seconds())
                continue
            failures = 1 if asyncio.get_running_loop().time() - began > STEADY else failures + 1
            await self._away(trouble)
            pause = self._patience.pause(failures, lasting=trouble.lasting, chance=random.random())
            await asyncio.sleep(pause.total_seconds())

    def alive(self) -> None:
        self.heard_at = self._clock.now()

    def clock(self, offset: timedelta) -> None:
        self._offset = offset

    def counts(self, *, records: int, capacity: int | None = None, received: int | None = None) -> None:
        self.records_there, self.capacity = records, capacity

    def phase(self, phase: Phase) -> None:
        self._phase = phase

    def warn(self, about: str, sentence: str) -> None:
        if about not in self._warnings:
            log.warning("machine.warning", machine=self.machine.machine_id, about=about, reason=sentence)
        self._warnings[about] = sentence

    def settled(self, about: str) -> None:
        self._warnings.pop(about, None)

    async def _contact(self) -> MachineTrouble | None:
        """One contact, and what ended it; None where it ended as it should."""
        try:
            async with self._streams.session(self.machine, self) as session:
                await self._back()
                # One reading of the log is one chronology: what the order of scans says ends with the contact.
                naming = Naming(self.machine)
                async with aclosing(session.batches()) as batches:  # type: ignore[type-var]  # any async iterator with aclose
                    async for batch in batches:
                        await self._take(naming, batch)
                        await session.acknowledge(batch)
                        await self._progress(batch)
        except MachineTrouble as trouble:
            return trouble
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is None or task.cancelling():
                raise
            # A broken connection can cancel what nobody cancelled (RELIABILITY, finding 4).
            return Unreachable("the connection broke")
        except Exception:
            log.exception("machine.failed", machine=self.machine.machine_id)
            return ProtocolBroken("the driver failed; the log of ingest has the details")
        return None if self._pulls else Unreachable("the machine ended the connection")

    async def _take(self, naming: Naming, batch: Batch) -> None:
        """Make a batch durable, however long that takes; the machine is not read on before."""
        if batch.unreadable:
            records = [(sha256(record.raw).digest()[:16], record) for record in batch.unreadable]
            machine, at = self.machine.id, batch.received_at
            await self._patiently(lambda: self._evidence.keep(machine, records, source="session", at=at))
        scans = list(naming.scans(batch, clock_offset=self._offset))
        for start in range(0, len(scans), MOST_IN_A_BATCH):
            piece = scans[start : start + MOST_IN_A_BATCH]
            if batch.mode is Mode.REPLAY:
                piece = await self._unknown(piece)
            await self._patiently(lambda piece=piece: self._publisher.publish(piece))  # type: ignore[misc]  # bound now, called soon
        counted = [scan.at for scan in scans if not scan.quality.quarantined]
        if counted:
            self._latest = max(self._latest or counted[0], *counted)

    async def _unknown(self, scans: list[Scan]) -> list[Scan]:
        """Those that are not in the ledger; all of them where the ledger is away: repeats are harmless."""
        try:
            known = await self._ledger.known(self.machine.id, [scan.id for scan in scans])
        except Unavailable:
            return scans
        return [scan for scan in scans if scan.id not in known]

    async def _patiently(self, attempt: Callable[[], Awaitable[object]]) -> None:
        said = False
        while True:
            try:
                await attempt()
                return
            except Unavailable as error:
                if not said:
                    log.warning("machine.held_up", machine=self.machine.machine_id, reason=error.message)
                said = True
                await asyncio.sleep(OURS)

    async def _progress(self, batch: Batch) -> None:
        self.alive()
        if batch.complete_until is None:
            return
        first = self._complete is None
        self._complete = max(self._complete or batch.complete_until, batch.complete_until)
        now = self._clock.now()
        if first or self._untold is not None or self._told_at is None or now - self._told_at >= TELL_EVERY:
            progress = Progress(last_sync=now, last_scan_at=self._latest, reported_until=self._complete)
            await self._tell(lambda: self._conditions.progressed(self.machine, progress))
            self._told_at = now

    async def _back(self) -> None:
        self.alive()
        if self._connected:
            return
        self._connected, self._reason = True, None
        log.info("machine.connected", machine=self.machine.machine_id)
        await self._tell(lambda: self._conditions.back(self.machine))

    async def _away(self, trouble: MachineTrouble) -> None:
        self._connected, self._complete = False, None
        if trouble.message == self._reason:
            return
        self._reason = trouble.message
        log.warning("machine.away", machine=self.machine.machine_id, reason=trouble.message)
        await self._tell(lambda: self._conditions.away(self.machine, trouble.message, lasting=trouble.lasting))

    async def _tell(self, word: Callable[[], Awaitable[None]]) -> None:
        """Have it written down; what cannot be now is said again with the next word, unless that says more."""
        try:
            await word()
            self._untold = None
        except Unavailable:
            self._untold = word
