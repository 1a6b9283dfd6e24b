"""A terminal's UDP port: who sends a greeting has a session; datagrams come and go as the air lets them."""

import asyncio
import contextlib
from collections.abc import Callable, Iterable
from typing import Any, Final

from services.ingest.vendors.zkteco.simulator.air import Air
from services.ingest.vendors.zkteco.simulator.dialogue import Dialogue
from services.ingest.vendors.zkteco.simulator.line import with_wrong_checksum
from services.ingest.vendors.zkteco.simulator.talk import Talk, Terminal
from services.ingest.vendors.zkteco.wire import BrokenStream, Code, Packet, decode, encode

Address = tuple[Any, ...]
LARGEST_DATA: Final = 1_024
"""Bytes of DATA in a datagram; what clients read of longer ones is cut off."""
MOST_SESSIONS: Final = 64
"""Who comes then takes the place of who was there first: nobody says goodbye whose network is gone."""


class Peer(Talk):
    """One session of one client, at its address. Its requests are answered in turn."""

    def __init__(self, port: "Port", terminal: Terminal, dialogue: Dialogue, address: Address, pace: float) -> None:
        super().__init__(terminal, dialogue)
        self.place = self.address = address
        self._port, self._pace = port, pace
        self.asked: asyncio.Queue[Packet] = asyncio.Queue()

    async def serve(self) -> None:
        """Answer, until it says goodbye."""
        while True:
            request = await self.asked.get()
            await self.answer(request)
            if request.code == Code.EXIT:
                return

    async def put(self, packets: Iterable[Packet]) -> None:
        for packet in packets:
            datagram = encode(packet)
            await self.write(with_wrong_checksum(datagram, 2) if self.faults.wrong_checksum else datagram)

    async def write(self, some: bytes) -> None:
        self._port.send(some, self.address)
        if self._pace:
            await asyncio.sleep(self._pace)

    def abort(self) -> None:
        """Nothing: where there is no connection, nobody sees it break."""


class Port(asyncio.DatagramProtocol):
    """The port. `meet` gives who greets a session."""

    def __init__(self, terminal: Terminal, meet: Callable[["Port", Address], Peer | None]) -> None:
        self._terminal = terminal
        self._meet = meet
        self._in: Air[tuple[bytes, Address]] = Air()
        self._out: Air[tuple[bytes, Address]] = Air()
        self._transport: asyncio.DatagramTransport | None = None
        self._peers: dict[tuple[Address, int], Peer] = {}
        self._tasks: dict[Peer, asyncio.Task[None]] = {}

    @property
    def peers(self) -> Iterable[Peer]:
        """Who has a session."""
        return self._tasks

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def datagram_received(self, data: bytes, addr: Address) -> None:
        for some, address in self._in.arrives((data, addr), self._terminal.faults):
            with contextlib.suppress(BrokenStream):  # a terminal says nothing to what is no packet
                self._request(decode(some), address)

    def _request(self, request: Packet, address: Address) -> None:
        if request.code == Code.CONNECT:
            peer = self._begun(address)
        else:
            peer = self._peers.get((address, request.session))
            if peer is None and request.code != Code.OK:
                self.send(encode(Packet(Code.UNAUTHENTICATED, request.session, request.reply)), address)
        if peer is not None:
            peer.asked.put_nowait(request)

    def _begun(self, address: Address) -> Peer | None:
        peer = self._meet(self, address)
        if peer is None:
            return None
        while len(self._tasks) >= MOST_SESSIONS:
            next(iter(self._tasks.values())).cancel()
            self._forget(next(iter(self._tasks)))
        self._peers[address, peer.dialogue.session] = peer
        task = asyncio.get_running_loop().create_task(peer.serve())
        self._tasks[peer] = task
        task.add_done_callback(lambda _: self._forget(peer))
        return peer

    def _forget(self, peer: Peer) -> None:
        self._tasks.pop(peer, None)
        self._peers.pop((peer.address, peer.dialogue.session), None)

    def send(self, some: bytes, address: Address) -> None:
        """Have a datagram leave, and perhaps arrive."""
        for datagram, to in self._out.arrives((some, address), self._terminal.faults):
            if self._transport is not None and not self._transport.is_closing():
                self._transport.sendto(datagram, to)

    async def close(self) -> None:
        """Hear and say nothing any more, and know nobody."""
        if self._transport is not None:
            self._transport.close()
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
