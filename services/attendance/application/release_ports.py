"""What releasing scans needs from storage, and what became of each."""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple, Protocol
from uuid import UUID

from services.attendance.application.ports import Recording
from services.attendance.application.scan_list import ScanFacts
from services.attendance.domain.releases import AS_SAID, Correction, Quarantined, Release
from shared.web.idempotency import Answer, Key
from shared.web.scope import Caller, Scope


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What a person rules, and why."""

    reason: str
    correction: Correction = AS_SAID


class Result(StrEnum):
    """What became of a scan that was to be released."""

    RELEASED = "released"
    CORRECTED = "corrected"
    UNCHANGED = "unchanged"
    """It had been released just so."""
    REFUSED = "refused"


class Outcome(NamedTuple):
    """What became of one of many."""

    scan_id: UUID
    result: Result
    release: Release | None = None
    """In force now, by this ruling or by the one before."""
    error: str | None = None
    """Why it was refused."""


class ReleaseReading(Protocol):
    """One transaction that reads."""

    async def quarantined(self, ids: Sequence[UUID], scope: Scope) -> dict[UUID, Quarantined]:
        """Those of the scans that are quarantined, released or not, and the caller's to see."""

    async def is_there(self, scan_id: UUID, scope: Scope) -> bool:
        """Whether there is such a scan at all. Not fast: no index has the ids of all scans."""


class ReleaseWriting(Recording, Protocol):
    """One transaction that rules, and computes days as a worker does. It holds up the workers."""

    async def earlier_answer(self, key: Key) -> Answer | None:
        """What this request was answered before. Raises as `shared.web.idempotency.earlier` does."""

    async def keep_answer(self, key: Key, answer: Answer) -> None:
        """Keep the answer, in the transaction of its effect."""

    async def in_force(self, ids: Sequence[UUID], scope: Scope) -> dict[UUID, Release]:
        """The rulings in force about these scans."""

    async def withdraw(self, ids: Sequence[UUID], by: Caller, at: datetime) -> None:
        """End the rulings in force about these scans; that they were there, and who ended them, is kept."""

    async def add(self, rulings: Sequence[tuple[Quarantined, Release]]) -> None:
        """Put rulings in force about scans that have none."""

    async def count_unknown(self, badges: Sequence[str], now: datetime) -> None:
        """Count the scans of badges that nobody held anew."""

    async def scan(self, scan: Quarantined, now: datetime) -> ScanFacts:
        """The scan as lists show it."""


class ReleaseStore(Protocol):
    """Opens transactions."""

    def reading(self) -> AbstractAsyncContextManager[ReleaseReading]:
        """One look."""

    def ruling(self) -> AbstractAsyncContextManager[ReleaseWriting]:
        """Committed on leaving."""
