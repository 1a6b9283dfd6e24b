"""Getting scans to where they cannot be lost, and only then saying so."""

import asyncio
import contextlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from services.ingest.application.announce import scan_received
from services.ingest.application.ports import Entry, Ledger, Spool, Spooled
from services.ingest.domain.scan import Scan
from shared.bus.handling import is_cancelled
from shared.bus.port import BATCH, Bus, BusUnavailable, Message
from shared.contracts.cloudevents import MOST_IN_A_BATCH, encode_batch, join_batches
from shared.contracts.scans import ScanReceived
from shared.kernel.clock import Clock
from shared.kernel.errors import Unavailable
from shared.kernel.identifiers import new_id
from shared.observability.logs import get_logger
from shared.observability.metrics import Counter, Gauge

CONFIRM_WITHIN: Final = 2.0
"""Seconds that the bus has; then our own spool takes the scans (DESIGN §4)."""
IN_FLIGHT: Final = 8
"""Messages that wait for their confirm at once."""
DRAIN_EVERY: Final = 1.0
DRAINED_AT_ONCE: Final = 64
TOGETHER: Final = 256 * 1024
"""Bytes of spooled messages that are published as one: some 400 scans."""
ENTERED_AT_ONCE: Final = 10_000
LAST_ENTRIES_WITHIN: Final = 2.0
"""Seconds, when we are stopped, also for what is still being published."""
REMEMBERED: Final = 200_000
"""Scans that wait to be entered in the ledger while storage is away; what comes on top is not entered."""

SCANS = Counter("muster_ingest_scans_total", "Scans that cannot be lost any more", ["way"])
SPOOLED = Gauge("muster_ingest_spool_messages", "Messages in the spool")

log = get_logger(__name__)


@dataclass(slots=True, eq=False)
class _Waiting:
    scans: Sequence[Scan]
    durable: asyncio.Future[None]


