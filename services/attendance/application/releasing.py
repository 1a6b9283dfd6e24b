"""Releasing quarantined scans: a person rules that they count, and when they were; or withdraws that.

Scans are never changed: a ruling stands beside one. A ruling and the days that follow from it are one transaction.
"""

import contextlib
from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import datetime
from typing import TypeVar
from uuid import UUID

from services.attendance.application.directory import PersonDay, SiteWithoutZone
from services.attendance.application.people_ports import Once
from services.attendance.application.ports import Recordings
from services.attendance.application.record_scans import around, recompute
from services.attendance.application.release_ports import Order, Outcome, ReleaseStore, ReleaseWriting, Result
from services.attendance.application.scan_list import ScanFacts
from services.attendance.domain.releases import Quarantined, Release, moment_of
from shared.kernel.clock import Clock
from shared.kernel.errors import Conflict, Denied, Invalid, NotFound
from shared.web.idempotency import Answer
from shared.web.scope import Caller, Scope

T = TypeVar("T")


class Releasing:
    """What people may rule about quarantined scans."""

    def __init__(self, store: ReleaseStore, recordings: Recordings, clock: Clock) -> None:
        self._store = store
        self._recordings = recordings
        self._clock = clock

    async def release(self, scan_id: UUID, order: Order, who: Caller, once: Once[ScanFacts]) -> Answer:
        """Let a scan count as ordered. A ruling that is in force makes room for the new one.

        Raises:
            NotFound: there is no such scan.
            Conflict: it is not quarantined.
            Invalid: it cannot have been then.
            Denied: it is the caller's own.
        """
        scan = await self._quarantined(scan_id, who.scope)
        ruling = self._ruling(scan, order, who)

        async def ruled(writing: ReleaseWriting) -> ScanFacts:
            await self._rule(writing, [(scan, ruling)], who)
            return await writing.scan(scan, ruling.released_at)

        return await self._once([ruling], ruled, once)

    async def release_many(
        self, ids: Sequence[UUID], order: Order, who: Caller, once: Once[Sequence[Outcome]]
    ) -> Answer:
        """Let scans count as ordered: all that can; of the others it says why not. In the order of the ids."""
        ids = list(dict.fromkeys(ids))
        async with self._store.reading() as reading:
            scans = await reading.quarantined(ids, who.scope)
        rulings: dict[UUID, Release] = {}
        refused = {id_: _refused(id_, f"there is no quarantined scan {id_}") for id_ in ids if id_ not in scans}
        for scan in scans.values():
            try:
                rulings[scan.id] = self._ruling(scan, order, who)
            except Invalid as error:
                refused[scan.id] = _refused(scan.id, error.message)

        async def ruled(writing: ReleaseWriting) -> Sequence[Outcome]:
            done = await self._rule(writing, [(scans[scan_id], ruling) for scan_id, ruling in rulings.items()], who)
            return [refused.get(scan_id) or done[scan_id] for scan_id in ids]

        return await self._once(rulings.values(), ruled, once)

    async def withdraw(self, scan_id: UUID, who: Caller) -> None:
        """Let a scan be quarantined again, as if it had never been released.

        Raises:
            NotFound: it is not released.
        """
        async with self._store.ruling() as writing:
            ruling = (await writing.in_force([scan_id], who.scope)).get(scan_id)
            if ruling is None:
                raise NotFound(f"there is no scan {scan_id} that is released")
            now = self._clock.now()
            await writing.withdraw([scan_id], who, now)
            await self._follow(writing, [ruling], who, now)

    async def _quarantined(self, scan_id: UUID, scope: Scope) -> Quarantined:
        async with self._store.reading() as reading:
            found = (await reading.quarantined([scan_id], scope)).get(scan_id)
            if found is not None:
                return found
            if await reading.is_there(scan_id, scope):
                raise Conflict(f"scan {scan_id} is not quarantined: it counts already")
            raise NotFound(f"there is no scan {scan_id}")

    def _ruling(self, scan: Quarantined, order: Order, who: Caller) -> Release:
        now = self._clock.now()
        at, wall_time = moment_of(scan, order.correction, now=now)
        by = (who.user, who.username, now)
        return Release(scan.id, scan.badge, scan.local_at, at, wall_time, order.reason, *by, scan.machine_id)

    async def _rule(
        self, writing: ReleaseWriting, rulings: Sequence[tuple[Quarantined, Release]], who: Caller
    ) -> dict[UUID, Outcome]:
        before = await writing.in_force([scan.id for scan, _ in rulings], who.scope)
        outcomes: dict[UUID, Outcome] = {}
        new: list[tuple[Quarantined, Release]] = []
        for scan, ruling in rulings:
            old = before.get(scan.id)
            if old is not None and (old.at, old.reason) == (ruling.at, ruling.reason):
                outcomes[scan.id] = Outcome(scan.id, Result.UNCHANGED, old)
                continue
            result = Result.CORRECTED if ruling.corrected else Result.RELEASED
            outcomes[scan.id] = Outcome(scan.id, result, ruling)
            new.append((scan, ruling))
        if new:
            now = new[0][1].released_at
            replaced = [before[scan.id] for scan, _ in new if scan.id in before]
            await writing.withdraw([ruling.scan_id for ruling in replaced], who, now)
            await writing.add(new)
            await self._follow(writing, [*replaced, *(ruling for _, ruling in new)], who, now)
        return outcomes

    async def _follow(self, writing: ReleaseWriting, rulings: Sequence[Release], who: Caller, now: datetime) -> None:
        """Compute the days in which these rulings are, or were, in force.

        Raises:
            Denied: one of these days is the caller's own.
        """
        directory = await writing.directory({ruling.badge for ruling in rulings})
        keys: set[PersonDay] = set()
        near: set[PersonDay] = set()
        strangers = set()
        for ruling in rulings:
            # A site without a zone has no days yet; when it gets one, all of them are computed.
            with contextlib.suppress(SiteWithoutZone):
                at = int(ruling.at.timestamp())
                where = (ruling.badge, ruling.machine_id, at)
                key, around = directory.key_of(*where), directory.near(*where)
                if who.person in {each.person_id for each in (key, *around) if each is not None}:
                    raise Denied("nobody rules about their own scans; somebody else has to")
                near.update(around)
                if key is not None and key.person_id not in directory.inferring:
                    keys.add(key)
                elif not around:
                    strangers.add(ruling.badge)
        live, beside = dict.fromkeys(keys, False), dict.fromkeys(near, False)
        await recompute(writing, directory, live, self._clock, near=beside)
        if strangers:
            await writing.count_unknown(sorted(strangers), now)

    async def _once(
        self, rulings: Iterable[Release], do: Callable[[ReleaseWriting], Awaitable[T]], once: Once[T]
    ) -> Answer:
        await self._recordings.prepare(around({ruling.wall_time.date() for ruling in rulings}))
        async with self._store.ruling() as writing:
            if once.key is not None and (before := await writing.earlier_answer(once.key)) is not None:
                return before
            answer = once.shown(await do(writing))
            if once.key is not None:
                await writing.keep_answer(once.key, answer)
        return answer


def _refused(scan_id: UUID, why: str) -> Outcome:
    return Outcome(scan_id, Result.REFUSED, error=why)
