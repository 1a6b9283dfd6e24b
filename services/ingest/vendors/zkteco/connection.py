"""One TCP connection to a machine: a request at a time, its answer found among whatever else comes."""

import asyncio
import contextlib
import socket
from collections import deque
from collections.abc import Callable
from typing import Final

from services.ingest.application.drivers import Garbled, ProtocolBroken, Unreachable
from services.ingest.vendors.zkteco.wire import MAY_BE_SENT, BrokenStream, Code, Framer, Packet, frame

READ_AT_ONCE: Final = 1 << 16
LETS_GO_WITHIN: Final = 1.0
NUMBERS: Final = 65_535
"""Reply numbers: 0 to 65534, then again."""
SHOWN: Final = 2_048
"""Bytes kept of a stream that cannot be understood."""


class Connection:
    """Packets out and in. One coroutine at a time uses it.

    Events may come at any moment, between a request and its answer and in the middle of a download: they go to
    `on_event`, in their order. Answers that come too late for their request are discarded by their number.

    Every method raises:
        Unreachable: the machine is gone, or does not answer in time.
        ProtocolBroken: it never said a packet; `evidence` holds what it said.
        Garbled: it did, and then said something else.
    """

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        *,
        answer_within: float,
        on_event: Callable[[Packet], None],
        on_unsound: Callable[[Packet], None],
    ) -> None:
        """`on_unsound` is told of packets with a wrong checksum, which are taken all the same."""
        self._reader, self._writer = reader, writer
        self._within = answer_within
        self._on_event, self._on_unsound = on_event, on_unsound
        self._framer = Framer()
        self._answers: deque[Packet] = deque()
        self._number = NUMBERS - 1
        self._asked = "anything"
        self._moved = asyncio.get_running_loop().time()
        self.session = 0

    @classmethod
    async def open(
        cls,
        host: str,
        port: int,
        *,
        connect_within: float,
        answer_within: float,
        on_event: Callable[[Packet], None],
        on_unsound: Callable[[Packet], None],
    ) -> "Connection":
        """Connect."""
        where = f"{host}:{port}"
        try:
            async with asyncio.timeout(connect_within):
                reader, writer = await asyncio.open_connection(host, port, limit=READ_AT_ONCE)
        except TimeoutError as error:
            raise Unreachable(f"nothing answers at {where} within {connect_within:g} s") from error
        except ConnectionRefusedError as error:
            raise Unreachable(
                f"{where} refuses the connection: the machine is starting, has another port, or is held by other"
                " software (many take one connection at a time)"
            ) from error
        except OSError as error:
            raise Unreachable(f"{where} cannot be reached: {error.strerror or error}") from error
        raw = writer.get_extra_info("socket")
        if raw is not None:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        return cls(reader, writer, answer_within=answer_within, on_event=on_event, on_unsound=on_unsound)

    async def ask(self, code: Code, data: bytes = b"") -> Packet:
        """Send a request; its answer, or the first part of it."""
        assert code in MAY_BE_SENT  # noqa: S101 - a command that could harm a machine is a mistake of ours
        self._number = (self._number + 1) % NUMBERS
        self._asked = code.name
        self._answers.clear()
        await self._send(Packet(code, self.session, self._number, data))
        return await self.more()

    async def more(self) -> Packet:
        """The next part of the same answer."""
        deadline = asyncio.get_running_loop().time() + self._within
        while not self._answers:
            if not await self._receive(deadline):
                if self._framer.pending:
                    raise Unreachable(self._half())
                raise Unreachable(f"the machine does not answer {self._asked} within {self._within:g} s")
        return self._answers.popleft()

    async def acknowledge_event(self) -> None:
        """Tell the machine that an event was taken; it answers nothing."""
        await self._send(Packet(Code.OK, self.session, 0))

    async def listen(self, seconds: float) -> bool:
        """Take what comes of itself, until something came or the time is up; whether something did."""
        loop = asyncio.get_running_loop()
        came = await self._receive(loop.time() + seconds)
        self._answers.clear()  # nothing was asked
        if not came and self._framer.pending and loop.time() - self._moved > self._within:
            raise Unreachable(self._half())
        return came

    async def close(self) -> None:
        """Let go, with a goodbye where it can be said."""
        with contextlib.suppress(Unreachable, ProtocolBroken, Garbled, TimeoutError):
            async with asyncio.timeout(LETS_GO_WITHIN):
                if self.session:
                    await self.ask(Code.EXIT)
        self._writer.close()
        with contextlib.suppress(OSError, TimeoutError):
            async with asyncio.timeout(LETS_GO_WITHIN):
                await self._writer.wait_closed()

    async def _send(self, packet: Packet) -> None:
        if self._writer.is_closing():  # of which asyncio says nothing, and uvloop what is no OSError
            raise Unreachable("the connection broke")
        try:
            self._writer.write(frame(packet))
            async with asyncio.timeout(self._within):
                await self._writer.drain()
        except TimeoutError as error:
            raise Unreachable(f"the machine takes nothing in for {self._within:g} s") from error
        except OSError as error:
            raise Unreachable("the connection broke") from error

    async def _receive(self, deadline: float) -> bool:
        """Take in whatever came; false where nothing came in time."""
        try:
            async with asyncio.timeout_at(deadline):
                some = await self._reader.read(READ_AT_ONCE)
        except TimeoutError:
            return False
        except OSError as error:
            raise Unreachable("the connection broke") from error
        if not some:
            cut = " in the middle of a packet" if self._framer.pending else ""
            raise Unreachable(f"the machine closed the connection{cut}")
        self._moved = asyncio.get_running_loop().time()
        try:
            for packet in self._framer.feed(some):
                self._route(packet)
        except BrokenStream as error:
            if self.session:
                raise Garbled(f"the machine sent {error}", evidence=self._framer.held[:SHOWN]) from error
            raise ProtocolBroken(
                f"what answers does not speak ZKTeco's protocol of port 4370: it sent {error}",
                evidence=self._framer.held[:SHOWN],
            ) from error
        return True

    def _route(self, packet: Packet) -> None:
        if not packet.sound:
            self._on_unsound(packet)
        if packet.code == Code.EVENT:
            self._on_event(packet)
        elif packet.reply == self._number:
            self._answers.append(packet)

    def _half(self) -> str:
        return f"the machine stopped in the middle of a packet: {self._framer.pending} bytes of it, then nothing"
