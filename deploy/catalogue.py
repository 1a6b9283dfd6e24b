"""The services there are: the one file that imports them.

Each is imported when it is first needed, because an image holds what one service needs and nothing of the others.
"""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from deploy.settings import read

if TYPE_CHECKING:  # the command reads this file to know the names of services; it shall not load a database for that
    import httpx
    from sqlalchemy import MetaData

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
    """A service, before anything of it is imported."""

    port: int
    """Where its HTTP API listens unless told otherwise."""
    build: Callable[[Given], Service]
    metadata: Callable[[], MetaData] | None = None
    """Its tables, where it keeps something."""
    queues: tuple[str, ...] = ()
    """The durable queues that it consumes, for commands that work when it does not."""
    endpoints: Mapping[str, int] = field(default_factory=dict)
    """Usual ports of what it serves beside its API, by name."""
    first: Callable[[Given], Awaitable[None]] | None = None
    """What has to be done once its tables are there: again changes nothing."""
    republish: Callable[[Given, str], Awaitable[int]] | None = None
    """Publishes its whole state once more, for the service of that name."""


def history_of(name: str) -> History:
    """The tables and migrations of a service that has some."""
    from shared.storage.migrations import History

    metadata = SERVICES[name].metadata
    assert metadata is not None, f"{name} keeps nothing"  # noqa: S101 - a mistake of the caller
    return History(metadata(), _SERVICES / name / "migrations")


def histories() -> list[History]:
    """Those of all services."""
    return [history_of(name) for name, entry in SERVICES.items() if entry.metadata]


def _ingest(given: Given) -> Service:
    from services.ingest.settings import Settings
    from services.ingest.wiring import build

    url = given.installation.database_url
    return build(read(Settings), database_url=url, secret=given.secret, bus=given.bus, clock=given.clock)


def _ingest_tables() -> MetaData:
    from services.ingest.storage.tables import metadata

    return metadata


async def _ingest_again(given: Given, to: str) -> int:
    from services.ingest.settings import Settings
    from services.ingest.wiring import assemble, tell_again

    url = given.installation.database_url
    _, parts = assemble(read(Settings), database_url=url, secret=given.secret, bus=given.bus, clock=given.clock)
    try:
        return await tell_again(parts)
    finally:
        await parts.database.close()


def _attendance(given: Given) -> Service:
    from services.attendance.settings import Settings
    from services.attendance.wiring import build

    return build(
        read(Settings),
        database=given.database("attendance"),
        bus=given.bus,
        peers=given.peers,
        clock=given.clock,
        tokens=given.tokens,
    )


def _attendance_tables() -> MetaData:
    from services.attendance.storage.tables import metadata

    return metadata


async def _attendance_again(given: Given, to: str) -> int:
    from services.attendance.wiring import tell_again

    database = given.database("attendance")
    try:
        return await tell_again(database, given.clock)
    finally:
        await database.close()


def _leave(given: Given) -> Service:
    from services.leave.settings import Settings
    from services.leave.wiring import build

    return build(
        read(Settings),
        database=given.database("leave"),
        bus=given.bus,
        peers=given.peers,
        clock=given.clock,
        tokens=given.tokens,
    )


def _leave_tables() -> MetaData:
    from services.leave.storage.tables import metadata

    return metadata


def _reports(given: Given) -> Service:
    from services.reports.settings import Settings
    from services.reports.wiring import build

    return build(
        read(Settings),
        database=given.database("reports"),
        bus=given.bus,
        peers=given.peers,
        clock=given.clock,
        tokens=given.tokens,
    )


def _reports_tables() -> MetaData:
    from services.reports.storage.tables import metadata

    return metadata


def _gateway(given: Given) -> Service:
    from services.gateway.settings import Settings
    from services.gateway.wiring import build

    database = given.database("gateway")
    service = build(
        read(Settings), database=database, bus=given.bus, peers=given.peers, clock=given.clock, tokens=given.tokens
    )
    return replace(service, resources=[lambda: _closed(database), *service.resources])


def _gateway_tables() -> MetaData:
    from services.gateway.storage.tables import metadata

    return metadata


async def _gateway_first(given: Given) -> None:
    from services.gateway.wiring import ensure_administrator

    database = given.database("gateway")
    try:
        password = given.installation.admin_password
        made = await ensure_administrator(database, given.clock, password.get_secret_value() if password else None)
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


SERVICES: Mapping[str, Entry] = {
    "ingest": Entry(port=8001, build=_ingest, metadata=_ingest_tables, republish=_ingest_again),
    "attendance": Entry(
        port=8002,
        build=_attendance,
        metadata=_attendance_tables,
        queues=("attendance.scans", "attendance.machines"),
        republish=_attendance_again,
    ),
    "leave": Entry(port=8003, build=_leave, metadata=_leave_tables, queues=("leave.people",)),
    "reports": Entry(port=8004, build=_reports, metadata=_reports_tables, queues=("reports.facts", "reports.people")),
    "gateway": Entry(
        port=8000,
        build=_gateway,
        metadata=_gateway_tables,
        queues=("gateway.people",),
        endpoints={"live": 8765},
        first=_gateway_first,
    ),
}
