"""The servers that machines stand behind now: one login and one socket for all machines of one server.

A server tells events to every socket, and on some a second login ends the first one's session.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from services.ingest.vendors.suprema.address import Address
from services.ingest.vendors.suprema.biostar import Biostar
from services.ingest.vendors.suprema.feed import Feed
from services.ingest.vendors.suprema.refusals import Refusals


class Server:
    """A server that somebody is in contact with."""

    def __init__(self, address: Address, refusals: Refusals) -> None:
        self.biostar = Biostar(address, refusals)
        self.feed = Feed(self.biostar)
        self.users = 0
        self._task: asyncio.Task[None] | None = None

    def listen(self) -> Feed:
        """Its socket, kept open from now on."""
        if self._task is None:
            self._task = asyncio.create_task(self.feed.run(), name=f"socket of {self.biostar.address.where}")
        return self.feed

    async def close(self) -> None:
        """Let go."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await self.biostar.aclose()


class Servers:
    """Those of all machines of a driver."""

    def __init__(self, refusals: Refusals) -> None:
        self._refusals = refusals
        self._open: dict[Address, Server] = {}

    @asynccontextmanager
    async def of(self, address: Address) -> AsyncIterator[Server]:
        """The server, shared with whoever is in contact with it; the last one to go lets go of it."""
        server = self._open.get(address)
        if server is None:
            server = self._open[address] = Server(address, self._refusals)
        server.users += 1
        try:
            yield server
        finally:
            server.users -= 1
            if not server.users:
                del self._open[address]
                await server.close()
