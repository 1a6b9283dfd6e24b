"""Whose badge it is on a day."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """A badge is a person's from `since` to before `until`; a missing bound means always."""

    badge: str
    since: date | None = None
    until: date | None = None

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


def holder(candidates: Sequence[Person], badge: str, day: date) -> Person | None:
    """The one of `candidates` who holds `badge` on `day`."""
    return next(
        (person for person in candidates if any(h.badge == badge and h.holds_on(day) for h in person.badges)), None
    )
