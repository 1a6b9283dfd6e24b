"""Whom an event concerns, and so who may see it."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from shared.web.scope import Scope

Kind = Literal["everyone", "overseers", "person"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Audience:
    """`everyone` who listens; `overseers`, who see all; or who may see one `person`."""

    kind: Kind
    person: int | None = None
    unit_path: tuple[int, ...] = ()
    """The person's unit and those above it."""


EVERYONE = Audience(kind="everyone")
OVERSEERS = Audience(kind="overseers")
"""What is about no person that we know: machines, errors, scans of unknown badges."""


def about(person: int, unit_path: Iterable[int]) -> Audience:
    """Who may see this person."""
    return Audience(kind="person", person=person, unit_path=tuple(unit_path))


def may_see(scope: Scope, audience: Audience) -> bool:
    """Whether somebody with this scope belongs to the audience."""
    if audience.kind == "everyone" or scope.reach == "all":
        return True
    if audience.kind == "overseers" or scope.reach == "none":
        return False
    if scope.person is not None and scope.person == audience.person:
        return True
    return scope.reach == "units" and not set(scope.units).isdisjoint(audience.unit_path)
