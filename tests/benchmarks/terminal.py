"""A terminal with a long log, in a process of its own: `python -m tests.benchmarks.terminal PORT RECORDS`."""

import asyncio
import sys
from datetime import datetime, timedelta

from services.ingest.vendors.zkteco.simulator import Device, simulator
from services.ingest.vendors.zkteco.simulator.server import LARGE_SUB_PACKET

PEOPLE = 500
FIRST = datetime(2025, 1, 1)


def long_log(records: int) -> Device:
    """So many records of 40 bytes, a minute apart."""
    device = Device(users=[str(number) for number in range(1, PEOPLE + 1)], record_capacity=10 * records)
    for number in range(records):
        device.record_at(str(number % PEOPLE + 1), FIRST + timedelta(seconds=97 * number), state=number % 2)
    return device


async def main(port: int, records: int) -> None:
    # One packet a chunk, a millisecond apart: what pyzk reads without losing its place.
    async with simulator(long_log(records), port=port, sub_packet=LARGE_SUB_PACKET):
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), int(sys.argv[2])))
