"""One service in this process, on the bus and the database that the environment names."""

import asyncio
from contextlib import AsyncExitStack

from deploy.catalogue import SERVICES, Given
from deploy.running import prepared, settle_memory, until_told_to_stop
from deploy.settings import Installation
from shared.bus.opening import open_bus
from shared.kernel.clock import SystemClock
from shared.observability.logs import get_logger
from shared.runtime.hosting import hosted
from shared.runtime.peers import connect_peers
from shared.runtime.serving import served

log = get_logger(__name__)


async def serve(name: str, installation: Installation) -> None:
    """Run a service until the process is told to stop.

    It does not wait for bus or database: it answers, and says that it is not ready, until they are there.
    """
    entry = SERVICES[name]
    async with AsyncExitStack() as stack:
        told = await stack.enter_async_context(until_told_to_stop())
        peers = await stack.enter_async_context(connect_peers({}, installation.peers()))
        bus = await stack.enter_async_context(open_bus(installation.bus_url, name=f"muster-{name}"))
        given = Given(installation=installation, bus=bus, peers=peers, clock=SystemClock())
        service = entry.build(given)
        await stack.enter_async_context(hosted([service], bus))
        port = await stack.enter_async_context(
            served(
                service.app,
                host=installation.host,
                port=_port(installation.http_port, entry.port),
                mends_addresses=service.mends_addresses,
            )
        )
        for endpoint, app in service.endpoints:
            chosen = installation.live_port if endpoint == "live" else None
            await stack.enter_async_context(
                served(app, host=installation.host, port=_port(chosen, entry.endpoints[endpoint]))
            )
        settle_memory()
        log.info("service.started", service=name, host=installation.host, port=port)
        async with asyncio.TaskGroup() as tasks:
            preparing = tasks.create_task(prepared([name], given))
            await told.wait()
            preparing.cancel()
        log.info("service.stopping", service=name)


def _port(chosen: int | None, usual: int) -> int:
    return usual if chosen is None else chosen
