"""A BioStar server on a TCP port, plain or with TLS: requests, sockets, and what a test does to it while it runs."""

import asyncio
import contextlib
import json
import socket as sockets
import ssl
import struct
from collections import Counter, deque
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from email.utils import format_datetime
from typing import Any, Final
from urllib.parse import parse_qsl

from websockets.exceptions import ProtocolError
from websockets.frames import Frame, Opcode
from websockets.http11 import Request as Upgrade
from websockets.server import ServerProtocol

from services.ingest.vendors.suprema.simulator.dialogue import GOOD, SESSION, Dialogue, Reply, Request
from services.ingest.vendors.suprema.simulator.faults import NONE, Faults, afflict
from services.ingest.vendors.suprema.simulator.store import Row, Store

LONGEST_HEAD: Final = 16_384
LONGEST_BODY: Final = 1 << 20
REMEMBERED: Final = 10_000
SOCKET: Final = "/wsapi"
MALFORMED: Final = '{"Event": {"id": "1", "datetime": '
Notice = Callable[[str], object]


class Running:
    """A server that listens. `store` and `faults` may be changed meanwhile; new faults hold for new connections."""

    def __init__(
        self, store: Store, *, host: str, port: int, faults: Faults, tls: ssl.SSLContext | None, notice: Notice
    ) -> None:
        self.store = store
        self.host = host
        self.port = port
        """Where it listens, once it does; the same after `off` and `on`."""
        self.notice = notice
        self.received: deque[Request] = deque(maxlen=REMEMBERED)
        """What clients asked, oldest first."""
        self.answered: Counter[str] = Counter()
        """Requests by path."""
        self.dialogue = Dialogue(store, faults)
        self.bound = 0
        """Sockets that were bound to a session so far."""
        self._tls = tls
        self._faults = faults
        self._connections: set[_Connection] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    @property
    def faults(self) -> Faults:
        return self._faults

    @faults.setter
    def faults(self, faults: Faults) -> None:
        self._faults = self.dialogue.faults = faults

    @property
    def connections(self) -> int:
        """How many clients are connected now."""
        return len(self._connections)

    @property
    def listeners(self) -> int:
        """How many sockets are told of events."""
        return sum(connection.listens for connection in self._connections)

    async def scan(self, user: str, **how: Any) -> Row:
        """Somebody scans: it is stored, and whoever listens is told."""
        written = self.store.scan(user, **how)
        await self.tell(written)
        return written[0]

    async def tell(self, rows: Sequence[Row]) -> None:
        """Tell whoever listens of events."""
        for connection in list(self._connections):
            for row in rows:
                await connection.tell(row)

    async def send(self, raw: str) -> None:
        """Send a message, as it is, to all who listen."""
        for connection in list(self._connections):
            if connection.listens:
                await connection.say(raw)

    def begin_events(self) -> None:
        """Events are told to those sockets that are bound to a session which has asked for them now, and not before."""
        starts, self.dialogue.starts = self.dialogue.starts, []
        for connection in self._connections:
            if connection.session in starts:
                connection.listens = True

    def unbind(self) -> None:
        """Another login takes the sessions over: sockets stay open, and nobody is told anything."""
        self.store.expire()
        for connection in self._connections:
            connection.listens, connection.session = False, None

    def kill(self) -> None:
        """Cut all connections at once, without a goodbye."""
        for connection in list(self._connections):
            connection.abort()

    def cut_sockets(self) -> None:
        """Cut the sockets only."""
        for connection in list(self._connections):
            if connection.is_socket:
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
        """The power comes: it listens on the same port as before, and knows no session.

        Raises:
            OSError: the port cannot be had.
        """
        if self._server is None:
            self.store.expire()
            self._server = await asyncio.start_server(
                self._accepted, self.host, self.port, limit=LONGEST_HEAD, ssl=self._tls
            )
            self.port = self._server.sockets[0].getsockname()[1]

    def _accepted(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._connected(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer = "{}:{}".format(*writer.get_extra_info("peername", ("somebody", "?"))[:2])
        connection = _Connection(self, reader, writer)
        self._connections.add(connection)
        try:
            await connection.serve(peer)
        finally:
            self._connections.discard(connection)
            if connection.is_socket:
                self.notice(f"{peer} listens no more")
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
        self._protocol: ServerProtocol | None = None
        self._messages = 0
        self._gathered: list[str] = []
        self.session: str | None = None
        """The session that its socket is bound to."""
        self.listens = False
        """It is told of events."""

    @property
    def is_socket(self) -> bool:
        return self._protocol is not None

    async def serve(self, peer: str) -> None:
        """Answer until the other side goes, or a fault hangs up."""
        with contextlib.suppress(OSError, ProtocolError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            if self._faults.no_http:
                await self._write(b"SSH-2.0-dropbear_2019.78\r\n\r\n")
                await self._reader.read()
                return
            while not self._writer.is_closing():
                request = await self._request()
                if request.path == SOCKET and not self._faults.no_socket:
                    self._running.notice(f"{peer} opens the socket")
                    await self._serve_socket(request)
                    return
                self._running.received.append(request)
                self._running.answered[request.path] += 1
                if self._faults.silent is not None and self._answered >= self._faults.silent:
                    continue
                self._answered += 1
                if self._faults.slow:
                    await asyncio.sleep(self._faults.slow)
                reply = self._running.dialogue.reply(request)
                self._running.begin_events()
                await self._reply(reply)

    async def tell(self, row: Row) -> None:
        """Tell of an event, if anybody listens here."""
        if not self.listens or self._faults.deaf:
            return
        shown: Mapping[str, Any] = self._running.store.shown(row)
        if self._faults.unnumbered:
            shown = {**shown, "id": "0"}
        message = json.dumps({"Event": shown})
        self._messages += 1
        if self._faults.malformed and self._messages % self._faults.malformed == 0:
            message = MALFORMED
        await self.say(message)
        if self._faults.duplicate:
            await self.say(message)
        if self._faults.cut_socket and self._messages >= self._faults.cut_socket:
            self.abort()

    async def say(self, message: str) -> None:
        """Send a message over the socket."""
        protocol = self._protocol
        if protocol is None or self._writer.is_closing():
            return
        self._gathered.append(message)
        if len(self._gathered) < self._faults.burst:
            return
        gathered, self._gathered = self._gathered, []
        for one in gathered:
            some = one.encode()
            if self._faults.binary:
                protocol.send_binary(some[: len(some) // 2], fin=False)
                protocol.send_continuation(some[len(some) // 2 :], fin=True)
            else:
                protocol.send_text(some)
        await self._flush()

    def abort(self) -> None:
        """Cut it, so that the other side sees a reset and not an orderly end."""
        self.listens = False
        line = self._writer.get_extra_info("socket")
        if line is not None and line.fileno() >= 0:
            line.setsockopt(sockets.SOL_SOCKET, sockets.SO_LINGER, struct.pack("ii", 1, 0))
        self._writer.transport.abort()

    async def _request(self) -> Request:
        head = await self._reader.readuntil(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        method, _, rest = first.partition(" ")
        pairs = (line.partition(":") for line in lines if line)
        headers = {name.strip().lower(): value.strip() for name, _, value in pairs}
        length = headers.get("content-length", "0")
        body = await self._reader.readexactly(min(int(length) if length.isdigit() else 0, LONGEST_BODY))
        path, _, query = rest.partition(" ")[0].partition("?")
        return Request(method=method, path=path, query=dict(parse_qsl(query)), headers=headers, body=body, head=head)

    async def _reply(self, reply: Reply) -> None:
        body = json.dumps(reply.body).encode()
        lines = [
            f"HTTP/1.1 {reply.status} {'OK' if reply.status == 200 else 'Odd'}",
            "Content-Type: application/json;charset=UTF-8",
            f"Date: {format_datetime(self._running.store.now(), usegmt=True)}",
            f"Content-Length: {len(body)}",
            *(f"{name}: {value}" for name, value in reply.headers.items()),
        ]
        await self._write("\r\n".join([*lines, "", ""]).encode() + body)

    # The socket

    async def _serve_socket(self, request: Request) -> None:
        protocol = self._protocol = ServerProtocol()
        protocol.receive_data(request.head)
        await self._events()
        while not self._writer.is_closing() and (some := await self._reader.read(65_536)):
            protocol.receive_data(some)
            await self._events()
        protocol.receive_eof()

    async def _events(self) -> None:
        protocol = self._protocol
        if protocol is None:
            return
        for event in protocol.events_received():
            if isinstance(event, Upgrade):
                protocol.send_response(protocol.accept(event))
                await self._flush()
            elif isinstance(event, Frame) and event.opcode is Opcode.TEXT:
                await self._flush()
                await self._bind(bytes(event.data).decode("utf-8", "replace"))
        await self._flush()

    async def _bind(self, message: str) -> None:
        name, _, session = message.partition("=")
        known = name == SESSION and self._running.dialogue.knows(session)
        if self._faults.slow:
            await asyncio.sleep(self._faults.slow)
        if known:
            self._running.bound += 1
            unbound = self._faults.unbound and self._running.bound == 1
            self.session = None if unbound else session
        refusal = {"Response": {"code": "10", "link": "", "message": "Login required"}}
        await self._say_now(json.dumps(GOOD if known else refusal))

    async def _say_now(self, message: str) -> None:
        protocol = self._protocol
        if protocol is not None:
            protocol.send_text(message.encode())
            await self._flush()

    async def _flush(self) -> None:
        protocol = self._protocol
        if protocol is None:
            return
        some = b"".join(protocol.data_to_send())
        if some:
            await self._write(some)
        if protocol.close_expected():
            self._writer.close()

    async def _write(self, some: bytes) -> None:
        if self._left is not None:
            some = some[: self._left]
            self._left -= len(some)
        if self._writer.is_closing():
            return
        with contextlib.suppress(OSError):
            self._writer.write(some)
            await self._writer.drain()
        if self._left == 0:
            self._writer.close()


@asynccontextmanager
async def simulator(
    store: Store,
    *,
    faults: Faults = NONE,
    host: str = "127.0.0.1",
    port: int = 0,
    tls: ssl.SSLContext | None = None,
    notice: Notice = lambda _: None,
) -> AsyncIterator[Running]:
    """A server that listens while the context is open; `port` 0 takes a free one, `tls` makes it HTTPS and wss.

    `notice` is told, in words for people, who opens its socket and leaves it.

    Raises:
        OSError: the port cannot be had.
    """
    running = Running(store, host=host, port=port, faults=faults, tls=tls, notice=notice)
    afflict(store, faults)
    await running.on()
    try:
        yield running
    finally:
        await running.off()
