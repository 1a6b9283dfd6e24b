"""The composition root of reports."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx

from services.reports.api import status as status_api
from services.reports.messaging.subscriptions import subscriptions
from services.reports.settings import Settings
from services.reports.storage.facts import PostgresFacts
from services.reports.storage.people import PostgresPeople
from services.reports.storage.tables import metadata
from shared.bus.port import Bus
from shared.kernel.clock import Clock
from shared.kernel.errors import Unavailable
from shared.runtime.service import Service
from shared.storage.database import Database
from shared.storage.migrations import History
from shared.web.application import create_app
from shared.web.tokens import Tokens

HISTORY = History(metadata, Path(__file__).parent / "migrations")


def build(
    settings: Settings,
    *,
    database: Database,
    bus: Bus,
    peers: httpx.AsyncClient,
    clock: Clock,
    tokens: Tokens,
) -> Service:
    """Reports as a service; nothing of it runs yet, and nothing is open."""
    facts, people = PostgresFacts(database), PostgresPeople(database)
    listens_to = subscriptions(facts, people, parallel=settings.workers)

    async def bus_is_there() -> None:
        if problem := bus.status().problem:
            raise Unavailable(problem)

    async def waiting() -> int | None:
        try:
            depths = await bus.depths()
        except Unavailable:
            return None
        own = {subscription.queue for subscription in listens_to}
        return sum(depth.waiting for depth in depths if depth.queue in own)

    @asynccontextmanager
    async def pool() -> AsyncIterator[None]:
        try:
            yield
        finally:
            await database.close()

    app = create_app(
        "reports",
        routers=[status_api.router(facts, people, waiting)],
        tokens=tokens,
        clock=clock,
        checks={"database": database.ready, "bus": bus_is_there},
    )
    return Service(name="reports", app=app, subscriptions=listens_to, resources=[pool])
