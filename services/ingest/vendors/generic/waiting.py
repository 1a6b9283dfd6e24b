"""Machines that come to us: a place where each is waited for, which outlasts its contacts.

Between two contacts, such as after a trouble, the place stays open for a while: a machine that comes meanwhile is not
turned away, and what it says waits, in bounds, for the next contact.
"""

import asyncio
import contextlib
import errno
from collections.abc import Callable
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Final, Protocol

from services.ingest.application.drivers import HasNotCome, NotSetUp, Unreachable
from services.ingest.vendors.generic.frames import Framer
from services.ingest.vendors.generic.lines import READ_AT_ONCE, Came, MakesFramer, Peer, StreamPeer, peer_name

KEPT_OPEN: Final = 150.0
"""Seconds for which a place outlasts a contact: more than the longest pause between two."""
WAITING: Final = 4
"""Pieces of a connection that nobody has taken; after these it is not read on."""
DATAGRAMS: Final = 1_000
"""Datagrams that nobody has taken; of more, the newest are dropped, unanswered."""
DATAGRAM_BYTES: Final = 1 << 20

Network = IPv4Network | IPv6Network
Key = tuple[str, str, int]
"""tcp or udp, address, port."""


class Place(Protocol):
    """Where one machine is waited for."""

    turned_away: str | None
    """Who came last of those who may not."""
    dropped: int
    """Datagrams that nobody could take in time."""

    async def open(self) -> None:
        """Begin to wait. Raises OSError."""

    async def close(self) -> None:
        """Wait no longer, and hang up."""

    def begin(self, framer: MakesFramer) -> None:
        """A contact begins; whoever comes from now on speaks in these frames."""

    def hang_up(self) -> None:
        """End the connections that there are; others may come."""

    async def receive(self, within: float | None) -> Came | None:
        """As `Line.receive`; does not say when nobody is there."""

    def peers(self) -> list[Peer]:
        """Those who are there now."""


class Doors:
    """The places of all machines of this process."""

    def __init__(self) -> None:
        self._places: dict[Key, tuple[int, Place]] = {}
        self._in_use: set[int] = set()
        self._closing: dict[int, asyncio.TimerHandle] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def enter(self, key: Key, machine: int, make: Callable[[], Place]) -> Place:
        """The place of a machine: the one that was kept open, if it is still what is wanted.

        Raises:
            NotSetUp: the place is another machine's, or cannot be had.
        """
        if (timer := self._closing.pop(machine, None)) is not None:
            timer.cancel()
        holder, place = self._places.get(key, (machine, None))
        if place is not None and holder != machine and holder in self._in_use:
            raise NotSetUp(f"port {key[2]} is where another machine is waited for")
        for other, (owner, _) in list(self._places.items()):
            if (owner == machine or other == key) and (owner, other) != (machine, key):
                await self._shut(other)
        _, place = self._places.get(key, (machine, None))
        if place is None:
            place = make()
            await opened(place, key)
            self._places[key] = machine, place
        self._in_use.add(machine)
        return place

    def holder(self, key: Key) -> tuple[int, Place] | None:
        """Which machine is waited for there now, and how."""
        return self._places.get(key)

    async def leave(self, key: Key, *, for_good: bool) -> None:
        """A contact is over; `for_good` where none is wanted any more."""
        machine, place = self._places[key]
        self._in_use.discard(machine)
        if for_good:
            await self._shut(key)
            return
        place.hang_up()
        loop = asyncio.get_running_loop()
        self._closing[machine] = loop.call_later(KEPT_OPEN, self._shut_later, machine, key)

    def _shut_later(self, machine: int, key: Key) -> None:
        self._closing.pop(machine, None)
        task = asyncio.get_running_loop().create_task(self._shut(key))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _shut(self, key: Key) -> None:
        machine, place = self._places.pop(key)
        if (timer := self._closing.pop(machine, None)) is not None:
            timer.cancel()
        await place.close()


async def opened(place: Place, key: Key) -> None:
    """Open a place.

    Raises:
        Unreachable: something else has the port now.
        NotSetUp: it cannot be had.
    """
    try:
        await place.open()
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise Unreachable(f"{where(key)} is in use by another program") from error
        raise NotSetUp(f"nobody can be waited for at {where(key)}: {error.strerror or error}") from error


def where(key: Key) -> str:
    """A place, for people."""
    return f"{key[1]}:{key[2]} ({key[0].upper()})"


