"""One import under way: records are read, named, looked up, published, and counted."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field
from datetime import date, datetime
from hashlib import sha256
from itertools import islice
from typing import Any, Final, TypeVar
from uuid import UUID

from services.ingest.application.counting_again import count_again
from services.ingest.application.file_form import FileForm
from services.ingest.application.ports import Evidence, Ledger, Records
from services.ingest.application.publishing import ScanPublisher
from services.ingest.domain.machine import Machine
from services.ingest.domain.reading import Batch, Mode, Reading, Unreadable
from services.ingest.domain.scan import Naming, Scan
from shared.contracts.cloudevents import MOST_IN_A_BATCH
from shared.kernel.errors import Invalid, Malformed, Unavailable

IN_FLIGHT: Final = 8
"""Batches that wait to be durable at once; the file is not read on before."""
KEEP_TRYING: Final = 60.0
"""Seconds for which an import outlasts bus and storage being away together."""
SHOWN: Final = 200
"""Lines of each kind that the summary lists."""
SENSELESS: Final = 1_000
"""Unreadable lines after which a file with fewer readable ones is given up, unless it is forced."""
REMEMBERED: Final = 100_000
"""Different unreadable lines of which equal ones are told apart."""
IN_HAND: Final = 1_000_000
"""Scans that a dry run remembers, as nothing else does; of two equal ones that lie further apart both are counted."""
SAMPLED: Final = 5
"""Scans that a dry run shows."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Import:
    """What is asked."""

    machine: str
    """Its code; registered if new."""
    timezone: str | None = None
    """Of its clock; needed if the machine is new."""
    form: FileForm = field(default_factory=FileForm)
    dry_run: bool = False
    force: bool = False
    """Import although most lines cannot be read."""


@dataclass(slots=True, kw_only=True)
class Summary:
    """What came of it. `read` is `new` and `already_known` and `unreadable` together."""

    machine: str = ""
    machine_id: int | None = None
    machine_created: bool = False
    timezone: str = ""
    format: str | None = None
    recognised: Mapping[str, Any] | None = None
    """Of a table: which columns are read, and how."""
    sample: list[dict[str, Any]] | None = None
    """The first scans that a dry run would make."""
    dry_run: bool = False
    read: int = 0
    new: int = 0
    already_known: int = 0
    quarantined: int = 0
    """Of the new ones: stored, and not counted until a person has looked at them."""
    quarantined_lines: list[dict[str, Any]] = field(default_factory=list)
    unreadable: int = 0
    unreadable_new: int | None = 0
    """Of those, the ones that no earlier import had kept; a dry run does not look."""
    unreadable_lines: list[dict[str, Any]] = field(default_factory=list)
    days: int = 0
    """Dates with a scan that counts."""
    first: date | None = None
    last: date | None = None
    seconds: float = 0.0


