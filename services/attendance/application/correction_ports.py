"""What correcting days needs from storage, and what is kept of a correction."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple, Protocol

from services.attendance.application.day_facts import Record
from services.attendance.application.directory import Holder
from services.attendance.application.listing import Page
from services.attendance.application.ports import Recording
from services.attendance.domain.correction_states import State
from services.attendance.domain.corrections import KINDS, Correction, Edge, Kind, Said
from services.attendance.domain.edits import New
from shared.web.idempotency import Answer, Key
from shared.web.lists import Window
from shared.web.scope import Scope

Figures = Mapping[str, object]
"""Of a stored day, by the names of its columns."""


class Deed(NamedTuple):
    """Who did something, when and why."""

    user: int
    name: str
    at: datetime
    reason: str | None


class CorrectionFacts(NamedTuple):
    """A correction with whom it is about and what became of it."""

    id: int
    n: int
    person_id: int
    code: str
    name: str
    date: date
    said: Said
    edge: Edge | None
    state: State
    asked: Deed
    decided: Deed | None
    withdrawn: Deed | None
    before: Figures | None
    after: Figures | None

    @property
    def kind(self) -> Kind:
        return KINDS[type(self.said)]

    @property
    def in_force(self) -> Correction:
        """As it counts, or counted, once it was approved."""
        assert self.decided is not None  # noqa: S101 - the caller has looked
        return Correction(
            id=self.id,
            said=self.said,
            reason=self.asked.reason or "",
            asked_by=self.asked.name,
            asked_at=self.asked.at,
            decided_by=self.decided.name,
            decided_at=self.decided.at,
            edge=self.edge,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedCorrections:
    """Which corrections are asked for. Dates are of the days that they are about."""

    employee: str | None = None
    """A person's id, or their code."""
    state: str | None = None
    kind: str | None = None
    since: date | None = None
    until: date | None = None
    """Inclusive."""
    search: str | None = None


class CorrectionReading(Protocol):
    """One transaction that reads."""

    async def person(self, text: str, scope: Scope) -> int | None:
        """The id of the person with this id, or else this code; None where the caller sees none."""

    async def listed(
        self, wanted: WantedCorrections, person_id: int | None, scope: Scope, asked: Window
    ) -> Page[CorrectionFacts]:
        """A page of corrections."""

    async def one(self, id_: int, scope: Scope) -> CorrectionFacts | None:
        """The correction with this id, if the caller may see it."""


class CorrectionWriting(CorrectionReading, Recording, Protocol):
    """One transaction that corrects, and computes days as a worker does."""

    async def earlier_answer(self, key: Key) -> Answer | None:
        """What this request was answered before. Raises as `shared.web.idempotency.earlier` does."""

    async def keep_answer(self, key: Key, answer: Answer) -> None:
        """Keep the answer, in the transaction of its effect."""

    async def holder(self, person_id: int, on: date, scope: Scope) -> Holder | None:
        """The person with all assignments and badges; None where they are not the caller's to see on that date."""

    async def stored(self, person_id: int, on: date) -> tuple[int, Figures | None]:
        """The version and the figures of the day as it is stored; 0 and None where it is not."""

    async def alike(self, person_id: int, on: date, what: Said) -> tuple[int, State] | None:
        """The correction that waits or is in force and says the same: of the same scan or instant, of any type."""

    async def asked_in_month(self, person_id: int, user: int, on: date) -> int:
        """How many corrections of days of that month the user has asked for, those that came to nothing aside."""

    async def add(self, person_id: int, on: date, new: Sequence[New], state: State, asked: Deed) -> list[int]:
        """Keep corrections; those that are approved at once, by who asks."""

    async def turn(self, ids: Sequence[int], state: State, deed: Deed) -> None:
        """Bring corrections into another state."""

    async def keep_figures(self, ids: Sequence[int], before: Figures, after: Figures) -> None:
        """Keep what the corrections made of the day."""

    async def tell(self, ids: Sequence[int], at: datetime) -> list[CorrectionFacts]:
        """Put the state of corrections into the outbox; returns it, in the order of the ids."""

    async def record(self, person_id: int, on: date, scope: Scope, now: datetime) -> Record:
        """The day as records show it."""


class CorrectionStore(Protocol):
    """Opens transactions."""

    def reading(self) -> AbstractAsyncContextManager[CorrectionReading]:
        """One look."""

    def correcting(self) -> AbstractAsyncContextManager[CorrectionWriting]:
        """Committed on leaving."""
