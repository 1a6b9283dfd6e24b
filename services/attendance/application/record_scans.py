"""The worker: stores scans, and computes the days that they touch, in one transaction.

Nothing of it depends on order or on repetition. The scans are stored first; then the turns of the badges whose days
they touch are taken, in sorted order, and only then are the days read, in new statements, so that of two workers on
one day the second sees what the first committed (READ COMMITTED).
"""

import random
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from types import MappingProxyType
from typing import Final

from services.attendance.application.adjusting import LATE, adjust
from services.attendance.application.computing import Computed, compute, event_of, row_of
from services.attendance.application.directory import Assignment, Directory, PersonDay, SiteWithoutZone
from services.attendance.application.ports import Evidence, Recording, Recordings, Unknown
from services.attendance.application.turns import TURNS, turn_of, turn_of_person
from services.attendance.domain.frame import Frame
from services.attendance.domain.scans import QUALITIES, Scan
from shared.contracts.event import Version
from shared.contracts.scans import ScanReceived
from shared.kernel.clock import Clock
from shared.observability.metrics import Counter

Placed = tuple[Frame, Assignment]
"""Where a person's date lies in time, and where the person belonged on it."""

NOTHING_LIVE: Final[Mapping[PersonDay, bool]] = MappingProxyType({})
ONE_DAY = timedelta(days=1)
SCANS = Counter("muster_attendance_scans_total", "Scans stored by this worker, with their days")


AT_ONCE = 2_000
"""Scans that a transaction has, about."""


def shares(scans: Sequence[ScanReceived]) -> list[list[ScanReceived]]:
    """The scans in parts of about `AT_ONCE`, all scans of a badge in one: no two parts touch the same day.

    So a day is computed once for all of its scans, and whoever works at another part is not waited for.
    """
    number = -(-len(scans) // AT_ONCE)
    parts: list[list[ScanReceived]] = [[] for _ in range(number)]
    for scan in scans:
        parts[turn_of(scan.badge) * number // TURNS].append(scan)
    return [part for part in parts if part]


class RecordScans:
    """Records a batch of scans."""

    def __init__(self, recordings: Recordings, clock: Clock) -> None:
        self._recordings = recordings
        self._clock = clock

    async def __call__(self, scans: Sequence[ScanReceived]) -> int:
        """Record them, and say how many were new; in several transactions where they are many."""
        parts = shares(scans)
        # Workers that begin at different parts seldom meet.
        first = random.randrange(len(parts)) if parts else 0
        return sum([await self._at_once(part) for part in parts[first:] + parts[:first]])

    async def _at_once(self, scans: Sequence[ScanReceived]) -> int:
        dates = {scan.local_time.date() for scan in scans}
        await self._recordings.prepare(around(dates))
        while True:
            try:
                async with self._recordings.begin() as recording:
                    new = await self._record(recording, scans)
                SCANS.inc(new)
                return new
            except SiteWithoutZone as missing:
                await self._recordings.adopt_zone(missing.site_id, _zone_for(missing.site_id, scans))

    async def _record(self, recording: Recording, scans: Sequence[ScanReceived]) -> int:
        new = await recording.store(scans)
        if not new:
            return 0
        counted = [scan for scan in new if QUALITIES[scan.quality].counts]
        directory = await recording.directory({scan.badge for scan in counted})
        live: dict[PersonDay, bool] = {}
        strangers: list[ScanReceived] = []
        for scan in counted:
            key = directory.key_of(scan.badge, int(scan.at.timestamp()))
            if key is None:
                strangers.append(scan)
            else:
                live[key] = live.get(key, False) or scan.mode == "live"
        await recompute(recording, directory, live, self._clock)
        if strangers:
            await recording.note_unknown(_counted(strangers))
        return len(new)


async def recompute(
    recording: Recording,
    directory: Directory,
    live: dict[PersonDay, bool],
    clock: Clock,
    *,
    reason: str | None = None,
) -> int:
    """Compute these days from what is stored, and announce those that changed.

    `live` has the keys, and for each whether something that happened just now is the reason. With a `reason` that is
    no evidence, what changed by it is written down. Days of locked months stay, and are adjusted. Returns how many
    changed.
    """
    placed = {key: found for key in sorted(live) if (found := directory.placed(key))}
    if not placed:
        return 0
    spans = {
        key: (frame.start, frame.end, directory.people[key.person_id].badges_on(key.date))
        for key, (frame, _) in placed.items()
    }
    await recording.take_turns({turn for key, (_, _, badges) in spans.items() for turn in turns_of(key, badges)})
    computed = await computed_from(recording, directory, placed, await recording.scans_of(spans))
    return await write(recording, directory, computed, clock.now(), live=live, reason=reason)


async def computed_from(
    recording: Evidence,
    directory: Directory,
    placed: Mapping[PersonDay, Placed],
    scans: Mapping[PersonDay, Sequence[Scan]],
    stored: Collection[PersonDay] | None = None,
) -> dict[PersonDay, Computed]:
    """Compute these days from their scans and from whatever else is known of them.

    With `stored`, the days that have a row, only those and such of which anything is known.
    """
    corrected = await recording.corrections_of({key: (frame.start, frame.end) for key, (frame, _) in placed.items()})
    if stored is not None:
        placed = {key: w for key, w in placed.items() if key in scans or key in stored or key in corrected}
    return {
        key: compute(scans.get(key, ()), directory.people[key.person_id], *where, corrected.get(key, ()))
        for key, where in placed.items()
    }


async def write(
    recording: Recording,
    directory: Directory,
    computed: Mapping[PersonDay, Computed],
    at: datetime,
    *,
    live: Mapping[PersonDay, bool] = NOTHING_LIVE,
    reason: str | None = None,
) -> int:
    """Store these days where they changed, and announce them; what would change a locked one is an adjustment."""
    locked = {key for key, day in computed.items() if directory.is_locked(day.assignment.site_id, key.date)}
    rows = {key: row_of(day) for key, day in computed.items() if key not in locked}
    if locked:
        await adjust(recording, directory, {key: computed[key] for key in locked}, reason or LATE, at)
    written = await recording.save(list(rows.values()), at, reason)
    events = [
        event_of(computed[key], rows[key], version=Version(epoch, n), at=at, live=live.get(key, False))
        for key, epoch, n in written
    ]
    await recording.announce(events, at)
    return len(written)


def turns_of(key: PersonDay, badges: Iterable[str]) -> list[int]:
    """The turns of a day: of its badges or, where there are none, of its person."""
    return [turn_of(badge) for badge in badges] or [turn_of_person(key.person_id)]


def around(dates: Iterable[date]) -> set[date]:
    """The dates with their neighbours: a business date may be the one before or after the wall clock's."""
    # A clock that shows the very first or last day has no neighbour there, and counts for nothing anyway.
    inner = {min(max(each, date.min + ONE_DAY), date.max - ONE_DAY) for each in dates}
    return {day for each in inner for day in (each - ONE_DAY, each, each + ONE_DAY)}


def _zone_for(site_id: int, scans: Sequence[ScanReceived]) -> str:
    return next((scan.zone for scan in scans if scan.site_id == site_id), scans[0].zone)


def _counted(strangers: Sequence[ScanReceived]) -> list[Unknown]:
    by_badge: defaultdict[str, list[ScanReceived]] = defaultdict(list)
    for scan in strangers:
        by_badge[scan.badge].append(scan)
    return [
        Unknown(badge, len(its), min(s.at for s in its), max(s.at for s in its), its[-1].machine_id)
        for badge, its in sorted(by_badge.items())
    ]