class ScanPublisher:
    """Publishes scans, or keeps them in the spool while the bus does not confirm.

    Once the spool is in use, everything goes through it until it is empty, so that each machine's scans are
    published in its order. Live scans leave at once; those that arrive while others wait for their confirm leave
    together after it, because a message costs us, the broker and the workers as much as ten scans do. Only full
    messages leave meanwhile.
    """

    def __init__(
        self,
        bus: Bus,
        ledger: Ledger,
        spool: Spool,
        clock: Clock,
        *,
        confirm_within: float = CONFIRM_WITHIN,
        may_drain: Callable[[], bool] = lambda: True,
    ) -> None:
        """`may_drain` says whether it is for this process to empty the spool, which several may fill."""
        self._bus = bus
        self._ledger = ledger
        self._spool = spool
        self._clock = clock
        self._confirm_within = confirm_within
        self._may_drain = may_drain
        self._spooling = True  # until a look into the spool says that it is empty
        self._may_wait = True
        self._put = 0
        self._putting = 0  # under way: a look into the spool does not see them yet
        self._told = asyncio.Event()
        self._gathered: list[_Waiting] = []
        self._sending: set[asyncio.Task[None]] = set()
        self._to_enter: list[Entry] = []
        self._unentered: set[UUID] = set()

    @property
    def spooling(self) -> bool:
        """Whether scans go to the spool instead of the bus."""
        return self._spooling

    @property
    def all_published(self) -> bool:
        """Whether all that was taken of machines is on the bus; False where nobody knows what is in the spool."""
        return not self._spooling and not self._may_wait

    def unentered(self, scans: Iterable[UUID]) -> set[UUID]:
        """Those of them that are on the bus, and that the ledger does not know yet."""
        return self._unentered.intersection(scans)

    async def publish(self, scans: Sequence[Scan]) -> None:
        """Return once these scans cannot be lost.

        Scans of one machine that are published one call after the other are published in that order. They are
        entered in the ledger a moment later.

        Raises:
            Unavailable: neither the bus nor the spool took them; they must not be acknowledged.
        """
        if not scans:
            return
        waiting = _Waiting(scans, asyncio.get_running_loop().create_future())
        self._gathered.append(waiting)
        self._send()
        try:
            await waiting.durable
        finally:
            # A caller that is cancelled has not acknowledged anything: whether its scans went is of no matter. What has
            # not gone yet comes again from its machine, which may be told to come back for as long as an outage lasts.
            if waiting.durable.cancelled() and waiting in self._gathered:
                self._gathered.remove(waiting)

    async def deliver(self, scans: Sequence[Scan]) -> None:
        """As `publish`, for up to 500 scans of a file: a message of their own, in the ledger before it returns."""
        await self._out(scans, of_file=True)
        await self.enter_ledger()

    async def enter_ledger(self) -> bool:
        """Enter what was published, and say whether that went well.

        Where storage is away it can wait: until then the same scans may be published again, and are recognised there.
        """
        while self._to_enter:
            entries, self._to_enter = self._to_enter[:ENTERED_AT_ONCE], self._to_enter[ENTERED_AT_ONCE:]
            try:
                await self._ledger.enter(entries)
            except Unavailable:
                self._to_enter = [*entries, *self._to_enter]
                self._unentered.difference_update(entry.scan_id for entry in self._to_enter[REMEMBERED:])
                del self._to_enter[REMEMBERED:]
                return False
            self._unentered.difference_update(entry.scan_id for entry in entries)
        return True

    async def run(self) -> None:
        """Drain the spool and keep the ledger, until cancelled."""
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._keep_draining())
                tasks.create_task(self._keep_entering())
        finally:
            # What is not entered now would be new again when it comes again; who stops us does not wait long.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LAST_ENTRIES_WITHIN):
                    while self._sending:
                        await asyncio.wait(set(self._sending))
                    await self.enter_ledger()
            if is_cancelled():  # else this is run again, and what is under way goes on
                await self._give_up()

    async def drain(self) -> int:
        """Publish what is in the spool, oldest first, until it is empty, and say how many messages went.

        Raises:
            Unavailable: the bus or storage is away.
        """
        return await self._drain(lambda: True)

    async def _drain(self, goes_on: Callable[[], bool]) -> int:
        published = 0
        while (messages := await self._first(DRAINED_AT_ONCE)) and goes_on():
            published += await self._publish_spooled(messages, goes_on)
            SPOOLED.set(await self._spool.size())
        return published

    async def _first(self, most: int) -> Sequence[Spooled]:
        """What is to be published first of what is in the spool; nothing once it is empty for sure."""
        while True:
            put = self._put
            try:
                messages = await self._spool.first(most)
            except Unavailable:
                # Nobody knows what is in it; until it is back, the bus is asked first, whatever the order.
                self._spooling, self._may_wait = False, True
                raise
            if messages:
                self._spooling = self._may_wait = True
                return messages
            if put == self._put and not self._putting:
                self._spooling = self._may_wait = False
                SPOOLED.set(0)
                return ()

    async def _publish_spooled(self, messages: Sequence[Spooled], goes_on: Callable[[], bool]) -> int:
        places: list[int] = []
        try:
            for some in _neighbours(messages):
                if not goes_on():
                    break
                await self._bus.publish(_together([spooled.message for spooled in some]))
                places.extend(spooled.place for spooled in some)
        finally:
            if places:
                await self._spool.done(places)
        return len(places)

    async def _give_up(self) -> None:
        """Nothing is under way any more once this returns; what was has not been acknowledged."""
        for waiting in self._gathered:
            if not waiting.durable.done():
                waiting.durable.set_exception(_stopping())
        self._gathered.clear()
        while self._sending:
            for task in self._sending:
                task.cancel()
            await asyncio.wait(set(self._sending))

    def _send(self) -> None:
        while self._gathered and self._may_send():
            taken: list[_Waiting] = []
            size = 0
            for waiting in self._gathered:
                if taken and size + len(waiting.scans) > MOST_IN_A_BATCH:
                    break
                taken.append(waiting)
                size += len(waiting.scans)
            del self._gathered[: len(taken)]
            task = asyncio.create_task(self._send_together(taken))
            self._sending.add(task)
            task.add_done_callback(self._sent)

    def _may_send(self) -> bool:
        if not self._sending:
            return True
        if len(self._sending) >= IN_FLIGHT:
            return False
        scans = 0
        for waiting in self._gathered:
            scans += len(waiting.scans)
            if scans >= MOST_IN_A_BATCH:
                return True
        return False

    def _sent(self, task: asyncio.Task[None]) -> None:
        self._sending.discard(task)
        self._send()

    async def _send_together(self, taken: Sequence[_Waiting]) -> None:
        scans = [scan for waiting in taken for scan in waiting.scans]
        error: BaseException | None = None
        try:
            for start in range(0, len(scans), MOST_IN_A_BATCH):
                await self._out(scans[start : start + MOST_IN_A_BATCH])
        except BaseException as failure:  # noqa: BLE001 - it is handed to those who wait
            error = failure
        for waiting in taken:
            if waiting.durable.done():
                continue
            if error is None:
                waiting.durable.set_result(None)
            elif isinstance(error, asyncio.CancelledError):
                waiting.durable.set_exception(_stopping())
            else:
                waiting.durable.set_exception(error)

    async def _out(self, scans: Sequence[Scan], *, of_file: bool = False) -> None:
        message = _message(scans, self._clock)
        entries = [entry_of(scan, of_file=of_file) for scan in scans]
        if not self._spooling:
            try:
                self._refuse_if_known_to_be_away()
                await self._bus.publish(message, timeout=self._confirm_within)
            except Unavailable as error:
                log.warning("spool.begins", reason=error.message)
                self._spooling = True
            else:
                self._published(entries)
                return
        try:
            await self._keep(message, entries)
        except Unavailable as error:
            # The spool is away, too: the bus may still take it, out of order, which is better than not at all.
            try:
                await self._bus.publish(message, timeout=self._confirm_within)
            except Unavailable as bus_error:
                sentence = f"scans cannot be kept now: {bus_error.message}, and {error.message}"
                raise Unavailable(sentence, retry_after=2) from bus_error
            self._published(entries)

    def _refuse_if_known_to_be_away(self) -> None:
        """Nobody waits for a confirm that cannot come, nor for a connection that is only being made."""
        status = self._bus.status()
        if not status.takes:
            raise BusUnavailable(status.problem or "the bus is away")

    async def _keep(self, message: Message, entries: Sequence[Entry]) -> None:
        machines = {entry.machine_id for entry in entries}
        self._putting += 1
        self._may_wait = True
        try:
            await self._spool.put(machines.pop() if len(machines) == 1 else 0, message, entries)
        finally:
            self._put += 1
            self._putting -= 1
        SCANS.labels("spool").inc(len(entries))
        self._told.set()

    def _published(self, entries: Iterable[Entry]) -> None:
        before = len(self._to_enter)
        self._to_enter.extend(entries)
        self._unentered.update(entry.scan_id for entry in self._to_enter[before:])
        SCANS.labels("bus").inc(len(self._to_enter) - before)

    async def _keep_draining(self) -> None:
        while True:
            self._told.clear()
            try:
                if not self._may_drain():
                    await self._first(1)  # so that we know whether it is in use
                elif published := await self._drain(self._may_drain):
                    log.info("spool.drained", messages=published)
            except Unavailable:
                await asyncio.sleep(DRAIN_EVERY)
                continue
            # Another process may put something into it, or leave it to us, and does not tell.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(DRAIN_EVERY):
                    await self._told.wait()

    async def _keep_entering(self) -> None:
        away = False
        while True:
            await asyncio.sleep(1.0 if away else 0.05)
            well = await self.enter_ledger()
            if well == away:
                log.warning("ledger.waits" if not well else "ledger.caught_up", scans=len(self._to_enter))
            away = not well


