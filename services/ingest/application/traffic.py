"""Noticing machines that are in contact, and silent at a time at which they usually are not."""

import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from services.ingest.application.ports import Counts, Registry
from services.ingest.application.standing import Standing
from services.ingest.domain.traffic import hours_of_interest, silence
from shared.kernel.clock import Clock
from shared.kernel.errors import Unavailable
from shared.observability.logs import get_logger

LOOK_EVERY: Final = 600.0
"""Seconds. What is found changes with the hours, which begin at other times in some zones."""

log = get_logger(__name__)


class Traffic:
    """Looks at all machines now and then, one after the other."""

    def __init__(
        self, registry: Registry, counts: Counts, clock: Clock, *, standing_of: Callable[[int], Standing | None]
    ) -> None:
        """`standing_of` is that of a machine that is in contact, by the way that counts; None where none is."""
        self._registry = registry
        self._counts = counts
        self._clock = clock
        self._standing_of = standing_of

    async def run(self) -> None:
        """Look every few minutes, until cancelled."""
        while True:
            await asyncio.sleep(LOOK_EVERY)
            try:
                await self.look()
            except Unavailable as error:
                log.warning("traffic.not_looked_at", reason=error.message)

    async def look(self) -> None:
        """Say of each machine in contact whether it is silent.

        Raises:
            Unavailable: storage is away; what was said stands.
        """
        now = self._clock.now()
        sites: dict[tuple[int, str], Mapping[datetime, int]] = {}
        for machine in await self._registry.all():
            standing = self._standing_of(machine.id)
            if standing is None or machine.paused:
                continue
            zone, place = ZoneInfo(machine.zone), (machine.site_id, machine.zone)
            hours = hours_of_interest(now, zone)
            own = await self._counts.arrivals(hours, machine_id=machine.id)
            if own and place not in sites:
                sites[place] = await self._counts.arrivals_at_site(hours, site_id=machine.site_id)
            site = sites.get(place, {})
            standing.silent(silence(own, site, last_scan_at=machine.last_scan_at, now=now, zone=zone))
