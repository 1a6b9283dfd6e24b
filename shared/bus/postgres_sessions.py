"""The embedded bus's connections."""

from dataclasses import dataclass

import asyncpg

from shared.bus.postgres_schema import Connection, prepare

PATIENCE = 10.0
"""Seconds for a statement. asyncpg waits for a frozen server for ever, inside `asyncio.timeout` too (finding 9)."""

CONNECT_TIMEOUT = 5.0

MOST_BATCHES = 20
"""Batches that a process works on at once, each in a transaction with a connection of its own."""

IDLE = 60.0
"""Seconds after which a connection that nobody needed is closed."""

BROKEN = (
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # "cannot switch to state 12": what came last from the server was that it goes
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    OSError,
)
"""How a connection fails that was good before. `TimeoutError` is one of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sessions:
    """How this process connects."""

    url: str
    """With or without SQLAlchemy's name of the driver."""
    name: str
    """Shows in PostgreSQL's list of sessions."""
    patience: float = PATIENCE

    async def connect(self, purpose: str) -> Connection:
        """A connection of its own, with the tables in place."""
        connection = await asyncpg.connect(
            self._address(),
            timeout=CONNECT_TIMEOUT,
            command_timeout=self.patience,
            server_settings=self._settings(purpose),
        )
        try:
            await prepare(connection)
        except BaseException:
            connection.terminate()
            raise
        return connection

    async def pool(self, purpose: str) -> "asyncpg.Pool[asyncpg.Record]":
        """Connections for batches, made as they are needed; the server need not be there yet."""
        return await asyncpg.create_pool(
            self._address(),
            min_size=0,
            max_size=MOST_BATCHES,
            max_inactive_connection_lifetime=IDLE,
            timeout=CONNECT_TIMEOUT,
            command_timeout=self.patience,
            server_settings=self._settings(purpose),
            reset=_nothing,
        )

    def _address(self) -> str:
        scheme, _, rest = self.url.partition("://")
        return f"{scheme.partition('+')[0]}://{rest}"

    def _settings(self, purpose: str) -> dict[str, str]:
        """What the bus needs to be so, whatever the server's defaults: a handler may take its time in a transaction."""
        return {
            "application_name": f"{self.name} bus {purpose}",
            "idle_in_transaction_session_timeout": "0",
            "default_transaction_isolation": "read committed",
        }


async def _nothing(_connection: object) -> None:
    """Bus connections carry no state from one use to the next; resetting them costs a round trip a batch."""
