"""Clients of the live hub, as the tests use them."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from tests.gateway.fakes import Gateway


class Listener:
    """An open connection and what came over it."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection

    async def next(self, *types: str, within: float = 5.0) -> dict[str, Any]:
        """The next frame (of these types)."""
        async with asyncio.timeout(within):
            while True:
                frame: dict[str, Any] = json.loads(await self.connection.recv())
                if not types or frame["type"] in types:
                    return frame

    async def closed(self, within: float = 8.0) -> tuple[int, str]:
        """How the connection ended."""
        async with asyncio.timeout(within):
            with suppress(ConnectionClosed):
                while True:
                    await self.connection.recv()
        assert self.connection.close_code is not None
        return self.connection.close_code, self.connection.close_reason or ""


@asynccontextmanager
async def listening(
    gateway: Gateway,
    token: str | None = None,
    *,
    url: str | None = None,
    greeted: bool = True,
    **options: Any,
) -> AsyncIterator[Listener]:
    """A listener who says with the subprotocol who it is, and has been greeted."""
    if token is not None:
        options["subprotocols"] = ["bearer", token]
    async with connect(url or gateway.live_url, proxy=None, **options) as connection:
        listener = Listener(connection)
        if greeted:
            first = await listener.next()
            assert first["type"] == "system_status"
            assert first["data"]["message"]
        yield listener
