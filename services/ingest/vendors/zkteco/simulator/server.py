"""A terminal on a port, of TCP and perhaps UDP: connections, pacing, and what a test does to it while it runs.

Real clients take each packet to come in a read of its own, so packets leave at least `pace` seconds apart.
"""

import asyncio
import contextlib
import random
import socket
import struct
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager
from typing import Final

from services.ingest.vendors.zkteco.simulator.datagrams import LARGEST_DATA, Address, Peer, Port
from services.ingest.vendors.zkteco.simulator.device import SWITCHED_ON, Device
from services.ingest.vendors.zkteco.simulator.dialogue import Dialogue
from services.ingest.vendors.zkteco.simulator.encoding import Entry
from services.ingest.vendors.zkteco.simulator.faults import NONE, Faults, afflict
from services.ingest.vendors.zkteco.simulator.line import Line
from services.ingest.vendors.zkteco.simulator.talk import Talk
from services.ingest.vendors.zkteco.wire import BrokenStream, Framer, Packet

PACE: Final = 0.001
"""Seconds between packets."""
SMALL_SUB_PACKET: Final = 1008
LARGE_SUB_PACKET: Final = 65_472
REMEMBERED: Final = 10_000
PORT_TRIES: Final = 20
Notice = Callable[[str], object]


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
        udp: bool,
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
        self._udp = udp
        self._was_off = False
        self._server: asyncio.Server | None = None
        self._datagrams: Port | None = None

    @property
    def talks(self) -> Sequence[Talk]:
        """Who talks to it now."""
        return (*self._connections, *(self._datagrams.peers if self._datagrams is not None else ()))

    @property
    def connections(self) -> int:
        """How many clients are connected now."""
        return len(self.talks)

    @property
    def listeners(self) -> int:
        """How many of them are told of scans."""
        return sum(connection.dialogue.wants_scans for connection in self.talks)

    @property
    def acknowledged(self) -> int:
        """Events that those who are connected have confirmed."""
        return sum(connection.dialogue.acknowledged for connection in self.talks)

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

    async def tell(self, data: bytes, *, but: "Talk | None" = None) -> None:
        """Send an event with this data to all who listen."""
        for connection in self.talks:
            if connection.dialogue.wants_scans and connection is not but:
                await connection.tell(data)

    async def send(self, raw: bytes) -> None:
        """Send bytes, as they are, to all who are connected."""
        for connection in self.talks:
            await connection.send(raw)

    def kill(self) -> None:
        """Cut all connections at once, without a goodbye."""
        for connection in self.talks:
            connection.abort()

    async def off(self) -> None:
        """The power goes: nothing listens, and whoever was connected no longer is."""
        self._was_off = True
        server, self._server = self._server, None
        datagrams, self._datagrams = self._datagrams, None
        if datagrams is not None:
            await datagrams.close()
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
        if self._server is not None:
            return
        if self._was_off:
            self.device.operate(SWITCHED_ON)
        for attempt in range(1, PORT_TRIES + 1):
            server = await asyncio.start_server(self._accepted, self.host, self.port)
            port = server.sockets[0].getsockname()[1]
            try:
                if self._udp:
                    self._datagrams = await self._bound(port)
            except OSError:
                server.close()
                if self.port or attempt == PORT_TRIES:
                    raise
                continue  # the free one of TCP was taken in UDP
            self._server, self.port = server, port
            return

    async def _bound(self, port: int) -> Port:
        _, datagrams = await asyncio.get_running_loop().create_datagram_endpoint(
            lambda: Port(self, self._met), local_addr=(self.host, port)
        )
        return datagrams

    def _met(self, port: Port, address: Address) -> Peer | None:
        self.accepted += 1
        who = f"{address[0]}:{address[1]}"
        if self.faults.one_connection and any(talk.place != address for talk in self.talks):
            self.notice(f"{who} was not answered: somebody is connected already")
            return None
        self.notice(f"{who} greets, by UDP")
        return Peer(port, self, self._dialogue(LARGEST_DATA), address, self.pace)

    def _dialogue(self, most: int) -> Dialogue:
        return Dialogue(
            self.device,
            session=next(self._sessions),
            sub_packet=min(most, self.sub_packet),
            faults=self.faults,
        )

    def heard(self, request: Packet) -> None:
        self.received.append(request)

    def _accepted(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._connected(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.accepted += 1
        peer = "{}:{}".format(*writer.get_extra_info("peername", ("somebody", "?"))[:2])
        if self.faults.one_connection and self.talks:
            self.notice(f"{peer} was hung up on: somebody is connected already")
            writer.close()
            return
        connection = _Connection(self, reader, writer, self._dialogue(LARGE_SUB_PACKET))
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


class _Connection(Talk):
    def __init__(
        self, running: Running, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, dialogue: Dialogue
    ) -> None:
        super().__init__(running, dialogue)
        self._running = running
        self._reader = reader
        self._writer = writer
        self._line = Line(dialogue.faults)

    async def serve(self) -> None:
        """Answer until the other side goes, or sends what is no packet; or a fault hangs up."""
        framer = Framer()
        with contextlib.suppress(OSError, BrokenStream):
            while not self._line.cut and (some := await self._reader.read(65_536)):
                for request in framer.feed(some):
                    if self._writer.is_closing():
                        return
                    await self.answer(request)

    async def put(self, packets: Iterable[Packet]) -> None:
        for piece in self._line.pieces(packets):
            await self.write(piece)
        if self._line.cut:
            self._writer.close()

    async def write(self, some: bytes) -> None:
        if self._writer.is_closing():
            return
        with contextlib.suppress(OSError):
            self._writer.write(some)
            await self._writer.drain()
        if self._running.pace or self.faults.split:  # pieces are pieces only to who may read between them
            await asyncio.sleep(self._running.pace)

    def abort(self) -> None:
        line = self._writer.get_extra_info("socket")
        if line is not None and line.fileno() >= 0:  # so that the other side sees a reset and not an orderly end
            line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._writer.transport.abort()


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
    udp: bool = False,
) -> AsyncIterator[Running]:
    """A terminal that listens while the context is open; `port` 0 takes a free one; with `udp` of UDP, too.

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
        udp=udp,
    )
    afflict(device, faults)
    await running.on()
    try:
        yield running
    finally:
        await running.off()
