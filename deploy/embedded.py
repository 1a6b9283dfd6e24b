"""Every service in this process, on a PostgreSQL of its own that also carries the bus."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
from pydantic import SecretStr
from starlette.types import ASGIApp

from deploy.catalogue import SERVICES, Given, histories
from deploy.demo import ZONE, furnish
from deploy.demo_machines import HOST, DemoMachines
from deploy.folder import Address, DataFolder
from deploy.postgres import Postgres
from deploy.running import Later, migrate, prepared, settle_memory, until_told_to_stop
from deploy.settings import Installation
from shared.bus.opening import open_bus
from shared.kernel.clock import SystemClock
from shared.kernel.errors import Conflict, MusterError, Unavailable
from shared.observability.logs import get_logger
from shared.runtime.hosting import hosted
from shared.runtime.peers import connect_peers
from shared.runtime.serving import refuse_taken, served

READY_WITHIN = 60.0
_LOOK_AFTER_DATABASE = 0.5

log = get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """A system that takes scans."""

    http_url: str
    live_url: str
    machine_url: str | None
    """Where machines that push are to call, if anywhere."""
    password: str | None
    """Of `admin`, if it was made just now and nobody has been told it yet."""
    given_password_holds: bool
    """Whether the installation's password is that of `admin`, who may have had another one before, or since."""
    peers: httpx.AsyncClient
    ingest: ASGIApp
    installation: Installation


async def up(
    folder: Path,
    installation: Installation,
    *,
    say: Callable[[str], None],
    ready: Callable[[Running], object],
    demo: bool = False,
) -> None:
    """Run all until the process is told to stop. `ready` is called once scans are taken."""
    gates = DemoMachines(folder / "terminals", installation.timezone or ZONE)
    async with (
        until_told_to_stop() as told,
        running(folder, installation, say=say, beside=gates if demo else None) as system,
        AsyncExitStack() as stack,
    ):
        if demo:
            await furnish(system.peers, system.installation, SystemClock(), gates.there)
            # By a door of its own: no machine of anybody else's is to come in only because there is a demo.
            port = await stack.enter_async_context(served(system.ingest, host=HOST, port=0, mends_addresses=True))
            gates.push_to(port)
        ready(system)
        DataFolder(folder).forget_password()
        await told.wait()


@asynccontextmanager
async def running(
    folder: Path,
    installation: Installation,
    *,
    say: Callable[[str], None] = lambda _: None,
    beside: AbstractAsyncContextManager[object] | None = None,
) -> AsyncIterator[Running]:
    """A whole system while the context is open. What is `beside` it is there before it, and until after its end.

    Raises:
        MusterError: the folder is in use, or PostgreSQL cannot be had.
        PortTaken: another program listens there.
    """
    data, usual, host = DataFolder(folder), SERVICES["gateway"], installation.host
    http_port = usual.port if installation.http_port is None else installation.http_port
    live_port = usual.endpoints["live"] if installation.live_port is None else installation.live_port
    async with AsyncExitStack() as stack:
        postgres = Postgres(data.path, say=say)
        stack.push_async_callback(asyncio.to_thread, postgres.stop)
        # The folder first: who starts a second one on it should hear that, and not of ports.
        await asyncio.to_thread(postgres.claim)
        if http_port and http_port == live_port:
            raise Conflict(f"port {http_port} cannot be both the API's and that of live events; choose two")
        machine_port = installation.machine_port
        if machine_port and machine_port in (http_port, live_port):
            raise Conflict(f"port {machine_port} cannot be both that of machines and another of ours; choose two")
        refuse_taken(host, http_port, "--http-port")
        refuse_taken(host, live_port, "--live-port")
        if machine_port is not None:
            refuse_taken(host, machine_port, "--machine-port")
        if beside is not None:
            await stack.enter_async_context(beside)
        await asyncio.to_thread(postgres.start)
        generated = data.first_password() if installation.admin_password is None else None
        installation = installation.model_copy(
            update={
                "database_url": postgres.url,
                "bus_url": postgres.url,
                "secret": SecretStr(installation.secret.get_secret_value() or data.secret()),
                "admin_password": SecretStr(generated) if generated else installation.admin_password,
            }
        )
        await migrate(postgres.url, histories())
        await stack.enter_async_context(_looked_after(postgres))

        apps = {name: Later() for name in SERVICES}
        peers = await stack.enter_async_context(connect_peers(apps, {}))
        bus = await stack.enter_async_context(open_bus(postgres.url, name="muster"))
        given = Given(installation=installation, bus=bus, peers=peers, clock=SystemClock())
        await prepared(list(SERVICES), given)
        services = {name: entry.build(given) for name, entry in SERVICES.items()}
        for name, service in services.items():
            apps[name].app = service.app
        # The gateway last and by itself: it says aloud which of the others is away, and they only just start, or stop.
        gateway = services.pop("gateway")
        await stack.enter_async_context(hosted(list(services.values()), bus))
        for name in services:
            await _until_ready(peers, name)
        await stack.enter_async_context(hosted([gateway], bus))

        http_port = await stack.enter_async_context(served(gateway.app, host=host, port=http_port))
        live_port = await stack.enter_async_context(served(dict(gateway.endpoints)["live"], host=host, port=live_port))
        if machine_port is not None:
            machine_port = await stack.enter_async_context(
                served(services["ingest"].app, host=host, port=machine_port, mends_addresses=True)
            )

        await _until_ready(peers, "gateway")
        settle_memory()
        shown = "127.0.0.1" if host in ("0.0.0.0", "::") else host  # noqa: S104 - compared, not listened on
        address = Address(
            database_url=postgres.url, http_url=f"http://{shown}:{http_port}", live_url=f"ws://{shown}:{live_port}"
        )
        data.tell_address(address)
        holds = generated is None and await _signs_in(given)
        yield Running(
            http_url=address.http_url,
            live_url=address.live_url,
            machine_url=f"http://{shown}:{machine_port}" if machine_port is not None else None,
            password=generated,
            given_password_holds=holds,
            peers=peers,
            ingest=services["ingest"].app,
            installation=installation,
        )


async def _signs_in(given: Given) -> bool:
    from services.gateway.wiring import administrator_has

    password = given.installation.admin_password
    if password is None:
        return False
    database = given.database("gateway")
    try:
        return await administrator_has(database, given.clock, password.get_secret_value())
    finally:
        await database.close()


@asynccontextmanager
async def _looked_after(postgres: Postgres) -> AsyncIterator[None]:
    """Start PostgreSQL again when it ends without being told to."""

    async def look() -> None:
        while True:
            await asyncio.sleep(_LOOK_AFTER_DATABASE)
            if not postgres.running:
                log.warning("postgres.ended")
                try:
                    await asyncio.to_thread(postgres.start)
                    log.warning("postgres.started_again")
                except MusterError as error:
                    log.error("postgres.does_not_start", reason=error.message)

    task = asyncio.create_task(look(), name="postgres")
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def _until_ready(peers: httpx.AsyncClient, name: str) -> None:
    deadline = asyncio.get_running_loop().time() + READY_WITHIN
    while True:
        answer = await peers.get(f"http://{name}/health/ready")
        if answer.status_code == 200:
            return
        if asyncio.get_running_loop().time() > deadline:
            raise Unavailable(f"{name} was not ready within {READY_WITHIN:.0f} s: {answer.text}")
        await asyncio.sleep(0.05)
