"""The composition root of ingest: the one place that knows all of its parts."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

from services.ingest.api.imports import imports_router
from services.ingest.api.machines import machines_router
from services.ingest.application.conditions import Conditions
from services.ingest.application.drivers import Driver
from services.ingest.application.importing import Importer
from services.ingest.application.machines import Machines
from services.ingest.application.publishing import ScanPublisher
from services.ingest.application.republishing import republish
from services.ingest.application.supervision import Supervisor
from services.ingest.application.watching import MachineWatch
from services.ingest.domain.machine import Machine
from services.ingest.domain.patience import Patience
from services.ingest.settings import Settings
from services.ingest.storage.evidence import PostgresEvidence
from services.ingest.storage.ledger import PostgresLedger
from services.ingest.storage.registry import PostgresRegistry
from services.ingest.storage.spool import PostgresSpool
from services.ingest.vendors import table
from services.ingest.vendors.files.reader import FileReader
from shared.bus.port import Bus
from shared.kernel.clock import Clock
from shared.kernel.errors import Unavailable
from shared.outbox.relay import Relay
from shared.runtime.service import Service
from shared.storage.database import Database
from shared.web import idempotency
from shared.web.application import create_app
from shared.web.tokens import Tokens

POOL = 6
"""Connections to PostgreSQL; as many again under load."""

TIDY_EVERY = 3600.0


@dataclass(frozen=True, slots=True)
class Parts:
    """What of ingest is used from outside of its routes: by commands and by tests."""

    database: Database
    machines: Machines
    registry: PostgresRegistry
    publisher: ScanPublisher
    supervisor: Supervisor
    importer: Importer
    relay: Relay


def build(
    settings: Settings,
    *,
    database_url: str,
    secret: str,
    bus: Bus,
    clock: Clock,
    drivers: Mapping[str, Driver] | None = None,
) -> Service:
    """Ingest as a service; nothing of it runs yet, and nothing is open."""
    return assemble(settings, database_url=database_url, secret=secret, bus=bus, clock=clock, drivers=drivers)[0]


def assemble(
    settings: Settings,
    *,
    database_url: str,
    secret: str,
    bus: Bus,
    clock: Clock,
    drivers: Mapping[str, Driver] | None = None,
    patience: Patience | None = None,
) -> tuple[Service, Parts]:
    """As `build`, with the parts. `drivers` None takes all of the table, `patience` None that of everyday."""
    known = drivers if drivers is not None else table.drivers(clock)
    told = asyncio.Event()
    database = Database(database_url, schema="ingest", pool=POOL, overflow=POOL)
    registry = PostgresRegistry(database, clock)
    ledger, evidence = PostgresLedger(database), PostgresEvidence(database)
    publisher = ScanPublisher(bus, ledger, PostgresSpool(database), clock, confirm_within=settings.confirm_within)
    machines = Machines(registry, known, clock, zone=settings.timezone, changed=told.set)
    conditions = Conditions(registry, machines, clock)

    def watch(machine: Machine) -> MachineWatch:
        return MachineWatch(
            machine,
            machines.driver_of(machine),
            publisher=publisher,
            ledger=ledger,
            evidence=evidence,
            conditions=conditions,
            clock=clock,
            patience=patience,
        )

    supervisor = Supervisor(registry, machines, conditions, watch, told)
    importer = Importer(
        registry=registry,
        machines=machines,
        open_file=FileReader,
        ledger=ledger,
        evidence=evidence,
        publisher=publisher,
        clock=clock,
    )
    relay = Relay(database, bus)

    async def bus_takes_messages() -> None:
        status = bus.status()
        if not status.connected or status.blocked:
            raise Unavailable(status.problem or "the bus is away")

    @asynccontextmanager
    async def pool() -> AsyncIterator[None]:
        try:
            yield
        finally:
            await database.close()

    async def tidy() -> None:
        while True:
            async with database.begin() as connection:
                await idempotency.forget(connection, before=clock.now() - idempotency.KEPT_FOR)
            await asyncio.sleep(TIDY_EVERY)

    app = create_app(
        "ingest",
        routers=[machines_router(registry, machines, known), imports_router(importer)],
        tokens=Tokens(secret),
        clock=clock,
        checks={"database": database.ready, "bus": bus_takes_messages},
    )
    service = Service(
        name="ingest",
        app=app,
        loops=[("relay", relay.run), ("publisher", publisher.run), ("supervisor", supervisor.run), ("tidy", tidy)],
        resources=[pool],
    )
    parts = Parts(database, machines, registry, publisher, supervisor, importer, relay)
    return service, parts


async def tell_again(parts: Parts) -> int:
    """Announce the present state of every machine (`muster replay ingest`), and say how many there are."""
    return await republish(parts.registry, parts.machines)
