"""A link ends when it is closed, whatever the library below does with the cancellation."""

import asyncio
import contextlib

from shared.bus.link import Link


async def test_closing_ends_although_connecting_swallows_the_cancellation() -> None:
    connecting, dropped = asyncio.Event(), []

    async def connect() -> str:
        connecting.set()
        with contextlib.suppress(asyncio.CancelledError):  # as aiormq does now and then
            await asyncio.Event().wait()
        return "a connection"

    async def lost(_: str) -> None:
        await asyncio.Event().wait()

    async def drop(connection: str) -> None:
        dropped.append(connection)

    link = Link("a server", connect=connect, lost=lost, drop=drop)
    link.start()
    await connecting.wait()
    async with asyncio.timeout(5):
        await link.close()
    assert dropped == ["a connection"]
    assert link.current is None
