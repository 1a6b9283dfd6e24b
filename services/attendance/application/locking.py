"""Locking months of a site: from then on its days keep their figures, and what changes them is an adjustment.

Before, every day of everybody there is stored, those without scans too, so that no later rule can change them.
"""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import NamedTuple, Protocol

from services.attendance.application.adjusting import AdjustmentFacts
from services.attendance.application.directory import SiteWithoutZone
from services.attendance.application.listing import Page
from services.attendance.application.people_ports import Once
from services.attendance.application.ports import Recordings
from services.attendance.application.record_scans import around
from services.attendance.application.rulebook import Rulebook
from services.attendance.application.unseen import AT_ONCE, WithoutRow, store_unseen
from services.attendance.domain.locks import month_after
from shared.kernel.clock import Clock
from shared.kernel.errors import Conflict, Malformed, NotFound
from shared.web.idempotency import Answer, Key
from shared.web.lists import Window
from shared.web.scope import Caller, Scope


class Lock(NamedTuple):
    """A month of a site whose days keep, or kept, their figures."""

    id: int
    site_id: int
    month: date
    reason: str | None
    locked_by: int
    locked_by_name: str
    locked_at: datetime
    unlocked_by: int | None
    unlocked_by_name: str | None
    unlocked_at: datetime | None
    unlock_reason: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedAdjustments:
    """Which adjustments are asked for. Dates are of the locked days."""

    employee: str | None = None
    period: date | None = None
    site_id: int | None = None
    since: date | None = None
    until: date | None = None
    cancelled: bool | None = None


class LockReading(WithoutRow, Protocol):
    """One transaction that reads."""

    async def rulebook(self, now: datetime) -> Rulebook:
        """The rules of all sites."""

    async def site_name(self, site_id: int) -> str:
        """What a site that there is, is called."""

    async def person(self, text: str, scope: Scope) -> int | None:
        """The id of the person with this id, or else this code; None where the caller sees none."""

    async def locks(self, site_id: int | None, asked: Window) -> Page[Lock]:
        """A page of locks, those that were ended too."""

    async def adjustments(
        self, wanted: WantedAdjustments, person_id: int | None, scope: Scope, asked: Window
    ) -> Page[AdjustmentFacts]:
        """A page of adjustments."""


class LockWriting(LockReading, Protocol):
    """One transaction that holds up all workers."""

    async def earlier_answer(self, key: Key) -> Answer | None:
        """What this request was answered before. Raises as `shared.web.idempotency.earlier` does."""

    async def keep_answer(self, key: Key, answer: Answer) -> None:
        """Keep the answer, in the transaction of its effect."""

    async def recomputations_wait(self) -> bool:
        """Whether days wait to be computed again."""

    async def lock_of(self, site_id: int, month: date) -> Lock | None:
        """The lock in force."""

    async def one(self, id_: int) -> Lock | None:
        """The lock with this id."""

    async def add(self, site_id: int, month: date, reason: str | None, by: Caller, at: datetime) -> Lock:
        """Lock the month."""

    async def booked(self, lock: Lock) -> Sequence[date]:
        """The locked months in which adjustments of this one are booked."""

    async def end(self, lock: Lock, reason: str, by: Caller, at: datetime) -> Lock:
        """Unlock the month, cancel the adjustments of its days, and ask for these to be computed."""


class LockStore(Protocol):
    """Opens transactions."""

    def reading(self) -> AbstractAsyncContextManager[LockReading]:
        """One look."""

    def locking(self) -> AbstractAsyncContextManager[LockWriting]:
        """Committed on leaving."""


class Locking:
    """Locks and unlocks months, and lists what came of it."""

    def __init__(self, store: LockStore, recordings: Recordings, clock: Clock) -> None:
        self._store = store
        self._recordings = recordings
        self._clock = clock

    async def lock(self, site_id: int | None, month: date, reason: str | None, who: Caller, once: Once[Lock]) -> Answer:
        """Lock a month of a site, the main one where none is named.

        Raises:
            Malformed: there is no such site.
            Conflict: the month is not over, is locked already, or days of it wait to be computed.
        """
        now, last = self._clock.now(), month_after(month) - timedelta(days=1)
        async with self._store.reading() as reading:
            rules = await reading.rulebook(now)
            site_id = rules.main_site if site_id is None else site_id
            if site_id not in rules.site_ids:
                raise Malformed(f"site: there is no site {site_id}", fields={"site": f"there is no site {site_id}"})
            name = await reading.site_name(site_id)
        if rules.frame(site_id, last).ends_at > now:
            raise Conflict(f"{month:%Y-%m} is not over at {name}; lock it when its last day is")
        await self._recordings.prepare(around({month, last}))
        while True:
            await self._store_all(site_id, month, last)
            async with self._store.locking() as writing:
                if once.key is not None and (before := await writing.earlier_answer(once.key)) is not None:
                    return before
                if await writing.lock_of(site_id, month) is not None:
                    raise Conflict(f"{month:%Y-%m} is locked already at {name}")
                if await writing.recomputations_wait():
                    raise Conflict("days are being computed again; lock the month when that is done")
                if await writing.without_row(site_id, month, last, 1):
                    continue
                answer = once.shown(await writing.add(site_id, month, reason, who, now))
                if once.key is not None:
                    await writing.keep_answer(once.key, answer)
            return answer

    async def unlock(self, id_: int, reason: str, who: Caller, once: Once[Lock]) -> Answer:
        """Let the days of a month follow again from what is known; its adjustments are cancelled.

        Raises:
            NotFound: there is no such lock.
            Conflict: it was ended before, or adjustments of it are booked in a month that is locked, too.
        """
        async with self._store.locking() as writing:
            if once.key is not None and (before := await writing.earlier_answer(once.key)) is not None:
                return before
            lock = await writing.one(id_)
            if lock is None:
                raise NotFound(f"there is no lock {id_}")
            if lock.unlocked_at is not None:
                raise Conflict(f"{lock.month:%Y-%m} was unlocked by {lock.unlocked_by_name} already")
            if booked := await writing.booked(lock):
                month = f"{max(booked):%Y-%m}"
                raise Conflict(
                    f"adjustments of this month are booked in {month}, which is locked; unlock {month} first"
                )
            answer = once.shown(await writing.end(lock, reason, who, self._clock.now()))
            if once.key is not None:
                await writing.keep_answer(once.key, answer)
        return answer

    async def locks(self, site_id: int | None, asked: Window) -> Page[Lock]:
        """Locks, those that were ended too."""
        async with self._store.reading() as reading:
            return await reading.locks(site_id, asked)

    async def adjustments(self, wanted: WantedAdjustments, scope: Scope, asked: Window) -> Page[AdjustmentFacts]:
        """Adjustments of the days that the caller may see.

        Raises:
            Malformed: there is no such person.
        """
        async with self._store.reading() as reading:
            person_id = None
            if wanted.employee is not None and (person_id := await reading.person(wanted.employee, scope)) is None:
                detail = f"there is no employee {wanted.employee[:80]!r}"
                raise Malformed(f"employee: {detail}", fields={"employee": detail})
            return await reading.adjustments(wanted, person_id, scope, asked)

    async def _store_all(self, site_id: int, first: date, last: date) -> None:
        """Store the days that have no row."""
        while True:
            async with self._store.reading() as reading:
                keys = await reading.without_row(site_id, first, last, AT_ONCE)
            if not keys:
                return
            try:
                await store_unseen(self._recordings, keys, self._clock)
            except SiteWithoutZone as error:
                raise Conflict(f"site {error.site_id} has no zone yet, so that it has no days") from error
