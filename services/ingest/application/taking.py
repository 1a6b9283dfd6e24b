"""Making what a machine hands over durable: however long that takes, or at the first attempt."""

import asyncio
import contextlib
import random
from collections.abc import Awaitable, Callable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from itertools import islice
from typing import TypeAlias
from uuid import UUID

from services.ingest.application.counting_again import count_again, note_handed_over
from services.ingest.application.ports import Evidence, Ledger
from services.ingest.application.publishing import ScanPublisher
from services.ingest.domain.log_reading import Tally
from services.ingest.domain.machine import Machine
from services.ingest.domain.patience import Patience
from services.ingest.domain.reading import Batch, Mode, Unreadable
from services.ingest.domain.scan import Naming, Scan
from shared.contracts.cloudevents import MOST_IN_A_BATCH
from shared.kernel.clock import Clock
from shared.kernel.errors import Unavailable
from shared.observability.logs import get_logger

OURS = timedelta(seconds=1)
"""Between attempts while it is we who cannot take scans."""

Told: TypeAlias = Callable[[Sequence[Scan], AbstractSet[UUID]], None]
"""Hears of scans that cannot be lost any more, in their order, and which of them were here before."""

log = get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What there was in a batch that cannot be lost any more."""

    latest: datetime | None = None
    """The last instant in it that counts, if any does."""
    new: int = 0
    """Scans that were not here before, as far as that was asked: of live ones it is not."""


class Taker:
    """Takes the batches of one machine."""

    def __init__(
        self,
        machine: Machine,
        *,
        publisher: ScanPublisher,
        ledger: Ledger,
        evidence: Evidence,
        clock: Clock,
        patience: Patience | None,
    ) -> None:
        """`patience` None tries once: `Unavailable` goes to the caller, who tells the machine to come back."""
        self._machine = machine
        self._publisher = publisher
        self._ledger = ledger
        self._evidence = evidence
        self._clock = clock
        self._patience = patience

    async def take(
        self,
        naming: Naming,
        batch: Batch,
        *,
        clock_offset: timedelta,
        told: Told | None = None,
        tally: Tally | None = None,
    ) -> Taken:
        """Return once the batch cannot be lost, and what was in it.

        The machine is not read on before. `told`, if given, hears what became of each scan; `tally` counts it.
        """
        latest: datetime | None = None
        number = 0
        scans = naming.scans(batch, clock_offset=clock_offset)
        while piece := list(islice(scans, MOST_IN_A_BATCH)):
            known = await self._known(piece) if batch.mode is Mode.REPLAY or told is not None else frozenset()
            new = [scan for scan in piece if scan.id not in known] if known else piece
            await self._patiently(lambda new=new: self._publisher.publish(new))  # type: ignore[misc]  # bound now, called soon
            await count_again(self._ledger, piece, known=known)
            await note_handed_over(self._ledger, piece, known=known)
            number += len(new)
            if told is not None:
                told(piece, known)
            if tally is not None:
                tally.scans(piece, new={scan.id for scan in new})
            counted = [scan.at for scan in piece if not scan.quality.quarantined]
            latest = max([*counted, latest] if latest else counted, default=None)
        if batch.unreadable:
            await self.keep(batch.unreadable)
            if tally is not None:
                tally.unreadable(len(batch.unreadable))
        return Taken(latest=latest, new=number)

    async def keep(self, unreadable: Sequence[Unreadable], *, source: str = "session") -> None:
        """Keep what cannot be understood, as it came. `source` is another where it is no record of its log."""
        # By the bytes alone: the same record is read again in every contact, whole or in part, so that which of
        # several equal ones it is cannot be told, as it can in a file.
        records = [(sha256(record.raw).digest()[:16], record) for record in unreadable]
        machine, at = self._machine.id, self._clock.now()
        await self._patiently(lambda: self._evidence.keep(machine, records, source=source, at=at))

    async def _known(self, scans: Sequence[Scan]) -> AbstractSet[UUID]:
        """Those that somebody was told of, as far as we know: where the ledger is away, repeats are harmless."""
        # First those that are on their way into the ledger, then those that have come there.
        known = self._publisher.unentered(scan.id for scan in scans)
        with contextlib.suppress(Unavailable):
            known |= await self._ledger.known(self._machine.id, [scan.id for scan in scans])
        return known

    async def _patiently(self, attempt: Callable[[], Awaitable[object]]) -> None:
        said = False
        while True:
            try:
                await attempt()
                return
            except Unavailable as error:
                if self._patience is None:
                    raise
                if not said:
                    log.warning("machine.held_up", machine=self._machine.machine_id, reason=error.message)
                said = True
                await asyncio.sleep(self._patience.spread(OURS, chance=random.random()).total_seconds())
