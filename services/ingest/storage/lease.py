"""The lease on the machines: a lock of a PostgreSQL session that has a connection of its own.

A session that ends gives up its locks: at once where its process has ended, and after `LEASE_LASTS` where nothing was
heard of it, be it that the process hangs or that the line between is cut. So the lock needs nobody who clears it away.
"""

import asyncio
import os
import socket
from contextlib import AsyncExitStack, suppress
from typing import Any, Final

import asyncpg

from services.ingest.application.contact_ports import LEASE_LASTS, STANDS_BACK, Word
from shared.storage.database import Database, DatabaseUnavailable

ANSWER_WITHIN: Final = 3.0
LET_GO_WITHIN: Final = 1.0
_KEY: Final = 0x6D61_6368, 1
"""Any two numbers that only this means."""
_BROKEN: Final = (
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # "cannot switch to state 12": what came last from the server was that it goes
    OSError,
    TimeoutError,
)


class PostgresLease:
    """Implements `Lease`. Behind pgbouncer it needs the pool mode `session`."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._name = f"machines {socket.gethostname()[:30]}:{os.getpid()}"
        self._prefix = f"muster-{database.schema}-machines "
        self._open = AsyncExitStack()
        self._pg: asyncpg.Connection[Any] | None = None
        self._ended = asyncio.Event()
        self._stands_by = False
        self._takes_from = float("-inf")

    async def ask(self) -> Word:
        try:
            pg = self._pg if self._pg is not None and not self._pg.is_closed() else await self._connected()
            # A session in which we may have it is not given up for want of an answer: with that it could pass to
            # another, while we go on by our last word.
            within = ANSWER_WITHIN if self._stands_by else LEASE_LASTS
            takes = asyncio.get_running_loop().time() >= self._takes_from
            # Locked again what is locked already stays so, and shows that this session is still the one.
            ours = takes and await pg.fetchval("SELECT pg_try_advisory_lock($1, $2)", *_KEY, timeout=within)
            others = await pg.fetch(_OTHERS, *_KEY, self._prefix, timeout=within)
        except _BROKEN as error:
            await self._close()
            raise DatabaseUnavailable(f"the database is away: {error or type(error).__name__}") from error
        self._stands_by = not ours
        holder = next((row["name"] for row in others if row["holds"]), "")
        return Word(ours=bool(ours), holder=holder.removeprefix(self._prefix), others=len(others))

    async def ended(self) -> None:
        await self._ended.wait()

    async def release(self) -> None:
        # Said, and not only hung up: whoever follows need not wait until the server has noticed that.
        with suppress(*_BROKEN):
            if self._pg is not None and not self._pg.is_closed():
                await self._pg.execute("SELECT pg_advisory_unlock_all()", timeout=LET_GO_WITHIN)
        await self._close()

    async def _connected(self) -> "asyncpg.Connection[Any]":
        await self._close()
        self._pg = pg = await self._open.enter_async_context(self._database.listening(self._name))
        self._ended = ended = asyncio.Event()
        pg.add_termination_listener(lambda _: ended.set())
        if pg.is_closed():
            ended.set()
        if self._stands_by:
            self._takes_from = asyncio.get_running_loop().time() + STANDS_BACK
        # As a query, so that a server which does not know it (before 14) takes no offence.
        await pg.execute(_ENDS_WHEN_IDLE, str(round(LEASE_LASTS * 1000)), timeout=ANSWER_WITHIN)
        return pg

    async def _close(self) -> None:
        self._pg, self._ended = None, asyncio.Event()
        await self._open.aclose()


_ENDS_WHEN_IDLE = """
SELECT set_config(name, $1, false) FROM pg_settings WHERE name = 'idle_session_timeout'
"""
_OTHERS = """
SELECT session.application_name AS name, held.pid IS NOT NULL AS holds
FROM pg_stat_activity AS session
LEFT JOIN pg_locks AS held ON held.pid = session.pid AND held.granted AND held.locktype = 'advisory'
    AND held.database = session.datid AND held.classid = $1::int AND held.objid = $2::int AND held.objsubid = 2
WHERE session.datname = current_database() AND session.pid <> pg_backend_pid()
    AND starts_with(session.application_name, $3)
"""
