"""One contact with a machine: its whole log, then its events, with the log again whenever the two disagree.

Events are lost while nobody listens, and come in forms that cannot always be read. They only make scans quick; the
log is what counts. After each reading of it, what the machine says it holds must be what we were told; where it is
not, the log is read again, and the ledger sees to it that nothing becomes two.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from services.ingest.application.drivers import Contact, MachineTrouble, NotOffered, Phase, ProtocolBroken, Unreachable
from services.ingest.domain.clock_setting import wall_now
from services.ingest.domain.reading import Batch, Mode, Reading, Unreadable
from services.ingest.vendors.marks import written
from services.ingest.vendors.zkteco.numbers import Numbers
from services.ingest.vendors.zkteco.operations import CLEARED, CLOCK_SET, operations_of, worth_telling
from services.ingest.vendors.zkteco.records import EIGHT_A, EIGHT_B, NOBODY, Form, UnknownForm, form_of, readings
from services.ingest.vendors.zkteco.settings import ZktecoSettings
from services.ingest.vendors.zkteco.sizes import Sizes
from services.ingest.vendors.zkteco.terminal import LiveScans, Terminal
from services.ingest.vendors.zkteco.users import user_ids
from shared.kernel.clock import Clock

MOST: Final = 500
"""Records in a batch."""
KEPT_OF_A_LOG: Final = 1 << 20
"""Bytes kept of a log that cannot be understood."""
READ_AGAIN_AFTER: Final = 5.0
"""Seconds between readings of the log at least, however often counts and events disagree."""
ON_ITS_WAY: Final = 0.3
"""Seconds that the event of a record may take, once the record was counted."""
FULL: Final = 0.8
RECENT: Final = timedelta(days=1)
"""What was done at a machine before we first asked it is told for so long."""
OPERATIONS_TRIES: Final = 2
OPERATIONS_AFTER: Final = 20
"""Looks between readings of what was done at it: some count each finger that they did not know."""
MOMENT: Final = timedelta(minutes=1)
READ_FULL_AFTER: Final = 20
"""Looks after which a log without room is read again: its count stays where each scan takes the place of the oldest."""
REFUSES: Final = "it refuses the command"
HALF_A_SECOND: Final = timedelta(seconds=0.5)
"""A clock that shows whole seconds is half of one ahead of what it shows, on average."""


Units = dict[str, Numbers]
"""Who had which internal number, by serial number: another unit gives others. Kept as the machine's read mark."""
UNITS: Final = 4


@dataclass(slots=True)
class Memory:
    """What is known of a machine from one contact to the next."""

    held: int | None = None
    """Records that it held when it was last asked."""
    operations: int | None = None
    """Operations that it had when they were last read."""
    silent_on_operations: int = 0
    """How often it did not tell them."""
    clock_set: tuple[datetime, datetime] | None = None
    """What its clock showed when we set it last, and what it was set to: that is no news."""
    numbers: Units = field(default_factory=dict)

    def numbers_of(self, serial: str) -> Numbers:
        """Those of one unit. Of units that were replaced the last few are remembered."""
        numbers = self.numbers[serial] = self.numbers.pop(serial, Numbers())
        for oldest in list(self.numbers)[:-UNITS]:
            del self.numbers[oldest]
        return numbers


