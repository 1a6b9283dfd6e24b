"""People at a simulated machine, and what it says although nobody comes."""

import asyncio
from collections.abc import Callable, Mapping
from datetime import timedelta
from itertools import count
from typing import Final

from services.ingest.vendors.generic.simulator.device import Device, Entry
from services.ingest.vendors.generic.simulator.encoding import framed
from services.ingest.vendors.generic.simulator.peer import Running
from services.ingest.vendors.simulated.people import anyone, working_day
from services.ingest.vendors.simulated.settings import SimulatedSettings

HEARTBEATS: Final[Mapping[str, str]] = {"json-lines": '{"type":"heartbeat"}', "csv": "PING", "stx-etx": "HB"}
"""What is taken for a heartbeat by the ready-made profiles that know of one."""


def heartbeat(device: Device, text: str) -> bytes:
    """It as the machine sends it."""
    return framed(device.settings.framing, text.encode(device.settings.decoding.encoding, "replace"))


def inhabit(device: Device, people: SimulatedSettings) -> None:
    """Write what a company's people scanned in the last `history_days`, and today up to now."""
    now = device.wall()
    for back in range(people.history_days, -1, -1):
        for reading in working_day(people, now.date() - timedelta(days=back)):
            if reading.local_time <= now:
                device.record_at(reading.badge, reading.local_time, state=device.state_of(reading.type))


async def at_rate(
    running: Running, people: SimulatedSettings, heard: Callable[[Entry], object] = lambda _: None
) -> None:
    """People scan in turn, `rate` a second, for ever."""
    clock = asyncio.get_running_loop()
    begun = clock.time()
    for number in count():
        wait = begun + (number + 1) / people.rate - clock.time()
        if wait > 0:
            await asyncio.sleep(wait)
        reading = anyone(people, number, running.device.wall())
        heard(running.scan(reading.badge, state=running.device.state_of(reading.type)))
