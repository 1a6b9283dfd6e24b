"""Peers that are no machines: what answers at an address when the wrong thing is there, or nothing."""

import asyncio
import random
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Final

Served = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
GARBAGE: Final = 65_536
PEER: Final = "a bad peer"
"""Name of the tasks that serve."""


async def _hangs_up(_reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
    """Closes the connection as soon as it stands."""


async def _says_nothing(_reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
    await asyncio.Event().wait()


async def _talks_nonsense(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(random.Random(4).randbytes(GARBAGE))
    await writer.drain()
    await asyncio.Event().wait()


async def _answers_nonsense(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    noise = random.Random(5)
    while await reader.read(4096):
        writer.write(noise.randbytes(64))
        await writer.drain()


async def _is_a_web_page(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while await reader.read(4096):
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 14\r\n\r\n<h1>Router</h1>")
        await writer.drain()


PEERS: Final[Mapping[str, Served]] = {
    "hangs up at once": _hangs_up,
    "says nothing": _says_nothing,
    "talks nonsense": _talks_nonsense,
    "answers nonsense": _answers_nonsense,
    "is a web page": _is_a_web_page,
}


@asynccontextmanager
async def listening(serve: Served) -> AsyncIterator[int]:
    """Such a peer on loopback; yields its port."""
    serving: set[asyncio.Task[None]] = set()

    async def client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - the server runs this as a task
        task.set_name(PEER)
        serving.add(task)
        try:
            with suppress(OSError, asyncio.CancelledError):
                await serve(reader, writer)
        finally:
            serving.discard(task)
            writer.close()

    server = await asyncio.start_server(client, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for task in list(serving):
            task.cancel()
        await asyncio.gather(*serving, return_exceptions=True)


@asynccontextmanager
async def nobody() -> AsyncIterator[int]:
    """A port at which nobody listens, and nobody else can."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))  # bound and never listening: connecting to it is refused
        yield held.getsockname()[1]
