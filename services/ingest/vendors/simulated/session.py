"""One contact with a simulated machine: its log, then what people do from now on."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

from services.ingest.application.drivers import Contact
from services.ingest.domain.reading import Batch, Mode, Reading
from services.ingest.vendors.simulated.people import anyone, working_day
from services.ingest.vendors.simulated.settings import SimulatedSettings
from shared.kernel.clock import Clock

MOST = 500
TICK = 0.01
"""Seconds between looks at what is due, at a rate."""
SIGN_OF_LIFE = 5.0
"""Seconds after which a session with nothing to tell says at least that."""


class SimulatedSession:
    """Tells its log since `history_days` ago in time order, then the present, as a terminal does."""

    def __init__(self, settings: SimulatedSettings, zone: str, clock: Clock, contact: Contact) -> None:
        self._settings = settings
        self._zone = ZoneInfo(zone)
        self._clock = clock
        self._contact = contact
        self._told = 0

    async def batches(self) -> AsyncIterator[Batch]:
        self._contact.clock(timedelta(0))
        began = self._clock.now()
        async for batch in self._log(began):
            yield batch
        # The log ended at `began`: that, and nothing else, is what live goes on from.
        yield Batch(readings=(), mode=Mode.REPLAY, received_at=began, complete_until=began)
        async for batch in self._live(began):
            yield batch

    async def acknowledge(self, batch: Batch) -> None:
        """Nothing to move: a log that is read again is the same log."""

    async def _log(self, until: datetime) -> AsyncIterator[Batch]:
        settings, before = self._settings, None
        for readings in _pieces(self._between(until - timedelta(days=settings.history_days), until)):
            last = self._instant(readings[-1])
            if settings.speed and before is not None:
                await asyncio.sleep((last - before).total_seconds() / settings.speed)
            before = last
            self._contact.alive()
            yield Batch(readings=readings, mode=Mode.REPLAY, received_at=self._clock.now())

    async def _live(self, since: datetime) -> AsyncIterator[Batch]:
        settings, began = self._settings, since
        while True:
            await asyncio.sleep(TICK if settings.rate * TICK >= 1 else self._pause(since))
            now = self._clock.now()
            readings = list(self._between(since, now))
            due = int((now - began).total_seconds() * settings.rate) - self._told
            local = now.astimezone(self._zone).replace(tzinfo=None)
            readings += [anyone(settings, self._told + number, local) for number in range(due)]
            self._told += max(due, 0)
            since = now
            self._contact.alive()
            for piece in _pieces(iter(readings)):
                yield Batch(readings=piece, mode=Mode.LIVE, received_at=now)
            yield Batch(readings=(), mode=Mode.LIVE, received_at=now, complete_until=now)

    def _pause(self, since: datetime) -> float:
        """Seconds until something is due, at most a sign of life away."""
        pause = SIGN_OF_LIFE
        if self._settings.rate:
            pause = min(pause, 1 / self._settings.rate)
        following = next(self._between(since, since + timedelta(seconds=pause)), None)
        if following is not None:
            pause = min(pause, (self._instant(following) - self._clock.now()).total_seconds())
        return max(pause, 0.001)

    def _between(self, after: datetime, until: datetime) -> Iterator[Reading]:
        """Scans of working days after `after` up to `until`, in order."""
        if after >= until:
            return
        day = after.astimezone(self._zone).date()
        last = until.astimezone(self._zone).date()
        while day <= last:
            for reading in working_day(self._settings, day):
                if after < self._instant(reading) <= until:
                    yield reading
            day += timedelta(days=1)

    def _instant(self, reading: Reading) -> datetime:
        return reading.local_time.replace(tzinfo=self._zone).astimezone(UTC)


def _pieces(readings: Iterator[Reading]) -> Iterator[list[Reading]]:
    while piece := list(islice(readings, MOST)):
        yield piece
