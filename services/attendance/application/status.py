"""How attendance is doing."""

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple, Protocol

from services.attendance.application.rulebook import Rulebook
from shared.kernel.clock import Clock
from shared.kernel.errors import Unavailable

QueueDepth = Callable[[], Awaitable[int | None]]
"""How many messages with scans wait for a worker; None where nobody can say."""


class Machines(NamedTuple):
    """How many machines there are, and how many of them are in contact."""

    total: int
    connected: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemStatus:
    """The present state. `queue_size` is None where the bus is away."""

    business_date: date
    zone: str
    """Of the main site, in which the business date and all times of days are."""
    machines: Machines
    queue_size: int | None
    recomputations: int
    at: datetime


class StatusReading(Protocol):
    """One transaction that reads."""

    async def rulebook(self, now: datetime) -> Rulebook:
        """The rules of all sites."""

    async def machines(self) -> Machines:
        """All that are not removed."""

    async def recomputations(self) -> int:
        """How many notes of days to compute again wait."""


class StatusReads(Protocol):
    """Opens transactions that read the state."""

    def reading(self) -> AbstractAsyncContextManager[StatusReading]:
        """One consistent look."""


class Status:
    """Tells the state. It is nobody's data: every caller may know."""

    def __init__(self, reads: StatusReads, clock: Clock, queue_depth: QueueDepth) -> None:
        self._reads = reads
        self._clock = clock
        self._queue_depth = queue_depth

    async def now(self) -> SystemStatus:
        """The present state."""
        async with self._reads.reading() as reading:
            rules = await reading.rulebook(self._clock.now())
            machines, recomputations = await reading.machines(), await reading.recomputations()
        try:
            waiting = await self._queue_depth()
        except Unavailable:
            waiting = None
        return SystemStatus(
            business_date=rules.today(),
            zone=rules.zone(rules.main_site),
            machines=machines,
            queue_size=waiting,
            recomputations=recomputations,
            at=rules.now,
        )
