"""The worker: stores scans, and computes the days that they touch, in one transaction.

Nothing of it depends on order or on repetition. The scans are stored first; then the turns of the badges whose days
they touch are taken, in sorted order, and only then are the days read, in new statements, so that of two workers on
one day the second sees what the first committed (READ COMMITTED).
"""

import random
from collections import defaultdict
from collections.abc import Collection, Container, Iterable, Mapping, Sequence
from datetime import date, datetime
from types import MappingProxyType
from typing import Final, NamedTuple

from services.attendance.application.adjusting import LATE, adjust
from services.attendance.application.computing import Computed, compute, event_of, row_of
from services.attendance.application.directory import Directory, PersonDay, SiteWithoutZone
from services.attendance.application.inferring import ONE_DAY, STEPS, Placed, placed_by_scans
from services.attendance.application.ports import Evidence, Recording, Recordings, Unknown
from services.attendance.application.turns import TURNS, turn_of, turn_of_person
from services.attendance.domain.frame import Frame
from services.attendance.domain.scans import QUALITIES, Scan
from services.attendance.domain.time_off import NO_TIME_OFF
from shared.contracts.event import Version
from shared.contracts.scans import ScanReceived
from shared.kernel.clock import Clock
from shared.observability.metrics import Counter

NOTHING_LIVE: Final[Mapping[PersonDay, bool]] = MappingProxyType({})
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
        near: dict[PersonDay, bool] = {}
        unsure: list[ScanReceived] = []
        strangers: list[ScanReceived] = []
        inferring = directory.inferring
        for scan in counted:
            at = int(scan.at.timestamp())
            key = directory.key_of(scan.badge, scan.machine_id, at)
            around = directory.near(scan.badge, scan.machine_id, at) if inferring else ()
            for each in around:
                near[each] = near.get(each, False) or scan.mode == "live"
            if key is not None and key.person_id not in inferring:
                live[key] = live.get(key, False) or scan.mode == "live"
            elif around:
                unsure.append(scan)
            else:
                strangers.append(scan)
        computed = await _compute(recording, directory, live, near, self._clock, None)
        strangers += [scan for scan in unsure if not _placed(scan, directory, computed.frames)]
        if strangers:
            await recording.note_unknown(_counted(strangers))
        return len(new)


async def recompute(
    recording: Recording,
    directory: Directory,
    live: dict[PersonDay, bool],
    clock: Clock,
    *,
    near: Mapping[PersonDay, bool] = MappingProxyType({}),
    reason: str | None = None,
) -> int:
    """Compute these days from what is stored, and announce those that changed.

    `live` has the keys, and for each whether something that happened just now is the reason; `near` has those next to
    which something happened, of people whose scans decide which date it belongs to (see `inferring`). With a `reason`
    that is no evidence, what changed by it is written down. Days of locked months stay, and are adjusted. Returns how
    many changed.
    """
    return (await _compute(recording, directory, live, near, clock, reason)).changed


class _Outcome(NamedTuple):
    changed: int
    frames: Mapping[PersonDay, Frame]
    """Of the days of people whose scans decide."""


async def _compute(  # noqa: PLR0917 -- as `recompute`
    recording: Recording,
    directory: Directory,
    live: Mapping[PersonDay, bool],
    near: Mapping[PersonDay, bool],
    clock: Clock,
    reason: str | None,
) -> _Outcome:
    around = _with_neighbours(live, near, directory) if directory.inferring else {}
    sure = sorted(key for key in live if key not in around)
    placed = {key: found for key in sure if (found := directory.placed(key))}
    if not placed and not around:
        return _Outcome(0, {})
    turns = {turn for key in (*placed, *around) for turn in turns_of(key, directory.badges_in_turn(key))}
    await recording.take_turns(turns)
    frames: dict[PersonDay, Frame] = {}
    if around:
        by_scans = await _placed_by_scans(recording, directory, around, live)
        frames = {key: frame for key, (frame, _) in by_scans.items()}
        placed = dict(sorted((placed | by_scans).items()))
        live = {**around, **live}
        if not placed:
            return _Outcome(0, frames)
    spans = {
        key: (frame.start, frame.end, directory.people[key.person_id].claims_on(key.date))
        for key, (frame, _) in placed.items()
    }
    computed = await computed_from(recording, directory, placed, await recording.scans_of(spans))
    changed = await write(recording, directory, computed, clock.now(), live=live, reason=reason)
    return _Outcome(changed, frames)


async def computed_from(
    recording: Evidence,
    directory: Directory,
    placed: Mapping[PersonDay, Placed],
    scans: Mapping[PersonDay, Sequence[Scan]],
    stored: Collection[PersonDay] | None = None,
) -> dict[PersonDay, Computed]:
    """Compute these days from their scans and from whatever else is known of them.

    With `stored`, the days that have a row, or are to have one, only those and such of which anything is known.
    """
    if not placed:
        return {}
    corrected = await recording.corrections_of({key: (frame.start, frame.end) for key, (frame, _) in placed.items()})
    if stored is not None:
        placed = {key: w for key, w in placed.items() if key in scans or key in stored or key in corrected}
    off = directory.time_off(placed, await recording.leave_of(list(placed)) if directory.leave else {})
    return {
        key: compute(
            scans.get(key, ()),
            directory.people[key.person_id],
            *where,
            corrected.get(key, ()),
            off=off.get(key, NO_TIME_OFF),
        )
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


def _with_neighbours(
    live: Mapping[PersonDay, bool], near: Mapping[PersonDay, bool], directory: Directory
) -> dict[PersonDay, bool]:
    """The days that may follow from what happened on or near these, where scans decide; whatever was live stays so."""
    found: dict[PersonDay, bool] = {}
    for keys in (live, near):
        for key, is_live in keys.items():
            if key.person_id in directory.inferring:
                for step in STEPS:
                    one = PersonDay(key.date + step * ONE_DAY, key.person_id)
                    found[one] = found.get(one, False) or is_live
    return found


async def _placed_by_scans(
    recording: Recording, directory: Directory, around: Iterable[PersonDay], asked: Container[PersonDay]
) -> dict[PersonDay, Placed]:
    """The places of these days without those that nobody asked for, nothing is known of, and nobody stored."""
    found = await placed_by_scans(recording, directory, around)
    empty = [key for key, (_, known) in found.items() if not known and key not in asked]
    stored = await recording.stored_figures(empty) if empty else {}
    left_out = {key for key in empty if key not in stored}
    return {key: place for key, (place, _) in found.items() if key not in left_out}


def _placed(scan: ScanReceived, directory: Directory, frames: Mapping[PersonDay, Frame]) -> bool:
    """Whether the scan belongs to a day of somebody who held the badge on its date."""
    at = int(scan.at.timestamp())
    for near in directory.near(scan.badge, scan.machine_id, at):
        claims = directory.people[near.person_id].claims_on
        for step in STEPS:
            key = PersonDay(near.date + step * ONE_DAY, near.person_id)
            frame = frames.get(key)
            if frame is None or not frame.start <= at < frame.end:
                continue
            if any(claim.takes(scan.badge, scan.machine_id) for claim in claims(key.date)):
                return True
    return False


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
