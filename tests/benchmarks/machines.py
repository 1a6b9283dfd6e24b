"""Machines: a long log next to pyzk; live scans through one connection and through a hundred; from machine to frame."""

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import asyncpg
import httpx

from services.ingest.vendors.zkteco.simulator import Device, Running, simulator
from shared.bus.opening import open_bus
from tests.benchmarks.company import PEOPLE, ZONE, hire
from tests.benchmarks.installation import administrator, fresh, service
from tests.benchmarks.live import EACH_SECOND, installation_of, percentiles, watched
from tests.benchmarks.report import heading, line, paired, rate, say
from tests.servers import PostgresServer, RabbitServer
from tests.servers.ports import free_port

RECORDS = 100_000
LIVE = 20_000
MANY = 100
LOOK_EVERY = 0.1


async def bench_log(*, rounds: int) -> None:
    """Prints seconds and memory for the log of one machine, by our own client and by pyzk."""
    heading(f"A log of {RECORDS:,} records of 40 bytes over TCP ({rounds} rounds)")
    port = free_port()
    with subprocess.Popen(  # noqa: ASYNC220 - nothing is being measured yet
        [sys.executable, "-m", "tests.benchmarks.terminal", str(port), str(RECORDS)], stdout=subprocess.PIPE
    ) as terminal:
        assert terminal.stdout is not None
        terminal.stdout.readline()
        found: dict[str, list[dict[str, float]]] = {"own": [], "pyzk": []}
        try:
            for number in range(rounds):
                for driver, results in found.items():
                    say(f"{driver}, round {number + 1} of {rounds}")
                    results.append(await _in_a_process(driver, port))
        finally:
            terminal.kill()
    rates = {driver: [each["records"] / each["seconds"] for each in results] for driver, results in found.items()}
    for driver, results in found.items():
        memory = max(each["memory"] for each in results) / 1e6
        stall = max(each["stall"] for each in results) * 1000
        ratio = f"{paired(rates[driver], rates['pyzk']):.1f} × pyzk" if driver == "own" else ""
        line(f"{driver}: records read", rate(rates[driver], "records/s"), ratio)
        line(f"{driver}: above the start; loop held up at most", f"{memory:.0f} MB; {stall:.0f} ms")


async def _in_a_process(driver: str, port: int) -> dict[str, float]:
    reading = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.benchmarks.reading", driver, str(port), stdout=asyncio.subprocess.PIPE
    )
    out, _ = await reading.communicate()
    result: dict[str, float] = json.loads(out)
    return result


async def bench_machines(postgres: PostgresServer, rabbit: RabbitServer, *, rounds: int, seconds: int) -> None:
    """Prints scans a second from machines to committed days, and the delay from a machine to a frame."""
    heading(f"Machine → committed day: {LIVE:,} live scans over ZKTeco's protocol ({rounds} rounds)")
    one, many = [], []
    for number in range(rounds):
        for connections, rates in ((1, one), (MANY, many)):
            say(f"{connections} connections, round {number + 1} of {rounds}")
            with fresh(postgres, rabbit) as (database, broker):
                await hire(database)
                rates.append(await _live(database, broker, connections))
    line("one connection", rate(one))
    line(f"{MANY} connections", rate(many), f"{paired(many, one):.2f} of one")

    heading(f"Machine → frame at {EACH_SECOND} scans/s for {seconds} s (the machine's event to the client's socket)")
    for name in ("five processes on RabbitMQ", "processes on PostgreSQL alone"):
        say(name)
        with fresh(postgres, rabbit) as (database, broker):
            await hire(database)
            bus_url = broker if "RabbitMQ" in name else database
            await _frames(name, database, bus_url, seconds)


async def _live(database: str, broker: str, connections: int) -> float:
    """Scans a second from the first event until the last scan is in a committed day."""
    async with AsyncExitStack() as stack:
        bus = await stack.enter_async_context(open_bus(broker, name="bench"))
        await bus.declare([])
        await stack.enter_async_context(service("attendance", database, broker))
        ingest, _ = await stack.enter_async_context(service("ingest", database, broker))
        terminals = await stack.enter_async_context(terminals_of(ingest, connections))
        pg = await asyncpg.connect(database)
        stack.push_async_callback(pg.close)
        began = time.perf_counter()
        await asyncio.gather(*(_scan(terminal, place, connections) for place, terminal in enumerate(terminals)))
        # Nothing tells from outside that the last one is committed.
        while await pg.fetchval("SELECT coalesce(sum(used + merged), 0) FROM attendance.days") < LIVE:  # noqa: ASYNC110
            await asyncio.sleep(LOOK_EVERY)
        return LIVE / (time.perf_counter() - began)


async def _scan(terminal: Running, place: int, connections: int) -> None:
    """This terminal's part of all scans: other people at each, and another key each time somebody comes again."""
    for number in range(place, LIVE, connections):
        round_, person = divmod(number, PEOPLE)
        await terminal.scan(str(person + 1), state=round_)


@asynccontextmanager
async def terminals_of(ingest: str, number: int) -> AsyncIterator[Sequence[Running]]:
    """So many terminals, registered and live."""
    people = [str(person) for person in range(1, PEOPLE + 1)]
    async with AsyncExitStack() as stack, httpx.AsyncClient(base_url=ingest, headers=administrator()) as client:
        terminals = [
            await stack.enter_async_context(simulator(Device(zone=ZONE, users=people, serial=f"B{place}"), pace=0))
            for place in range(number)
        ]
        for place, terminal in enumerate(terminals):
            body: dict[str, Any] = {
                "machine_id": f"gate-{place}",
                "machine_type": "zkteco",
                "ip_address": "127.0.0.1",
                "port": terminal.port,
                "zone": ZONE,
            }
            (await client.post("/api/attendance/machines/", json=body)).raise_for_status()
        async with asyncio.timeout(60):
            while not all(terminal.listeners for terminal in terminals):  # noqa: ASYNC110 - they are other processes
                await asyncio.sleep(0.05)
        yield terminals


async def _frames(name: str, database: str, bus_url: str, seconds: int) -> None:
    async with installation_of(database, bus_url) as system, terminals_of(system.ingest, 1) as (terminal,):

        async def send(person: int) -> None:
            await terminal.scan(str(person))

        await watched(system, send, seconds=3)  # warm: statements prepared, caches filled
        seen, updated = await watched(system, send, seconds=seconds)
    percentiles(name, seen, updated, wanted=EACH_SECOND * seconds)
