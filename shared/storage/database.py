"""One service's way to its schema: a pool, and transactions of two kinds from it."""

import math
import re
import select
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from traceback import walk_tb
from typing import Any

import asyncpg
from sqlalchemy import event, exc, make_url
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from shared.kernel.errors import Malformed, Unavailable
from shared.storage.probe import Probe

CONNECT_TIMEOUT = 3.0
COMMAND_TIMEOUT = 10.0
"""Seconds. Not a matter of taste: asyncpg waits for ever on a server that is frozen rather than dead, even
inside `asyncio.timeout` (RELIABILITY, finding 9)."""
IDLE = 1.0
"""Seconds of rest after which a connection is asked whether it is still there, although its socket is silent."""

_AWAY = (
    asyncpg.PostgresConnectionError,  # 08xxx
    asyncpg.OperatorInterventionError,  # 57Pxx: shutting down, starting up, terminated
    asyncpg.InsufficientResourcesError,  # 53xxx: too many connections, disk full
    asyncpg.ReadOnlySQLTransactionError,  # 25006: a demoted primary stays in the pool for days
    asyncpg.InvalidAuthorizationSpecificationError,  # 28xxx: the password is being changed
    asyncpg.InvalidCatalogNameError,  # 3D000: the database is being restored
    asyncpg.InternalClientError,
)
_NOT_STORABLE = (
    asyncpg.CharacterNotInRepertoireError,  # 22021: U+0000 in a text
    asyncpg.UntranslatableCharacterError,  # 22P05: the same in JSON
    asyncpg.NumericValueOutOfRangeError,  # 22003
    asyncpg.DatetimeFieldOverflowError,  # 22008
    asyncpg.ProgramLimitExceededError,  # 54000: a text too long for its index
)
_CONTENDED = (asyncpg.SerializationError, asyncpg.DeadlockDetectedError, asyncpg.LockNotAvailableError)


class DatabaseUnavailable(Unavailable):
    """PostgreSQL is away or frozen, or shutting down. Nothing was committed, unless it went away during the commit."""


class Contended(Unavailable):
    """The transaction lost against another (a deadlock, a lock timeout). Running it again as a whole is right."""


class Database:
    """A pool of connections whose search path is one schema.

    A query that names another service's table fails here as it would if the schemas were on separate servers.
    """

    def __init__(
        self, url: str, *, schema: str, pool: int = 5, overflow: int = 5, command_timeout: float = COMMAND_TIMEOUT
    ) -> None:
        """`url` is `postgresql://user:password@host:port/name`. Nothing is opened before the first use.

        On a frozen server every call ends within `command_timeout` and 2 s.
        """
        self.url = url
        self.schema = schema
        self.engine = _engine(url, schema, pool, overflow, command_timeout)
        self._probe = Probe(_dsn(url), name=f"muster-{schema}-probe")

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[AsyncConnection]:
        """A transaction for SQLAlchemy Core: committed on leaving, rolled back on an exception.

        Raises:
            DatabaseUnavailable: the server is away.
            Contended: another transaction was in the way.
            Malformed: a value is one that no column holds: U+0000 in a text, a number far too large.
        """
        with _translated():
            async with self.engine.begin() as connection:
                try:
                    yield connection
                except Exception as error:
                    if _is_away(_cause(error)):
                        await _let_go(connection)
                    raise

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
                    transaction = pg.transaction()
                    await transaction.start()
                    try:
                        yield pg
                    except BaseException as error:
                        if not _is_away(error):
                            await transaction.rollback()
                        raise
                    await transaction.commit()
                except Exception as error:
                    if _is_away(error):
                        await _let_go(connection)
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
        """Ask the server for an answer, without waiting for a place in the pool.

        Raises:
            DatabaseUnavailable: there is none.
        """
        with _translated():
            await self._probe.ask()

    async def close(self) -> None:
        """Close all connections."""
        await self._probe.close()
        await self.engine.dispose()


def _dsn(url: str) -> str:
    return re.sub(r"^postgresql(\+\w+)?:", "postgresql:", url)


