"""Reading shifts, schedules, and what was said of units, sites and people by themselves."""

import json
from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any

import asyncpg

from services.attendance.application.holders import Layer, Owned, Span
from services.attendance.application.plans import Plans
from services.attendance.domain.schedule import schedule_from
from services.attendance.domain.shift_values import shift_from


async def read_plans(pg: "asyncpg.Connection[Any]") -> Plans:
    """All but what was said of single people: that is read with them."""
    found: dict[str, dict[int, list[tuple[Span, asyncpg.Record]]]] = {}
    rows = await pg.fetch(_PLANS)
    for row in rows:
        during = Span(row["since"], row["until"])
        found.setdefault(row["what"], {}).setdefault(row["of"], []).append((during, row))

    def read(what: str, value: Any) -> dict[int, Any]:
        return {of: tuple((span, value(row)) for span, row in its) for of, its in found.get(what, {}).items()}

    unit_settings, unit_schedules = read("unit_settings", _layer), read("unit_schedule", lambda row: row["id"])
    return Plans(
        shifts=read("shift", lambda row: shift_from(json.loads(row["values"]))),
        schedules=read("schedule", lambda row: schedule_from(json.loads(row["values"]))),
        units={
            unit: Owned(schedules=unit_schedules.get(unit, ()), settings=unit_settings.get(unit, ()))
            for unit in unit_settings.keys() | unit_schedules.keys()
        },
        sites={site: Owned(schedules=its) for site, its in read("site_schedule", lambda row: row["id"]).items()},
        of_people="person" in found,
    )


async def read_owned(pg: "asyncpg.Connection[Any]", people: Sequence[int]) -> dict[int, Owned]:
    """What was said of these people by themselves; nothing stands for nothing."""
    settings: dict[int, list[tuple[Span, Layer]]] = {}
    schedules: dict[int, list[tuple[Span, int]]] = {}
    of_groups: dict[int, list[tuple[Span, int]]] = {}
    roster: dict[int, dict[date, int | None]] = {}
    for row in await pg.fetch(_OWNED, people):
        person, span = row["person_id"], Span(row["since"], row["until"])
        if row["what"] == "settings":
            settings.setdefault(person, []).append((span, _layer(row)))
        elif row["what"] == "schedule":
            schedules.setdefault(person, []).append((span, row["id"]))
        elif row["what"] == "group":
            of_groups.setdefault(person, []).append((span, row["id"]))
        else:
            roster.setdefault(person, {})[row["since"]] = row["id"]
    return {
        person: Owned(
            schedules=tuple(schedules.get(person, ())),
            settings=tuple(settings.get(person, ())),
            of_groups=tuple(of_groups.get(person, ())),
            roster=roster.get(person, {}),
        )
        for person in settings.keys() | schedules.keys() | of_groups.keys() | roster.keys()
    }


async def in_two_groups(pg: "asyncpg.Connection[Any]", group_id: int) -> list[tuple[str, str]]:
    """Whom a group's schedules and those of another would both have on some date: codes, with the other's name."""
    return [(row["code"], row["name"]) for row in await pg.fetch(_IN_TWO_GROUPS, group_id)]


async def planned_ids(pg: "asyncpg.Connection[Any]", plans: Plans, moving: Iterable[int]) -> list[int]:
    """Who may have days of their own: by themselves, their units or their sites; `moving` are sites, too."""
    if plans.empty and not (moving := list(moving)):
        return []
    rows = await pg.fetch(_PLANNED, sorted(plans.units), sorted({*plans.sites, *moving}))
    return [row["id"] for row in rows]


def _layer(row: asyncpg.Record) -> Layer:
    return Layer(row["id"], json.loads(row["values"]))


_PLANS = """
SELECT 'shift' AS what, shift_id AS of, id, values::text, lower(during) AS since, upper(during) AS until
FROM shift_versions
UNION ALL
SELECT 'schedule', schedule_id, id, values::text, lower(during), upper(during) FROM schedule_versions
UNION ALL
SELECT 'unit_schedule', unit_id, schedule_id, NULL, lower(during), upper(during) FROM schedule_assignments
WHERE unit_id IS NOT NULL
UNION ALL
SELECT 'site_schedule', site_id, schedule_id, NULL, lower(during), upper(during) FROM schedule_assignments
WHERE site_id IS NOT NULL
UNION ALL
SELECT 'unit_settings', unit_id, id, values::text, lower(during), upper(during) FROM settings
WHERE unit_id IS NOT NULL
UNION ALL
SELECT 'person', 0, 0, NULL, NULL, NULL
WHERE EXISTS (SELECT FROM schedule_assignments WHERE person_id IS NOT NULL OR group_id IS NOT NULL)
   OR EXISTS (SELECT FROM settings WHERE person_id IS NOT NULL) OR EXISTS (SELECT FROM roster)
ORDER BY 1, 2, 5 NULLS FIRST
"""

_OWNED = """
SELECT 'schedule' AS what, person_id, schedule_id AS id, NULL AS values, lower(during) AS since, upper(during) AS until
FROM schedule_assignments WHERE person_id = ANY($1::int[])
UNION ALL
SELECT 'settings', person_id, id, values::text, lower(during), upper(during) FROM settings
WHERE person_id = ANY($1::int[])
UNION ALL
SELECT 'group', m.person_id, s.schedule_id, NULL, lower(m.during * s.during), upper(m.during * s.during)
FROM schedule_assignments s JOIN group_members m ON m.group_id = s.group_id AND m.during && s.during
WHERE m.person_id = ANY($1::int[])
UNION ALL
SELECT 'roster', person_id, shift_id, NULL, date, NULL FROM roster WHERE person_id = ANY($1::int[])
ORDER BY 2, 1, 5 NULLS FIRST
"""

_IN_TWO_GROUPS = """
SELECT DISTINCT p.code, g.name FROM group_members m JOIN schedule_assignments s ON s.group_id = m.group_id
JOIN group_members o ON o.person_id = m.person_id AND o.group_id <> m.group_id AND o.during && m.during
JOIN schedule_assignments t ON t.group_id = o.group_id
JOIN people p ON p.id = m.person_id JOIN groups g ON g.id = o.group_id
WHERE m.group_id = $1 AND NOT isempty(m.during * s.during * o.during * t.during) ORDER BY 1, 2
"""

_PLANNED = """
WITH RECURSIVE below AS (
    SELECT id FROM units WHERE id = ANY($1::int[])
    UNION SELECT units.id FROM units JOIN below ON units.parent_id = below.id
)
SELECT p.id FROM people p WHERE NOT p.removed AND (
    p.id IN (SELECT person_id FROM schedule_assignments UNION SELECT person_id FROM settings
             UNION SELECT person_id FROM roster
             UNION SELECT m.person_id FROM group_members m JOIN schedule_assignments s ON s.group_id = m.group_id)
    OR p.id IN (SELECT person_id FROM assignments WHERE unit_id IN (SELECT id FROM below) OR site_id = ANY($2::int[])))
"""
