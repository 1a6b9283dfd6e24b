"""From what the bus tells to frames for those who listen."""

import asyncio
import contextlib
import re
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from typing import TypeVar

from services.gateway.domain.audience import EVERYONE, OVERSEERS, about
from services.gateway.live.directory import Directory
from services.gateway.live.frames import (
    attendance_adjusted,
    attendance_updated,
    encoded,
    notice,
    recompute_changed,
    scan_received,
)
from services.gateway.live.hub import Hub
from shared.bus.port import Bus, Message
from shared.contracts.adjustments import AdjustmentChanged
from shared.contracts.cloudevents import decode, decode_each
from shared.contracts.days import DayUpdated
from shared.contracts.event import Event
from shared.contracts.machines import ErrorOccurred, MachineConnected, MachineDisconnected
from shared.contracts.people import PersonChanged
from shared.contracts.recomputing import RecomputeChanged
from shared.contracts.scans import ScanReceived
from shared.kernel.clock import Clock
from shared.kernel.errors import Malformed
from shared.observability.logs import get_logger

MOST_WAITING = 8 * 2**20
"""Bytes of messages that may wait to be sent on; what comes on top is left out, and all are told to read again."""
READ_BUDGET = 100
"""Days read from a log, not live, that are shown one by one each second. An import touches thousands: then one
`resync` stands for all of them."""
RESYNC_EVERY = 2.0
"""Seconds between two of these while it lasts; one comes after the end."""

E = TypeVar("E", bound=Event)
_OF_DAYS = (DayUpdated.wire_type, AdjustmentChanged.wire_type)

log = get_logger(__name__)


