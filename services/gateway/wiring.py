"""The composition root of the gateway."""

from pathlib import Path

import httpx
from fastapi import Depends, FastAPI
from fastapi.middleware.cors import CORSMiddleware
from starlette.middleware import Middleware
from starlette.routing import WebSocketRoute

from services.gateway.api.auth import auth_routes
from services.gateway.api.documents import document_routes
from services.gateway.api.forwarding import Forwarding, forward_routes
from services.gateway.api.gate import Gate
from services.gateway.api.status import status_routes
from services.gateway.api.users import user_routes
from services.gateway.application.passwords import Passwords
from services.gateway.application.signing_in import SigningIn
from services.gateway.application.users import Users
from services.gateway.application.withdrawals import Withdrawals
from services.gateway.console.pages import console_routes
from services.gateway.domain.attempts import Attempts
from services.gateway.domain.routing import SERVICES
from services.gateway.live.directory import Directory
from services.gateway.live.heartbeat import Heartbeat
from services.gateway.live.hub import Hub
from services.gateway.live.listening import Listening
from services.gateway.live.sockets import Sockets
from services.gateway.messaging.subscriptions import subscriptions
from services.gateway.settings import Settings
from services.gateway.storage.accounts import PostgresStore
from services.gateway.storage.people import PostgresPeople
from services.gateway.storage.tables import metadata
from shared.bus.port import Bus
from shared.kernel.clock import Clock
from shared.kernel.errors import Unavailable
from shared.outbox.relay import Relay
from shared.runtime.service import Service
from shared.storage.database import Database
from shared.storage.migrations import History
from shared.web.application import Check, create_app
from shared.web.callers import needs
from shared.web.tokens import Tokens

HISTORY = History(metadata, Path(__file__).parent / "migrations")


def build(  # noqa: PLR0917 - what a service is given, in the order of all services
    settings: Settings,
    database: Database,
    bus: Bus,
    peers: httpx.AsyncClient,
    clock: Clock,
    tokens: Tokens,
    *,
    passwords: Passwords | None = None,
) -> Service:
    """The gateway. Its live connections are also an application of their own: the endpoint `live`."""
    passwords = passwords or Passwords()
    store, people = PostgresStore(database), PostgresPeople(database)
    withdrawals = Withdrawals(store, clock, access_lasts=settings.access_lasts)
    signing_in = SigningIn(
        store,
        passwords,
        tokens,
        Attempts(),
        clock,
        access_lasts=settings.access_lasts,
        refresh_lasts=settings.refresh_lasts,
    )
    users = Users(store, passwords, clock)
    directory, hub = Directory(people), Hub(most=settings.most_live_clients)
    listening = Listening(bus, hub, directory, clock)
    heartbeat = Heartbeat(hub, listening, directory, bus=bus, peers=peers, clock=clock, services=SERVICES)
    sockets = Sockets(
        hub,
        signing_in,
        withdrawals,
        tokens=tokens,
        clock=clock,
        settings=settings,
        greeting=heartbeat.status,
    )
    app = create_app(
        "gateway",
        routers=[
            auth_routes(signing_in, withdrawals, settings),
            user_routes(users, withdrawals),
            console_routes(),
            status_routes(peers, heartbeat.figures),
        ],
        tokens=tokens,
        clock=clock,
        checks=_checks(settings, database, bus, peers, users),
        metrics_for=[Depends(needs("hr"))],
    )
    app.router.redirect_slashes = False  # the gate adds the slash
    # FastAPI's own document is of this service alone; the merged one takes its place.
    app.router.routes[:] = [route for route in app.router.routes if getattr(route, "path", "") != "/openapi.json"]
    app.include_router(document_routes(app, peers))
    app.router.routes.extend(forward_routes(Forwarding(peers)))
    app.router.routes.append(WebSocketRoute("/ws", endpoint=sockets))
    _guard(app, settings, tokens, withdrawals, clock)
    return Service(
        name="gateway",
        app=app,
        subscriptions=subscriptions(people, clock),
        loops=(
            ("relay", Relay(database, bus).run),
            ("withdrawals", withdrawals.run),
            ("directory", directory.run),
            ("live", listening.run),
            ("watch", sockets.watch),
            ("heartbeat", heartbeat.run),
        ),
        endpoints=(("live", sockets),),
    )


async def ensure_administrator(database: Database, clock: Clock, password: str | None) -> str | None:
    """See to it that somebody can sign in; returns the password if it was made up here, to be shown once."""
    return await Users(PostgresStore(database), Passwords(), clock).ensure_administrator(password)


async def recover_administrator(database: Database, clock: Clock, password: str | None) -> str:
    """Let `admin` sign in with a new password, and end that user's sessions; returns the password."""
    return await Users(PostgresStore(database), Passwords(), clock).recover_administrator(password)


async def administrator_has(database: Database, clock: Clock, password: str) -> bool:
    """Whether `admin` can sign in with this password now."""
    return await Users(PostgresStore(database), Passwords(), clock).administrator_has(password)


def _guard(app: FastAPI, settings: Settings, tokens: Tokens, withdrawals: Withdrawals, clock: Clock) -> None:
    """Put the gate before every route: inside the request ids, so that its refusals carry them too."""
    gate = Middleware(Gate, tokens=tokens, withdrawals=withdrawals, clock=clock, origins=settings.origins)
    cross_origin = Middleware(
        CORSMiddleware,
        allow_origins=settings.origins,
        allow_credentials=True,
        allow_methods=["*"],
        allow_headers=["*"],
        expose_headers=[
            "Content-Disposition", "ETag", "Link", "Location", "Retry-After", "X-Request-ID", "X-Total-Count",
            "X-Total-Count-Exact",
        ],
        max_age=600,
    )  # fmt: skip
    app.user_middleware.extend([cross_origin, gate])


def _checks(
    settings: Settings, database: Database, bus: Bus, peers: httpx.AsyncClient, users: Users
) -> dict[str, Check]:
    somebody_known = False

    async def somebody_can_sign_in() -> None:
        """The first administrator is made beside all this, once the database is there."""
        nonlocal somebody_known
        if not somebody_known:
            found = await users.list(search=None, order="id", descending=False, limit=1, offset=0, after=None)
            if not found.total:
                raise Unavailable("nobody can sign in yet")
            somebody_known = True

    async def bus_is_there() -> None:
        status = bus.status()
        if not status.connected or status.blocked:
            raise Unavailable(status.problem or "the bus is away")

    def peer_is_ready(name: str) -> Check:
        async def ask() -> None:
            try:
                answer = await peers.get(f"http://{name}/health/ready", timeout=1.8)
            except httpx.HTTPError as error:
                raise Unavailable(f"{name} is away") from error
            if answer.status_code != 200:
                raise Unavailable(f"{name} is not ready")

        return ask

    return {
        "database": database.ready,
        "users": somebody_can_sign_in,
        "bus": bus_is_there,
        **{name: peer_is_ready(name) for name in settings.essential_peers if name in SERVICES},
    }
