"""What is asked and answered about people, and the ports that keep them."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import date, datetime
from typing import Generic, NamedTuple, Protocol, TypeVar

from services.attendance.application.announce import PersonState
from services.attendance.application.listing import Page
from services.attendance.application.people_file import RowError
from services.attendance.application.person import Change, Known
from services.attendance.application.roster import Roster
from services.attendance.application.rulebook import Rulebook
from shared.web.idempotency import Answer, Key
from shared.web.lists import Window
from shared.web.scope import Scope

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedPeople:
    """Which people are asked for."""

    department: str | None = None
    level_of_work: str | None = None
    active: bool | None = None
    """Employed today, or not."""
    search: str | None = None


class Department(NamedTuple):
    """A unit of that kind."""

    id: int
    name: str
    parent_id: int | None
    people: int
    """Who belong to it today."""


class PlannedRow(NamedTuple):
    """What becomes of a row: `create`, `update`, `unchanged`, or `skip` where something is wrong with it."""

    line: int
    employee_id: str
    name: str
    action: str


@dataclass(slots=True, kw_only=True)
class Import:
    """What an import did, or would do."""

    read: int = 0
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    errors: list[RowError]
    warnings: list[RowError]
    ignored_columns: Sequence[str] = ()
    dry_run: bool = False
    rows: list[PlannedRow]
    """By line."""
    header: Sequence[str] = ()
    cells: Mapping[int, Sequence[str]]
    """Of each row, as they came."""

    @property
    def skipped(self) -> int:
        return len({error.line for error in self.errors})


@dataclass(frozen=True, slots=True)
class Once(Generic[T]):
    """A request that may be sent again, and how what it leads to is answered."""

    key: Key | None
    shown: Callable[[T], Answer]


class PeopleReading(Protocol):
    """One transaction that reads people as they are today."""

    async def rulebook(self, now: datetime) -> Rulebook:
        """The rules of all sites."""

    async def unit(self, text: str) -> int | None:
        """The id of the unit with this name or id."""

    async def people(
        self, wanted: WantedPeople, unit_id: int | None, today: date, scope: Scope, asked: Window
    ) -> Page[PersonState]:
        """A page of people who are not removed."""

    async def one(self, person_id: int, today: date, scope: Scope) -> PersonState | None:
        """A person who is not removed and the caller's to see."""

    async def departments(self, today: date, scope: Scope, asked: Window) -> Page[Department]:
        """A page of departments."""

    async def roster(
        self, today: date, main_site: int, codes: Sequence[str], badges: Sequence[str], ids: Sequence[int] = ()
    ) -> tuple[Roster, dict[int, Known]]:
        """What is known of people with these codes and ids, and of who holds these badges."""

    async def person(self, wanted: int | str) -> int | None:
        """The id of the person of this id; a text may be their code as well. None where there is none."""

    async def is_unknown_badge(self, badge: str) -> bool:
        """Whether scans of it wait for somebody to hold it."""


class PeopleWriting(PeopleReading, Protocol):
    """One transaction that changes people; nobody else does meanwhile, and no day is computed."""

    async def earlier_answer(self, key: Key) -> Answer | None:
        """What this request was answered before. Raises as `shared.web.idempotency.earlier` does."""

    async def keep_answer(self, key: Key, answer: Answer) -> None:
        """Keep the answer, in the transaction of its effect."""

    async def apply(self, changes: Sequence[Change], rules: Rulebook, reason: str) -> list[int]:
        """Write the changes, tell others of them, and see to it that the days they touch are computed again.

        Returns the people's ids, in the order of the changes.
        """


class PeopleStore(Protocol):
    """Opens transactions."""

    def reading(self) -> AbstractAsyncContextManager[PeopleReading]:
        """One consistent look."""

    def changing(self) -> AbstractAsyncContextManager[PeopleWriting]:
        """Committed on leaving."""
