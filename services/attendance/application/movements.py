"""Who joined the company and who leaves it, in a range of dates."""

from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple, Protocol

from services.attendance.application.listing import Page
from services.attendance.application.rulebook import Rulebook
from shared.kernel.clock import Clock
from shared.kernel.errors import Malformed
from shared.web.lists import Window
from shared.web.scope import Scope


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedMovements:
    """Which are asked for. Without dates it is the present month."""

    since: date | None = None
    until: date | None = None
    """Inclusive."""
    kind: str | None = None
    department: str | None = None


class Movement(NamedTuple):
    """Somebody's first or last day, with the person as they were on it."""

    kind: str
    """joined or left."""
    date: date
    person_id: int
    code: str
    name: str
    department: str | None
    designation: str | None
    level_of_work: str
    site_id: int | None
    badges: list[str]
    """Of who leaves: those that are theirs beyond that day, to be taken back."""


class MovementReading(Protocol):
    """One transaction that reads."""

    async def rulebook(self, now: datetime) -> Rulebook:
        """The rules of all sites."""

    async def unit(self, text: str) -> int | None:
        """The id of the unit with this id or name."""

    async def movements(
        self, since: date, until: date, *, kind: str | None, unit_id: int | None, scope: Scope, asked: Window
    ) -> Page[Movement]:
        """A page of them."""


class MovementReads(Protocol):
    """Opens transactions that read."""

    def reading(self) -> AbstractAsyncContextManager[MovementReading]:
        """One consistent look."""


class Movements:
    """Joiners and leavers."""

    def __init__(self, reads: MovementReads, clock: Clock) -> None:
        self._reads = reads
        self._clock = clock

    async def listed(self, wanted: WantedMovements, scope: Scope, asked: Window) -> Page[Movement]:
        """Who joined and who left in these dates.

        Raises:
            Malformed: there is no such department, or the dates are the wrong way round.
        """
        async with self._reads.reading() as reading:
            unit_id = None
            if wanted.department is not None and (unit_id := await reading.unit(wanted.department)) is None:
                raise _bad("department", f"there is no department {wanted.department[:80]!r}")
            today = (await reading.rulebook(self._clock.now())).today()
            since = wanted.since or (wanted.until or today).replace(day=1)
            until = wanted.until or _end_of_month(since if wanted.since else today)
            if until < since:
                raise _bad("date_to", f"{until} lies before date_from, {since}")
            return await reading.movements(since, until, kind=wanted.kind, unit_id=unit_id, scope=scope, asked=asked)


def _end_of_month(day: date) -> date:
    following = date(day.year + day.month // 12, day.month % 12 + 1, 1)
    return date.fromordinal(following.toordinal() - 1)


def _bad(name: str, detail: str) -> Malformed:
    return Malformed(f"{name}: {detail}", fields={name: detail})
