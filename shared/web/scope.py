"""How far a caller may see. Every query takes one as an argument, and filters by it in SQL."""

from dataclasses import dataclass, field
from typing import Literal

Reach = Literal["all", "units", "sessions", "own", "none"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """What part of the data a caller may see.

    `all` is everything. `units` is the people of these units and of those below them, and oneself. `sessions` is a
    trainer's sessions, and oneself. `own` is oneself. `none` is nothing.
    """

    reach: Reach
    units: tuple[int, ...] = field(default=())
    person: int | None = None

    @classmethod
    def everything(cls) -> "Scope":
        """For work that is done on nobody's behalf."""
        return cls(reach="all")


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who is calling, as their token says."""

    user: int
    username: str
    roles: frozenset[str]
    person: int | None = None
    units: tuple[int, ...] = ()

    @property
    def scope(self) -> Scope:
        """The widest reach that any of the roles gives."""
        if self.roles & SEES_ALL:
            return Scope(reach="all", person=self.person)
        if "department_head" in self.roles:
            return Scope(reach="units", units=self.units, person=self.person)
        if "trainer" in self.roles:
            return Scope(reach="sessions", person=self.person)
        if self.person is not None:
            return Scope(reach="own", person=self.person)
        return Scope(reach="none")


ROLES = ("super_admin", "hr", "department_head", "trainer", "employee", "device")
SEES_ALL = frozenset({"super_admin", "hr"})
"""Super admin and HR staff see everyone. A system (`device`) may hand in scans and sees nothing."""