def _stopping() -> Unavailable:
    return Unavailable("ingest is being stopped; the scans were not taken", retry_after=2)


def _neighbours(messages: Sequence[Spooled]) -> Iterator[list[Spooled]]:
    """The messages in their order, as many together as make one of usual size.

    Terminals hand over scans one by one; published one by one, an hour of them would take as long as they did to come.
    """
    some: list[Spooled] = []
    size = 0
    for spooled in messages:
        if some and size + len(spooled.message.body) > TOGETHER:
            yield some
            some, size = [], 0
        some.append(spooled)
        size += len(spooled.message.body)
    if some:
        yield some


def _together(messages: Sequence[Message]) -> Message:
    """One message with the scans of all; a message alone stays itself."""
    if len(messages) == 1:
        return messages[0]
    body = join_batches([message.body for message in messages])
    return Message(id=str(new_id()), type=ScanReceived.wire_type, body=body, content_type=BATCH)


def entry_of(scan: Scan, *, of_file: bool) -> Entry:
    """The scan as the ledger takes it."""
    return Entry(
        machine_id=scan.machine.id,
        scan_id=scan.id,
        day=scan.reading.local_time.date(),
        quarantined=scan.quality.quarantined,
        hour=None if of_file else scan.received_at.replace(minute=0, second=0, microsecond=0),
    )


def _message(scans: Sequence[Scan], clock: Clock) -> Message:
    events = ((str(scan.id), scan_received(scan)) for scan in scans)
    return Message(
        id=str(new_id()),
        type=ScanReceived.wire_type,
        body=encode_batch(events, time=clock.now()),
        content_type=BATCH,
    )
