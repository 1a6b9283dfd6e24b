"""Events about people, published by attendance."""

from datetime import date
from typing import ClassVar

import msgspec

from shared.contracts.event import Event, Version


class BadgeHeld(msgspec.Struct, frozen=True, kw_only=True):
    """A badge and when it is this person's; a missing bound means always, `until` is exclusive."""

    badge: str
    since: date | None = None
    until: date | None = None


class BadgeOnMachine(msgspec.Struct, frozen=True, kw_only=True):
    """A badge that is this person's on one machine alone: there it wins over who holds the same number elsewhere."""

    badge: str
    machine_id: int
    since: date | None = None
    until: date | None = None


class PersonChanged(Event, frozen=True, kw_only=True):
    """The present state of a person. Holds all of it; the highest `version` is true."""

    wire_type: ClassVar[str] = "attendance.person.changed.v1"

    person_id: int
    code: str
    """The company's own code, "EMP001"."""
    name: str
    email: str | None
    department: str | None
    unit_id: int | None
    unit_path: list[int]
    """The unit and those above it, nearest first."""
    designation: str | None
    level_of_work: str
    site_id: int
    joined_on: date | None
    left_on: date | None
    badges: list[BadgeHeld]
    """Those that hold on every machine, but for those on which somebody has the number by itself."""
    version: Version
    removed: bool = False
    machine_badges: list[BadgeOnMachine] = msgspec.field(default_factory=list)

    def subject(self) -> str:
        return self.code