class ImportRun:
    """Reads one file, with at most `IN_FLIGHT` batches in hand."""

    def __init__(
        self,
        asked: Import,
        *,
        records: Records,
        resolve: Callable[[], Awaitable[tuple[Machine, bool]]],
        ledger: Ledger,
        evidence: Evidence,
        publisher: ScanPublisher,
        threads: Executor,
        received_at: datetime,
    ) -> None:
        """`resolve` gives the machine and whether it is new; it is called once a record was read."""
        self._asked = asked
        self._records = records
        self._resolve = resolve
        self._ledger = ledger
        self._evidence = evidence
        self._publisher = publisher
        self._threads = threads
        self._received_at = received_at
        self._summary = Summary(
            dry_run=asked.dry_run,
            machine=asked.machine,
            unreadable_new=None if asked.dry_run else 0,
            sample=[] if asked.dry_run else None,
        )
        self._machine: Machine | None = None
        self._naming: Naming | None = None
        self._readings: list[Reading] = []
        self._unreadable: list[tuple[bytes, Unreadable]] = []
        self._seen: Counter[bytes] = Counter()
        self._in_hand: dict[UUID, None] = {}  # in the order in which they came
        self._dates: set[date] = set()
        self.latest: datetime | None = None
        """When the last scan in it was made that counts."""
        self._tasks: set[asyncio.Task[None]] = set()

    async def through(self, chunks: AsyncIterator[bytes]) -> Summary:
        """Import all of it. Raises as `Importer.run` does."""
        try:
            async for chunk in chunks:
                for record in self._records.feed(chunk):
                    self._take(record)
                await self._send(least=MOST_IN_A_BATCH)
            last = self._records.finish()
            while records := await self._in_thread(lambda: list(islice(last, MOST_IN_A_BATCH))):
                for record in records:
                    self._take(record)
                await self._send(least=MOST_IN_A_BATCH)
            await self._send(least=1)
            await self._settle(0)
            self._refuse_senseless()
        finally:
            self._records.close()
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
        return self._finished()

    async def _in_thread(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)

    def _refuse_senseless(self) -> None:
        if self._summary.unreadable and self._machine is None:
            first = self._summary.unreadable_lines[0]
            raise Malformed(f"no line of the file can be read; line {first['line']}: {first['reason']}")

    def _take(self, record: Reading | Unreadable) -> None:
        summary = self._summary
        summary.read += 1
        if isinstance(record, Reading):
            self._readings.append(record)
            return
        summary.unreadable += 1
        digest = sha256(record.raw).digest()
        if len(self._seen) < REMEMBERED or digest in self._seen:
            self._seen[digest] += 1
        # Two equal lines are two pieces of evidence; the same file read again has the same two.
        digest = sha256(digest + str(self._seen[digest]).encode()).digest()[:16]
        self._unreadable.append((digest, record))
        if len(summary.unreadable_lines) < SHOWN:
            text = record.raw[:200].decode("utf-8", errors="backslashreplace")
            summary.unreadable_lines.append({"line": record.position, "reason": record.reason, "text": text})
        if summary.unreadable >= SENSELESS and 2 * summary.unreadable > summary.read and not self._asked.force:
            raise Invalid(
                f"{summary.unreadable} of the first {summary.read} lines cannot be read; the first is line"
                f" {summary.unreadable_lines[0]['line']}: {summary.unreadable_lines[0]['reason']}."
                " If the rest is worth it, say force=true"
            )

    async def _send(self, *, least: int) -> None:
        while len(self._readings) >= least:
            naming = self._naming or await self._begin()
            batch, self._readings = self._readings[:MOST_IN_A_BATCH], self._readings[MOST_IN_A_BATCH:]
            named = naming.scans(Batch(readings=batch, mode=Mode.REPLAY, received_at=self._received_at))
            scans = self._without_repeats(list(named))
            await self._settle(IN_FLIGHT - 1)
            self._start(self._publish(scans))
        while len(self._unreadable) >= least and self._machine is not None:
            kept, self._unreadable = self._unreadable[:MOST_IN_A_BATCH], self._unreadable[MOST_IN_A_BATCH:]
            await self._settle(IN_FLIGHT - 1)
            self._start(self._keep(kept))

    async def _begin(self) -> Naming:
        self._machine, created = await self._resolve()
        self._summary.machine_created = created and not self._asked.dry_run
        self._summary.machine = self._machine.machine_id
        self._summary.machine_id = self._machine.id or None
        self._summary.timezone = self._machine.zone
        self._naming = Naming(self._machine)
        return self._naming

    def _without_repeats(self, scans: Sequence[Scan]) -> Sequence[Scan]:
        different: dict[UUID, Scan] = {}
        for scan in scans:
            if not scan.quality.quarantined:
                self._dates.add(scan.reading.local_time.date())
                self.latest = max(self.latest or scan.at, scan.at)
            if scan.id not in self._in_hand:
                different.setdefault(scan.id, scan)
        self._summary.already_known += len(scans) - len(different)
        self._in_hand.update(dict.fromkeys(different))
        if self._asked.dry_run:
            self._show(different.values())
            while len(self._in_hand) > IN_HAND:
                del self._in_hand[next(iter(self._in_hand))]
        return list(different.values())

    def _show(self, scans: Iterable[Scan]) -> None:
        sample = self._summary.sample or []
        for scan in islice(scans, SAMPLED - len(sample)):
            reading = scan.reading
            sample.append({
                "line": reading.position,
                "badge": reading.badge,
                "local_time": reading.local_time.isoformat(sep=" "),
                "type": reading.type.value,
                "state": reading.state,
                "quality": scan.quality.value,
            })  # fmt: skip
        self._summary.sample = sample

    async def _publish(self, scans: Sequence[Scan]) -> None:
        if not scans:
            return
        machine, ids = scans[0].machine.id, [scan.id for scan in scans]
        known = await _patiently(lambda: self._ledger.known(machine, ids))
        new = [scan for scan in scans if scan.id not in known]
        if new and not self._asked.dry_run:
            await _patiently(lambda: self._publisher.deliver(new))
            # From here on the ledger knows them. A dry run writes none, and must remember them itself.
            for done in ids:
                self._in_hand.pop(done, None)
        if not self._asked.dry_run:
            await count_again(self._ledger, scans, known=known)
        self._summary.already_known += len(known)
        self._summary.new += len(new)
        for scan in new:
            if scan.quality.quarantined:
                self._quarantined(scan)

    def _quarantined(self, scan: Scan) -> None:
        self._summary.quarantined += 1
        if len(self._summary.quarantined_lines) < SHOWN:
            reading = scan.reading
            line = {"line": reading.position, "reason": scan.quality.value, "text": reading.device_time}
            self._summary.quarantined_lines.append(line)

    async def _keep(self, records: Sequence[tuple[bytes, Unreadable]]) -> None:
        machine = self._machine
        if machine is None or self._asked.dry_run:
            return
        kept = await _patiently(lambda: self._evidence.keep(machine.id, records, source="file", at=self._received_at))
        self._summary.unreadable_new = (self._summary.unreadable_new or 0) + kept

    def _start(self, work: Any) -> None:
        self._tasks.add(asyncio.create_task(work))

    async def _settle(self, most: int) -> None:
        """Wait until at most so many batches are in hand. Raises what one of them raised."""
        while len(self._tasks) > most:
            done, self._tasks = await asyncio.wait(self._tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()

    def _finished(self) -> Summary:
        summary = self._summary
        summary.format, summary.recognised = self._records.format, self._records.recognised
        summary.quarantined_lines.sort(key=lambda line: line["line"] or 0)
        summary.days = len(self._dates)
        summary.first, summary.last = min(self._dates, default=None), max(self._dates, default=None)
        return summary


async def _patiently(attempt: Callable[[], Awaitable[T]]) -> T:
    until = time.monotonic() + KEEP_TRYING
    while True:
        try:
            return await attempt()
        except Unavailable:
            if time.monotonic() > until:
                raise
            await asyncio.sleep(0.5)
