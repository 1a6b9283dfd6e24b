"""Reading a terminal's whole log, once: `python -m tests.benchmarks.reading own|pyzk PORT`. Prints JSON.

A process of its own, so that its memory is that of the reading alone.
"""

import asyncio
import json
import resource
import sys
import time
from datetime import UTC, datetime

from deploy.running import settle_memory
from services.ingest.domain.machine import Machine
from services.ingest.vendors.zkteco.driver import Zkteco
from shared.kernel.clock import SystemClock
from tests.ingest.fakes import FakeContact

TICK = 0.001


def peak() -> int:
    """The most memory that this process has had, in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


class Pulse:
    """How long the loop was held up at most, in the processor time of its thread: other processes do not count."""

    def __init__(self) -> None:
        self.longest = 0.0

    async def beat(self) -> None:
        while True:
            before = time.thread_time()
            await asyncio.sleep(TICK)
            self.longest = max(self.longest, time.thread_time() - before)


async def read_by(driver: str, port: int) -> dict[str, float]:
    """Read the log; seconds, bytes above the start, seconds for which the loop stood still, and records."""
    now = datetime.now(UTC)
    terminal = Machine(
        id=1,
        machine_id="bench",
        name="Bench",
        machine_type="zkteco",
        zone="UTC",
        ip_address="127.0.0.1",
        port=port,
        created_at=now,
        updated_at=now,
        config={"driver": driver, "answer_within": 60},
    )
    settle_memory()  # as every process of ours does at its start
    pulse, records = Pulse(), 0
    beating = asyncio.create_task(pulse.beat())
    await asyncio.sleep(0.1)
    pulse.longest, before, began = 0.0, peak(), time.perf_counter()
    async with Zkteco(SystemClock()).session(terminal, FakeContact()) as session:
        async for batch in session.batches():
            records += len(batch.readings)
            await session.acknowledge(batch)
            await asyncio.sleep(0)  # as the watch does
            if batch.complete_until is not None:
                break
        took = time.perf_counter() - began
    beating.cancel()
    return {"seconds": took, "memory": peak() - before, "stall": pulse.longest, "records": records}


if __name__ == "__main__":
    sys.stdout.write(json.dumps(asyncio.run(read_by(sys.argv[1], int(sys.argv[2])))))
