"""From a scan on the bus to the frames that a client sees: the real services, a real WebSocket, 100 scans a second."""

import asyncio
import random
import time
import uuid
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import httpx
import msgspec
from pydantic import SecretStr
from websockets.asyncio.client import ClientConnection, connect

from deploy.catalogue import SERVICES, Given
from deploy.settings import Installation
from shared.bus.opening import open_bus
from shared.bus.port import BATCH, Bus, Message
from shared.contracts.cloudevents import encode_batch
from shared.kernel.clock import SystemClock
from shared.runtime.peers import connect_peers
from tests.benchmarks.company import OFFSET, PEOPLE, TYPE, hire, scan
from tests.benchmarks.installation import SECRET, fresh, service
from tests.benchmarks.report import heading, line, percentile, say
from tests.servers import PostgresServer, RabbitServer
from tests.servers.ports import free_port

EACH_SECOND = 100
PASSWORD = "a password for benchmarks"


async def bench_live(postgres: PostgresServer, rabbit: RabbitServer, *, seconds: int) -> None:
    """Prints percentiles of the way from publishing a scan to each of its two frames."""
    heading(f"Scan → frame at {EACH_SECOND} scans/s for {seconds} s (ingest's event to the client's socket)")
    for name in ("five processes on RabbitMQ", "processes on PostgreSQL alone"):
        say(name)
        with fresh(postgres, rabbit) as (database, broker):
            await hire(database)
            bus_url = broker if "RabbitMQ" in name else database
            seen, updated = await _measured(database, bus_url, seconds)
        percentiles(name, seen, updated, wanted=EACH_SECOND * seconds)


def percentiles(name: str, seen: Sequence[float], updated: Sequence[float], *, wanted: int) -> None:
    """Print how long frames of both kinds took."""
    for frame, delays in (("scan_received", seen), ("attendance_updated", updated)):
        figure = f"p50 {percentile(delays, 0.5) * 1000:.0f} ms, p99 {percentile(delays, 0.99) * 1000:.0f} ms"
        line(f"{name}: {frame}", figure, f"{len(delays):,} of {wanted:,} frames")


@dataclass(frozen=True)
class System:
    """Five processes, and a client that listens."""

    bus: Bus
    ingest: str
    socket: ClientConnection


@asynccontextmanager
async def installation_of(database: str, bus_url: str) -> AsyncIterator[System]:
    """All services as processes, which know the people, and a client's socket."""
    async with AsyncExitStack() as stack:
        bus = await stack.enter_async_context(open_bus(bus_url, name="bench"))
        urls = {}
        for name in ("leave", "reports", "ingest", "attendance"):
            urls[name], _ = await stack.enter_async_context(service(name, database, bus_url))
        live_port = free_port()
        peers = {f"MUSTER_{name.upper()}_URL": url for name, url in urls.items()}
        gateway, _ = await stack.enter_async_context(
            service(
                "gateway", database, bus_url, MUSTER_LIVE_PORT=str(live_port), MUSTER_ADMIN_PASSWORD=PASSWORD, **peers
            )
        )
        async with httpx.AsyncClient(base_url=gateway, trust_env=False) as client:
            answer = await client.post("/api/auth/token/", json={"username": "admin", "password": PASSWORD})
            token = answer.raise_for_status().json()["access"]
        socket = await stack.enter_async_context(
            connect(f"ws://127.0.0.1:{live_port}/", subprotocols=["bearer", token], compression=None)  # type: ignore[list-item]
        )
        await _acquaint(bus, database, bus_url)
        yield System(bus, urls["ingest"], socket)


async def _measured(database: str, bus_url: str, seconds: int) -> tuple[list[float], list[float]]:
    async with installation_of(database, bus_url) as system:
        rnd = random.Random()
        local = (datetime.now(UTC) + OFFSET).replace(tzinfo=None, microsecond=0)

        async def send(person: int) -> None:
            event = msgspec.structs.replace(
                scan(rnd, person, local - timedelta(seconds=rnd.randrange(60))),
                mode="live",
                received_at=datetime.now(UTC),
            )
            body = encode_batch([(str(event.scan_id), event)], time=datetime.now(UTC))
            await system.bus.publish(Message(id=str(uuid.uuid4()), type=TYPE, body=body, content_type=BATCH))

        await watched(system, send, seconds=3)  # warm: statements prepared, caches filled
        return await watched(system, send, seconds=seconds)


async def _acquaint(bus: Bus, database: str, bus_url: str) -> None:
    """Let everybody know the people, who were put into the database behind attendance's back."""
    installation = Installation(database_url=database, bus_url=bus_url, secret=SecretStr(SECRET))
    async with connect_peers({}, {}) as peers:
        attendance = SERVICES["attendance"].build(
            Given(installation=installation, bus=bus, peers=peers, clock=SystemClock())
        )
        assert attendance.states is not None
        people = await anext(attendance.states())
    for some in (people[start : start + 500] for start in range(0, len(people), 500)):
        body = encode_batch([(str(uuid.uuid4()), person) for person in some], time=datetime.now(UTC))
        await bus.publish(Message(id=str(uuid.uuid4()), type=some[0].wire_type, body=body, content_type=BATCH))
    pg = await asyncpg.connect(database)
    while await pg.fetchval("SELECT count(*) FROM gateway.people") < PEOPLE:  # noqa: ASYNC110 - nothing tells
        await asyncio.sleep(0.1)
    await pg.close()


async def watched(
    system: System, send: Callable[[int], Coroutine[Any, Any, None]], *, seconds: int
) -> tuple[list[float], list[float]]:
    """Send scans of random people, each at its moment; the delays of both kinds of frames, in seconds."""
    sent: dict[str, float] = {}
    seen: list[float] = []
    updated: list[float] = []
    wanted = EACH_SECOND * seconds

    async def hear() -> None:
        async for frame in system.socket:
            now = time.perf_counter()
            event = msgspec.json.decode(frame)
            code = event.get("employee_id")
            if event["type"] == "scan_received" and code in sent:
                seen.append(now - sent[code])
            elif event["type"] == "attendance_updated" and code in sent:
                updated.append(now - sent[code])
            if len(seen) >= wanted and len(updated) >= wanted:
                return

    listener = asyncio.create_task(hear())
    started = time.perf_counter()
    async with asyncio.TaskGroup() as tasks:
        for number, person in enumerate(random.Random().sample(range(1, PEOPLE + 1), wanted)):
            await asyncio.sleep(max(0.0, started + number / EACH_SECOND - time.perf_counter()))
            sent[f"EMP{person}"] = time.perf_counter()
            tasks.create_task(send(person))
    try:
        async with asyncio.timeout(15):
            await listener
    except TimeoutError:
        pass
    return seen, updated
