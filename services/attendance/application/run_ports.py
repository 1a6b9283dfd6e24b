"""What runs need from storage."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, NamedTuple, Protocol
from uuid import UUID

from services.attendance.application.difference import Change
from services.attendance.application.listing import Page
from services.attendance.application.looking import Part
from services.attendance.application.rulebook import Rulebook
from services.attendance.application.runs import Run, RunKind, Selection
from shared.web.idempotency import Answer, Key
from shared.web.lists import Window


@dataclass(frozen=True, slots=True, kw_only=True)
class NewRun:
    """A run that somebody asks for."""

    id: UUID
    kind: RunKind
    selection: Mapping[str, Any]
    draft: Mapping[str, Any] | None
    people: Sequence[int]
    since: date
    until: date
    reason: str | None
    asked_by: int
    asked_by_name: str
    asked_at: datetime
    of_run: UUID | None = None


class LookRun(NamedTuple):
    """A run that only looks, as whoever works at it needs it."""

    id: UUID
    draft: Mapping[str, Any] | None
    people: Sequence[int]
    since: date
    until: date
    people_done: int
    rules_n: int | None
    totals: Mapping[str, Any] | None


class ChangeFacts(NamedTuple):
    """A change with whom it is about."""

    change: Change
    code: str
    name: str
    department: str | None


class RunReading(Protocol):
    """One transaction that reads."""

    async def rulebook(self, now: datetime) -> Rulebook:
        """The rules of all sites."""

    async def selected(self, selection: Selection, since: date, until: date) -> Sequence[int]:
        """Who is meant, by their ids: those to whom all of it applied on any of the dates.

        Raises:
            Malformed: something that is named is not known.
        """

    async def first_day(self) -> date | None:
        """The first date of which anything is stored that may be a day."""

    async def run(self, id_: UUID) -> Run | None:
        """The run with this id."""

    async def runs(self, kind: str | None, state: str | None, asked: Window) -> Page[Run]:
        """A page of runs."""

    async def changes(self, id_: UUID, asked: Window) -> Page[ChangeFacts]:
        """A page of what a run found."""

    async def changes_after(self, id_: UUID, last: tuple[date, int] | None, most: int) -> Sequence[ChangeFacts]:
        """Those behind a date and a person, in this order."""


class RunWriting(RunReading, Protocol):
    """One transaction that changes runs. The rules stay as they are meanwhile."""

    @property
    def rules_n(self) -> int:
        """Their revision."""

    async def earlier_answer(self, key: Key) -> Answer | None:
        """What this request was answered before. Raises as `shared.web.idempotency.earlier` does."""

    async def keep_answer(self, key: Key, answer: Answer) -> None:
        """Keep the answer, in the transaction of its effect."""

    async def add(self, run: NewRun) -> None:
        """A run that waits; one that changes days with the note that asks for them."""

    async def add_done(self, run: NewRun, part: Part, n: int) -> None:
        """A run that only looked, by the rules at `n`, and has been worked off already."""

    async def people_of(self, id_: UUID) -> Sequence[int]:
        """Whose days a run is about."""

    async def cancel(self, id_: UUID, at: datetime) -> None:
        """Nobody wants it any more; days that it changed stay as they are."""


class RunStore(Protocol):
    """Opens transactions."""

    def reading(self) -> AbstractAsyncContextManager[RunReading]:
        """One look."""

    def writing(self) -> AbstractAsyncContextManager[RunWriting]:
        """Committed on leaving."""


class Looks(Protocol):
    """Runs that only look and are worked at in the background, oldest first."""

    def oldest(self) -> AbstractAsyncContextManager[LookRun | None]:
        """The oldest that is not done, held by this process while the context is open; None where there is none."""

    async def begun(self, id_: UUID, n: int, *, changed: bool) -> None:
        """It is looked by the rules at `n`; `changed` says that these are others than at its beginning."""

    async def took(self, run: LookRun, people: int, part: Part, totals: Mapping[str, Any]) -> bool:
        """Keep what the next people's days come to, and all of it until now; False where it is wanted no more."""

    async def finished(self, id_: UUID, problem: str | None = None) -> None:
        """It is done, or cannot be."""

    async def tell(self, run_id: UUID, at: datetime) -> None:
        """Announce how far a run is."""

    async def forget(self, before: datetime) -> None:
        """Forget what was asked for before that and is over."""
