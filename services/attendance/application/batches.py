"""The days of some people in a range of dates, computed together: a few statements, however many days these are."""

import contextlib
from bisect import bisect_left
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Final

from services.attendance.application.computing import Computed
from services.attendance.application.directory import Directory, PersonDay, SiteWithoutZone, Span
from services.attendance.application.holders import Claim
from services.attendance.application.inferring import ONE_DAY, STEPS, Placed, placed_by_scans
from services.attendance.application.ports import Evidence
from services.attendance.application.record_scans import computed_from
from services.attendance.application.turns import turn_of, turn_of_person
from services.attendance.domain.scans import Scan

DAYS_AT_ONCE = 600
"""Dates of people in a transaction: long enough for a statement to be worth its while, short enough for whoever waits
for a turn."""
LONGEST = 31
"""Dates in a range that is taken at once."""
REACH: Final = (max(STEPS) + 1) * ONE_DAY
"""How far beside dates others may follow from them, where scans decide which shift it was."""


@dataclass(slots=True)
class Batch:
    """All dates of a range on which these people belonged anywhere."""

    placed: dict[PersonDay, Placed] = field(default_factory=dict)
    by_scans: list[PersonDay] = field(default_factory=list)
    """Those of them whose scans decide where the date lies."""
    windows: dict[tuple[int, Claim], tuple[int, int, Sequence[Claim]]] = field(default_factory=dict)
    """By person and claim: from when to when scans of it may count, in seconds since 1970."""
    turns: set[int] = field(default_factory=set)


def batch_of(
    directory: Directory, people: Sequence[int], piece: tuple[date, date], wide: tuple[date, date] | None = None
) -> Batch:
    """What is to be read of these people; a site without a zone has no days yet.

    `wide` is the range of those whose scans decide which shift it was.
    """
    batch = Batch()
    of_all, of_inferring = dates_of(*piece), dates_of(*(wide or piece))
    for person_id in people:
        holder = directory.people.get(person_id)
        if holder is None:
            continue
        inferring = person_id in directory.inferring
        keys = [PersonDay(day, person_id) for day in (of_inferring if inferring else of_all)]
        with contextlib.suppress(SiteWithoutZone):
            its = {key: found for key in keys if (found := directory.placed(key)) is not None}
            if not its:
                continue
            batch.placed |= its
            if inferring:
                batch.by_scans += its
            start = min(frame.start for frame, _ in its.values())
            end = max(frame.end for frame, _ in its.values())
            for claim, _ in holder.badges:
                batch.windows[person_id, claim] = (start, end, [claim])
                batch.turns.add(turn_of(claim.badge))
            if not any(span == Span() for _, span in holder.badges):
                batch.turns.add(turn_of_person(person_id))
    return batch


async def compute_batch(
    recording: Evidence, directory: Directory, batch: Batch, stored: Collection[PersonDay]
) -> dict[PersonDay, Computed]:
    """Those days of the batch that are stored, or have scans or corrections; in the order of people and dates."""
    placed = batch.placed
    if batch.by_scans:
        moved = await placed_by_scans(recording, directory, batch.by_scans)
        placed = {**placed, **{key: place for key, (place, _) in moved.items()}}
    found = await recording.scans_of(_reaching(batch.windows, placed) if batch.by_scans else batch.windows)
    for scans in found.values():
        scans.sort()
    return await computed_from(recording, directory, placed, _by_day(directory, placed, found), stored)


def _reaching(
    windows: Mapping[tuple[int, Claim], tuple[int, int, Sequence[Claim]]], placed: Mapping[PersonDay, Placed]
) -> dict[tuple[int, Claim], tuple[int, int, Sequence[Claim]]]:
    """The windows of badges, with those of the days by scans."""
    starts: dict[int, int] = {}
    ends: dict[int, int] = {}
    for key, (frame, _) in placed.items():
        starts[key.person_id] = min(starts.get(key.person_id, frame.start), frame.start)
        ends[key.person_id] = max(ends.get(key.person_id, frame.end), frame.end)
    return {key: (starts[key[0]], ends[key[0]], claims) for key, (_, _, claims) in windows.items()}


def _by_day(
    directory: Directory, placed: Mapping[PersonDay, Placed], found: Mapping[tuple[int, Claim], list[Scan]]
) -> dict[PersonDay, list[Scan]]:
    """The scans of each day that has any: in its window, of the badges that were the person's on its date."""
    by_day: dict[PersonDay, list[Scan]] = {}
    for key, (frame, _) in placed.items():
        for claim in directory.people[key.person_id].claims_on(key.date):
            scans = found[key.person_id, claim]
            start = bisect_left(scans, (frame.start,))
            end = bisect_left(scans, (frame.end,), start)
            if start < end:
                its = by_day.get(key)
                by_day[key] = scans[start:end] if its is None else its + scans[start:end]
    return by_day


def pieces_of(first: date, last: date) -> list[tuple[date, date]]:
    """A range of dates in pieces of at most `LONGEST`, one after the other."""
    length = (last - first).days + 1
    starts = [first + timedelta(days=n) for n in range(0, length, LONGEST)]
    return [(start, min(start + timedelta(days=LONGEST - 1), last)) for start in starts]


def dates_of(first: date, last: date) -> list[date]:
    """All dates from the first to the last."""
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]


def people_at_once(pieces: Sequence[tuple[date, date]]) -> int:
    """Of how many people such pieces are computed in a transaction."""
    longest = max(((last - first).days + 1 for first, last in pieces), default=LONGEST)
    return max(1, DAYS_AT_ONCE // longest)
