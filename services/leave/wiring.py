"""The composition root of leave."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx

from services.leave.api import status as status_api
from services.leave.messaging.subscriptions import subscriptions
from services.leave.settings import Settings
from services.leave.storage.people import PostgresPeople
from services.leave.storage.tables import metadata
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
    """Leave as a service; nothing of it runs yet, and nothing is open."""
    people = PostgresPeople(database)
    listens_to = subscriptions(people)

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
        "leave",
        routers=[status_api.router(people, waiting)],
        tokens=tokens,
        clock=clock,
        checks={"database": database.ready, "bus": bus_is_there},
    )
    return Service(name="leave", app=app, subscriptions=listens_to, resources=[pool])
