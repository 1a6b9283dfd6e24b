"""Bad air: a relay between a client and a terminal's UDP port that does to datagrams what a test says."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from typing import Any

Fate = Callable[[bytes], Iterable[bytes]]
"""What arrives, at once and in this order, when a datagram is sent."""


class _Side(asyncio.DatagramProtocol):
    def __init__(self, heard: Callable[[bytes, Any], None]) -> None:
        self._heard = heard

    def datagram_received(self, data: bytes, addr: Any) -> None:
        self._heard(data, addr)


class Relay:
    """Where to send to: `port`. Datagrams of one client at a time pass."""

    def __init__(self, to_terminal: Fate, to_client: Fate) -> None:
        self.to_terminal, self.to_client = to_terminal, to_client
        self.port = 0
        self.passed = 0
        """Datagrams that were sent, either way."""
        self._client: Any = None
        self._near: Any = None
        self._far: Any = None

    async def open(self, port: int) -> None:
        loop = asyncio.get_running_loop()
        self._near, _ = await loop.create_datagram_endpoint(lambda: _Side(self._out), local_addr=("127.0.0.1", 0))
        self._far, _ = await loop.create_datagram_endpoint(lambda: _Side(self._back), remote_addr=("127.0.0.1", port))
        self.port = self._near.get_extra_info("sockname")[1]

    def close(self) -> None:
        self._near.close()
        self._far.close()

    def _out(self, data: bytes, client: Any) -> None:
        self._client = client
        self.passed += 1
        for some in self.to_terminal(data):
            self._far.sendto(some)

    def _back(self, data: bytes, _: Any) -> None:
        self.passed += 1
        for some in self.to_client(data):
            self._near.sendto(some, self._client)


@asynccontextmanager
async def relay(port: int, *, to_terminal: Fate, to_client: Fate) -> AsyncIterator[Relay]:
    """A relay before the terminal at `port` of this machine."""
    between = Relay(to_terminal, to_client)
    await between.open(port)
    try:
        yield between
    finally:
        between.close()
