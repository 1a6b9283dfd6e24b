"""Many generic machines in one ingest process: memory a machine, scans a second, and how long the loop stands still."""

import asyncio
import json
import sys
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack

from services.ingest.vendors.generic.simulator import Device, Running, simulator
from tests.benchmarks.report import heading, line, say
from tests.servers import PostgresServer
from tests.servers.ports import free_port

MACHINES = 1_000
EACH_SECOND = 500
"""Scans of all of them together."""


async def bench_many(postgres: PostgresServer, *, seconds: int, machines: int = MACHINES) -> dict[str, float]:
    """Prints what one process needs for so many machines, half of which connect to it."""
    from deploy.catalogue import histories

    heading(f"{machines:,} generic machines in one ingest process, {EACH_SECOND} scans/s for {seconds} s")
    database = postgres.migrated(histories())
    try:
        async with AsyncExitStack() as stack:
            say("machines begin")
            ports = _free_ports()
            running = [await stack.enter_async_context(_machine(place, ports)) for place in range(machines)]
            places = [f"{one.side}:{one.port}" for one in running]
            scanning = asyncio.create_task(_scan(running))
            stack.callback(scanning.cancel)
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
    return found


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


async def _scan(machines: list[Running]) -> None:
    """People scan at one machine after the other, for ever."""
    loop = asyncio.get_running_loop()
    begun, number = loop.time(), 0
    while True:
        await asyncio.sleep(0.01)
        while number < (loop.time() - begun) * EACH_SECOND:
            one = machines[number % len(machines)]
            if len(one.device.entries) - len(one.device.safe) < 10:
                one.scan(f"{number % 10_000:05}")
            number += 1


async def _crowd(database: str, seconds: int, places: list[str]) -> dict[str, float]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.benchmarks.crowd", database, str(seconds), *places, stdout=asyncio.subprocess.PIPE
    )
    out, _ = await process.communicate()
    found: dict[str, float] = json.loads(out.splitlines()[-1])  # after its log
    return found
