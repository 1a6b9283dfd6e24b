"""What a draft would make of days on which somebody was not seen: they have no row, and are worked out when read."""

from collections.abc import Iterator, Mapping
from datetime import date, datetime
from typing import Final

from services.attendance.application.computing import DayRow, compute, row_of
from services.attendance.application.difference import Change, Totals, change_of
from services.attendance.application.directory import Directory, PersonDay, Span
from services.attendance.application.inferring import Placed
from services.attendance.domain.terms import Level
from services.attendance.domain.time_off import NO_TIME_OFF, TimeOff

_READ: Final = ("status", "shortfall", "expected")
"""What such a day can differ in for whoever reads it."""


def unseen_of(
    placed: Mapping[PersonDay, Placed], held: Directory, employed: Mapping[int, Span], at: datetime
) -> dict[PersonDay, Placed]:
    """Those of these days that have begun, of people who were employed on them."""
    today: dict[int, date] = {}
    found = {}
    for key, where in placed.items():
        site_id = where[1].site_id
        if site_id not in today:
            today[site_id] = held.date_at(site_id, int(at.timestamp()))
        its = employed.get(key.person_id)
        if key.date <= today[site_id] and its is not None and its.covers(key.date):
            found[key] = where
    return found


def look_at_unseen(
    unseen: Mapping[PersonDay, Placed],
    off: Mapping[PersonDay, TimeOff],
    drafted: Directory,
    held: Directory,
    totals: Totals,
) -> Iterator[Change]:
    """Count these days by both rules, and say which would be others. One answer serves all who have the same frames."""
    known: dict[tuple[int, int, Level, TimeOff], tuple[DayRow, DayRow, Change | None]] = {}
    for key, (frame, place) in unseen.items():
        was = held.placed(key)
        if was is None:
            continue
        its = off.get(key, NO_TIME_OFF)
        same = (was[0].number, frame.number, place.level, its)
        if same not in known:
            holder = drafted.people[key.person_id]
            before = row_of(compute((), holder, *was, off=its))
            after = row_of(compute((), holder, frame, place, off=its))
            differs = any(getattr(before, name) != getattr(after, name) for name in _READ)
            known[same] = before, after, change_of(before, after) if differs else None
        before, after, change = known[same]
        totals.count(before, after, change)
        if change is not None:
            yield change._replace(person_id=key.person_id)