def _engine(url: str, schema: str, pool: int, overflow: int, command_timeout: float) -> AsyncEngine:
    engine = create_async_engine(
        make_url(_dsn(url)).set(drivername="postgresql+asyncpg"),
        pool_size=pool,
        max_overflow=overflow,
        pool_timeout=CONNECT_TIMEOUT,
        connect_args={
            "timeout": CONNECT_TIMEOUT,
            "command_timeout": command_timeout,
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
    _look_before_use(engine)
    return engine


def _look_before_use(engine: AsyncEngine) -> None:
    """No failed query after a restart of the server (finding 10), without three round trips before every transaction.

    That is what the pool's own ping costs. A connection that was in use a moment ago is taken to be there, unless
    there is something to be read from its socket: its end, when the server has gone.
    """
    dialect = engine.sync_engine.dialect

    def look(dbapi_connection: Any, record: Any, _fairy: Any) -> None:
        pg = dbapi_connection.driver_connection
        if pg.is_closed():
            raise exc.InvalidatePoolError("its socket is closed")
        if time.monotonic() - record.info.get("used_at", math.inf) > IDLE or _is_readable(pg):
            try:
                dialect.do_ping(dbapi_connection)
            except dialect.loaded_dbapi.Error as error:
                raise exc.InvalidatePoolError("it does not answer") from error

    def note(_dbapi_connection: Any, record: Any) -> None:
        record.info["used_at"] = time.monotonic()

    event.listen(engine.sync_engine, "checkout", look)
    event.listen(engine.sync_engine, "checkin", note)


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except Unavailable:
        raise
    except _CONTENDED as error:
        raise Contended(f"another transaction was in the way: {error}", retry_after=1) from error
    except exc.TimeoutError as error:
        raise DatabaseUnavailable("all connections to the database are in use", retry_after=1) from error
    except exc.DBAPIError as error:
        cause = _cause(error)
        if isinstance(cause, _CONTENDED):
            raise Contended(f"another transaction was in the way: {cause}", retry_after=1) from error
        if error.connection_invalidated or _is_away(cause):
            raise DatabaseUnavailable(f"the database is away: {_said(cause)}") from error
        if _is_not_storable(cause):
            raise Malformed(f"a value cannot be stored: {_said(cause)}") from error
        raise
    except Exception as error:
        if _is_away(error):
            raise DatabaseUnavailable(f"the database is away: {_said(error)}") from error
        if _is_not_storable(error):
            raise Malformed(f"a value cannot be stored: {_said(error)}") from error
        raise


def _is_readable(pg: "asyncpg.Connection[Any]") -> bool:
    """Whether the server has said something unasked. The socket is asked, as the loop may not know it yet."""
    if not hasattr(select, "poll"):
        return True
    poll = select.poll()
    poll.register(pg._transport.get_extra_info("socket").fileno(), select.POLLIN)
    return bool(poll.poll(0))


async def _let_go(connection: AsyncConnection) -> None:
    """Drop a broken or frozen connection: what it would answer to a rollback is not worth waiting for."""
    if not connection.invalidated:
        raw = await connection.get_raw_connection()
        if raw.driver_connection is not None:
            raw.driver_connection.terminate()
        await connection.invalidate()


def _cause(error: BaseException) -> BaseException:
    """What the driver raised, where SQLAlchemy has wrapped it."""
    if isinstance(error, exc.DBAPIError) and error.orig is not None:
        return error.orig.__cause__ or error.orig
    return error


def _is_away(error: BaseException) -> bool:
    """Whether the server is the reason, rather than a statement or what the caller does between statements."""
    if isinstance(error, asyncpg.InterfaceError):
        # Its subclasses, such as an argument of a wrong type, are mistakes of ours that no retry mends.
        return type(error) is asyncpg.InterfaceError and "closed" in str(error)
    return isinstance(error, _AWAY) or (isinstance(error, OSError) and _comes_from_the_driver(error))


def _is_not_storable(error: BaseException) -> bool:
    """Whether a value that came from outside is the reason.

    The driver itself refuses integers that do not fit, and half of a surrogate pair, which JSON lets pass.
    """
    if type(error) is asyncpg.DataError:
        return "out of int" in str(error) or isinstance(error.__cause__, UnicodeEncodeError)
    return isinstance(error, _NOT_STORABLE)


def _comes_from_the_driver(error: OSError) -> bool:
    """A timeout, or a file that is missing, may as well be the caller's own."""
    return any(frame.f_globals.get("__name__", "").startswith("asyncpg") for frame, _ in walk_tb(error.__traceback__))


def _said(error: object) -> str:
    return str(error) or type(error).__name__
