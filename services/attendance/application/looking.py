"""What would change if days were computed again, by the rules that hold or by others: all is read, nothing kept."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, NamedTuple, Protocol

from services.attendance.application.adjusting import without_scans
from services.attendance.application.batches import batch_of, compute_batch
from services.attendance.application.computing import Computed, DayRow, row_of
from services.attendance.application.difference import Change, Totals, change_of
from services.attendance.application.directory import Directory, Holder, PersonDay, Site, Span
from services.attendance.application.drafted_unseen import look_at_unseen, unseen_of
from services.attendance.application.plans import Plans
from services.attendance.application.ports import Evidence
from services.attendance.domain.locks import KINDS, Adjustment


class RulesChanged(Exception):
    """The rules are others than those that are looked by."""


class Drafted(NamedTuple):
    """All rules with a draft among them, as they would be."""

    n: int
    """Of the rules that the draft was laid over."""
    sites: Mapping[int, Site]
    plans: Plans
    holders: Sequence[Holder]
    """Who would have something of their own."""
    touched: Sequence[tuple[frozenset[int], Span]]
    """Whose days would be computed again; the ends of a span are exclusive."""

    @property
    def people(self) -> list[int]:
        return sorted(frozenset().union(*(people for people, _ in self.touched)))


class Looking(Evidence, Protocol):
    """One transaction that reads. All of it is of one moment."""

    async def rows_of(self, people: Sequence[int], first: date, last: date) -> dict[PersonDay, DayRow]:
        """The stored days of these people."""

    async def held(self, people: Sequence[int]) -> Directory | None:
        """The rules that hold, beside those of the draft by which is looked; None where there is no draft."""

    async def employed(self, people: Sequence[int]) -> dict[int, Span]:
        """The dates on which each of these people is employed."""

    async def adjustments_of(self, keys: Sequence[PersonDay]) -> dict[PersonDay, list[Adjustment]]:
        """All adjustments of those days that have any."""


class View(Protocol):
    """Stored days and evidence, seen by rules that do not change."""

    @property
    def n(self) -> int:
        """The revision of the rules."""

    def looking(self) -> AbstractAsyncContextManager[Looking]:
        """One look.

        Raises:
            RulesChanged: in the meantime they have changed, as the first statement finds.
        """


class Views(Protocol):
    """Opens views."""

    async def view(self, drafted: Drafted | None) -> View:
        """By the rules that hold now, or by those of a draft."""


@dataclass(slots=True)
class Part:
    """What some people's days come to."""

    totals: Totals = field(default_factory=Totals)
    changes: list[Change] = field(default_factory=list)


async def look(view: View, people: Sequence[int], pieces: Sequence[tuple[date, date]], at: datetime) -> Part:
    """What would become of these people's days in some ranges of dates; by a draft, also of those without a row.

    Raises:
        RulesChanged: look again, by another view.
    """
    part = Part()
    for piece in pieces:
        async with view.looking() as looking:
            await _look(looking, people, piece, part, at)
    part.totals.people_affected = len({change.person_id for change in part.changes})
    return part


async def _look(looking: Looking, people: Sequence[int], piece: tuple[date, date], part: Part, at: datetime) -> None:
    directory = await looking.directory(people=people)
    batch = batch_of(directory, people, piece)
    if not batch.placed:
        return
    stored = await looking.rows_of(people, *piece)
    held = await looking.held(people)
    # By a draft all days without a row are looked at below, closed or not.
    due = await looking.due_of(people, *piece) if held is None else frozenset[PersonDay]()
    computed = await compute_batch(looking, directory, batch, stored.keys() | due)
    locked = [key for key, day in computed.items() if directory.is_locked(day.assignment.site_id, key.date)]
    adjustments = await looking.adjustments_of(locked) if locked else {}
    of_locked = frozenset(locked)
    for key, day in computed.items():
        before = stored.get(key)
        if key in of_locked:
            before, now = _as_adjusted(before, day, adjustments.get(key, ()))
            change = change_of(before, now, locked=True)
        elif before is not None and before.digest == day.day.digest:
            now, change = before, None
        else:
            now = row_of(day)
            change = change_of(before, now)
        part.totals.count(before, now, change)
        if change is not None:
            part.changes.append(change)
    if held is not None:
        left = {key: place for key, place in batch.placed.items() if key not in computed}
        unseen = unseen_of(left, held, await looking.employed(people), at)
        leave = await looking.leave_of(list(unseen)) if unseen and directory.leave else {}
        part.changes += look_at_unseen(unseen, directory.time_off(unseen, leave), directory, held, part.totals)


def _as_adjusted(stored: DayRow | None, computed: Computed, adjustments: Sequence[Adjustment]) -> tuple[DayRow, DayRow]:
    """What a locked day is taken for, all that was booked included, and what it would be taken for."""
    day = stored if stored is not None else without_scans(computed)
    latest = max((one for one in adjustments if not one.cancelled), key=lambda one: one.period, default=None)
    before = day if latest is None else _with(day, latest.after)
    return before, _with(day, row_of(computed)._asdict())


def _with(day: DayRow, figures: Mapping[str, Any]) -> DayRow:
    return day._replace(**{name: figures[name] for name in ("status", *KINDS)})
