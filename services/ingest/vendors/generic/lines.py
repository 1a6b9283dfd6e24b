"""Between a session and the network: who is at the other end, and what came."""

import asyncio
import contextlib
import socket
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

from services.ingest.vendors.generic.frames import Framer

READ_AT_ONCE: Final = 1 << 14
"""Bytes; with the limit of the reader, most that is held of a connection that is not being read."""
TAKES_WITHIN: Final = 10.0
"""Seconds that the other end may take to take in an answer."""
_IDLE, _BETWEEN, _COUNT = 30, 10, 3
"""Seconds of silence after which the network asks whether anybody is there, between questions, and how many."""


class Peer(Protocol):
    """The other end of one connection, or the sender of a datagram."""

    framer: Framer

    @property
    def name(self) -> str:
        """For people: its address."""

    async def send(self, some: bytes) -> None:
        """Have this sent. Where it cannot be, the connection ends, which its reader will say."""

    def close(self) -> None:
        """Hang up."""


@dataclass(frozen=True, slots=True)
class Came:
    """What came from somebody: bytes; None where they have just come, and nothing where they hung up."""

    peer: Peer
    some: bytes | None


class Line(Protocol):
    """Contact with one machine, by one connection or by several that it makes."""

    alone: bool
    """There is one connection, and no contact without it."""
    always_answers: bool
    """Whoever sent a frame is to be told once it is safe, although the profile has no words for that."""

    async def receive(self, within: float | None) -> Came | None:
        """What comes next; None where nothing came in so many seconds.

        Raises:
            Unreachable: nobody is there any more.
        """

    def at_hand(self) -> Came | None:
        """Bytes that come next, where they are here already and can be made safe with those before; else None."""

    def peers(self) -> list[Peer]:
        """Those who are there now."""


class StreamPeer:
    """The other end of a TCP connection."""

    __slots__ = ("_reader", "_writer", "framer", "heard_at", "name")

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, framer: Framer) -> None:
        self._reader, self._writer = reader, writer
        self.framer = framer
        self.name = peer_name(writer.get_extra_info("peername"))
        self.heard_at = asyncio.get_running_loop().time()
        keep_alive(writer.get_extra_info("socket"))

    async def read(self) -> bytes:
        """What comes next; nothing where they hung up or the connection broke."""
        try:
            some = await self._reader.read(READ_AT_ONCE)
        except OSError:
            return b""
        self.heard_at = asyncio.get_running_loop().time()
        return some

    async def send(self, some: bytes) -> None:
        if self._writer.is_closing():
            return
        try:
            self._writer.write(some)
            async with asyncio.timeout(TAKES_WITHIN):
                await self._writer.drain()
        except (OSError, TimeoutError):
            self._writer.transport.abort()

    def close(self) -> None:
        self._writer.close()

    async def closed(self) -> None:
        """Hang up, and wait until it is done."""
        self._writer.close()
        with contextlib.suppress(OSError, TimeoutError):
            async with asyncio.timeout(1):
                await self._writer.wait_closed()


MakesFramer = Callable[[], Framer]


def peer_name(address: object) -> str:
    """An address for people."""
    return f"{address[0]}:{address[1]}" if isinstance(address, tuple) and len(address) > 1 else "somebody"


def keep_alive(raw: socket.socket | None) -> None:
    """Have the network find out about machines that lost power."""
    if raw is None:
        return
    with contextlib.suppress(OSError):
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for name, value in (("TCP_KEEPIDLE", _IDLE), ("TCP_KEEPINTVL", _BETWEEN), ("TCP_KEEPCNT", _COUNT)):
            if hasattr(socket, name):
                raw.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
