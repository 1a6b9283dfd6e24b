"""Shifts, schedules, the roster and settings as they are read."""

import json
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any, Final, Literal

import asyncpg

from services.attendance.application.holders import Assignment, Holder, Span, Timeline
from services.attendance.application.listing import Page
from services.attendance.application.plans import Planning
from services.attendance.application.rulebook import Rulebook
from services.attendance.application.scheduling_ports import Assigned, Kind, Named, Owner, RosterDay, Values
from services.attendance.storage.directory import read_people, read_sites, span_of
from services.attendance.storage.looking_up import find_group, find_person, find_site, find_unit, read_rulebook
from services.attendance.storage.plans import read_plans
from services.attendance.storage.sql import Where, day_key, in_unit, like, number_key, page, seen_by, text_key
from shared.web.lists import Window
from shared.web.scope import Scope

NAME: Final[Mapping[Kind, str]] = {"shift": "code", "schedule": "name"}
_OWNERS: Final[Mapping[str, Literal["person", "group", "site"]]] = {
    "employee": "person",
    "group": "group",
    "site": "site",
}


class PostgresSchedulingReading:
    """One transaction that reads."""

    def __init__(self, pg: "asyncpg.Connection[Any]") -> None:
        self._pg = pg

    async def rulebook(self, now: datetime) -> Rulebook:
        return await read_rulebook(self._pg, now)

    async def named(self, kind: Kind, id_: int | None = None) -> Sequence[Named]:
        rows = await self._pg.fetch(_NAMED[kind], id_)
        versions: dict[int, list[tuple[Span, Values]]] = {}
        for row in rows:
            its = versions.setdefault(row["id"], [])
            if row["values"] is not None:
                its.append((span_of(row["during"]), json.loads(row["values"])))
        names = {row["id"]: row["name"] for row in rows}
        return [Named(id=one, name=names[one], versions=tuple(its)) for one, its in versions.items()]

    async def owner(self, kind: str, text: str, scope: Scope) -> Owner | None:
        if kind in ("department", "unit"):
            return await self._unit(text, scope)
        if kind == "employee":
            id_, name_of = await find_person(self._pg, text, scope), "SELECT code FROM people WHERE id = $1"
        elif kind == "group":
            id_, name_of = await find_group(self._pg, text, scope), "SELECT name FROM groups WHERE id = $1"
        else:
            id_, name_of = await find_site(self._pg, text), "SELECT name FROM sites WHERE id = $1"
        return None if id_ is None else Owner(_OWNERS[kind], id_, await self._pg.fetchval(name_of, id_))

    async def _unit(self, text: str, scope: Scope) -> Owner | None:
        unit = await find_unit(self._pg, text)
        if unit is None:
            return None
        where = Where(unit)
        where.add("u.id = $1")
        seen_by(where, scope, person="NULL", unit="u.id")
        row = await self._pg.fetchrow(f"SELECT u.name FROM units u WHERE {where}", *where.values)
        return None if row is None else Owner("unit", unit, row["name"])

    async def assigned(self, schedule_id: int | None, on: date, scope: Scope, asked: Window) -> Page[Assigned]:
        where = Where(on)
        where.add("$1::date IS NOT NULL")
        if schedule_id is not None:
            where.add("s.schedule_id = {}", schedule_id)
        if scope.reach != "all":
            # What holds for a whole site says nothing of anybody.
            seen, member = Where(), Where()
            seen.values = member.values = where.values
            seen_by(seen, scope, person="s.person_id", unit="coalesce(s.unit_id, a.unit_id)")
            seen_by(member, scope, person="m.person_id", unit="b.unit_id")
            where.add(f"(s.site_id IS NOT NULL OR ({seen}) OR EXISTS ({_MEMBER} AND {member}))")
        if asked.search:
            pattern = where.value(like(asked.search))
            where.add(f"(c.name ILIKE {pattern} OR coalesce(p.code, g.name, u.name, t.name) ILIKE {pattern})")
        found = await page(
            self._pg,
            select=_ASSIGNED,
            source=_ASSIGNMENTS,
            where=where,
            first=text_key("c.name"),
            then=(number_key("s.id"),),
            asked=asked,
        )
        rows = [
            Assigned(
                row["id"],
                row["schedule_id"],
                row["schedule"],
                Owner(row["kind"], row["owner"], row["name"]),
                span_of(row["during"]),
            )
            for row in found.rows
        ]
        return Page(rows=rows, total=found.total, exact=found.exact, next_after=found.next_after)

    async def roster(
        self, since: date, until: date, person_id: int | None, unit_id: int | None, scope: Scope, *, asked: Window
    ) -> Page[RosterDay]:
        where = Where(since, until)
        where.add("r.date BETWEEN $1 AND $2 AND NOT p.removed")
        seen_by(where, scope, person="p.id", unit="a.unit_id")
        if person_id is not None:
            where.add("p.id = {}", person_id)
        if unit_id is not None:
            in_unit(where, unit_id, unit="a.unit_id")
        if asked.search:
            pattern = where.value(like(asked.search))
            where.add(f"(p.code ILIKE {pattern} OR p.name ILIKE {pattern})")
        found = await page(
            self._pg,
            select="p.id, p.code, p.name, r.date, r.shift_id, s.code",
            source=_ROSTER,
            where=where,
            first=text_key("p.code"),
            then=(day_key("r.date"),),
            asked=asked,
        )
        rows = [RosterDay(*row[: len(RosterDay._fields)]) for row in found.rows]
        return Page(rows=rows, total=found.total, exact=found.exact, next_after=found.next_after)

    async def place(self, owner: Owner, on: date) -> tuple[Planning, Holder, Assignment]:
        sites = await read_sites(self._pg)
        planning = Planning(await read_plans(self._pg), sites)
        path: list[int] = []
        if owner.kind == "unit":
            path = [row["id"] for row in await self._pg.fetch(PATH, owner.id)]
        stand_in = standing_in(owner.id if owner.kind == "site" else min(sites), path)
        if owner.kind == "person":
            holder = (await read_people(self._pg, people=[owner.id]))[0]
            return planning, holder, holder.assignment_on(on) or stand_in
        return planning, nobody(stand_in), stand_in

    async def settings_of(self, owner: Owner) -> Timeline[Values]:
        sql = f"SELECT values::text, during FROM settings WHERE {owner.kind}_id = $1 ORDER BY during"
        return [(span_of(row["during"]), json.loads(row["values"])) for row in await self._pg.fetch(sql, owner.id)]


