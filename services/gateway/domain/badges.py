"""Whose badge it is on a day."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """A badge is a person's from `since` to before `until`; a missing bound means always.

    With a machine it is so there alone, whoever else holds the number.
    """

    badge: str
    since: date | None = None
    until: date | None = None
    machine_id: int | None = None

    def holds_on(self, day: date) -> bool:
        return (self.since is None or self.since <= day) and (self.until is None or day < self.until)


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """What the gateway knows of a person."""

    id: int
    code: str
    name: str
    department: str | None = None
    unit_path: tuple[int, ...] = ()
    badges: tuple[Holding, ...] = ()
    removed: bool = False
    version: tuple[int, int] = (0, 0)
    """The higher is the newer."""


def holder(candidates: Sequence[Person], badge: str, machine_id: int, day: date) -> Person | None:
    """The one of `candidates` who holds `badge` on `day`: on this machine or, where nobody does, on all of them."""
    for where in (machine_id, None):
        for person in candidates:
            if any(h.badge == badge and h.machine_id == where and h.holds_on(day) for h in person.badges):
                return person
    return None
