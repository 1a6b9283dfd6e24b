"""Reading what the worker's directory holds."""

import json
from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any

import asyncpg

from services.attendance.application.claims import Held, claims_of
from services.attendance.application.directory import Assignment, Holder, Site, Span
from services.attendance.domain.settings import DaySettings, settings_from
from services.attendance.storage.plans import read_owned
from services.attendance.storage.time_off import HOLIDAYS, holidays_of


async def read_sites(pg: "asyncpg.Connection[Any]") -> dict[int, Site]:
    """All sites with their settings over time, and their holidays."""
    settings: dict[int, list[tuple[Span, DaySettings]]] = {}
    for row in await pg.fetch(_SITE_SETTINGS):
        values = settings_from(json.loads(row["values"]))
        settings.setdefault(row["site_id"], []).append((span_of(row["during"]), values))
    locked = await locked_months(pg)
    return {
        row["id"]: Site(
            site_id=row["id"],
            zone=row["zone"],
            settings=tuple(settings.get(row["id"], ())),
            locked=frozenset(locked.get(row["id"], ())),
            holidays=holidays_of(row["holidays"]),
        )
        for row in await pg.fetch(f"SELECT s.id, s.zone, {HOLIDAYS} AS holidays FROM sites s")
    }


async def locked_months(pg: "asyncpg.Connection[Any]") -> dict[int, set[date]]:
    """For each site the firsts of the months whose days keep their figures."""
    locked: dict[int, set[date]] = {}
    for row in await pg.fetch("SELECT site_id, month FROM locks WHERE unlocked_at IS NULL"):
        locked.setdefault(row["site_id"], set()).add(row["month"])
    return locked


async def read_people(
    pg: "asyncpg.Connection[Any]", *, badges: Iterable[str] = (), people: Iterable[int] = ()
) -> list[Holder]:
    """The people who hold, or ever held, any of these badges, and these people: each with all of their badges.

    What was said of them by themselves comes with them.
    """
    rows = await pg.fetch(_PEOPLE, list(badges), list(people))
    ids = [row["id"] for row in rows]
    held, bound = await _read_badges(pg, ids)
    placed: dict[int, list[Assignment]] = {}
    for row in await pg.fetch(_ASSIGNMENTS, ids):
        assignment = Assignment(
            span=span_of(row["during"]),
            site_id=row["site_id"],
            department=row["department"],
            unit_path=list(row["unit_path"] or ()),
            designation=row["designation"],
            level_of_work=row["level_of_work"],
        )
        placed.setdefault(row["person_id"], []).append(assignment)
    owned = await read_owned(pg, ids)
    return [
        Holder(
            person_id=row["id"],
            code=row["code"],
            name=row["name"],
            assignments=tuple(placed.get(row["id"], ())),
            badges=tuple(claims_of(held.get(row["id"], ()), bound)),
            owned=owned.get(row["id"]),
        )
        for row in rows
    ]


async def _read_badges(
    pg: "asyncpg.Connection[Any]", people: Sequence[int]
) -> tuple[dict[int, list[Held]], dict[str, list[tuple[int, Span]]]]:
    """The badges of these people; and on which machines the same numbers are bound to anybody."""
    held: dict[int, list[Held]] = {}
    bound: dict[str, list[tuple[int, Span]]] = {}
    for person_id, badge, during, machine_id in await pg.fetch(_BADGES, people):
        if person_id is None:
            bound.setdefault(badge, []).append((machine_id, span_of(during)))
        else:
            held.setdefault(person_id, []).append(Held(badge, span_of(during), machine_id))
    return held, bound


def span_of(during: "asyncpg.Range") -> Span:
    """A daterange, which PostgreSQL keeps as [since, until)."""
    since: date | None = during.lower
    until: date | None = during.upper
    return Span(since, until)


_SITE_SETTINGS = """
SELECT site_id, values::text, during FROM settings WHERE site_id IS NOT NULL ORDER BY site_id, during
"""

_PEOPLE = """
SELECT id, code, name FROM people
WHERE NOT removed AND (id IN (SELECT person_id FROM badges WHERE badge = ANY($1)) OR id = ANY($2))
"""

# Few numbers are bound to machines, and only these are in the index that the second part begins with.
_BADGES = """
SELECT person_id, badge, during, machine_id FROM badges WHERE person_id = ANY($1)
UNION ALL
SELECT NULL, badge, during, machine_id FROM badges
WHERE machine_id IS NOT NULL AND badge IN (SELECT badge FROM badges WHERE person_id = ANY($1) AND machine_id IS NULL)
"""

_ASSIGNMENTS = """
WITH RECURSIVE path (unit_id, ancestor_id, parent_id, depth) AS (
    SELECT id, id, parent_id, 0 FROM units
    UNION ALL
    SELECT p.unit_id, u.id, u.parent_id, p.depth + 1 FROM path p JOIN units u ON u.id = p.parent_id WHERE p.depth < 50
)
SELECT a.person_id, a.site_id, a.designation, a.level_of_work, a.during, u.name AS department,
       (SELECT array_agg(p.ancestor_id ORDER BY p.depth) FROM path p WHERE p.unit_id = a.unit_id) AS unit_path
FROM assignments a LEFT JOIN units u ON u.id = a.unit_id
WHERE a.person_id = ANY($1)
ORDER BY a.person_id, a.during
"""
