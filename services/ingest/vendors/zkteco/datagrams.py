"""Talking to a machine over UDP: a packet is a datagram, and any of them may be lost, doubled, late or damaged.

What is asked is asked again until it is answered. That harms nothing, because all that may be sent only reads. What a
download makes of datagrams stands in `sets.py`. Source: PROTOCOLS §1.1, 1.3, 1.8.
"""

import asyncio
import socket
from collections.abc import Callable
from typing import ClassVar, Final

from services.ingest.application.drivers import ProtocolBroken, Unreachable
from services.ingest.vendors.zkteco.exchange import SHOWN, Exchange
from services.ingest.vendors.zkteco.wire import BrokenStream, Code, Packet, decode, encode

AGAIN_AFTER: Final = 0.3
"""Seconds without an answer after which a request is said once more; then twice as many, and so on."""
LARGEST: Final = 1 << 16
ROOM: Final = 1 << 20
"""Bytes of datagrams that the system is asked to hold for us."""


class Datagrams(Exchange):
    """A socket that hears one machine alone: what others send to it does not arrive.

    A machine whose checksums were right goes on so: a datagram with a wrong one is damaged and counts as lost, unless
    exactly the same comes again.
    """

    in_order: ClassVar[bool] = False

    def __init__(
        self,
        line: socket.socket,
        *,
        answer_within: float,
        on_event: Callable[[Packet], None],
        on_unsound: Callable[[str], None],
    ) -> None:
        super().__init__(answer_within=answer_within, on_event=on_event, on_unsound=on_unsound)
        self._line = line
        self._understood = False
        self._counts_right = False
        self._damaged = b""

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
    ) -> "Datagrams":
        """A socket for it. Whether anybody is there shows when something is asked."""
        loop, line = asyncio.get_running_loop(), None
        try:
            async with asyncio.timeout(connect_within):
                family, kind, protocol, _, address = (await loop.getaddrinfo(host, port, type=socket.SOCK_DGRAM))[0]
            line = socket.socket(family, kind, protocol)
            line.setblocking(False)
            line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, ROOM)
            line.connect(address)
        except OSError as error:
            if line is not None:
                line.close()
            why = "its name is not found in time" if isinstance(error, TimeoutError) else error.strerror or error
            raise Unreachable(f"{host}:{port} cannot be reached: {why}") from error
        return cls(line, answer_within=answer_within, on_event=on_event, on_unsound=on_unsound)

    async def _answer(self, *, once: bool) -> Packet:
        loop = asyncio.get_running_loop()
        began, pause = loop.time(), min(AGAIN_AFTER, self._within / 10)
        deadline = began + self._within
        again_at = deadline if once else began + pause
        while not self._answers:
            now = loop.time()  # looked at each time: events without end must not keep us from it
            if now >= deadline:
                raise Unreachable(self._silence())
            if now >= again_at:
                await self._again()
                pause *= 2
                again_at = now + pause
            await self._receive(min(again_at, deadline))
        answer = self._answers.popleft()
        if answer.code == Code.UNAUTHENTICATED and self._asked.code not in (Code.CONNECT, Code.AUTH):
            raise Unreachable("the machine has forgotten our session: it was started again, or others took it over")
        return answer

    async def _again(self) -> None:
        if self._asked.code == Code.CONNECT:
            # Each greeting may begin a session of its own: only the answer to the last one counts.
            self._numbered(Code.CONNECT, self._asked.data)
        await self._send(self._asked)

    async def _send(self, packet: Packet) -> None:
        try:
            self._line.send(encode(packet))
        except BlockingIOError:
            pass  # no room for it: lost, as it may be anywhere on its way
        except OSError as error:
            raise self._gone(error) from error

    async def _receive(self, deadline: float) -> bool:
        await asyncio.sleep(0)  # where there is always a datagram, reading them would let nobody else run
        while True:
            try:
                some = self._line.recv(LARGEST)
            except BlockingIOError:
                if not await self._comes(deadline):
                    return False
            except OSError as error:
                raise self._gone(error) from error
            else:
                self._take(some)
                return True

    async def _comes(self, deadline: float) -> bool:
        """Wait for a datagram, without reading it: one that is read as the time runs out would be lost."""
        loop = asyncio.get_running_loop()
        ready = asyncio.Event()
        loop.add_reader(self._line, ready.set)
        try:
            async with asyncio.timeout_at(deadline):
                await ready.wait()
        except TimeoutError:
            return False
        finally:
            loop.remove_reader(self._line)
        return True

    def _take(self, some: bytes) -> None:
        try:
            packet = decode(some)
        except BrokenStream as error:
            if not self._understood:
                raise ProtocolBroken(
                    f"what answers does not speak ZKTeco's protocol of port 4370: it sent {error}",
                    evidence=some[:SHOWN],
                ) from error
            self._on_unsound(f"it sent {error}; it was passed over")
            return
        self._understood = True
        self._counts_right |= packet.sound
        if not packet.sound and self._counts_right and some != self._damaged:
            self._damaged = some
            self._on_unsound("a datagram of it came damaged; it was passed over, and asked for again")
            return
        if not packet.sound:
            self._on_unsound("a packet of it had a wrong checksum; it was taken, and the log is what counts")
        self._route(packet)

    async def _let_go(self) -> None:
        self._line.close()

    @staticmethod
    def _gone(error: OSError) -> Unreachable:
        if isinstance(error, ConnectionRefusedError):
            return Unreachable("it refuses datagrams: the machine is starting, has another port, or speaks TCP alone")
        return Unreachable(f"the network does not reach it: {error.strerror or error}")
