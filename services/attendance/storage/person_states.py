"""People as they are on a date: for lists, and for the events that carry their state."""

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

import asyncpg
import msgspec

from services.attendance.application.announce import BadgeState, PersonState
from services.attendance.application.directory import Span
from services.attendance.storage.sql import Where

COLUMNS = """
p.id, p.n, p.code, p.name, p.email, p.phone, p.gender, p.joined_on, p.left_on, p.removed, u.name AS department,
u.id AS unit_id, a.designation, coalesce(a.level_of_work, 'Worker') AS level_of_work, s.id AS site_id, s.name AS site,
(SELECT json_agg(json_build_array(b.badge, lower(b.during), upper(b.during), b.machine_id, m.code) ORDER BY b.id)::text
 FROM badges b LEFT JOIN machines m ON m.id = b.machine_id WHERE b.person_id = p.id) AS badges,
p.created_at, p.updated_at
"""
SOURCE = """
people p LEFT JOIN assignments a ON a.person_id = p.id AND a.during @> $1::date
LEFT JOIN units u ON u.id = a.unit_id
JOIN sites s ON s.id = coalesce(a.site_id, (SELECT min(id) FROM sites))
"""
"""`$1` is the date."""


async def read_states(pg: "asyncpg.Connection[Any]", ids: Iterable[int], today: date) -> dict[int, PersonState]:
    """The states of these people, removed ones too."""
    where = Where(today, list(ids))
    where.add("p.id = ANY($2::int[])")
    rows = await pg.fetch(f"SELECT {COLUMNS} FROM {SOURCE} WHERE {where}", *where.values)
    parents = await read_parents(pg)
    return {row["id"]: state_of(row, parents) for row in rows}


async def read_parents(pg: "asyncpg.Connection[Any]") -> dict[int, int | None]:
    """Each unit with the one above it."""
    return {row[0]: row[1] for row in await pg.fetch("SELECT id, parent_id FROM units")}


def state_of(row: asyncpg.Record, parents: Mapping[int, int | None]) -> PersonState:
    """A row of `COLUMNS`."""
    return PersonState(
        id=row["id"],
        n=row["n"],
        code=row["code"],
        name=row["name"],
        email=row["email"],
        phone=row["phone"],
        gender=row["gender"],
        joined_on=row["joined_on"],
        left_on=row["left_on"],
        removed=row["removed"],
        department=row["department"],
        unit_path=path_of(row["unit_id"], parents),
        designation=row["designation"],
        level_of_work=row["level_of_work"],
        site_id=row["site_id"],
        site=row["site"],
        badges=[
            # Whoever has never heard of a machine still has its number.
            BadgeState(badge, Span(since, until), machine_id, code or (None if machine_id is None else str(machine_id)))
            for badge, since, until, machine_id, code in _badges.decode(row["badges"] or "[]")
        ],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
    )


def path_of(unit_id: int | None, parents: Mapping[int, int | None]) -> list[int]:
    """A unit and those above it, nearest first."""
    path: list[int] = []
    while unit_id is not None and unit_id not in path:
        path.append(unit_id)
        unit_id = parents.get(unit_id)
    return path


_badges = msgspec.json.Decoder(list[tuple[str, date | None, date | None, int | None, str | None]])
