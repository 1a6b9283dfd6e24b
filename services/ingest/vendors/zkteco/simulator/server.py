"""A terminal on a TCP port: connections, pacing, and what a test does to it while it runs.

Real clients take each packet to come in a read of its own, so packets leave at least `pace` seconds apart.
"""

import asyncio
import contextlib
import random
import socket
import struct
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import asynccontextmanager
from typing import Final

from services.ingest.vendors.zkteco.simulator.device import Device
from services.ingest.vendors.zkteco.simulator.dialogue import Dialogue
from services.ingest.vendors.zkteco.simulator.encoding import Entry
from services.ingest.vendors.zkteco.simulator.faults import NONE, Faults, afflict
from services.ingest.vendors.zkteco.simulator.line import Line
from services.ingest.vendors.zkteco.wire import BrokenStream, Code, Framer, Packet

PACE: Final = 0.001
"""Seconds between packets."""
SMALL_SUB_PACKET: Final = 1008
LARGE_SUB_PACKET: Final = 65_472
REMEMBERED: Final = 10_000
Notice = Callable[[str], object]
_DOWNLOADS: Final = (Code.READ_SET, Code.ATTLOG_RRQ)


class Running:
    """A terminal that listens. `device` and `faults` may be changed meanwhile; new faults hold for new connections."""

    def __init__(
        self,
        device: Device,
        *,
        host: str,
        port: int,
        faults: Faults,
        pace: float,
        sub_packet: int,
        sessions: Iterator[int],
        notice: Notice,
    ) -> None:
        self.device = device
        self.host = host
        self.port = port
        """Where it listens, once it does; the same after `off` and `on`."""
        self.faults = faults
        self.pace = pace
        self.sub_packet = sub_packet
        self.received: deque[Packet] = deque(maxlen=REMEMBERED)
        """What clients sent, oldest first."""
        self.accepted = 0
        """Connections so far."""
        self.notice = notice
        self._sessions = sessions
        self._turn = -1
        self._connections: set[_Connection] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    @property
    def connections(self) -> int:
        """How many clients are connected now."""
        return len(self._connections)

    @property
    def listeners(self) -> int:
        """How many of them are told of scans."""
        return sum(connection.dialogue.wants_scans for connection in self._connections)

    @property
    def acknowledged(self) -> int:
        """Events that those who are connected have confirmed."""
        return sum(connection.dialogue.acknowledged for connection in self._connections)

    async def scan(self, user_id: str, *, state: int = 0, verify: int = 1, work_code: int = 0) -> Entry:
        """Somebody scans: it is in the log, and whoever listens is told.

        Raises:
            NobodyThere, LogFull: as the device.
        """
        entry = self.device.scan(user_id, state=state, verify=verify, work_code=work_code)
        await self.tell(self.device.event(entry))
        return entry

    def somebody_scans(self) -> bytes:
        """One of the users scans, in turn; the data of the event about it. Nothing where there are no users."""
        users = self.device.users
        if not users:
            return b""
        self._turn += 1
        return self.device.event(self.device.scan(users[self._turn % len(users)].user_id))

    async def tell(self, data: bytes, *, but: "_Connection | None" = None) -> None:
        """Send an event with this data to all who listen."""
        for connection in list(self._connections):
            if connection.dialogue.wants_scans and connection is not but:
                await connection.tell(data)

    async def send(self, raw: bytes) -> None:
        """Send bytes, as they are, to all who are connected."""
        for connection in list(self._connections):
            await connection.send(raw)

    def kill(self) -> None:
        """Cut all connections at once, without a goodbye."""
        for connection in list(self._connections):
            connection.abort()

    async def off(self) -> None:
        """The power goes: nothing listens, and whoever was connected no longer is."""
        server, self._server = self._server, None
        if server is not None:
            server.close()
        self.kill()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if server is not None:
            await server.wait_closed()

    async def on(self) -> None:
        """The power comes: it listens on the same port as before.

        Raises:
            OSError: the port cannot be had.
        """
        if self._server is None:
            self._server = await asyncio.start_server(self._accepted, self.host, self.port)
            self.port = self._server.sockets[0].getsockname()[1]

    def _accepted(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._connected(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.accepted += 1
        peer = "{}:{}".format(*writer.get_extra_info("peername", ("somebody", "?"))[:2])
        if self.faults.one_connection and self._connections:
            self.notice(f"{peer} was hung up on: somebody is connected already")
            writer.close()
            return
        connection = _Connection(self, reader, writer, session=next(self._sessions))
        self._connections.add(connection)
        self.notice(f"{peer} is connected")
        try:
            await connection.serve()
        finally:
            self._connections.discard(connection)
            self.notice(f"{peer} is gone")
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()


class _Connection:
    def __init__(
        self, running: Running, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, session: int
    ) -> None:
        self._running = running
        self._reader = reader
        self._writer = writer
        self._writing = asyncio.Lock()
        self._faults = running.faults
        self._line = Line(running.faults)
        self._answered = 0
        self._expected = 0
        self._last: Packet | None = None
        self.dialogue = Dialogue(running.device, session=session, sub_packet=running.sub_packet, faults=running.faults)

    async def serve(self) -> None:
        """Answer until the other side goes, or sends what is no packet; or a fault hangs up."""
        framer = Framer()
        with contextlib.suppress(OSError, BrokenStream):
            while not self._line.cut and (some := await self._reader.read(65_536)):
                for request in framer.feed(some):
                    if self._writer.is_closing():
                        return
                    self._running.received.append(request)
                    await self._answer(request)

    async def _answer(self, request: Packet) -> None:
        if self._faults.silent is not None and self._answered >= self._faults.silent:
            return
        self._answered += 1
        if self._faults.slow and request.code != Code.OK:  # which confirms an event, and has no answer
            await asyncio.sleep(self._faults.slow)
        during: list[bytes] = []
        async with self._writing:
            await self._put(self._disturbed(request, during))
        for data in during:
            await self._running.tell(data, but=self)

    def _disturbed(self, request: Packet, during: list[bytes]) -> Iterator[Packet]:
        """The answer, with what faults put between. `during` is filled with the events of who scanned meanwhile."""
        if self._faults.late_reply and self._last is not None and request.code != Code.OK:
            yield self._last
        if request.code in _DOWNLOADS:
            self._expected = self._faults.event_in_download
        if _asks_for_log(request):
            self._running.notice(f"the log is read: {len(self._running.device.entries):,} records")
        for packet in self.dialogue.answers(request):
            if packet.code == Code.DATA and self._expected and (data := self._running.somebody_scans()):
                self._expected -= 1
                during.append(data)
                yield self.dialogue.event(data)
            yield packet
            self._last = packet

    async def tell(self, data: bytes) -> None:
        """Send an event, after the answer that is under way."""
        async with self._writing:
            await self._put([self.dialogue.event(data)])

    async def send(self, raw: bytes) -> None:
        async with self._writing:
            await self._write(raw)

    async def _put(self, packets: Iterable[Packet]) -> None:
        for piece in self._line.pieces(packets):
            await self._write(piece)
        if self._line.cut:
            self._writer.close()

    async def _write(self, some: bytes) -> None:
        if self._writer.is_closing():
            return
        with contextlib.suppress(OSError):
            self._writer.write(some)
            await self._writer.drain()
        if self._running.pace or self._faults.split:  # pieces are pieces only to who may read between them
            await asyncio.sleep(self._running.pace)

    def abort(self) -> None:
        line = self._writer.get_extra_info("socket")
        if line is not None and line.fileno() >= 0:  # so that the other side sees a reset and not an orderly end
            line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._writer.transport.abort()


def _asks_for_log(request: Packet) -> bool:
    chunked = request.code == Code.READ_SET and request.data[1:3] == Code.ATTLOG_RRQ.to_bytes(2, "little")
    return chunked or request.code == Code.ATTLOG_RRQ


@asynccontextmanager
async def simulator(
    device: Device,
    *,
    faults: Faults = NONE,
    host: str = "127.0.0.1",
    port: int = 0,
    pace: float = PACE,
    sub_packet: int = SMALL_SUB_PACKET,
    sessions: Iterator[int] | None = None,
    notice: Notice = lambda _: None,
) -> AsyncIterator[Running]:
    """A terminal that listens while the context is open; `port` 0 takes a free one.

    `sessions` are the numbers that it will give to connections, in order. `notice` is told, in words for people, who
    comes and goes and reads the log.

    Raises:
        OSError: the port cannot be had.
    """
    running = Running(
        device,
        host=host,
        port=port,
        faults=faults,
        pace=pace,
        sub_packet=sub_packet,
        sessions=sessions or iter(lambda: random.randrange(1, 65_536), 0),
        notice=notice,
    )
    afflict(device, faults)
    await running.on()
    try:
        yield running
    finally:
        await running.off()