class Listening:
    """Hears the bus and tells the hub."""

    def __init__(self, bus: Bus, hub: Hub, directory: Directory, clock: Clock) -> None:
        self._bus = bus
        self._hub = hub
        self._directory = directory
        self._clock = clock
        self._waiting: deque[Message] = deque()
        self._bytes = 0
        self._told = asyncio.Event()
        self._overrun = False
        self._resynced = 0.0
        self._budget = READ_BUDGET
        self._budget_of = 0.0
        self._tell: Mapping[str, Callable[[Message], Awaitable[None]]] = {
            ScanReceived.wire_type: self._scans,
            DayUpdated.wire_type: self._days,
            AdjustmentChanged.wire_type: self._adjustments,
            RecomputeChanged.wire_type: self._recomputing,
            PersonChanged.wire_type: self._people,
            MachineConnected.wire_type: self._connected,
            MachineDisconnected.wire_type: self._disconnected,
            ErrorOccurred.wire_type: self._errors,
        }

    async def run(self) -> None:
        """Listen for as long as the service runs."""
        async with self._bus.listen(tuple(self._tell), self.hear):
            await self._send_on()

    def hear(self, message: Message) -> None:
        """Take a message in, without work: the bus must not wait.

        With nobody listening it ends here, and so does what a log that is read tells too much of.
        """
        if message.type != PersonChanged.wire_type:
            if not len(self._hub) or (message.type == ScanReceived.wire_type and not _LIVE_SCAN.search(message.body)):
                return
            too_much = self._bytes + len(message.body) > MOST_WAITING
            if too_much or (message.type in _OF_DAYS and not self._may_show(message)):
                self._overrun = True
                self._told.set()
                return
        self._waiting.append(message)
        self._bytes += len(message.body)
        self._told.set()

    async def resync(self, reason: str) -> None:
        """Tell all who listen to read everything again."""
        await self._hub.send(encoded(notice("resync", reason, at=self._clock.now())), self._hub.listeners(EVERYONE))

    async def _send_on(self) -> None:
        while True:
            self._told.clear()
            while self._waiting:
                message = self._waiting.popleft()
                self._bytes -= len(message.body)
                try:
                    await self._tell[message.type](message)
                except Exception:
                    log.exception("live.message_failed", type=message.type, id=message.id)
                await self._resync_if_due()
                await asyncio.sleep(0)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(RESYNC_EVERY if self._overrun else None):
                    await self._told.wait()
            await self._resync_if_due()

    async def _resync_if_due(self) -> None:
        now = asyncio.get_running_loop().time()
        if self._overrun and now - self._resynced >= RESYNC_EVERY:
            self._overrun, self._resynced = False, now
            await self.resync("more happened than could be shown one by one")

    def _may_show(self, message: Message) -> bool:
        """Whether there is room to show days one by one; those that a live scan caused are always shown."""
        now = asyncio.get_running_loop().time()
        if now - self._budget_of >= 1.0:
            self._budget, self._budget_of = READ_BUDGET, now
        return self._budget > 0 or _LIVE_DAY.search(message.body) is not None

    async def _scans(self, message: Message) -> None:
        for id_, scan in _events(message, ScanReceived):
            if scan.mode != "live":
                continue
            person = self._directory.whose(scan.badge, scan.machine_id, scan.local_time.date())
            audience = about(person.id, person.unit_path) if person else OVERSEERS
            if listeners := self._hub.listeners(audience):
                await self._hub.send(encoded(scan_received(id_, scan, person)), listeners)

    async def _days(self, message: Message) -> None:
        for id_, day in _events(message, DayUpdated):
            if day.removed:  # what is no more cannot be shown as a row
                self._overrun = True
                continue
            if not day.live:
                self._budget -= 1
                if self._budget < 0:
                    self._overrun = True
                    continue
            if listeners := self._hub.listeners(about(day.person_id, day.unit_path)):
                await self._hub.send(encoded(attendance_updated(id_, day)), listeners)

    async def _adjustments(self, message: Message) -> None:
        for id_, adjustment in _events(message, AdjustmentChanged):
            self._budget -= 1
            if self._budget < 0:
                self._overrun = True
                continue
            if listeners := self._hub.listeners(about(adjustment.person_id, adjustment.unit_path)):
                await self._hub.send(encoded(attendance_adjusted(id_, adjustment)), listeners)

    async def _recomputing(self, message: Message) -> None:
        for id_, run in _events(message, RecomputeChanged):
            await self._hub.send(encoded(recompute_changed(id_, run)), self._hub.listeners(OVERSEERS))

    async def _people(self, message: Message) -> None:
        self._directory.hear(person for _, person in _events(message, PersonChanged))

    async def _connected(self, message: Message) -> None:
        for _, event in _events(message, MachineConnected):
            frame = notice("machine_connected", f"{event.machine} is connected", at=event.at, machine=event.machine)
            await self._hub.send(encoded(frame), self._hub.listeners(OVERSEERS))

    async def _disconnected(self, message: Message) -> None:
        for _, event in _events(message, MachineDisconnected):
            frame = notice(
                "machine_disconnected",
                f"{event.machine} is away: {event.reason}",
                at=event.at,
                machine=event.machine,
                reason=event.reason,
            )
            await self._hub.send(encoded(frame), self._hub.listeners(OVERSEERS))

    async def _errors(self, message: Message) -> None:
        for _, event in _events(message, ErrorOccurred):
            frame = notice("error_occurred", event.message, at=event.at, machine=event.machine)
            await self._hub.send(encoded(frame), self._hub.listeners(OVERSEERS))


def _events(message: Message, of: type[E]) -> list[tuple[str, E]]:
    """The readable events of a message; what is not is for the durable consumers to park."""
    try:
        good = decode(message.body, message.content_type, of)
    except Malformed:
        good, _ = decode_each(message.body, message.content_type, of)
    return [(envelope.id, envelope.data) for envelope in good]


# Enough to leave out, without reading it, a message of which nothing would be shown.
_LIVE_SCAN = re.compile(rb'"mode"\s*:\s*"live"')
_LIVE_DAY = re.compile(rb'"live"\s*:\s*true')
