"""Corrections as columns, and back; and the statement that finds those in force for a batch of days."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg

from services.attendance.application.directory import PersonDay
from services.attendance.domain.corrections import Correction, Duty, Edge, Figures, Kind, ManualScan, Said, SetAside
from services.attendance.domain.scans import SCAN_TYPES

IN_FORCE = (
    "c.id, c.kind, c.at, c.values::text, c.reason, c.asked_by_name, c.asked_at, c.decided_by_name, c.decided_at, c.edge"
)
"""What `correction_of` reads."""


def said_of(kind: str, at: datetime | None, values: str) -> Said:
    """What a stored correction says."""
    said = json.loads(values)
    if kind == Kind.FIGURE:
        return Figures(**said)
    assert at is not None  # noqa: S101 - all others have an instant
    second = int(at.timestamp())
    if kind == Kind.DUTY:
        return Duty(second, said["until"])
    if kind == Kind.SET_ASIDE:
        return SetAside(second, UUID(said["scan_id"]))
    replaces = said.get("replaces")
    return ManualScan(second, SCAN_TYPES[said["type"]], UUID(replaces) if replaces else None)


def columns_of(said: Said) -> tuple[datetime | None, str]:
    """The columns `at` and `values`."""
    if isinstance(said, Figures):
        return None, json.dumps({name: value for name, value in said._asdict().items() if value is not None})
    values: dict[str, object]
    if isinstance(said, Duty):
        values = {"until": said.until}
    elif isinstance(said, SetAside):
        values = {"scan_id": str(said.scan_id)}
    else:
        values = {"type": str(said.type)}
        if said.replaces is not None:
            values["replaces"] = str(said.replaces)
    return datetime.fromtimestamp(said.at, UTC), json.dumps(values)


def correction_of(row: Sequence[Any]) -> Correction:
    """The correction of the columns `IN_FORCE`."""
    id_, kind, at, values, reason, asked_by, asked_at, decided_by, decided_at, edge = row
    return Correction(
        id=id_,
        said=said_of(kind, at, values),
        reason=reason,
        asked_by=asked_by,
        asked_at=asked_at,
        decided_by=decided_by,
        decided_at=decided_at,
        edge=Edge(edge) if edge else None,
    )


async def corrections_in_force(
    pg: "asyncpg.Connection[Any]", spans: Mapping[PersonDay, tuple[int, int]], *, moving: bool = False
) -> dict[PersonDay, list[Correction]]:
    """The corrections of each day that has any: those with an instant by its window, figures by their date.

    One statement for all of them. With `moving` it is written down where rules moved an instant to another date.
    """
    dates = [key.date for key in spans]
    first, last = min(dates) - _FURTHEST, max(dates) + _FURTHEST
    rows = await pg.fetch(_IN_FORCE, list({key.person_id for key in spans}), first, last)
    if not rows:
        return {}
    # Most of the rows around are of other days: only those that are meant are read.
    of_person: dict[int, list[tuple[date, int | None, Sequence[Any]]]] = {}
    for person_id, on, second, *row in rows:
        of_person.setdefault(person_id, []).append((on, second, row))
    found: dict[PersonDay, list[Correction]] = {}
    moved: list[tuple[int, date]] = []
    for key, (start, end) in spans.items():
        for on, second, row in of_person.get(key.person_id, ()):
            if on == key.date if second is None else start <= second < end:
                correction = correction_of(row)
                found.setdefault(key, []).append(correction)
                if on != key.date:
                    moved.append((correction.id, key.date))
    if moved and moving:
        await pg.executemany("UPDATE corrections SET date = $2 WHERE id = $1", moved)
    return found


_FURTHEST = timedelta(days=3)
"""That a change of rules moves an instant from the date that it was on."""

_IN_FORCE = f"""
SELECT c.person_id, c.date, extract(epoch FROM c.at)::bigint, {IN_FORCE} FROM corrections c
WHERE c.state = 'approved' AND c.person_id = ANY($1::int[]) AND c.date BETWEEN $2 AND $3
"""
