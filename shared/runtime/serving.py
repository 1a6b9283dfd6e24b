"""Serving ASGI applications on sockets."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import uvicorn
from starlette.types import ASGIApp

from shared.runtime.addresses import MendingProtocol


class PortTaken(OSError):
    """Something else listens there already."""


class _Server(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to whoever runs the process: several servers share it."""
        yield


@asynccontextmanager
async def served(app: ASGIApp, *, host: str, port: int, mends_addresses: bool = False) -> AsyncIterator[int]:
    """Serve `app` while the context is open; yields the port (`port` 0 takes a free one).

    `mends_addresses` where machines call whose firmware leaves blanks in addresses.

    Leaving lets requests under way finish, for up to 5 s.

    Raises:
        PortTaken: with a sentence that says what to do.
    """
    listening = _bound(host, port)
    server = _Server(
        uvicorn.Config(
            app,
            lifespan="off",
            access_log=False,
            log_config=None,
            http=MendingProtocol if mends_addresses else "httptools",
            ws="websockets-sansio",
            ws_per_message_deflate=False,  # it doubles the processor cost of live frames
            ws_max_size=64 * 1024,  # what clients send us is small
            timeout_graceful_shutdown=5,
            timeout_keep_alive=30,
            server_header=False,
        )
    )
    task = asyncio.create_task(server.serve(sockets=[listening]))
    try:
        while not server.started and not task.done():  # noqa: ASYNC110 - uvicorn offers nothing to wait for
            await asyncio.sleep(0.005)
        yield listening.getsockname()[1]
    finally:
        server.should_exit = True
        with contextlib.suppress(asyncio.CancelledError):
            await task
        listening.close()


def refuse_taken(host: str, port: int, option: str = "--port") -> None:
    """Look whether a port can be had, before anything takes time; `option` is how another one is chosen.

    Raises:
        PortTaken: with a sentence that says what to do.
    """
    _bound(host, port, option).close()


def _bound(host: str, port: int, option: str = "") -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
    except OSError as error:
        listening.close()
        how = f" with {option}" if option else ""
        raise PortTaken(f"port {port} on {host} cannot be had ({error.strerror}); choose another{how}") from error
    listening.listen(2048)
    return listening
