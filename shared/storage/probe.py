"""Asking the server whether it is there, apart from the pool: a full or frozen one must not delay the answer."""

import asyncio
from typing import Any

import asyncpg

ANSWERS_WITHIN = 1.5
"""Seconds for connecting, and for an answer. Two tries end within the 3 s that a readiness check may take."""


class Probe:
    """One connection of its own, opened when it is first needed, and one question at a time, whoever asks."""

    def __init__(self, dsn: str, *, name: str) -> None:
        self._dsn = dsn
        self._name = name
        self._connection: asyncpg.Connection[Any] | None = None
        self._asking: asyncio.Task[None] | None = None

    async def ask(self) -> None:
        """Return once the server has answered; raise what the driver raises otherwise.

        Callers at the same time share one question, and whoever stops waiting is let go at once.
        """
        if self._asking is None or self._asking.done():
            self._asking = asyncio.create_task(self._ask())
            self._asking.add_done_callback(_seen)
        await asyncio.shield(self._asking)

    async def close(self) -> None:
        """Let go of the connection."""
        if self._asking is not None:
            self._asking.cancel()
            await asyncio.wait([self._asking])
        self._drop()

    async def _ask(self) -> None:
        if self._connection is not None:
            try:
                await self._connection.execute("SELECT 1")
            except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError) as error:
                self._drop()
                if isinstance(error, TimeoutError):
                    raise
                # The server may have been restarted since it was asked last, and be well.
            else:
                return
        self._connection = await asyncpg.connect(
            self._dsn,
            timeout=ANSWERS_WITHIN,
            command_timeout=ANSWERS_WITHIN,
            server_settings={"application_name": self._name},
        )
        try:
            await self._connection.execute("SELECT 1")
        except BaseException:
            self._drop()
            raise

    def _drop(self) -> None:
        if self._connection is not None:
            self._connection.terminate()
        self._connection = None


def _seen(asking: asyncio.Task[None]) -> None:
    """Whoever asked may have gone; an answer that nobody takes is no mistake."""
    if not asking.cancelled():
        asking.exception()
