"""A connection in the middle that can stop carrying bytes without closing: what a lost cable looks like."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class BlackHole:
    """Carries connections to a port, or a Unix socket, until `swallow` is set."""

    def __init__(self, target: int | str) -> None:
        self._target = target
        self._tasks: set[asyncio.Task[None]] = set()
        self.swallow = False
        self.connections = 0
        self.port = 0

    async def carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        if isinstance(self._target, str):
            there_reader, there_writer = await asyncio.open_unix_connection(self._target)
        else:
            there_reader, there_writer = await asyncio.open_connection("127.0.0.1", self._target)
        for source, target in ((reader, there_writer), (there_reader, writer)):
            task = asyncio.create_task(self._pipe(source, target))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _pipe(self, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await source.read(65536):
                if not self.swallow:
                    target.write(data)
                    await target.drain()
            if not self.swallow:
                target.close()

    async def close(self) -> None:
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


@asynccontextmanager
async def black_hole(target: int | str) -> AsyncIterator[BlackHole]:
    hole = BlackHole(target)
    server = await asyncio.start_server(hole.carry, "127.0.0.1", 0)
    hole.port = server.sockets[0].getsockname()[1]
    try:
        yield hole
    finally:
        server.close()
        await hole.close()
