"""A terminal on a TCP port: connections, streams, pushes, and what a test does to it while it runs."""

import asyncio
import contextlib
import itertools
import secrets
import socket
import ssl
import struct
from collections import Counter, deque
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Final

from services.ingest.vendors.hikvision.simulator.device import Device, Entry, Host
from services.ingest.vendors.hikvision.simulator.dialogue import Dialogue
from services.ingest.vendors.hikvision.simulator.encoding import (
    JPEG,
    as_json,
    as_xml,
    camera_heartbeat,
    event,
    heartbeat,
    part,
)
from services.ingest.vendors.hikvision.simulator.faults import NONE, Faults, afflict
from services.ingest.vendors.hikvision.simulator.gate import Gate
from services.ingest.vendors.hikvision.simulator.http import LONGEST_HEAD, NoRequest, Reply, Request, request_from
from services.ingest.vendors.hikvision.simulator.pusher import Form, Pusher

BEAT_EVERY: Final = 10.0
"""Seconds between heartbeats of a stream."""
REMEMBERED: Final = 10_000
MALFORMED: Final = b'{"eventType": "AccessControllerEvent", "AccessControllerEvent": {'
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
        beat_every: float,
        push_form: Form,
        tls: ssl.SSLContext | None,
        notice: Notice,
    ) -> None:
        self.device = device
        self.host = host
        self.port = port
        """Where it listens, once it does; the same after `off` and `on`."""
        self.beat_every = beat_every
        self.push_form: Form = push_form
        self.notice = notice
        self.received: deque[Request] = deque(maxlen=REMEMBERED)
        """What clients asked, oldest first."""
        self.answered: Counter[int] = Counter()
        """Replies by their status."""
        self.pushers: dict[int, Pusher] = {}
        self._tls = tls
        self._faults = faults
        numbers = itertools.count(1)
        self._gate = Gate(device, faults, lambda: f"{next(numbers)}:{secrets.token_hex(8)}")
        self._dialogue = Dialogue(device, faults, pushes=self.push_to)
        self._connections: set[_Connection] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._pushing: dict[int, asyncio.Task[None]] = {}
        self._server: asyncio.Server | None = None

    @property
    def faults(self) -> Faults:
        return self._faults

    @faults.setter
    def faults(self, faults: Faults) -> None:
        self._faults = self._gate.faults = self._dialogue.faults = faults

    @property
    def connections(self) -> int:
        """How many clients are connected now."""
        return len(self._connections)

    @property
    def listeners(self) -> int:
        """How many of them are told of events."""
        return sum(connection.listens for connection in self._connections)

    async def scan(self, person: str, *, status: str = "checkIn", minor: int = 75) -> Entry:
        """Somebody scans: it is in the log, and whoever listens is told."""
        written = self.device.scan(person, status=status, minor=minor)
        await self.tell(written)
        return written[0]

    async def tell(self, entries: Sequence[Entry], *, stored: bool = False) -> None:
        """Tell whoever listens of events."""
        for entry in entries:
            for pusher in self.pushers.values():
                pusher.tell(entry, stored=stored)
            for connection in list(self._connections):
                if connection.listens:
                    await connection.tell(entry, stored=stored)

    async def send(self, raw: bytes) -> None:
        """Send bytes, as they are, to all who listen."""
        for connection in list(self._connections):
            if connection.listens:
                await connection.write(raw)

    def push_to(self, slot: int, host: Host | None) -> None:
        """Push to somebody from now on, all of the log first; or to nobody."""
        if (task := self._pushing.pop(slot, None)) is not None:
            task.cancel()
            del self.pushers[slot], self.device.hosts[slot]
        if host is not None:
            self.device.hosts[slot] = host
            self.pushers[slot] = Pusher(self.device, host, form=self.push_form, again_after=0.1)
            self._pushing[slot] = asyncio.create_task(self.pushers[slot].run(), name=f"push {slot}")

    def kill(self) -> None:
        """Cut all connections at once, without a goodbye."""
        for connection in list(self._connections):
            connection.abort()

    async def end_streams(self) -> None:
        """End all streams as a terminal does that has other things to do."""
        for connection in list(self._connections):
            if connection.listens:
                connection.hang_up()

    async def off(self) -> None:
        """The power goes: nothing listens, and whoever was connected no longer is."""
        server, self._server = self._server, None
        if server is not None:
            server.close()
        self.kill()
        tasks = [*self._tasks, *self._pushing.values()]
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
            self._server = await asyncio.start_server(
                self._accepted, self.host, self.port, limit=LONGEST_HEAD, ssl=self._tls
            )
            self.port = self._server.sockets[0].getsockname()[1]

    def answer(self, request: Request) -> Reply:
        """What it answers."""
        self.received.append(request)
        reply = self._gate.refuses(request) or self._dialogue.reply(request)
        self.answered[reply.status] += 1
        return reply

    def _accepted(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._connected(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer = "{}:{}".format(*writer.get_extra_info("peername", ("somebody", "?"))[:2])
        connection = _Connection(self, reader, writer)
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
    def __init__(self, running: Running, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._running = running
        self._reader = reader
        self._writer = writer
        self._faults = running.faults
        self._left = running.faults.cut or None
        self._answered = 0
        self._parts = 0
        self._gathered: list[bytes] = []
        self._writing = asyncio.Lock()
        self.listens = False
        """It is told of events."""

    async def serve(self) -> None:
        """Answer until the other side goes, or a fault hangs up."""
        with contextlib.suppress(OSError):
            if self._faults.no_http:
                await self.write(b"SSH-2.0-dropbear_2019.78\r\n\r\n")
                await self._reader.read()
                return
            while not self._writer.is_closing():
                try:
                    request = await request_from(self._reader)
                except NoRequest:
                    await self._reply(Reply(status=400))
                    return
                if request is None:
                    return
                await self._answer(request)

    async def tell(self, entry: Entry, *, stored: bool) -> None:
        if self._faults.quiet or (self._faults.deaf and entry.person):
            return
        told = event(entry, self._running.device, stored=stored)
        if self._faults.xml:
            await self._part(as_xml(told), "application/xml")
        else:
            await self._part(as_json(told), 'application/json; charset="UTF-8"')
        if self._faults.pictures and entry.person:
            await self._part(JPEG, "image/jpeg", always=True)

    async def write(self, some: bytes) -> None:
        """Send bytes as they are, in the pieces that a fault makes of them."""
        size = self._faults.split or len(some) or 1
        async with self._writing:
            for start in range(0, len(some), size):
                piece = some[start : start + size]
                if self._left is not None:
                    piece = piece[: self._left]
                    self._left -= len(piece)
                if self._writer.is_closing():
                    return
                with contextlib.suppress(OSError):
                    self._writer.write(piece)
                    await self._writer.drain()
                if self._left == 0:
                    self.hang_up()
                    return
                if self._faults.split:
                    await asyncio.sleep(0)

    def hang_up(self) -> None:
        self.listens = False
        self._writer.close()

    def abort(self) -> None:
        line = self._writer.get_extra_info("socket")
        if line is not None and line.fileno() >= 0:  # so that the other side sees a reset and not an orderly end
            line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._writer.transport.abort()

    async def _answer(self, request: Request) -> None:
        if self._faults.silent is not None and self._answered >= self._faults.silent:
            await asyncio.Event().wait()
        self._answered += 1
        if self._faults.slow:
            await asyncio.sleep(self._faults.slow)
        reply = self._running.answer(request)
        await self._reply(reply)
        if reply.endless:
            await self._stream()

    async def _reply(self, reply: Reply) -> None:
        await self.write(reply.head() + reply.body)

    async def _stream(self) -> None:
        """The endless part: heartbeats, and what is told, until somebody hangs up."""
        self._running.notice("somebody listens to its events")
        gone = asyncio.create_task(self._reader.read(1))
        try:
            if self._faults.backlog:
                self.listens = True
                for entry in list(self._running.device.entries):
                    await self.tell(entry, stored=True)
            self.listens = True
            while not self._writer.is_closing():
                await self._beat()
                if self._faults.quiet or self._faults.no_heartbeat:
                    await gone
                    return
                done, _ = await asyncio.wait([gone], timeout=self._running.beat_every)
                if done:
                    return
        finally:
            self.listens = False
            gone.cancel()
            await asyncio.gather(gone, return_exceptions=True)

    async def _beat(self) -> None:
        if self._faults.no_heartbeat:
            return
        if self._faults.camera_heartbeat:
            await self._part(camera_heartbeat(self._running.device), "application/xml")
        else:
            await self._part(as_json(heartbeat(self._running.device)), 'application/json; charset="UTF-8"')

    async def _part(self, body: bytes, kind: str, *, always: bool = False) -> None:
        self._parts += 1
        faults = self._faults
        if faults.malformed and not always and self._parts % faults.malformed == 0:
            body = MALFORMED
        typed = None if faults.no_type and not always else kind
        self._gathered.append(part(body, typed, length=not faults.no_length))
        if len(self._gathered) >= (faults.burst or 1):
            together, self._gathered = b"".join(self._gathered), []
            await self.write(together)
        if faults.cut_stream and self._parts >= faults.cut_stream:
            self.hang_up()


@asynccontextmanager
async def simulator(
    device: Device,
    *,
    faults: Faults = NONE,
    host: str = "127.0.0.1",
    port: int = 0,
    beat_every: float = BEAT_EVERY,
    push_form: Form = "json",
    tls: ssl.SSLContext | None = None,
    notice: Notice = lambda _: None,
) -> AsyncIterator[Running]:
    """A terminal that listens while the context is open; `port` 0 takes a free one.

    `notice` is told, in words for people, who comes and goes.

    Raises:
        OSError: the port cannot be had.
    """
    running = Running(
        device,
        host=host,
        port=port,
        faults=faults,
        beat_every=beat_every,
        push_form=push_form,
        tls=tls,
        notice=notice,
    )
    afflict(device, faults)
    await running.on()
    try:
        yield running
    finally:
        await running.off()