class StreamPlace:
    """A TCP port. A machine may come by several connections at once, as one does whose power was cut."""

    def __init__(self, host: str, port: int, *, allow: tuple[Network, ...], most: int, framer: MakesFramer) -> None:
        self._host, self._port = host, port
        self._allow, self._most, self._framer = allow, most, framer
        self._server: asyncio.Server | None = None
        self._connections: dict[StreamPeer, asyncio.Task[None]] = {}
        self._came: asyncio.Queue[Came] = asyncio.Queue(WAITING)
        self.turned_away: str | None = None
        self.dropped = 0

    async def open(self) -> None:
        self._server = await asyncio.start_server(self._accepted, self._host, self._port, limit=READ_AT_ONCE)

    async def close(self) -> None:
        if self._server is not None:
            self._server.close()
        tasks = list(self._connections.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def begin(self, framer: MakesFramer) -> None:
        self._framer = framer

    def hang_up(self) -> None:
        for task in self._connections.values():
            task.cancel()
        while not self._came.empty():
            self._came.get_nowait().peer.close()

    async def receive(self, within: float | None) -> Came | None:
        return await _next(self._came, within)

    def peers(self) -> list[Peer]:
        return list(self._connections)

    def _accepted(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        address = writer.get_extra_info("peername")
        if not allowed(address, self._allow):
            self.turned_away = peer_name(address)
            writer.close()
            return
        if len(self._connections) >= self._most:
            quietest = min(self._connections, key=lambda peer: peer.heard_at)
            self._connections[quietest].cancel()
        peer = StreamPeer(reader, writer, self._framer())
        self._connections[peer] = task = asyncio.create_task(self._serve(peer))
        task.add_done_callback(lambda ended: self._served(peer, ended))

    async def _serve(self, peer: StreamPeer) -> None:
        await self._came.put(Came(peer, None))
        while some := await peer.read():
            await self._came.put(Came(peer, some))
        # Who says no more may wait for answers still, so that it is the session that hangs up.
        del self._connections[peer]
        await self._came.put(Came(peer, b""))

    def _served(self, peer: StreamPeer, ended: asyncio.Task[None]) -> None:
        self._connections.pop(peer, None)
        if ended.cancelled():
            peer.close()


class DatagramPlace(asyncio.DatagramProtocol):
    """A UDP port."""

    def __init__(self, host: str, port: int, *, allow: tuple[Network, ...], framer: MakesFramer) -> None:
        self._host, self._port = host, port
        self._allow, self._framer = allow, framer
        self._transport: asyncio.DatagramTransport | None = None
        self._came: asyncio.Queue[Came] = asyncio.Queue(DATAGRAMS)
        self._waiting = 0
        self.turned_away: str | None = None
        self.dropped = 0

    async def open(self) -> None:
        loop = asyncio.get_running_loop()
        self._transport, _ = await loop.create_datagram_endpoint(lambda: self, local_addr=(self._host, self._port))

    async def close(self) -> None:
        if self._transport is not None:
            self._transport.close()

    def begin(self, framer: MakesFramer) -> None:
        self._framer = framer

    def hang_up(self) -> None:
        """Nobody is connected; what came waits."""

    async def receive(self, within: float | None) -> Came | None:
        came = await _next(self._came, within)
        if came is not None:
            self._waiting -= len(came.some or b"")
        return came

    def peers(self) -> list[Peer]:
        return []

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        if not allowed(addr, self._allow):
            self.turned_away = peer_name(addr)
        elif self._transport is None or self._came.full() or self._waiting + len(data) > DATAGRAM_BYTES:
            self.dropped += 1
        elif data:
            self._waiting += len(data)
            self._came.put_nowait(Came(_Sender(self._transport, addr, self._framer()), data))


class _Sender:
    """Who sent a datagram."""

    __slots__ = ("_address", "_transport", "framer")

    def __init__(self, transport: asyncio.DatagramTransport, address: tuple[str, int], framer: Framer) -> None:
        self._transport, self._address = transport, address
        self.framer = framer

    @property
    def name(self) -> str:
        return peer_name(self._address)

    async def send(self, some: bytes) -> None:
        if not self._transport.is_closing():
            self._transport.sendto(some, self._address)

    def close(self) -> None:
        """There is no connection."""


class Waiting:
    """Contact with a machine that comes to us; it is over when the machine has been gone for too long."""

    alone = False
    always_answers = False

    def __init__(self, place: Place, where: str, *, back_within: float | None) -> None:
        """`back_within` None where nobody is ever connected: datagrams."""
        self._place, self._where, self._back_within = place, where, back_within
        self._kept: Came | None = None
        self._gone_at: float | None = None

    def at_hand(self) -> Came | None:
        return None

    async def somebody(self, within: float) -> None:
        """Return once the machine has come.

        Raises:
            HasNotCome: it has not.
        """
        if (came := await self._place.receive(within)) is None:
            said = f"the machine has not come to {self._where}"
            if self._place.turned_away is not None:
                said += f"; {self._place.turned_away} did, and may not"
            raise HasNotCome(said)
        self._kept = came

    async def receive(self, within: float | None) -> Came | None:
        kept, self._kept = self._kept, None
        if kept is not None:
            return kept
        loop = asyncio.get_running_loop()
        if self._back_within is not None and not self._place.peers():
            self._gone_at = self._gone_at or loop.time()
            left = self._gone_at + self._back_within - loop.time()
            if left <= 0:
                if (last := await self._place.receive(0)) is not None:
                    return last
                raise HasNotCome(f"the machine closed the connection, and has not come back to {self._where}")
            within = left if within is None else min(within, left)
        else:
            self._gone_at = None
        return await self._place.receive(within)

    def peers(self) -> list[Peer]:
        return self._place.peers()


async def _next(came: asyncio.Queue[Came], within: float | None) -> Came | None:
    with contextlib.suppress(asyncio.QueueEmpty):
        return came.get_nowait()
    try:
        async with asyncio.timeout(within):
            return await came.get()
    except TimeoutError:
        return None


def networks(allow: tuple[str, ...], address: str | None) -> tuple[Network, ...]:
    """Whence a machine may come: from its address, where nothing else is said and that is no name."""
    if not allow and address:
        with contextlib.suppress(ValueError):
            return (ip_network(address),)
    return tuple(ip_network(text, strict=False) for text in allow)


def allowed(address: object, networks: tuple[Network, ...]) -> bool:
    """Whether somebody may come."""
    if not networks:
        return True
    if not isinstance(address, tuple):
        return False
    try:
        source = ip_address(address[0])
    except ValueError:
        return False
    if source.version == 6 and source.ipv4_mapped is not None:
        source = source.ipv4_mapped
    return any(source in network for network in networks)
