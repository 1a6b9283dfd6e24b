"""Telling others what is expected of people: 18 months of everybody, and again whatever changes.

Whatever changes rules notes whom it may concern and when, in its transaction. The notes are looked at in the
background; what comes out as it was told before costs a comparison.
"""

import asyncio
from collections.abc import Iterable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final, NamedTuple, Protocol

from services.attendance.application.adjusting import month_text
from services.attendance.application.expectation import MonthExpected
from services.attendance.application.listing import Page
from services.attendance.domain.months import last_of, month_later, months_between
from shared.contracts.event import Version
from shared.contracts.expected_days import ExpectedDays
from shared.kernel.clock import Clock
from shared.kernel.errors import Malformed, Unavailable
from shared.observability.logs import get_logger
from shared.web.lists import Window
from shared.web.scope import Scope

MONTHS: Final = 18
"""Told of everybody: the present one and those that follow."""
BEHIND: Final = 12
"""So many months back, what was told is told again where it changes; older months stay as they were told."""
AT_ONCE: Final = 50
"""People in a transaction: a worker that waits for a change of rules waits for it, too."""
LOOK_EVERY: Final = 1.0

log = get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """Whose expected days may have changed (everybody's), and when (always; for ever). `until` is inclusive."""

    id: int
    people: Sequence[int] | None
    since: date | None
    until: date | None


class Told(NamedTuple):
    """A month of a person that was kept."""

    person_id: int
    month: date
    epoch: int
    n: int


class ExpectedMonth(NamedTuple):
    """A month as it was told, with whom it is about; None on dates that are not the caller's to see."""

    person_id: int
    code: str
    name: str
    month: date
    minutes: list[int | None]


class ExpectedWriting(Protocol):
    """One transaction. Rules stay as they are until it ends."""

    async def expected_of(self, people: Sequence[int], months: Sequence[date]) -> list[MonthExpected]:
        """What is expected of these people by the present rules."""

    async def keep(self, months: Sequence[MonthExpected]) -> list[Told]:
        """Keep those that differ from what was told, and say which these are.

        Whoever is employed on no date of a month is kept only where something was told of it before.
        """

    async def announce(self, events: Sequence[ExpectedDays], at: datetime) -> None:
        """Put them into the outbox."""


class Leading(Protocol):
    """The work of whichever process has it."""

    async def roll_on(self, first: date, last: date) -> date:
        """Note the months up to `last` that nobody was told of yet; returns the first that was ever told."""

    async def notes(self) -> list[Note]:
        """All that wait, oldest first."""

    async def everybody(self) -> list[int]:
        """The ids of all people, removed ones too."""

    async def done(self, notes: Iterable[Note]) -> None:
        """They need not be looked at any more."""


class ExpectedStore(Protocol):
    """Opens transactions."""

    def leading(self, last: date) -> AbstractAsyncContextManager[Leading | None]:
        """The work up to that month; None where there is none, or where another process is at it."""

    def writing(self) -> AbstractAsyncContextManager[ExpectedWriting]:
        """Committed on leaving."""

    async def told(self, employee: str | None, month: date, scope: Scope, asked: Window) -> Page[ExpectedMonth] | None:
        """A page of what was told of a month; None where there is no such employee for the caller."""


class Expecting:
    """Keeps others told."""

    def __init__(self, store: ExpectedStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def run(self) -> None:
        """Look at notes as they come, and roll on with the months, for ever."""
        while True:
            try:
                while await self.next():
                    pass
            except Unavailable as error:
                log.warning("expected_days.waiting", reason=error.message)
            await asyncio.sleep(LOOK_EVERY)

    async def next(self) -> bool:
        """Look at all notes that there are; whether there were any."""
        first = self._clock.now().date().replace(day=1)
        last = month_later(first, MONTHS - 1)
        async with self._store.leading(last) as leading:
            if leading is None:
                return False
            earliest = max(await leading.roll_on(first, last), month_later(first, -BEHIND))
            notes = await leading.notes()
            told = 0
            for months, people in _merged(notes, earliest, last):
                whom = await leading.everybody() if people is None else sorted(people)
                for start in range(0, len(whom), AT_ONCE):
                    told += await self._tell(whom[start : start + AT_ONCE], months)
            await leading.done(notes)
        if notes:
            log.info("expected_days.done", notes=len(notes), months_told=told)
        return bool(notes)

    async def of_month(self, employee: str | None, month: date, scope: Scope, asked: Window) -> Page[ExpectedMonth]:
        """What is expected in a month of whom the caller sees.

        Raises:
            Malformed: there is no such person.
        """
        found = await self._store.told(employee, month, scope, asked)
        if found is None:
            detail = f"there is no employee {(employee or '')[:80]!r}"
            raise Malformed(f"employee: {detail}", fields={"employee": detail})
        return found

    async def _tell(self, people: Sequence[int], months: Sequence[date]) -> int:
        async with self._store.writing() as writing:
            expected = {(each.person_id, each.month): each for each in await writing.expected_of(people, months)}
            told = await writing.keep(list(expected.values()))
            events = [expected_days(expected[each.person_id, each.month], Version(each.epoch, each.n)) for each in told]
            await writing.announce(events, self._clock.now())
        return len(told)


def expected_days(month: MonthExpected, version: Version) -> ExpectedDays:
    """The event that carries a month of a person."""
    return ExpectedDays(
        person_id=month.person_id,
        employee_id=month.code,
        month=month_text(month.month),
        minutes=month.minutes,
        version=version,
    )


def _merged(notes: Iterable[Note], earliest: date, last: date) -> Iterable[tuple[Sequence[date], set[int] | None]]:
    """The months to look at, each time with the people; what several notes ask of the same months is asked once."""
    by_months: dict[tuple[date, date], set[int] | None] = {}
    for note in notes:
        since = earliest if note.since is None else max(note.since, earliest)
        until = last_of(last) if note.until is None else min(note.until, last_of(last))
        key = (since.replace(day=1), until.replace(day=1))
        known = by_months.get(key, set())
        by_months[key] = None if note.people is None or known is None else known | set(note.people)
    return [(months, people) for key, people in by_months.items() if (months := months_between(*key))]
