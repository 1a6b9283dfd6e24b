"""What the use cases of the worker need from storage."""

from collections.abc import Iterable, Mapping, Sequence, Set
from contextlib import AbstractAsyncContextManager
from datetime import date, datetime
from typing import NamedTuple, Protocol, TypeVar
from uuid import UUID

from services.attendance.application.computing import DayRow
from services.attendance.application.directory import Directory, PersonDay
from services.attendance.application.holders import Claim
from services.attendance.domain.corrections import Correction
from services.attendance.domain.locks import Adjustment, Figures
from services.attendance.domain.scans import Scan
from services.attendance.domain.terms import Leave
from shared.contracts.event import Event
from shared.contracts.scans import ScanReceived

K = TypeVar("K")


class Written(NamedTuple):
    """A day row that changed."""

    key: PersonDay
    epoch: int
    n: int


class Adjusted(NamedTuple):
    """An adjustment that was kept."""

    key: PersonDay
    epoch: int
    id: int
    n: int


class Unknown(NamedTuple):
    """Scans of a badge that nobody held."""

    badge: str
    scans: int
    first_at: datetime
    last_at: datetime
    machine_id: int


class Step(NamedTuple):
    """How far the work at a note has come."""

    note_id: int
    run_id: UUID | None
    """Of the run that people follow, if it is one."""
    lane: int
    done: int
    """People of the lane, since its beginning."""
    people: int
    """In this step, as the days."""
    days: int
    changed: int


class Evidence(Protocol):
    """One transaction in which days are computed."""

    async def directory(self, badges: Iterable[str] = (), people: Iterable[int] = ()) -> Directory:
        """Hold the rules still for this transaction; the directory then knows these badges and people."""

    async def scans_of(self, spans: Mapping[K, tuple[int, int, Sequence[Claim]]]) -> dict[K, list[Scan]]:
        """All countable scans of each key: its window in seconds since 1970, and the badges that were the person's."""

    async def corrections_around(self, spans: Mapping[PersonDay, tuple[int, int]]) -> dict[PersonDay, list[Correction]]:
        """The same as `corrections_of`, of windows wider than the days': nothing is written."""

    async def corrections_of(self, spans: Mapping[PersonDay, tuple[int, int]]) -> dict[PersonDay, list[Correction]]:
        """The corrections in force of each key that has any, by its window in seconds since 1970."""

    async def leave_of(self, keys: Sequence[PersonDay]) -> dict[PersonDay, Leave]:
        """The leave of each key that has any; not worth asking where the directory knows of none at all."""

    async def due_of(self, people: Sequence[int], first: date, last: date) -> Set[PersonDay]:
        """Days of these people that are to have a row: of closed dates while they were employed."""


class Recording(Evidence, Protocol):
    """One transaction of a worker. Scans are stored before the rules are held, and turns taken before days are read."""

    async def store(self, scans: Sequence[ScanReceived]) -> list[ScanReceived]:
        """Keep the scans; returns those that were not there yet."""

    async def take_turns(self, turns: Set[int]) -> None:
        """Wait for whoever else has any of these turns (see `turns`); they are given back with the commit."""

    async def digests_of(self, people: Sequence[int], first: date, last: date) -> dict[PersonDay, bytes]:
        """What the stored days of these people were computed from."""

    async def stored_figures(self, keys: Sequence[PersonDay]) -> dict[PersonDay, Figures]:
        """The figures of those days that are stored, by the names of their columns."""

    async def adjustments_of(self, keys: Sequence[PersonDay]) -> dict[PersonDay, list[Adjustment]]:
        """All adjustments of those days that have any."""

    async def adjust(self, adjustments: Mapping[PersonDay, tuple[int, Adjustment]], at: datetime) -> list[Adjusted]:
        """Keep one adjustment a day, with the site; it takes the place of one in the same period."""

    async def save(self, rows: Sequence[DayRow], at: datetime, reason: str | None) -> list[Written]:
        """Write the days whose digest differs from what is stored; with a reason, how their figures change, too."""

    async def take_away(self, person_id: int, since: date | None, until: date | None, at: datetime) -> int:
        """Delete and announce days, in these dates, of a person who turned out not to have been employed then.

        Those with evidence stay, unless the person is removed, and so do those of locked months. Returns how many went.
        """

    async def note_unknown(self, unknown: Sequence[Unknown]) -> None:
        """Count scans of badges that nobody holds."""

    async def announce(self, events: Sequence[Event], at: datetime) -> None:
        """Put events of one type into the outbox."""

    async def progressed(self, step: Step) -> bool:
        """Write down how far a note is done; False where it is wanted no more."""


class Recordings(Protocol):
    """Opens transactions for workers."""

    def begin(self) -> AbstractAsyncContextManager[Recording]:
        """Committed on leaving."""

    async def prepare(self, days: Iterable[date]) -> None:
        """Make room for scans and days of these dates, before the transaction that writes them."""

    async def adopt_zone(self, site_id: int, zone: str) -> None:
        """Give a site that has no zone this one."""