def standing_in(site_id: int, unit_path: list[int]) -> Assignment:
    """A place for whoever is in such a unit."""
    return Assignment(
        span=Span(),
        site_id=site_id,
        department=None,
        unit_path=unit_path,
        designation=None,
        level_of_work="Worker",
    )


def nobody(place: Assignment) -> Holder:
    """Anybody at a place."""
    return Holder(person_id=0, code="", name="", assignments=(place,), badges=())


_NAMED: Final[Mapping[Kind, str]] = {
    kind: f"""
SELECT n.id, n.{name} AS name, v.values::text AS values, v.during FROM {kind}s n
LEFT JOIN {kind}_versions v ON v.{kind}_id = n.id
WHERE $1::int IS NULL OR n.id = $1 ORDER BY n.{name} COLLATE "C", v.during
"""
    for kind, name in NAME.items()
}

_ASSIGNED = """
s.id, s.schedule_id, c.name AS schedule, s.during,
       CASE WHEN s.person_id IS NOT NULL THEN 'person' WHEN s.group_id IS NOT NULL THEN 'group'
            WHEN s.unit_id IS NOT NULL THEN 'unit' ELSE 'site' END AS kind,
       coalesce(s.person_id, s.group_id, s.unit_id, s.site_id) AS owner,
       coalesce(p.code, g.name, u.name, t.name) AS name
"""

_ASSIGNMENTS = """
schedule_assignments s JOIN schedules c ON c.id = s.schedule_id
LEFT JOIN people p ON p.id = s.person_id LEFT JOIN groups g ON g.id = s.group_id
LEFT JOIN units u ON u.id = s.unit_id LEFT JOIN sites t ON t.id = s.site_id
LEFT JOIN assignments a ON a.person_id = s.person_id AND a.during @> $1::date
"""

_MEMBER = """
SELECT FROM group_members m LEFT JOIN assignments b ON b.person_id = m.person_id AND b.during @> $1::date
WHERE m.group_id = s.group_id
"""

_ROSTER = """
roster r JOIN people p ON p.id = r.person_id
LEFT JOIN shifts s ON s.id = r.shift_id
LEFT JOIN assignments a ON a.person_id = p.id AND a.during @> r.date
"""

PATH = """
WITH RECURSIVE path AS (
    SELECT id, parent_id, 0 AS depth FROM units WHERE id = $1
    UNION ALL SELECT u.id, u.parent_id, p.depth + 1 FROM path p JOIN units u ON u.id = p.parent_id WHERE p.depth < 50
) SELECT id FROM path ORDER BY depth
"""
