"""The composition root of ingest: the one place that knows all of its parts."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path

import httpx

from services.ingest.api.clock import clock_router
from services.ingest.api.commands import commands_router
from services.ingest.api.contact import contact_router
from services.ingest.api.imports import imports_router
from services.ingest.api.machines import machines_router
from services.ingest.api.pending import pending_router
from services.ingest.api.preview import preview_router
from services.ingest.api.reconciliation import reconciliation_router
from services.ingest.api.unreadable import unreadable_router
from services.ingest.api.users import users_router
from services.ingest.application.accepting import Accepting
from services.ingest.application.bookmarks import Bookmarks
from services.ingest.application.commanding import Commanding
from services.ingest.application.conditions import Conditions, Way
from services.ingest.application.desk import Desk
from services.ingest.application.drivers import Capability, Driver, IsPushedTo, Streams
from services.ingest.application.holding import Holding
from services.ingest.application.importing import Importer
from services.ingest.application.listing_users import ListingUsers
from services.ingest.application.machines import Machines
from services.ingest.application.pausing import Pausing
from services.ingest.application.publishing import ScanPublisher
from services.ingest.application.pushing import WITHIN, Pushing
from services.ingest.application.read_marks import ReadMarks
from services.ingest.application.reconciling import Reconciling
from services.ingest.application.republishing import machine_states
from services.ingest.application.setting_clocks import SettingClocks
from services.ingest.application.standing import Standing
from services.ingest.application.supervision import Supervisor
from services.ingest.application.syncing import Syncing
from services.ingest.application.taking import Taker
from services.ingest.application.traffic import Traffic
from services.ingest.application.watched_log import WatchedLog
from services.ingest.application.watching import MachineWatch
from services.ingest.domain.machine import Machine
from services.ingest.domain.patience import Patience
from services.ingest.domain.traffic import WEEKS
from services.ingest.settings import Settings
from services.ingest.storage.bookmarks import PostgresBookmarks
from services.ingest.storage.clock_measurements import PostgresClockMeasurements
from services.ingest.storage.commands import PostgresCommands
from services.ingest.storage.counts import PostgresCounts
from services.ingest.storage.evidence import PostgresEvidence
from services.ingest.storage.lease import PostgresLease
from services.ingest.storage.ledger import PostgresLedger
from services.ingest.storage.log_readings import PostgresLogReadings
from services.ingest.storage.pending import PostgresPending
from services.ingest.storage.read_marks import PostgresReadMarks
from services.ingest.storage.registry import PostgresRegistry
from services.ingest.storage.spool import PostgresSpool
from services.ingest.storage.tables import metadata
from services.ingest.vendors import table
from services.ingest.vendors.files.reader import open_file
from shared.bus.port import Bus
from shared.kernel.clock import Clock
from shared.kernel.errors import Unavailable
from shared.outbox.relay import Relay
from shared.runtime.service import Service
from shared.storage.database import Database
from shared.storage.migrations import History
from shared.web import idempotency
from shared.web.application import create_app
from shared.web.tokens import Tokens

HISTORY = History(metadata, Path(__file__).parent / "migrations")

TIDY_EVERY = 3600.0
CLOCKS_KEPT = timedelta(weeks=12)
"""For how long it can be said what a clock was off by."""


@dataclass(frozen=True, slots=True)
class Parts:
    """What of ingest is used from outside of its routes: by commands and by tests."""

    database: Database
    machines: Machines
    registry: PostgresRegistry
    publisher: ScanPublisher
    traffic: Traffic
    supervisor: Supervisor
    holding: Holding
    pushing: Pushing
    importer: Importer
    relay: Relay


def build(
    settings: Settings,
    *,
    database: Database,
    bus: Bus,
    peers: httpx.AsyncClient,
    clock: Clock,
    tokens: Tokens,
) -> Service:
    """Ingest as a service; nothing of it runs yet, and nothing is open.

    All services are built alike; this one asks no peer.
    """
    return assemble(settings, database=database, bus=bus, clock=clock, tokens=tokens)[0]


def assemble(
    settings: Settings,
    *,
    database: Database,
    bus: Bus,
    clock: Clock,
    tokens: Tokens,
    drivers: Mapping[str, Driver] | None = None,
    patience: Patience | None = None,
) -> tuple[Service, Parts]:
    """As `build`, with the parts. `drivers` None takes all of the table, `patience` None that of everyday."""
    known = drivers if drivers is not None else table.drivers(clock)
    told, told_of_callers = asyncio.Event(), asyncio.Event()
    registry = PostgresRegistry(database, clock)
    ledger, evidence = PostgresLedger(database), PostgresEvidence(database)
    publisher = ScanPublisher(
        bus,
        ledger,
        PostgresSpool(database),
        clock,
        confirm_within=settings.confirm_within,
        may_drain=lambda: holding.holds,
    )

    def changed() -> None:
        told.set()
        told_of_callers.set()

    machines = Machines(registry, known, clock, zone=settings.timezone, changed=changed)
    conditions = Conditions(registry, machines, clock, all_published=lambda: publisher.all_published)
    pausing = Pausing(machines, clock)
    readings = PostgresLogReadings(database)
    marks = ReadMarks(PostgresReadMarks(database))
    clocks = PostgresClockMeasurements(database)

    patient = patience or Patience()

    def watch(machine: Machine) -> MachineWatch:
        driver = machines.driver_of(machine)
        assert isinstance(driver, Streams)  # noqa: S101 - the supervisor watches no others
        pulls = Capability.PULLS in driver.capabilities
        standing = Standing(
            machine,
            pulls=pulls,
            conditions=conditions,
            clocks=clocks,
            sets_clock=Capability.SETS_CLOCK in driver.capabilities,
            clock=clock,
            patience=patient,
        )
        taker = Taker(
            machine, publisher=publisher, ledger=ledger, evidence=evidence, clock=clock, patience=patient
        )  # fmt: skip
        logs = WatchedLog(
            machine, driver, standing=standing, conditions=conditions, readings=readings, marks=marks, clock=clock
        )  # fmt: skip
        return MachineWatch(
            machine, driver, pulls=pulls, standing=standing, taker=taker, logs=logs, patience=patient
        )  # fmt: skip

    supervisor = Supervisor(
        registry, machines, conditions, watch=watch, pausing=pausing, told=told, clock=clock
    )  # fmt: skip
    holding = Holding(PostgresLease(database), supervisor.run)

    def desk(machine: Machine, driver: IsPushedTo) -> Desk:
        standing = Standing(
            machine, way=Way.PUSH, conditions=conditions, clocks=clocks, clock=clock, patience=patient
        )  # fmt: skip
        taker = Taker(machine, publisher=publisher, ledger=ledger, evidence=evidence, clock=clock, patience=None)
        return Desk(machine, driver, standing=standing, taker=taker, clock=clock, within=WITHIN)

    pending = PostgresPending(database)
    bookmarks = Bookmarks(PostgresBookmarks(database))
    commanding = Commanding(PostgresCommands(database), machines, clock)
    pushing = Pushing(
        registry,
        machines,
        conditions,
        pending=pending,
        open_desk=desk,
        clock=clock,
        told=told_of_callers,
    )
    counts = PostgresCounts(database)

    def standing_of(machine: int) -> Standing | None:
        ways = [supervisor.watch_of(machine), pushing.desk_of(machine)]
        return next((way.standing for way in ways if way is not None and way.standing.connected), None)

    def line_of(machine: int) -> Standing | None:
        watch = supervisor.watch_of(machine)
        return watch.standing if watch is not None else None

    setting_clocks = SettingClocks(
        registry, machines, clocks, commanding, clock, line_of=line_of, hurry=supervisor.answers
    )  # fmt: skip
    traffic = Traffic(registry, counts, clock, standing_of=standing_of)
    importer = Importer(
        registry=registry,
        machines=machines,
        open_file=open_file,
        ledger=ledger,
        evidence=evidence,
        publisher=publisher,
        clock=clock,
    )
    relay = Relay(database, bus)

    @asynccontextmanager
    async def pool() -> AsyncIterator[None]:
        try:
            yield
        finally:
            await database.close()

    app = create_app(
        "ingest",
        routers=[
            *table.push_routers(pushing, commanding, bookmarks, clock),  # most calls come there: they are matched first
            reconciliation_router(
                registry,
                machines,
                Reconciling(machines, counts, readings, commanding, standing_of=standing_of),
            ),
            machines_router(registry, machines, known, answers=supervisor.answers),
            unreadable_router(registry, evidence),
            users_router(ListingUsers(registry, machines)),
            imports_router(importer),
            preview_router(registry, machines, clock),
            pending_router(Accepting(pending, machines), machines),
            commands_router(registry, commanding),
            clock_router(setting_clocks),
            contact_router(machines, Syncing(registry, machines, commanding, clock, hurry=supervisor.answers), pausing),
        ],
        tokens=tokens,
        clock=clock,
        checks={"database": database.ready, "bus": partial(_takes_messages, bus)},
        says={"machines": holding.in_words},
    )
    service = Service(
        name="ingest",
        app=app,
        loops=[
            ("relay", relay.run),
            ("publisher", publisher.run),
            ("machines", holding.run),
            ("pushing", pushing.run),
            ("bookmarks", bookmarks.run),
            ("read marks", marks.run),
            ("traffic", traffic.run),
            ("tidy", partial(_tidy, database, counts, clocks, clock)),
        ],
        resources=[pool],
        mends_addresses=True,
        states=lambda: machine_states(registry, machines),
    )
    parts = Parts(database, machines, registry, publisher, traffic, supervisor, holding, pushing, importer, relay)
    return service, parts


async def _takes_messages(bus: Bus) -> None:
    status = bus.status()
    if not status.connected or status.blocked:
        raise Unavailable(status.problem or "the bus is away")


async def _tidy(
    database: Database, counts: PostgresCounts, clocks: PostgresClockMeasurements, clock: Clock
) -> None:  # fmt: skip
    while True:
        async with database.begin() as connection:
            await idempotency.forget(connection, before=clock.now() - idempotency.KEPT_FOR)
        await counts.forget_arrivals(before=clock.now() - timedelta(weeks=WEEKS + 1))
        await clocks.forget(before=clock.now() - CLOCKS_KEPT)
        await asyncio.sleep(TIDY_EVERY)
