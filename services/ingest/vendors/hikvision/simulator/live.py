"""People at a simulated terminal: a company's history in its log, and its working day as it goes by."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from itertools import count

from services.ingest.domain.reading import Reading
from services.ingest.vendors.hikvision.simulator.device import STATES, Device, Entry
from services.ingest.vendors.hikvision.simulator.server import Running
from services.ingest.vendors.simulated.people import anyone
from services.ingest.vendors.simulated.people import working_day as scans_of_day
from services.ingest.vendors.simulated.settings import SimulatedSettings

_LONGEST_PAUSE = 10.0
"""Seconds. The terminal's clock may be set meanwhile."""

Heard = Callable[[Entry], object]


def inhabit(device: Device, people: SimulatedSettings, *, since: datetime | None = None) -> None:
    """Enrol a company's people, and write what they scanned up to now.

    That is after the wall time `since` or, without one, in the last `history_days` and today.
    """
    for person in range(people.count):
        device.enrol(people.badge_of(person))
    now = device.wall()
    midnight = now.replace(hour=0, minute=0, second=0)
    first = since if since is not None else midnight - timedelta(days=people.history_days)
    for reading in _between(people, first, now):
        device.record_at(reading.badge, reading.local_time, status=STATES[reading.state])


@asynccontextmanager
async def inhabited(
    running: Running, people: SimulatedSettings, *, heard: Heard = lambda _: None, working_day: bool = True
) -> AsyncIterator[None]:
    """While the context is open, people come and go as on a working day, and besides that at `rate` a second.

    `heard` is called after each scan.
    """
    async with asyncio.TaskGroup() as group:
        tasks = []
        if working_day:
            tasks.append(group.create_task(_working(running, people, heard)))
        if people.rate:
            tasks.append(group.create_task(_at_rate(running, people, heard)))
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()


async def _at_rate(running: Running, people: SimulatedSettings, heard: Heard) -> None:
    clock = asyncio.get_running_loop()
    begun = clock.time()
    for number in count():
        wait = begun + (number + 1) / people.rate - clock.time()
        if wait > 0:
            await asyncio.sleep(wait)
        await _scan(running, anyone(people, number, running.device.wall()), heard)


async def _working(running: Running, people: SimulatedSettings, heard: Heard) -> None:
    seen = running.device.wall()
    while True:
        now = running.device.wall()
        for reading in _between(people, seen, now):
            await _scan(running, reading, heard)
        seen = now
        following = next(_between(people, now, now + timedelta(seconds=_LONGEST_PAUSE)), None)
        pause = (following.local_time - now).total_seconds() if following is not None else _LONGEST_PAUSE
        await asyncio.sleep(pause)


async def _scan(running: Running, reading: Reading, heard: Heard) -> None:
    heard(await running.scan(reading.badge, status=STATES[reading.state]))


def _between(people: SimulatedSettings, after: datetime, until: datetime) -> Iterator[Reading]:
    """What the company scans after one wall time and up to another, in order."""
    day = after.date()
    while day <= until.date():
        for reading in scans_of_day(people, day):
            if after < reading.local_time <= until:
                yield reading
        day += timedelta(days=1)
