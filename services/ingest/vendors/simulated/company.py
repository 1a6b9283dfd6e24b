"""A company at any machine that is not there: what its people scanned, and what they scan from now on."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from datetime import datetime, timedelta
from itertools import count

from services.ingest.domain.reading import Reading
from services.ingest.vendors.simulated.people import anyone, working_day
from services.ingest.vendors.simulated.settings import SimulatedSettings

_LONGEST_PAUSE = 10.0
"""Seconds. The machine's clock may be set meanwhile."""

Wall = Callable[[], datetime]
"""What the machine's clock shows: naive."""
Scan = Callable[[Reading], Awaitable[object]]


def scanned(people: SimulatedSettings, now: datetime, *, since: datetime | None = None) -> Iterator[Reading]:
    """What they scanned up to now, in order: after `since`, or in the last `history_days` and today. Wall times."""
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    return _between(people, since if since is not None else midnight - timedelta(days=people.history_days), now)


async def come_and_go(people: SimulatedSettings, wall: Wall, scan: Scan) -> None:
    """They scan as on a working day, and besides that at `rate` a second, until cancelled."""
    async with asyncio.TaskGroup() as group:
        group.create_task(_working(people, wall, scan))
        if people.rate:
            group.create_task(_at_rate(people, wall, scan))


async def _at_rate(people: SimulatedSettings, wall: Wall, scan: Scan) -> None:
    clock = asyncio.get_running_loop()
    begun = clock.time()
    for number in count():
        await asyncio.sleep(max(0.0, begun + (number + 1) / people.rate - clock.time()))
        await scan(anyone(people, number, wall()))


async def _working(people: SimulatedSettings, wall: Wall, scan: Scan) -> None:
    seen = wall()
    while True:
        now = wall()
        for reading in _between(people, seen, now):
            await scan(reading)
        seen = now
        following = next(_between(people, now, now + timedelta(seconds=_LONGEST_PAUSE)), None)
        await asyncio.sleep((following.local_time - now).total_seconds() if following is not None else _LONGEST_PAUSE)


def _between(people: SimulatedSettings, after: datetime, until: datetime) -> Iterator[Reading]:
    day = after.date()
    while day <= until.date():
        for reading in working_day(people, day):
            if after < reading.local_time <= until:
                yield reading
        day += timedelta(days=1)
