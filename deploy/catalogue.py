"""The services there are: the one file that imports them.

Each is imported when it is first needed, because an image holds what one service needs and nothing of the others.
"""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from deploy.settings import WrongSetting, read
from shared.kernel.errors import Invalid

if TYPE_CHECKING:  # the command reads this file to know the names of services; it shall not load a database for that
    import httpx

    from deploy.settings import Installation
    from shared.bus.port import Bus
    from shared.kernel.clock import Clock
    from shared.runtime.service import Service
    from shared.storage.database import Database
    from shared.storage.migrations import History
    from shared.web.tokens import Tokens

_SERVICES = Path(__file__).parents[1] / "services"


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """What a service is built from."""

    installation: Installation
    bus: Bus
    peers: httpx.AsyncClient
    clock: Clock

    @property
    def secret(self) -> str:
        return self.installation.secret.get_secret_value()

    @property
    def tokens(self) -> Tokens:
        from shared.web.tokens import Tokens

        return Tokens(self.secret)

    def database(self, schema: str) -> Database:
        from shared.storage.database import Database

        return Database(self.installation.database_url, schema=schema)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A service, before anything of it is imported. Each is built alike, by `build` of its `wiring`."""

    name: str
    port: int
    """Where its HTTP API listens unless told otherwise."""
    queues: tuple[str, ...] = ()
    """The durable queues that it consumes, for commands that work when it does not."""
    endpoints: Mapping[str, int] = field(default_factory=dict)
    """Usual ports of what it serves beside its API, by name."""
    first: Callable[[Given], Awaitable[None]] | None = None
    """What has to be done once its tables are there: again changes nothing."""

    def build(self, given: Given) -> Service:
        """The service, wired; it closes the pool that it is given when it stops."""
        wiring, settings = (import_module(f"services.{self.name}.{part}") for part in ("wiring", "settings"))
        database = given.database(self.name)
        service: Service = wiring.build(
            read(settings.Settings),
            database=database,
            bus=given.bus,
            peers=given.peers,
            clock=given.clock,
            tokens=given.tokens,
        )
        return replace(service, resources=[lambda: _closed(database), *service.resources])

    def history(self) -> History:
        """Its tables, and the migrations that lead to them."""
        from shared.storage.migrations import History

        tables = import_module(f"services.{self.name}.storage.tables")
        return History(tables.metadata, _SERVICES / self.name / "migrations")


def history_of(name: str) -> History:
    """The tables and migrations of a service."""
    return SERVICES[name].history()


def histories() -> list[History]:
    """Those of all services."""
    return [entry.history() for entry in SERVICES.values()]


async def _gateway_first(given: Given) -> None:
    from services.gateway.wiring import ensure_administrator

    database = given.database("gateway")
    try:
        password = given.installation.admin_password
        made = await ensure_administrator(database, given.clock, password.get_secret_value() if password else None)
    except Invalid as error:
        if "password" not in error.fields:
            raise
        raise WrongSetting(f"MUSTER_ADMIN_PASSWORD: {error.message}.") from error
    finally:
        await database.close()
    if made is not None:
        # To the terminal or the container's log, once, because nobody could sign in otherwise.
        sys.stderr.write(f"Made the user admin with the password {made} (shown this once).\n")


@asynccontextmanager
async def _closed(database: Database) -> AsyncIterator[None]:
    try:
        yield
    finally:
        await database.close()


_ALL = (
    Entry(name="ingest", port=8001),
    Entry(
        name="attendance",
        port=8002,
        queues=("attendance.scans", "attendance.machines", "attendance.holidays", "attendance.leave"),
    ),
    Entry(name="leave", port=8003, queues=("leave.people",)),
    Entry(name="reports", port=8004, queues=("reports.facts", "reports.people")),
    Entry(name="gateway", port=8000, queues=("gateway.people",), endpoints={"live": 8765}, first=_gateway_first),
)
SERVICES: Mapping[str, Entry] = {entry.name: entry for entry in _ALL}
