"""Being in contact with one machine: for as long as it is wanted, whatever happens to it or to us."""

import asyncio
import contextlib
import random
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, aclosing
from dataclasses import replace
from datetime import datetime, timedelta
from hashlib import sha256
from itertools import islice

from services.ingest.application.conditions import Conditions, Progress
from services.ingest.application.drivers import (
    Capability,
    Driver,
    MachineTrouble,
    Phase,
    ProtocolBroken,
    Session,
    Streams,
    Unreachable,
)
from services.ingest.application.ports import Evidence, Ledger
from services.ingest.application.publishing import ScanPublisher
from services.ingest.application.telling import Telling
from services.ingest.domain.alarms import Alarms
from services.ingest.domain.clocks import clock_warning
from services.ingest.domain.machine import Machine, State
from services.ingest.domain.patience import Failures, Patience
from services.ingest.domain.reading import Batch, Mode, Unreadable
from services.ingest.domain.scan import Naming, Scan
from shared.contracts.cloudevents import MOST_IN_A_BATCH
from shared.kernel.clock import Clock
from shared.kernel.errors import Unavailable
from shared.observability.logs import get_logger

STEADY = 60.0
"""Seconds of contact after which earlier failures are forgotten."""
OURS = timedelta(seconds=1)
"""Between attempts while it is we who cannot take scans."""
CLOCK = "clock"
"""What warnings of a wrong clock are about."""

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
        self._telling = Telling(lambda: conditions.progressed(machine, self._so_far()), self._patience)
        self._progress = Progress()
        self._state = State.CONNECTING
        self._alarms = Alarms()
        self._offset = timedelta(seconds=machine.clock_offset_seconds or 0.0)
        self._connected = False
        self._says_phases = False
        self._troubles: set[type[MachineTrouble]] = set()
        self._reason: str | None = None
        self._mistake: str | None = None
        self._complete: datetime | None = None
        self._failures = Failures()
        self._hurried = asyncio.Event()

    @property
    def connected(self) -> bool:
        """Whether there is contact now."""
        return self._connected

    @property
    def state(self) -> State:
        """How contact stands now."""
        return self._state

    async def run(self) -> None:
        """Watch until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._watch(), name=f"contact {self.machine.machine_id}")
            # In the foreground, so that nothing is told any more from the moment of being cancelled, although a
            # session may take its time to let go.
            await self._telling.run()

    def hurry(self) -> None:
        """There is reason to think that it will answer now: forget what failed, and try at once."""
        self._failures = Failures()
        if not self._connected:
            self._hurried.set()

    # The contact, as sessions report it.

    def alive(self) -> None:
        self._note(replace(self._progress, last_contact_at=self._clock.now()))

    def clock(self, offset: timedelta) -> None:
        self._offset = offset
        now = self._clock.now()
        seconds = round(offset.total_seconds(), 3)
        self._note(replace(self._progress, last_contact_at=now, clock_offset_seconds=seconds, clock_measured_at=now))
        warning = clock_warning(offset, warned=self._alarms.holds(CLOCK))
        if warning is None:
            self.settled(CLOCK)
        else:
            self.warn(CLOCK, warning)

    def counts(self, *, records: int, capacity: int | None = None, received: int | None = None) -> None:
        known = self._progress
        self._note(
            replace(
                known,
                records_on_machine=records,
                record_capacity=known.record_capacity if capacity is None else capacity,
                records_received=known.records_received if received is None else received,
            )
        )

    def phase(self, phase: Phase) -> None:
        self._says_phases = True
        self._enter(phase)

    def warn(self, about: str, sentence: str) -> None:
        self._alarms.say(about, sentence)
        if self._connected:
            self._tell_news()
            self._telling.tick()

    def settled(self, about: str) -> None:
        if self._alarms.settle(about) and self._connected:
            self._tell_progress()

    # Contacts, one after the other.

    async def _watch(self) -> None:
        while True:
            trouble = await self._contact()
            if _cancelled():
                return
            if trouble is None:
                self._failures = Failures()
                self._turn_to(State.POLLING)
                pause = self._patience.spread(self._streams.poll_every, chance=random.random())
            else:
                self._failures = self._failures.after(lasting=trouble.lasting)
                self._away(trouble)
                pause = self._patience.pause(self._failures, chance=random.random())
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(pause.total_seconds()):
                    await self._hurried.wait()
            self._hurried.clear()

    async def _contact(self) -> MachineTrouble | None:
        """One contact, and what ended it; None where it ended as it should."""
        self._alarms.begin()
        self._says_phases = False
        began: float | None = None
        try:
            async with AsyncExitStack() as stack:
                session = await self._entered(stack)
                began = asyncio.get_running_loop().time()
                self._back()
                # One reading of the log is one chronology: what the order of scans says ends with the contact.
                naming = Naming(self.machine)
                batches = await stack.enter_async_context(aclosing(session.batches()))  # type: ignore[type-var]  # any async iterator with aclose
                async for batch in batches:
                    if _cancelled():
                        break
                    await self._take(naming, batch)
                    await session.acknowledge(batch)
                    self._taken(batch)
                    # A session that never has to wait must not keep the others waiting.
                    await asyncio.sleep(0)
        except MachineTrouble as trouble:
            if trouble.evidence:
                await self._keep([Unreadable(reason=trouble.message, raw=trouble.evidence)])
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
                self._alarms.end()
                if asyncio.get_running_loop().time() - began > STEADY:
                    self._failures = Failures()
        return None if self._pulls else Unreachable("the machine ended the connection")

    async def _entered(self, stack: AsyncExitStack) -> Session:
        within = self._patience.connecting.total_seconds()
        deadline = asyncio.timeout(within)
        try:
            async with deadline:
                return await stack.enter_async_context(self._streams.session(self.machine, self))
        except TimeoutError as error:
            if not deadline.expired():
                raise
            raise Unreachable(f"no contact came about within {within:g} s") from error

    async def _take(self, naming: Naming, batch: Batch) -> None:
        """Make a batch durable, however long that takes; the machine is not read on before."""
        if batch.unreadable:
            await self._keep(batch.unreadable)
        scans = naming.scans(batch, clock_offset=self._offset)
        while piece := list(islice(scans, MOST_IN_A_BATCH)):
            new = await self._unknown(piece) if batch.mode is Mode.REPLAY else piece
            await self._patiently(lambda new=new: self._publisher.publish(new))  # type: ignore[misc]  # bound now, called soon
            latest = max((scan.at for scan in piece if not scan.quality.quarantined), default=None)
            if latest is not None:
                self._note(replace(self._progress, last_scan_at=max(self._progress.last_scan_at or latest, latest)))

    async def _keep(self, unreadable: Sequence[Unreadable]) -> None:
        """Keep what cannot be understood, as it came."""
        # By the bytes alone: the same record is read again in every contact, whole or in part, so that which of
        # several equal ones it is cannot be told, as it can in a file.
        records = [(sha256(record.raw).digest()[:16], record) for record in unreadable]
        machine, at = self.machine.id, self._clock.now()
        await self._patiently(lambda: self._evidence.keep(machine, records, source="session", at=at))

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
                await asyncio.sleep(self._patience.spread(OURS, chance=random.random()).total_seconds())

    # What contact shows, and its being told.

    def _taken(self, batch: Batch) -> None:
        self.alive()
        if batch.complete_until is not None:
            first = self._complete is None
            self._complete = max(self._complete or batch.complete_until, batch.complete_until)
            self._note(replace(self._progress, last_sync=self._clock.now(), reported_until=self._complete))
            if first:
                self._tell_progress()
        if not self._says_phases and (batch.complete_until is not None or batch.mode is Mode.LIVE):
            self._enter(Phase.LIVE)

    def _note(self, progress: Progress) -> None:
        self._progress = progress
        if self._connected:
            self._telling.tick()

    def _enter(self, phase: Phase) -> None:
        """A session that comes by every so often is polling once it has read everything, and stays that."""
        if not self._connected:
            return
        if phase is Phase.CATCHING_UP:
            self._turn_to(State.POLLING if self._state is State.POLLING else State.CATCHING_UP)
        else:
            self._turn_to(State.POLLING if self._pulls else State.LIVE)

    def _turn_to(self, state: State) -> None:
        if state is not self._state:
            self._state = state
            self._tell_progress()

    def _back(self) -> None:
        self._hurried.clear()
        if not self._connected:
            self._connected, self._reason, self._state = True, None, State.CATCHING_UP
            self._troubles.clear()
            self._mistake = None
            self.alive()
            log.info("machine.connected", machine=self.machine.machine_id)
            so_far = self._so_far()
            self._telling.turn(lambda: self._conditions.back(self.machine, so_far))
        self._tell_news()

    def _away(self, trouble: MachineTrouble) -> None:
        self._connected, self._complete = False, None
        self._alarms.lose()
        self._state = State.WAITING_FOR_A_PERSON if trouble.lasting else State.AWAY
        if trouble.message == self._reason:
            return
        self._reason = trouble.message
        # A machine that gives two reasons in turn is one that is away, and told of twice, not for ever.
        news = type(trouble) not in self._troubles
        self._troubles.add(type(trouble))
        log.warning("machine.away", machine=self.machine.machine_id, reason=trouble.message)
        so_far = self._so_far()
        self._telling.turn(
            lambda: self._conditions.away(self.machine, trouble.message, so_far, lasting=trouble.lasting, news=news)
        )

    def _tell_progress(self) -> None:
        so_far = self._so_far()
        self._telling.turn(lambda: self._conditions.progressed(self.machine, so_far))

    def _tell_news(self) -> None:
        for sentence in self._alarms.news():
            log.warning("machine.warning", machine=self.machine.machine_id, reason=sentence)
            so_far = self._so_far()
            self._telling.turn(lambda s=sentence, p=so_far: self._conditions.warned(self.machine, s, p))  # type: ignore[misc]  # bound now, called soon

    def _so_far(self) -> Progress:
        return replace(self._progress, state=self._state, warnings=self._alarms.sentences)


def _cancelled() -> bool:
    """Whether the present task was asked to end; a session may have taken that for a fault of its own."""
    task = asyncio.current_task()
    return task is None or task.cancelling() > 0
