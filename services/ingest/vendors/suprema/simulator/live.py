"""People at the machines of a simulated BioStar server: a company's history, and its working day as it goes by."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from itertools import count
from typing import Final

from services.ingest.domain.reading import Reading
from services.ingest.vendors.simulated.people import anyone
from services.ingest.vendors.simulated.people import working_day as scans_of_day
from services.ingest.vendors.simulated.settings import SimulatedSettings
from services.ingest.vendors.suprema.simulator.server import Running
from services.ingest.vendors.suprema.simulator.store import Row, Store

KEYS: Final[Mapping[str, str]] = {"0": "1", "1": "2"}
"""The T&A key of what simulated people do."""
_LONGEST_PAUSE = 10.0
"""Seconds. The machines' clocks may be set meanwhile."""

Heard = Callable[[Row], object]


def inhabit(store: Store, people: SimulatedSettings) -> None:
    """Enrol a company's people, and write what they scanned in the last `history_days` and today, up to now."""
    for person in range(people.count):
        store.enrol(people.badge_of(person))
    now = store.wall()
    midnight = now.replace(hour=0, minute=0, second=0)
    for reading in _between(people, midnight - timedelta(days=people.history_days), now):
        store.record_at(reading.badge, reading.local_time, key=_key(reading))


@asynccontextmanager
async def inhabited(
    running: Running, people: SimulatedSettings, *, heard: Heard = lambda _: None
) -> AsyncIterator[None]:
    """While the context is open, people come and go as on a working day, and besides that at `rate` a second.

    `heard` is called after each scan.
    """
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(_working(running, people, heard))]
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
        await _scan(running, anyone(people, number, running.store.wall()), heard)


async def _working(running: Running, people: SimulatedSettings, heard: Heard) -> None:
    seen = running.store.wall()
    while True:
        now = running.store.wall()
        for reading in _between(people, seen, now):
            await _scan(running, reading, heard)
        seen = now
        following = next(_between(people, now, now + timedelta(seconds=_LONGEST_PAUSE)), None)
        pause = (following.local_time - now).total_seconds() if following is not None else _LONGEST_PAUSE
        await asyncio.sleep(pause)


async def _scan(running: Running, reading: Reading, heard: Heard) -> None:
    heard(await running.scan(reading.badge, key=_key(reading)))


def _key(reading: Reading) -> str:
    return KEYS.get(reading.state, "0")


def _between(people: SimulatedSettings, after: datetime, until: datetime) -> Iterator[Reading]:
    """What the company scans after one wall time and up to another, in order."""
    day = after.date()
    while day <= until.date():
        for reading in scans_of_day(people, day):
            if after < reading.local_time <= until:
                yield reading
        day += timedelta(days=1)
