"""What reports needs from storage."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol

from shared.contracts.days import DayUpdated
from shared.contracts.people import PersonChanged
from shared.web.scope import Scope


@dataclass(frozen=True, slots=True)
class HeldFacts:
    """The days of the last month held, as far as a caller may see them."""

    last: date | None
    days: int
    """Facts of the 31 days up to `last`."""
    computed_at: datetime | None
    """When attendance computed the newest of them."""


class Facts(Protocol):
    """A fact a person and day, kept by attendance's events."""

    async def apply(self, days: Sequence[DayUpdated]) -> None:
        """Keep each state that is newer than what is there; any order, any number of times."""

    async def held(self, scope: Scope) -> HeldFacts:
        """What there is, as far as `scope` reaches."""


class People(Protocol):
    """The copy of attendance's people, kept by events."""

    async def apply(self, people: Sequence[PersonChanged]) -> None:
        """Keep each state that is newer than what is there; any order, any number of times."""

    async def count(self, scope: Scope) -> int:
        """How many there are, as far as `scope` reaches."""
