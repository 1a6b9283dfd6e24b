"""What is known of a person, what somebody wants it to be, and the change that leads from one to the other."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from enum import Enum
from typing import Final

from services.attendance.application.directory import Span


class Unset(Enum):
    """A value that somebody did not mention, which is not the same as none."""

    UNSET = "unset"


UNSET: Final = Unset.UNSET
Text = str | None | Unset
Day = date | Unset | None

ALWAYS: Final = Span()


@dataclass(frozen=True, slots=True, kw_only=True)
class BadgeSpan:
    """A badge and when it is somebody's."""

    badge: str
    span: Span = ALWAYS
    machine: int | str | None = None
    """Where the number is theirs, by code or id; in a `Roster` by id. None: wherever it is nobody's by itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What a person should be. What is unset stays as it is."""

    code: str | Unset = UNSET
    name: str | Unset = UNSET
    email: Text = UNSET
    phone: Text = UNSET
    gender: Text = UNSET
    joined_on: Day = UNSET
    left_on: Day = UNSET
    department: str | int | Unset | None = UNSET
    """A name, which becomes a department if it is none yet, or a unit's id."""
    designation: Text = UNSET
    level_of_work: str | Unset = UNSET
    site: str | int | Unset = UNSET
    """A name or an id."""
    badges: Sequence[BadgeSpan] | Unset = UNSET
    """All of them."""
    badge: BadgeSpan | None = None
    """One beside those that the person has. Without dates it changes nothing where the person has it already."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a person belongs, and as what."""

    department: str | None = None
    designation: str | None = None
    level_of_work: str = "Worker"
    site_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What does not depend on a date."""

    code: str
    name: str
    email: str | None = None
    phone: str | None = None
    gender: str | None = None
    joined_on: date | None = None
    left_on: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """A person as they stand in the database."""

    id: int
    n: int
    facts: Facts
    removed: bool = False
    places: Sequence[tuple[Span, Place]] = ()
    badges: Sequence[tuple[int, BadgeSpan]] = ()
    """Each with the id of its row."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What has to be written for one person."""

    id: int | None
    """None: the person is new."""
    facts: Facts
    facts_changed: bool
    removed: bool = False
    places: Sequence[tuple[Span, Place]] = ()
    """Where the person belongs from `since` on; nothing where that stays."""
    since: date | None = None
    """None is always."""
    counts_differently: bool = False
    """The new place computes days by other rules."""
    drops: Sequence[tuple[int, BadgeSpan]] = ()
    adds: Sequence[BadgeSpan] = ()

    @property
    def changes(self) -> bool:
        return self.id is None or self.facts_changed or bool(self.places) or bool(self.drops or self.adds)


def codes_and_badges(drafts: Iterable[Draft]) -> tuple[list[str], list[str]]:
    """Whom and what a roster has to know for these drafts."""
    codes: list[str] = []
    badges: set[str] = set()
    for draft in drafts:
        if draft.code is not UNSET:
            codes.append(draft.code)
        if draft.badge is not None:
            badges.add(draft.badge.badge)
        if draft.badges is not UNSET:
            badges.update(badge.badge for badge in draft.badges)
    return codes, sorted(badges)


def with_level(level: str) -> str:
    """`worker` and `STAFF` as everybody writes them; other words stay as they are."""
    return {"worker": "Worker", "staff": "Staff"}.get(level.lower(), level)
