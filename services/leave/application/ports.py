"""What leave needs from storage."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from shared.contracts.people import PersonChanged
from shared.web.scope import Scope


@dataclass(frozen=True, slots=True)
class Held:
    """How much leave knows that a caller may see."""

    people: int
    left: int
    """Of these, people who have a last day."""


class People(Protocol):
    """The copy of attendance's people, kept by events."""

    async def apply(self, people: Sequence[PersonChanged]) -> None:
        """Keep each state that is newer than what is there; any order, any number of times."""

    async def held(self, scope: Scope) -> Held:
        """How many there are, as far as `scope` reaches."""