class ZktecoSession:
    """Yields the log, then live scans, for as long as the line stands."""

    def __init__(
        self,
        terminal: Terminal,
        zone: ZoneInfo,
        settings: ZktecoSettings,
        *,
        memory: Memory,
        numbers: Numbers,
        contact: Contact,
        clock: Clock,
    ) -> None:
        """`memory` and `numbers` are what earlier contacts knew of the machine; this one goes on with it."""
        self._terminal = terminal
        self._zone = zone
        self._settings = settings
        self._contact = contact
        self._clock = clock
        self._live = False
        self._badges: set[str] = set()
        self._memory = memory
        self._numbers = numbers
        self._by_number = False
        """Its log has internal numbers and no badges."""
        self._noted = False
        """There is more to keep of its numbers than was handed over."""
        self._users = 0
        self._told_then = 0
        self._untaken_then = 0
        self._read_at = float("-inf")
        self._disagrees = False
        self._missing = 0
        self._has_room = True
        self._events_in_hand = 0
        self._operations = 0
        self._cleared = False
        self._operations_at = float("-inf")

    async def batches(self) -> AsyncIterator[Batch]:
        # Events first: what happens while the log is read is in the one or in the other.
        self._live = self._settings.live and await self._terminal.watch_events()
        if self._settings.live and not self._live:
            self._contact.warn("no events", "it refuses to tell of scans as they happen: its log is read instead")
        began = self._clock.now()
        async for batch in self._log(await self._sizes()):
            yield batch
        yield self._looked(Mode.REPLAY, began)
        await self._tell_of_operations()
        self._contact.phase(Phase.LIVE)
        loop = asyncio.get_running_loop()
        look_at = loop.time() + self._settings.look_every
        while True:
            for batch in self._events():
                yield batch
            behind = self._disagrees or self._terminal.untaken != self._untaken_then
            due = self._read_at + READ_AGAIN_AFTER if behind else look_at
            if loop.time() < due:
                if await self._terminal.listen(due - loop.time()):
                    self._contact.alive()
                continue
            look_at = loop.time() + self._settings.look_every
            began = self._clock.now()
            if behind:
                async for batch in self._log(await self._sizes()):
                    yield batch
            elif not await self._looks_well():
                self._disagrees = True
                continue
            await self._tell_of_operations()
            for batch in self._events():
                yield batch
            if behind or self._has_room:
                yield self._looked(Mode.LIVE, began)

    def _looked(self, mode: Mode, began: datetime) -> Batch:
        """What it held when the look began was handed over."""
        mark = written(self._memory.numbers) if self._noted else None
        self._noted = False
        complete = None if self._disagrees else began
        return Batch(readings=(), mode=mode, received_at=began, complete_until=complete, read_mark=mark)

    async def acknowledge(self, batch: Batch) -> None:
        for _ in range(self._events_in_hand):
            await self._terminal.acknowledge_event()
        self._events_in_hand = 0

    def _events(self) -> Iterator[Batch]:
        """What was told since the last look, in batches whose events are acknowledged together."""
        taken: list[Reading] = []
        while (event := self._terminal.take_event()) is not None:
            self._events_in_hand += 1
            taken += self._believed(event)
            if len(taken) >= MOST:
                yield Batch(readings=taken, mode=Mode.LIVE, received_at=self._clock.now())
                taken = []
        if taken or self._events_in_hand:
            yield Batch(readings=taken, mode=Mode.LIVE, received_at=self._clock.now())

    def _believed(self, event: LiveScans) -> tuple[Reading, ...]:
        """Its scans, unless their user is a number that we have not met: then the log says who it was."""
        if event.by_number and any(reading.badge not in self._badges for reading in event.readings):
            self._terminal.untaken += 1
            return ()
        return event.readings

    async def _looks_well(self) -> bool:
        """Ask for clock and counts; false where it holds, or may hold, other records than we were told of."""
        await mind_clock(self._terminal, self._zone, self._memory, self._contact, self._clock)
        sizes = await self._sizes()
        if not self._agrees(sizes):
            await self._terminal.listen(ON_ITS_WAY)
            sizes = await self._sizes()
        if not self._agrees(sizes):
            return False
        self._note(sizes)
        if sizes.users != self._users:
            await self._note_users(sizes)
        read = asyncio.get_running_loop().time() - self._read_at
        return self._has_room or read < READ_FULL_AFTER * self._settings.look_every

    def _agrees(self, sizes: Sizes) -> bool:
        told = self._terminal.told - self._told_then
        return self._terminal.untaken == self._untaken_then and sizes.records - (self._memory.held or 0) == told

    async def _sizes(self) -> Sizes:
        sizes = await self._terminal.sizes()
        self._operations = sizes.operations
        self._has_room = tell_of_room(self._contact, records=sizes.records, capacity=sizes.record_capacity)
        return sizes

    async def _tell_of_operations(self) -> None:
        """Clocks that were set and logs that were cleared, where the machine tells more of them than it has before.

        Of those from before we first asked, what is recent. A machine that does not tell is not asked for ever.
        """
        known, counted = self._memory.operations, self._operations
        time = asyncio.get_running_loop().time()
        if counted in (known, 0) or time < self._operations_at or self._memory.silent_on_operations >= OPERATIONS_TRIES:
            return
        self._operations_at = time + OPERATIONS_AFTER * self._settings.look_every
        try:
            operations = operations_of(await self._terminal.operations())
        except NotOffered:
            self._memory.silent_on_operations = OPERATIONS_TRIES
            return
        except MachineTrouble as trouble:
            self._memory.silent_on_operations += 1
            if isinstance(trouble, Unreachable):
                raise
            return
        if operations is None:
            self._memory.silent_on_operations = OPERATIONS_TRIES
            return
        now = await self._terminal.wall_time()
        first = known if known is not None and known <= len(operations) else None
        for done in worth_telling(operations, first=first or 0):
            said = done.about == CLEARED and self._cleared  # with figures
            said = said or (done.about == CLOCK_SET and self._was_us(done.at))
            if not said and (first is not None or abs(now - done.at) <= RECENT):
                self._contact.warn(done.about, f"{done.sentence} ({done.at})")
        self._memory.operations = counted

    def _was_us(self, at: datetime) -> bool:
        """Whether the clock was set then because we did."""
        return any(abs(at - shown) <= MOMENT for shown in self._memory.clock_set or ())

    def _note(self, sizes: Sizes) -> None:
        """From here on the machine is compared with this: what it holds now, all of which was handed over."""
        self._memory.held = sizes.records
        self._told_then, self._untaken_then = self._terminal.told, self._terminal.untaken
        received = max(0, sizes.records - self._missing)
        self._contact.counts(records=sizes.records, capacity=sizes.record_capacity or None, received=received)

    async def _log(self, sizes: Sizes) -> AsyncIterator[Batch]:
        """All of the log, in batches. `sizes` was asked for just before."""
        self._cleared |= tell_if_cleared(self._contact, records=sizes.records, held=self._memory.held)
        self._contact.counts(records=sizes.records, capacity=sizes.record_capacity or None)
        told, untaken = self._terminal.told, self._terminal.untaken
        data = memoryview(await self._terminal.attendance() if sizes.records else b"")
        self._read_at = asyncio.get_running_loop().time()
        try:
            form = form_of(data, count=sizes.records, now=await self._wall_now()) if data else None
        except UnknownForm as error:
            evidence = Unreadable(reason=str(error), raw=bytes(data[:KEPT_OF_A_LOG]))
            yield Batch(readings=(), unreadable=(evidence,), mode=Mode.REPLAY, received_at=self._clock.now())
            raise ProtocolBroken(f"{error}; the bytes are kept") from error
        if form is not None:
            self._by_number = form in (EIGHT_A, EIGHT_B)
            await self._note_users(sizes)
            step = MOST * form.size
            for start in range(0, len(data), step):
                yield self._piece(data[start : start + step], form, start // form.size)
                done = min(start + step, len(data)) // form.size
                self._contact.counts(records=sizes.records, received=min(done, sizes.records))
            self._tell_of_nobodies()
        self._memory.held, self._told_then, self._untaken_then = sizes.records, told, untaken
        held = len(data) // form.size if form is not None else 0
        self._contact.counts(records=sizes.records, received=min(held, sizes.records))
        self._compare(sizes.records, held)

    def _compare(self, counted: int, held: int) -> None:
        """A log that is shorter than its count is read once more; where it stays so, the count is wrong."""
        missing = max(0, counted - held)
        self._disagrees, self._missing = missing not in (0, self._missing), missing
        if not missing:
            self._contact.settled("log short")
        elif not self._disagrees:
            self._contact.warn(
                "log short", f"it counts {counted:,} records, and its log has {held:,} each time it is read"
            )

    def _piece(self, data: memoryview, form: Form, first: int) -> Batch:
        records = readings(data, form, first=first, holder=self._numbers.holder)
        good = [record for record in records if isinstance(record, Reading)]
        self._badges.update(reading.badge for reading in good)
        self._contact.alive()
        return Batch(
            readings=good,
            unreadable=[record for record in records if isinstance(record, Unreadable)],
            mode=Mode.REPLAY,
            received_at=self._clock.now(),
        )

    def _tell_of_nobodies(self) -> None:
        nobodies = sorted(badge for badge in self._badges if badge.startswith(NOBODY))
        if nobodies:
            some = ", ".join(nobodies[:3]) + (" …" if len(nobodies) > 3 else "")
            self._contact.warn(
                "deleted users",
                f"its log has scans of {len(nobodies):,} whom it has deleted; link these badges to people: {some}",
            )

    async def _note_users(self, sizes: Sizes) -> None:
        """Who has which internal number now, where the log has only that."""
        self._users = sizes.users
        if self._by_number:
            at = await self._terminal.wall_time()
            users = user_ids(await self._terminal.users(), count=sizes.users)
            self._numbers.note(users, at)
            self._noted = True
            self._badges.update(users.values())

    async def _wall_now(self) -> datetime:
        """By its clock or by ours: a clock that is ahead writes records that are ahead, too."""
        ours = self._clock.now().astimezone(self._zone).replace(tzinfo=None)
        return max(ours, await self._terminal.wall_time())


async def measure_clock(terminal: Terminal, zone: ZoneInfo, contact: Contact, clock: Clock) -> timedelta:
    """The machine's clock minus ours, as told to `contact`."""
    asked = clock.now()
    wall = await terminal.wall_time()
    ours = asked + (clock.now() - asked) / 2
    # In the hour that happens twice the machine does not say in which it is: the nearer one.
    shown = (wall.replace(tzinfo=zone, fold=fold).astimezone(UTC) + HALF_A_SECOND for fold in (0, 1))
    offset = min((at - ours for at in shown), key=abs)
    contact.clock(offset)
    contact.alive()
    return offset


async def mind_clock(terminal: Terminal, zone: ZoneInfo, memory: Memory, contact: Contact, clock: Clock) -> None:
    """Measure it, and set it where that is wanted. Nothing of the log is half read meanwhile."""
    offset = await measure_clock(terminal, zone, contact, clock)
    if contact.clock_is_to_be_set(offset):
        shown = await terminal.wall_time()
        # Not before that was answered: over a slow line it would be late by as much.
        right = wall_now(clock.now(), zone)
        memory.clock_set = shown, right
        was_set = await terminal.set_wall_time(right)
        contact.clock_set("" if was_set else REFUSES)
        await measure_clock(terminal, zone, contact, clock)


def tell_of_room(contact: Contact, *, records: int, capacity: int) -> bool:
    """Warn of a log that is nearly full; whether it has room for more. A `capacity` of 0 is not known."""
    if capacity > 0 and records >= FULL * capacity:
        part = round(100 * records / capacity)
        contact.warn("log full", f"its log is {part} % full: it will stop recording, or forget its oldest scans")
    else:
        contact.settled("log full")
    return not 0 < capacity <= records


def tell_if_cleared(contact: Contact, *, records: int, held: int | None) -> bool:
    """Warn of a log that has fewer records than it `held`; whether it has."""
    cleared = held is not None and records < held
    if cleared:
        contact.warn(CLEARED, f"it holds {records:,} records and held {held:,}: its log was cleared")
    return cleared
