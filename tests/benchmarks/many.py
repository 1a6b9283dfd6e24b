"""Many machines in one ingest process: memory a machine, scans a second, and how long the loop stands still."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from datetime import datetime, timedelta

from services.ingest.vendors.generic.simulator import Device, Running, simulator
from services.ingest.vendors.zkteco import simulator as zkteco
from tests.benchmarks.report import heading, line, say
from tests.servers import PostgresServer
from tests.servers.ports import free_port

GENERIC, ZKTECO = 1_000, 200
PEOPLE = 50
LOG = 100
"""Records that each ZKTeco terminal holds from before."""
EACH_SECOND = 600
"""Scans of all of them together."""


async def bench_many(postgres: PostgresServer, *, seconds: int) -> None:
    """Prints what one process needs for so many machines. Half of the generic ones connect to it."""
    from deploy.catalogue import histories

    heading(
        f"{GENERIC:,} generic and {ZKTECO} ZKTeco machines in one ingest process, {EACH_SECOND} scans/s for {seconds} s"
    )
    database = postgres.migrated(histories())
    try:
        async with AsyncExitStack() as stack:
            say("machines begin")
            ports = _free_ports()
            generic = [await stack.enter_async_context(_machine(place, ports)) for place in range(GENERIC)]
            terminals = [await stack.enter_async_context(_terminal(place)) for place in range(ZKTECO)]
            places = [*(f"{one.side}:{one.port}" for one in generic), *(f"zkteco:{one.port}" for one in terminals)]
            for scanning in (_scan(generic), _scan_live(terminals)):
                stack.callback(asyncio.create_task(scanning).cancel)
            found = await _crowd(postgres.url_of(database), seconds, places)
    finally:
        postgres.drop(database)
    line("all connected after the start of ingest", f"{found['connected_after']:.1f} s")
    line(
        "scans, each acknowledged once it was published",
        f"{found['scans']:,.0f} scans/s",
        f"{found['cpu']:.0%} of a core",
    )
    line("memory of the process; for each machine", f"{found['memory'] / 1e6:.0f} MB; {found['each'] / 1e3:.0f} kB")
    line(
        "loop held up at most, by its own work",
        f"{found['stall'] * 1000:.0f} ms",
        f"{found['stall_wall'] * 1000:.0f} ms by the clock; while all connect {found['stall_connecting'] * 1000:.0f}",
    )
    if not found["still_connected"]:
        line("NOT all machines stayed connected", "")


def _free_ports() -> Iterator[int]:
    """Each once: so many taken at random would meet each other."""
    taken: set[int] = set()
    while True:
        if (port := free_port()) not in taken:
            taken.add(port)
            yield port


def _machine(place: int, ports: Iterator[int]) -> AbstractAsyncContextManager[Running]:
    side = "client" if place % 2 else "server"
    device = Device({"profile": "stx-etx", "connection": {"side": side}}, serial=f"R{place}")
    return simulator(device, port=next(ports))


def _terminal(place: int) -> AbstractAsyncContextManager[zkteco.Running]:
    device = zkteco.Device(zone="UTC", users=[str(person) for person in range(1, PEOPLE + 1)], serial=f"Z{place}")
    for number in range(LOG):
        device.record_at(
            str(1 + number % PEOPLE), datetime(2026, 1, 5, 8) + timedelta(minutes=number), state=number % 2
        )
    return zkteco.simulator(device, pace=0)


async def _scan(machines: Sequence[Running]) -> None:
    """People scan at one machine after the other, for ever."""
    async for number in _in_time(EACH_SECOND * GENERIC / (GENERIC + ZKTECO)):
        one = machines[number % len(machines)]
        if len(one.device.entries) - len(one.device.safe) < 10:
            one.scan(f"{number % 10_000:05}")


async def _scan_live(terminals: Sequence[zkteco.Running]) -> None:
    """The same at ZKTeco's: another person each time, and another key each time that somebody comes again."""
    async for number in _in_time(EACH_SECOND * ZKTECO / (GENERIC + ZKTECO)):
        terminal = terminals[number % len(terminals)]
        if terminal.listeners:
            visit = number // len(terminals)
            await terminal.scan(str(1 + visit % PEOPLE), state=visit // PEOPLE % 250)


async def _in_time(each_second: float) -> AsyncIterator[int]:
    """0, 1, 2 …, so many a second."""
    loop = asyncio.get_running_loop()
    begun, number = loop.time(), 0
    while True:
        await asyncio.sleep(0.01)
        while number < (loop.time() - begun) * each_second:
            yield number
            number += 1


async def _crowd(database: str, seconds: int, places: list[str]) -> dict[str, float]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.benchmarks.crowd", database, str(seconds), *places, stdout=asyncio.subprocess.PIPE
    )
    out, _ = await process.communicate()
    found: dict[str, float] = json.loads(out.splitlines()[-1])  # after its log
    return found
