"""Talking to a machine over TCP: nothing is lost or in another order, until the connection breaks."""

import asyncio
import contextlib
import socket
from collections.abc import Callable
from typing import ClassVar, Final

from services.ingest.application.drivers import Garbled, ProtocolBroken, Unreachable
from services.ingest.vendors.zkteco.exchange import LETS_GO_WITHIN, SHOWN, Exchange
from services.ingest.vendors.zkteco.wire import BrokenStream, Framer, Packet, frame

READ_AT_ONCE: Final = 1 << 16


class Connection(Exchange):
    """One TCP connection. Packets with a wrong checksum are told, and taken all the same."""

    in_order: ClassVar[bool] = True

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        *,
        answer_within: float,
        on_event: Callable[[Packet], None],
        on_unsound: Callable[[str], None],
    ) -> None:
        super().__init__(answer_within=answer_within, on_event=on_event, on_unsound=on_unsound)
        self._reader, self._writer = reader, writer
        self._framer = Framer()
        self._moved = asyncio.get_running_loop().time()

    @classmethod
    async def open(
        cls,
        host: str,
        port: int,
        *,
        connect_within: float,
        answer_within: float,
        on_event: Callable[[Packet], None],
        on_unsound: Callable[[str], None],
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

    async def listen(self, seconds: float) -> bool:
        came = await super().listen(seconds)
        if not came and self._framer.pending and asyncio.get_running_loop().time() - self._moved > self._within:
            raise Unreachable(self._half())
        return came

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
                if not packet.sound:
                    self._on_unsound("a packet of it had a wrong checksum; it was taken, and the log is what counts")
                self._route(packet)
        except BrokenStream as error:
            if self.session:
                raise Garbled(f"the machine sent {error}", evidence=self._framer.held[:SHOWN]) from error
            raise ProtocolBroken(
                f"what answers does not speak ZKTeco's protocol of port 4370: it sent {error}",
                evidence=self._framer.held[:SHOWN],
            ) from error
        return True

    async def _let_go(self) -> None:
        self._writer.close()
        with contextlib.suppress(OSError, TimeoutError):
            async with asyncio.timeout(LETS_GO_WITHIN):
                await self._writer.wait_closed()

    def _silence(self) -> str:
        return self._half() if self._framer.pending else super()._silence()

    def _half(self) -> str:
        return f"the machine stopped in the middle of a packet: {self._framer.pending} bytes of it, then nothing"
