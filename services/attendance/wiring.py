"""The composition root of attendance."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx

from services.attendance.api import closing as closing_api
from services.attendance.api import corrections as corrections_api
from services.attendance.api import days as days_api
from services.attendance.api import expected_days as expected_days_api
from services.attendance.api import groups as groups_api
from services.attendance.api import locks as locks_api
from services.attendance.api import movements as movements_api
from services.attendance.api import payroll as payroll_api
from services.attendance.api import people as people_api
from services.attendance.api import people_import as people_import_api
from services.attendance.api import presence as presence_api
from services.attendance.api import recompute as recompute_api
from services.attendance.api import releases as releases_api
from services.attendance.api import scans as scans_api
from services.attendance.api import schedules as schedules_api
from services.attendance.api import settings as settings_api
from services.attendance.api import status as status_api
from services.attendance.api import structure as structure_api
from services.attendance.application.closing import Closing
from services.attendance.application.correcting import Correcting
from services.attendance.application.days import Days
from services.attendance.application.expected_days import Expecting
from services.attendance.application.explaining import Explaining
from services.attendance.application.groups import Groups
from services.attendance.application.history import Histories
from services.attendance.application.locking import Locking
from services.attendance.application.movements import Movements
from services.attendance.application.pay_codes import PayCodesOfSites
from services.attendance.application.payroll import Payroll
from services.attendance.application.people import People
from services.attendance.application.presence import WhoIsInNow
from services.attendance.application.previewing import Previewing
from services.attendance.application.recompute import Recompute
from services.attendance.application.recomputing import Recomputing
from services.attendance.application.record_scans import RecordScans
from services.attendance.application.releasing import Releasing
from services.attendance.application.scan_list import Scans
from services.attendance.application.scheduling import Scheduling
from services.attendance.application.settling import Settling
from services.attendance.application.status import Status
from services.attendance.application.structure import Structure
from services.attendance.messaging.subscriptions import SCANS_QUEUE, subscriptions
from services.attendance.settings import Settings
from services.attendance.storage.closing import PostgresClosing
from services.attendance.storage.correcting import PostgresCorrections
from services.attendance.storage.expected_days import PostgresExpectedDays
from services.attendance.storage.groups import PostgresGroups
from services.attendance.storage.locking import PostgresLocks
from services.attendance.storage.looking import PostgresViews
from services.attendance.storage.looks import PostgresLooks
from services.attendance.storage.machines import PostgresMachines, adopt_zone
from services.attendance.storage.movements import PostgresMovements
from services.attendance.storage.pay_codes import PostgresPayCodes
from services.attendance.storage.payroll import PostgresPayroll
from services.attendance.storage.people import PostgresPeople
from services.attendance.storage.reading_days import PostgresDays
from services.attendance.storage.reading_evidence import PostgresEvidence
from services.attendance.storage.reading_history import PostgresHistories
from services.attendance.storage.reading_presence import PostgresPresence
from services.attendance.storage.reading_scans import PostgresScans
from services.attendance.storage.reading_status import PostgresStatus
from services.attendance.storage.recomputations import PostgresRecomputations
from services.attendance.storage.recording import PostgresRecordings
from services.attendance.storage.releasing import PostgresReleases
from services.attendance.storage.republishing import PostgresStates
from services.attendance.storage.runs import PostgresRuns
from services.attendance.storage.scheduling import PostgresScheduling
from services.attendance.storage.structure import PostgresStructure
from services.attendance.storage.tables import metadata
from services.attendance.storage.time_off import PostgresTimeOff
from shared.bus.port import Bus
from shared.kernel.clock import Clock
from shared.kernel.errors import Unavailable
from shared.outbox.relay import Relay
from shared.runtime.service import Service
from shared.storage.database import Database
from shared.storage.migrations import History
from shared.web.application import create_app
from shared.web.tokens import Tokens

HISTORY = History(metadata, Path(__file__).parent / "migrations")
MAIN_SITE = 1


def build(
    settings: Settings,
    *,
    database: Database,
    bus: Bus,
    peers: httpx.AsyncClient,
    clock: Clock,
    tokens: Tokens,
) -> Service:
    """Attendance as a service; nothing of it runs yet, and nothing is open. Built as all are; it asks no peer."""
    recordings = PostgresRecordings(database)

    scheduling = PostgresScheduling(database)
    recompute = Recompute(PostgresRecomputations(database), recordings, clock)
    time_off = PostgresTimeOff(database)
    expecting = Expecting(PostgresExpectedDays(database), clock)
    closing = Closing(PostgresClosing(database), recordings, clock)
    views = PostgresViews(database)
    previewing = Previewing(PostgresLooks(database), views, scheduling, clock)
    people = People(PostgresPeople(database), clock, recompute.settled)

    def told() -> None:
        previewing.tell()
        recompute.tell()

    recomputing = Recomputing(PostgresRuns(database), views, scheduling, clock, told)

    async def scans_waiting() -> int | None:
        return next((depth.waiting for depth in await bus.depths() if depth.queue == SCANS_QUEUE), 0)

    async def bus_connected() -> None:
        if problem := bus.status().problem:
            raise Unavailable(problem)

    async def configured_zone() -> None:
        """Give the main site the configured zone, once the database is there; then there is nothing more to do."""
        if settings.timezone:
            await adopt_zone(database, MAIN_SITE, settings.timezone, replace=True)
        await asyncio.Event().wait()

    @asynccontextmanager
    async def pool() -> AsyncIterator[None]:
        try:
            yield
        finally:
            await database.close()

    app = create_app(
        "attendance",
        routers=[
            days_api.router(Days(PostgresDays(database), clock), Explaining(PostgresEvidence(database), clock)),
            people_import_api.router(people),
            people_api.router(people),
            groups_api.router(Groups(PostgresGroups(database), clock, recompute.settled)),
            movements_api.router(Movements(PostgresMovements(database), clock)),
            structure_api.router(Structure(PostgresStructure(database), clock, recompute.settled)),
            scans_api.router(Scans(PostgresScans(database), clock)),
            presence_api.router(WhoIsInNow(PostgresPresence(database), clock, lambda: bus.status().problem)),
            releases_api.router(Releasing(PostgresReleases(database), recordings, clock)),
            corrections_api.router(
                Correcting(PostgresCorrections(database), recordings, clock),
                Histories(PostgresHistories(database), clock),
            ),
            closing_api.router(closing),
            payroll_api.router(
                Payroll(PostgresPayroll(database), clock), PayCodesOfSites(PostgresPayCodes(database), clock)
            ),
            locks_api.router(Locking(PostgresLocks(database), recordings, clock)),
            status_api.router(Status(PostgresStatus(database), clock, scans_waiting)),
            schedules_api.router(Scheduling(scheduling, clock, recompute.settled), recomputing),
            settings_api.router(Settling(scheduling, clock, recompute.settled), recomputing),
            recompute_api.router(recomputing),
            expected_days_api.router(expecting),
        ],
        tokens=tokens,
        clock=clock,
        checks={"database": database.ready, "bus": bus_connected},
    )
    return Service(
        name="attendance",
        app=app,
        subscriptions=subscriptions(
            RecordScans(recordings, clock),
            PostgresMachines(database).apply,
            time_off.apply_holidays,
            time_off.apply_requests,
            parallel=settings.workers,
        ),
        loops=[
            ("zone", configured_zone),
            ("relay", Relay(database, bus).run),
            ("recompute", recompute.run),
            ("previews", previewing.run),
            ("expected days", expecting.run),
            ("closing", closing.run),
        ],
        resources=[pool],
        states=PostgresStates(database, clock),
    )
