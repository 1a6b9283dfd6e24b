"""One service's way to its schema: a pool, and transactions of two kinds from it."""

import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import asyncpg
from sqlalchemy import make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from shared.kernel.errors import Unavailable

CONNECT_TIMEOUT = 3.0
COMMAND_TIMEOUT = 10.0
"""Seconds. Not a matter of taste: asyncpg waits for ever on a server that is frozen rather than dead, even
inside `asyncio.timeout` (RELIABILITY, finding 9)."""

_AWAY = (
    OSError,
    TimeoutError,
    asyncpg.PostgresConnectionError,  # 08xxx
    asyncpg.InterfaceError,
    asyncpg.OperatorInterventionError,  # 57Pxx: shutting down, starting up, terminated
    asyncpg.InsufficientResourcesError,  # 53xxx: too many connections, disk full
    asyncpg.ReadOnlySQLTransactionError,  # 25006: a demoted primary stays in the pool for days
    asyncpg.InternalClientError,
)
_CONTENDED = (asyncpg.SerializationError, asyncpg.DeadlockDetectedError, asyncpg.LockNotAvailableError)


class DatabaseUnavailable(Unavailable):
    """PostgreSQL is away or frozen, or shutting down. Nothing was committed that was not acknowledged."""


class Contended(Unavailable):
    """The transaction lost against another (a deadlock, a lock timeout). Running it again as a whole is right."""


class Database:
    """A pool of connections whose search path is one schema.

    A query that names another service's table fails here as it would if the schemas were on separate servers.
    """

    def __init__(self, url: str, *, schema: str, pool: int = 5, overflow: int = 5) -> None:
        """`url` is `postgresql://user:password@host:port/name`. Nothing is opened before the first use."""
        self.url = url
        self.schema = schema
        self.engine = _engine(url, schema, pool, overflow)

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[AsyncConnection]:
        """A transaction for SQLAlchemy Core: committed on leaving, rolled back on an exception.

        Raises:
            DatabaseUnavailable: the server is away.
            Contended: another transaction was in the way.
        """
        with _translated():
            async with self.engine.begin() as connection:
                yield connection

    @asynccontextmanager
    async def fast(self) -> AsyncIterator["asyncpg.Connection[Any]"]:
        """A transaction on the bare asyncpg connection, from the same pool: for hot paths and long lists.

        Raises what `begin` raises.
        """
        with _translated():
            async with self.engine.connect() as connection:
                raw = await connection.get_raw_connection()
                pg: asyncpg.Connection[Any] = raw.driver_connection
                try:
                    async with pg.transaction():
                        yield pg
                except _AWAY:
                    # What a broken or frozen connection would answer to a rollback is not worth waiting for.
                    pg.terminate()
                    await connection.invalidate()
                    raise

    @asynccontextmanager
    async def listening(self, channel: str) -> AsyncIterator["asyncpg.Connection[Any]"]:
        """A connection of its own for LISTEN and session locks; `channel` only names it for people."""
        with _translated():
            pg = await asyncpg.connect(
                _dsn(self.url),
                timeout=CONNECT_TIMEOUT,
                command_timeout=COMMAND_TIMEOUT,
                server_settings={"application_name": f"muster-{self.schema}-{channel}", "search_path": self.schema},
            )
        try:
            yield pg
        finally:
            pg.terminate()

    async def ready(self) -> None:
        """Ask the server for an answer.

        Raises:
            DatabaseUnavailable: there is none.
        """
        async with self.fast() as pg:
            await pg.execute("SELECT 1")

    async def close(self) -> None:
        """Close the pool."""
        await self.engine.dispose()


def _dsn(url: str) -> str:
    return re.sub(r"^postgresql(\+\w+)?:", "postgresql:", url)


def _engine(url: str, schema: str, pool: int, overflow: int) -> AsyncEngine:
    return create_async_engine(
        make_url(_dsn(url)).set(drivername="postgresql+asyncpg"),
        pool_size=pool,
        max_overflow=overflow,
        pool_timeout=CONNECT_TIMEOUT,
        pool_pre_ping=True,  # no failed query after a restart of the server (finding 10)
        connect_args={
            "timeout": CONNECT_TIMEOUT,
            "command_timeout": COMMAND_TIMEOUT,
            "server_settings": {
                "application_name": f"muster-{schema}",
                "search_path": schema,
                "timezone": "UTC",
                "jit": "off",
                "statement_timeout": "15s",
                "lock_timeout": "3s",
                "idle_in_transaction_session_timeout": "30s",
            },
        },
    )


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except _CONTENDED as error:
        raise Contended(f"another transaction was in the way: {error}", retry_after=1) from error
    except _AWAY as error:
        if isinstance(error, Unavailable):
            raise
        raise DatabaseUnavailable(f"the database is away: {_said(error)}") from error
    except DBAPIError as error:
        cause = getattr(error.orig, "__cause__", None) or error.orig
        if isinstance(cause, _CONTENDED):
            raise Contended(f"another transaction was in the way: {cause}", retry_after=1) from error
        if error.connection_invalidated or isinstance(cause, _AWAY):
            raise DatabaseUnavailable(f"the database is away: {_said(cause)}") from error
        raise


def _said(error: object) -> str:
    return str(error) or type(error).__name__
