"""A file of a machine, from its first byte to scans that cannot be lost."""

import contextlib
import time
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

from services.ingest.application.import_run import Import, ImportRun, Summary
from services.ingest.application.machines import Changes, Machines, check_zone
from services.ingest.application.ports import Evidence, Ledger, OpenFile, Registry
from services.ingest.application.publishing import ScanPublisher
from services.ingest.domain.machine import Machine
from shared.kernel.clock import Clock
from shared.kernel.errors import Conflict, Malformed, Unavailable
from shared.observability.logs import get_logger
from shared.web.scope import Scope

NEW_TYPE = "generic"
"""The type of a machine that is registered by importing its file: nobody connects to it."""

AT_ONCE = 2
"""Tables that are read at once; others wait for their turn, batch by batch."""

log = get_logger(__name__)


class Importer:
    """Imports files: any size, in bounded memory, as often as one likes."""

    def __init__(
        self,
        *,
        registry: Registry,
        machines: Machines,
        open_file: OpenFile,
        ledger: Ledger,
        evidence: Evidence,
        publisher: ScanPublisher,
        clock: Clock,
    ) -> None:
        self._registry = registry
        self._machines = machines
        self._open_file = open_file
        self._ledger = ledger
        self._evidence = evidence
        self._publisher = publisher
        self._clock = clock
        # Of their own: those of the loop also look up addresses, for which machines must not wait.
        self._threads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="import")

    async def run(self, asked: Import, chunks: AsyncIterator[bytes], scope: Scope) -> Summary:
        """Read the file and publish what is new in it.

        Importing a file again adds nothing. What was published before an import broke off stays; importing the
        file again does the rest. A new machine is registered as soon as its file has shown to be one.

        Raises:
            Malformed: the file or a parameter cannot be read.
            Conflict: the machine is known with another time zone; its code is the id of another machine.
            Invalid: most lines cannot be read, and it is not forced.
            Unavailable: scans could not be made durable for a minute.
        """
        started = time.monotonic()
        if asked.timezone is not None:
            check_zone(asked.timezone)
        machine = await self._registry.one(asked.machine, scope)
        if machine is not None and machine.machine_id != asked.machine:
            raise _is_an_id(asked.machine, machine)
        if machine is None and asked.timezone is None:
            raise Malformed(
                f"there is no machine {asked.machine!r}; to register it, say the time zone of its clock",
                fields={"timezone": "needed for a new machine"},
            )
        if machine is not None and asked.timezone not in (None, machine.zone):
            raise Conflict(
                f"the clock of {machine.machine_id} is in {machine.zone}, not in {asked.timezone}: change the machine"
                " if that is wrong",
                fields={"timezone": "differs from the machine's"},
            )

        records = self._open_file(asked.form, ZoneInfo(machine.zone if machine is not None else str(asked.timezone)))

        async def resolve() -> tuple[Machine, bool]:
            return (machine, False) if machine is not None else await self._new_machine(asked)

        run = ImportRun(
            asked,
            records=records,
            resolve=resolve,
            ledger=self._ledger,
            evidence=self._evidence,
            publisher=self._publisher,
            threads=self._threads,
            received_at=self._clock.now(),
        )
        summary = await run.through(chunks)
        if not asked.dry_run and summary.machine_id is not None and run.latest is not None:
            with contextlib.suppress(Unavailable):  # its scans are safe all the same
                await self._scanned(summary.machine_id, run.latest)
        summary.seconds = round(time.monotonic() - started, 3)
        log.info(
            "import.done",
            machine=summary.machine,
            read=summary.read,
            new=summary.new,
            unreadable=summary.unreadable,
            seconds=summary.seconds,
        )
        return summary

    async def _scanned(self, machine_id: int, at: datetime) -> None:
        """Somebody scanned at it then; it may have told of later ones."""
        async with self._machines.work() as work:
            machine = await work.by_id(machine_id)
            if machine is not None and (machine.last_scan_at is None or machine.last_scan_at < at):
                await self._machines.announce(work, await work.save(replace(machine, last_scan_at=at)))

    async def _new_machine(self, asked: Import) -> tuple[Machine, bool]:
        assert asked.timezone is not None  # noqa: S101 - checked before the file was opened
        if asked.dry_run:
            now = self._clock.now()
            blank = Machine(
                id=0,
                machine_id=asked.machine,
                name=asked.machine,
                machine_type=NEW_TYPE,
                zone=asked.timezone,
                created_at=now,
                updated_at=now,
            )
            return blank, True
        async with self._machines.work() as work:
            existing = await work.machine(asked.machine, Scope.everything())
            if existing is not None and existing.machine_id != asked.machine:
                raise _is_an_id(asked.machine, existing)
            if existing is not None:
                return existing, False
            changes = Changes(machine_id=asked.machine, machine_type=NEW_TYPE, zone=asked.timezone)
            return await self._machines.register(work, changes), True


def _is_an_id(code: str, machine: Machine) -> Conflict:
    """Whoever names machines 1, 2, 3 must not find the log of one under another, which came as the second."""
    return Conflict(
        f"{code!r} is the id of the machine {machine.machine_id!r}: if you mean that one, say {machine.machine_id!r};"
        " else give yours another code",
        fields={"machine": "is the id of another"},
    )
