"""From a scan on the bus to the frames that a client sees: the real services, a real WebSocket, 100 scans a second."""

import asyncio
import random
import time
import uuid
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta

import asyncpg
import httpx
import msgspec
from pydantic import SecretStr
from websockets.asyncio.client import connect

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
        for frame, delays in (("scan_received", seen), ("attendance_updated", updated)):
            figure = f"p50 {percentile(delays, 0.5) * 1000:.0f} ms, p99 {percentile(delays, 0.99) * 1000:.0f} ms"
            line(f"{name}: {frame}", figure, f"{len(delays):,} of {EACH_SECOND * seconds:,} frames")


async def _measured(database: str, bus_url: str, seconds: int) -> tuple[list[float], list[float]]:
    async with AsyncExitStack() as stack:
        bus = await stack.enter_async_context(open_bus(bus_url, name="bench"))
        urls = {}
        for name in ("leave", "reports", "ingest", "attendance"):
            urls[name] = await stack.enter_async_context(service(name, database, bus_url))
        live_port = free_port()
        peers = {f"MUSTER_{name.upper()}_URL": url for name, url in urls.items()}
        gateway = await stack.enter_async_context(
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
        await _exchange(bus, socket, seconds=3)  # warm: statements prepared, caches filled
        return await _exchange(bus, socket, seconds=seconds)


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


async def _exchange(bus: Bus, socket, *, seconds: int) -> tuple[list[float], list[float]]:
    """Publish scans of random people, one a message; returns the delays of both kinds of frames."""
    sent: dict[str, float] = {}
    seen: list[float] = []
    updated: list[float] = []
    wanted = EACH_SECOND * seconds

    async def hear() -> None:
        async for frame in socket:
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
    rnd = random.Random()
    people = rnd.sample(range(1, PEOPLE + 1), wanted)
    local = (datetime.now(UTC) + OFFSET).replace(tzinfo=None, microsecond=0)
    started = time.perf_counter()
    async with asyncio.TaskGroup() as tasks:
        for number, person in enumerate(people):
            await asyncio.sleep(max(0.0, started + number / EACH_SECOND - time.perf_counter()))
            event = msgspec.structs.replace(
                scan(rnd, person, local - timedelta(seconds=rnd.randrange(60))),
                mode="live",
                received_at=datetime.now(UTC),
            )
            body = encode_batch([(str(event.scan_id), event)], time=datetime.now(UTC))
            sent[f"EMP{person}"] = time.perf_counter()
            tasks.create_task(bus.publish(Message(id=str(uuid.uuid4()), type=TYPE, body=body, content_type=BATCH)))
    try:
        async with asyncio.timeout(15):
            await listener
    except TimeoutError:
        pass
    return seen, updated
