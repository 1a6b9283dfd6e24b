"""What contact with machines needs from the outside: the lease on them, and what is kept beside the registry."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol

from services.ingest.domain.clock_line import Measurement

LEASE_LASTS: Final = 10.0
"""Seconds for which the lease stays with a holder of whom nothing is heard."""

STANDS_BACK: Final = 3.0
"""Seconds for which one who stood by does not take it after the server was away, as then everybody has lost it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """Who goes to the machines."""

    ours: bool
    holder: str
    """The host and process id of who does, where that is another process and known."""
    others: int
    """Processes beside this one that do, or would."""


class Lease(Protocol):
    """What one process at a time has."""

    async def ask(self) -> Word:
        """Take it where it is free; where it is ours, have that confirmed, which it needs within `LEASE_LASTS`.

        Who stood by, and lost sight of it, leaves it for `STANDS_BACK` to the one who had it and asks anew.

        Raises:
            Unavailable: nobody answers.
        """

    async def ended(self) -> None:
        """Return once it has ended without our doing, so that it is to be asked for at once."""

    async def release(self) -> None:
        """Let another have it at once. Never raises."""


@dataclass(frozen=True, slots=True)
class KeptMark:
    """How far the log of a machine was read."""

    machine_id: int
    revision: int
    """Of the machine as it was then: once somebody has changed it, the mark may be of another."""
    mark: str
    """In its driver's own words."""


class ReadMarkStore(Protocol):
    """Keeps them with the machines."""

    async def keep(self, marks: Sequence[KeptMark]) -> None:
        """In place of those before; not of machines that were changed meanwhile."""


class ClockMeasurements(Protocol):
    """What the clocks of machines were off by, as far as it is kept."""

    async def keep(self, machine_id: int, measurements: Sequence[Measurement]) -> None:
        """Keep these. Raises `Unavailable` where storage is away."""

    async def of(self, machine_id: int) -> Sequence[Measurement]:
        """Those of a machine, in order of time."""

    async def forget(self, *, before: datetime) -> None:
        """Those are long ago; and of a machine of which there are far too many, the oldest."""
