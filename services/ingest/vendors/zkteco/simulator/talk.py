"""One client of a terminal, over any transport: its requests answered, with the faults that are of answers."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from typing import Final, Protocol

from services.ingest.vendors.zkteco.simulator.device import Device
from services.ingest.vendors.zkteco.simulator.dialogue import Dialogue
from services.ingest.vendors.zkteco.simulator.faults import Faults
from services.ingest.vendors.zkteco.wire import Code, Packet

_DOWNLOADS: Final = (Code.READ_SET, Code.ATTLOG_RRQ)


class Terminal(Protocol):
    """The terminal that a client talks to, among others."""

    device: Device
    faults: Faults

    def heard(self, request: Packet) -> None:
        """Remember what a client sent."""

    def notice(self, what: str) -> object:
        """Tell people."""

    def somebody_scans(self) -> bytes:
        """One of the users scans; the data of the event about it."""

    async def tell(self, data: bytes, *, but: "Talk | None" = None) -> None:
        """Send an event to all who listen."""


class Talk(ABC):
    """What is said in one session, an answer at a time."""

    def __init__(self, terminal: Terminal, dialogue: Dialogue) -> None:
        self.dialogue = dialogue
        self.place: object = None
        """Whence the client talks, where others could talk from there, too."""
        self.faults = dialogue.faults
        self._terminal = terminal
        self._writing = asyncio.Lock()
        self._answered = 0
        self._expected = 0
        self._last: Packet | None = None

    async def answer(self, request: Packet) -> None:
        """Send what a request is answered with, if anything."""
        self._terminal.heard(request)
        if self.faults.silent is not None and self._answered >= self.faults.silent:
            return
        self._answered += 1
        if self.faults.slow and request.code != Code.OK:  # which confirms an event, and has no answer
            await asyncio.sleep(self.faults.slow)
        during: list[bytes] = []
        async with self._writing:
            await self.put(self._disturbed(request, during))
        for data in during:
            await self._terminal.tell(data, but=self)

    def _disturbed(self, request: Packet, during: list[bytes]) -> Iterator[Packet]:
        """The answer, with what faults put between. `during` is filled with the events of who scanned meanwhile."""
        if self.faults.late_reply and self._last is not None and request.code != Code.OK:
            yield self._last
        if request.code in _DOWNLOADS:
            self._expected = self.faults.event_in_download
        if _asks_for_log(request):
            self._terminal.notice(f"the log is read: {len(self._terminal.device.entries):,} records")
        for packet in self.dialogue.answers(request):
            if packet.code == Code.DATA and self._expected and (data := self._terminal.somebody_scans()):
                self._expected -= 1
                during.append(data)
                yield self.dialogue.event(data)
            yield packet
            self._last = packet

    async def tell(self, data: bytes) -> None:
        """Send an event, after the answer that is under way."""
        async with self._writing:
            await self.put([self.dialogue.event(data)])

    async def send(self, raw: bytes) -> None:
        """Send bytes as they are."""
        async with self._writing:
            await self.write(raw)

    @abstractmethod
    async def put(self, packets: Iterable[Packet]) -> None:
        """Have packets leave, as the line makes them."""

    @abstractmethod
    async def write(self, some: bytes) -> None:
        """Have bytes leave."""

    @abstractmethod
    def abort(self) -> None:
        """Be gone, without a goodbye."""


def _asks_for_log(request: Packet) -> bool:
    chunked = request.code == Code.READ_SET and request.data[1:3] == Code.ATTLOG_RRQ.to_bytes(2, "little")
    return chunked or request.code == Code.ATTLOG_RRQ
