"""One ingest process with many machines: `python -m tests.benchmarks.crowd DATABASE SECONDS KIND:PORT …`, KIND being
client, server (generic machines) or zkteco. Prints JSON.

A process of its own, so that its memory and its loop are those of ingest alone.
"""

import asyncio
import json
import sys
import time
from typing import Any

import psutil
import uvloop

from deploy.running import settle_memory
from services.ingest.application.machines import Changes
from services.ingest.settings import Settings
from services.ingest.wiring import Parts, assemble
from shared.bus.port import Message
from shared.kernel.clock import SystemClock
from shared.observability.logs import configure_logs
from shared.runtime.hosting import hosted
from shared.storage.database import Database
from shared.web.tokens import Tokens
from tests.benchmarks.installation import SECRET
from tests.ingest.fakes import FakeBus

AT_ONCE = 100
"""Machines that are registered in one transaction."""
TICK = 0.001


class Counting(FakeBus):
    """Confirms at once and keeps nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.scans = 0

    async def publish(self, message: Message, *, timeout: float = 10.0) -> None:  # noqa: ASYNC109 - the port
        self.scans += message.body.count(b'"scan_id"')


class Stalls:
    """How long the loop was held up at most, by the wall clock and in the processor time of its own thread."""

    def __init__(self) -> None:
        self.wall = self.own = 0.0

    async def watch(self) -> None:
        while True:
            wall, own = time.perf_counter(), time.thread_time()
            await asyncio.sleep(TICK)
            self.wall = max(self.wall, time.perf_counter() - wall - TICK)
            self.own = max(self.own, time.thread_time() - own)


async def register(parts: Parts, places: list[str]) -> None:
    for start in range(0, len(places), AT_ONCE):
        async with parts.machines.work() as work:
            for number, place in enumerate(places[start : start + AT_ONCE], start):
                kind, port = place.split(":")
                changes: Changes = {
                    "machine_id": f"machine-{number}",
                    "machine_type": "zkteco",
                    "ip_address": "127.0.0.1",
                    "port": int(port),
                    "zone": "UTC",
                }
                if kind != "zkteco":
                    changes["machine_type"] = "generic"
                    changes["config"] = {"profile": "stx-etx", "connection": {"side": kind}}
                await parts.machines.register(work, changes)


async def measure(database: str, seconds: float, places: list[str]) -> dict[str, Any]:
    configure_logs(json=True)  # as in production
    bus, stalls = Counting(), Stalls()
    service, parts = assemble(
        Settings(timezone="UTC"),
        database=Database(database, schema="ingest"),
        bus=bus,
        clock=SystemClock(),
        tokens=Tokens(SECRET),
    )
    await register(parts, places)
    settle_memory()
    process = psutil.Process()
    before = process.memory_info().rss
    watching = asyncio.create_task(stalls.watch())
    began = time.perf_counter()
    async with hosted([service], bus):
        async with asyncio.timeout(120):
            while not _all_connected(parts, len(places)):  # noqa: ASYNC110 - nobody tells when the last one is
                await asyncio.sleep(0.05)
        connected_after, stall_connecting = time.perf_counter() - began, (stalls.wall, stalls.own)
        await asyncio.sleep(1)
        stalls.wall = stalls.own = 0.0
        scans, cpu, began = bus.scans, sum(process.cpu_times()[:2]), time.perf_counter()
        await asyncio.sleep(seconds)
        took = time.perf_counter() - began
        result = {
            "connected_after": connected_after,
            "still_connected": _all_connected(parts, len(places)),
            "scans": (bus.scans - scans) / took,
            "cpu": (sum(process.cpu_times()[:2]) - cpu) / took,
            "memory": process.memory_info().rss,
            "each": (process.memory_info().rss - before) / max(1, len(places)),
            "stall": stalls.own,
            "stall_wall": stalls.wall,
            "stall_connecting": stall_connecting[1],
        }
        watching.cancel()
    return result


def _all_connected(parts: Parts, machines: int) -> bool:
    watched = (parts.supervisor.watch_of(number) for number in range(1, machines + 1))
    return all(watch is not None and watch.connected for watch in watched)


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        sys.stdout.write(json.dumps(runner.run(measure(sys.argv[1], float(sys.argv[2]), sys.argv[3:]))))
