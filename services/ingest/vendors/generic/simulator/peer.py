"""A machine on a socket: it listens, or connects, or sends datagrams, as its profile says."""

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any, Final

from services.ingest.vendors.generic.framing import Pauses
from services.ingest.vendors.generic.simulator.device import Device, Entry
from services.ingest.vendors.generic.simulator.faults import NONE, Faults
from services.ingest.vendors.generic.simulator.talk import Talk

Notice = Callable[[str], object]
Write = Callable[[bytes], None]

BACK_AFTER: Final = 0.2
"""Seconds between attempts to connect."""
REMEMBERED: Final = 1_000
"""Talks that are counted, and pieces that it was told."""


class Running:
    """A machine that runs. `device` and `faults` may be changed meanwhile; new faults hold for new connections."""

    def __init__(
        self,
        device: Device,
        *,
        host: str,
        port: int,
        faults: Faults,
        window: int,
        repeat_after: float,
        heartbeat: tuple[bytes, float] | None,
        notice: Notice,
    ) -> None:
        self.device, self.faults = device, faults
        self.host = host
        self.port = port
        """Where it listens, or where it connects to."""
        self.accepted = 0
        """Connections so far."""
        self.notice = notice
        self._talks: list[Talk] = []
        self.heard: list[bytes] = []
        """What it was told, the latest pieces."""
        self._window, self._repeat_after, self._heartbeat = window, repeat_after, heartbeat
        self._connections: set[_Connection] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    @property
    def connections(self) -> int:
        """How many there are now."""
        return len(self._connections)

    @property
    def side(self) -> str:
        """That of Muster."""
        connection = self.device.settings.connection
        return connection.side if connection is not None else "client"

    @property
    def naks(self) -> int:
        """How often a frame was wanted again."""
        return sum(talk.naks for talk in self._talks)

    @property
    def requests(self) -> int:
        """How often missing records were asked for."""
        return sum(talk.requests for talk in self._talks)

    def scan(self, badge: str, *, state: str | None = None) -> Entry:
        """Somebody scans: it is in the log, and said as soon as can be."""
        entry = self.device.scan(badge, state=state)
        self.wake()
        return entry

    def wake(self) -> None:
        """There is something new in the log."""
        for connection in self._connections:
            connection.wake.set()

    def send(self, raw: bytes) -> None:
        """Send bytes, as they are."""
        for connection in self._connections:
            connection.write(raw)

    def kill(self) -> None:
        """Cut all connections."""
        for connection in list(self._connections):
            connection.close()

    async def on(self) -> None:
        """The power comes.

        Raises:
            OSError: the port cannot be had.
        """
        if self.side == "client":
            self._server = await asyncio.start_server(self._accepted, self.host, self.port)
            self.port = self._server.sockets[0].getsockname()[1]
        else:
            self._start(self._sends_datagrams() if self.side == "udp" else self._connects())

    async def off(self) -> None:
        """The power goes."""
        server, self._server = self._server, None
        if server is not None:
            server.close()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def talk(self) -> Talk:
        """A new one, for a new connection."""
        talk = Talk(self.device, self.faults, window=self._window)
        self._talks = [*self._talks[-REMEMBERED:], talk]
        return talk

    async def converse(self, connection: "_Connection") -> None:
        """Say what there is to say, until the connection is gone."""
        self._connections.add(connection)
        loop = asyncio.get_running_loop()
        beat_at = loop.time() + self._heartbeat[1] if self._heartbeat else float("inf")
        heard_at = loop.time()
        flush = False
        try:
            while not connection.closed:
                connection.wake.clear()
                before = connection.talk.unanswered
                for piece in connection.talk.sends(flush=flush):
                    await self._put(connection, piece)
                if connection.talk.unanswered > before:
                    heard_at = loop.time()
                now = loop.time()
                within = min(beat_at - now, self._repeat_after)
                try:
                    async with asyncio.timeout(max(0.0, within)):
                        await connection.wake.wait()
                    flush = False
                except TimeoutError:
                    flush = True
                    now = loop.time()
                    if self._heartbeat and now >= beat_at:
                        beat_at = now + self._heartbeat[1]
                        await self._put(connection, self._heartbeat[0])
                    if connection.talk.unanswered and now - heard_at >= self._repeat_after:
                        heard_at = now
                        for piece in connection.talk.repeats(lossy=self.side == "udp"):
                            await self._put(connection, piece)
        finally:
            self._connections.discard(connection)

    def hears(self, connection: "_Connection", some: bytes) -> None:
        """It is told something."""
        self.heard = [*self.heard[-REMEMBERED:], some]
        connection.talk.hears(some)
        connection.wake.set()

    async def _put(self, connection: "_Connection", piece: bytes) -> None:
        size = self.faults.split or len(piece)
        for start in range(0, len(piece), size):
            some = piece[start : start + size]
            if self.faults.cut:
                some = some[: self.faults.cut - connection.sent]
            connection.sent += len(some)
            connection.write(some)
            if self.faults.cut and connection.sent >= self.faults.cut:
                connection.close()
                return
            if self.faults.split:
                await asyncio.sleep(0)  # pieces are pieces only to who may read between them
        framing = self.device.settings.framing
        if isinstance(framing, Pauses):
            await asyncio.sleep(2 * framing.milliseconds / 1000)

    def _start(self, what: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(what)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _accepted(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._start(self._connected(reader, writer))

    async def _connects(self) -> None:
        while True:
            with contextlib.suppress(OSError):
                reader, writer = await asyncio.open_connection(self.host, self.port)
                await self._connected(reader, writer)
            await asyncio.sleep(BACK_AFTER * (0.5 + random.random()))

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.accepted += 1
        self.notice("somebody is connected")
        connection = _Connection(self.talk(), writer.write, writer.close)
        talking = asyncio.create_task(self.converse(connection))
        try:
            with contextlib.suppress(OSError):
                while some := await reader.read(65_536):
                    self.hears(connection, some)
        finally:
            connection.close()
            await asyncio.gather(talking, return_exceptions=True)
            self.notice("the connection is gone")
            with contextlib.suppress(OSError, TimeoutError):
                async with asyncio.timeout(1):
                    await writer.wait_closed()

    async def _sends_datagrams(self) -> None:
        loop = asyncio.get_running_loop()
        transport, protocol = await loop.create_datagram_endpoint(_Datagrams, remote_addr=(self.host, self.port))
        connection = _Connection(self.talk(), transport.sendto, transport.close)
        protocol.hear = lambda some: self.hears(connection, some)
        try:
            await self.converse(connection)
        finally:
            transport.close()


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self) -> None:
        self.hear: Callable[[bytes], None] = lambda _: None

    def datagram_received(self, data: bytes, addr: object) -> None:
        self.hear(data)


class _Connection:
    def __init__(self, talk: Talk, write: Write, close: Callable[[], None]) -> None:
        self.talk = talk
        self.wake = asyncio.Event()
        self.sent = 0
        self.closed = False
        self._write, self._close = write, close

    def write(self, some: bytes) -> None:
        if not self.closed and some:
            self._write(some)

    def close(self) -> None:
        self.closed = True
        self.wake.set()
        self._close()


@asynccontextmanager
async def simulator(
    device: Device,
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    faults: Faults = NONE,
    window: int = 1,
    repeat_after: float = 2.0,
    heartbeat: tuple[bytes, float] | None = None,
    notice: Notice = lambda _: None,
) -> AsyncIterator[Running]:
    """A machine that runs while the context is open.

    Where Muster connects to it, it listens at `port`, 0 for a free one; else it goes to that port. It repeats what it
    had no answer to after `repeat_after` seconds. `heartbeat` is what it says every so many seconds.

    Raises:
        OSError: the port cannot be had.
    """
    device.clock_offset += faults.clock
    running = Running(
        device,
        host=host,
        port=port,
        faults=faults,
        window=window,
        repeat_after=repeat_after,
        heartbeat=heartbeat,
        notice=notice,
    )
    await running.on()
    try:
        yield running
    finally:
        await running.off()
