"""Shifts, schedules, the roster and settings on PostgreSQL."""

import contextlib
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import date, datetime
from typing import Any, Final, Literal

import asyncpg

from services.attendance.application.holders import Assignment, Holder, Span, Timeline
from services.attendance.application.listing import Page
from services.attendance.application.looking import Drafted
from services.attendance.application.plans import Planning
from services.attendance.application.rulebook import Rulebook
from services.attendance.application.scheduling_ports import Assigned, Kind, Named, Owner, RosterDay, Values
from services.attendance.domain.schedule import schedule_from
from services.attendance.storage.directory import read_people, read_sites, span_of
from services.attendance.storage.looking_up import find_group, find_person, find_site, find_unit, read_rulebook
from services.attendance.storage.plans import in_two_groups, read_plans
from services.attendance.storage.rules import ask_days, change_rules, share_rules
from services.attendance.storage.sql import BELOW, Where, day_key, in_unit, like, number_key, page, seen_by, text_key
from shared.kernel.errors import Conflict
from shared.storage.database import Database
from shared.web.idempotency import Answer, Key, earlier_fast, keep_fast
from shared.web.lists import Window
from shared.web.scope import Scope

_NAME: Final[Mapping[Kind, str]] = {"shift": "code", "schedule": "name"}
_OWNERS: Final[Mapping[str, Literal["person", "group", "site"]]] = {
    "employee": "person",
    "group": "group",
    "site": "site",
}


class PostgresScheduling:
    """Opens transactions that read and change what days go by."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @asynccontextmanager
    async def reading(self) -> AsyncIterator["PostgresSchedulingReading"]:
        async with self._database.fast() as pg:
            yield PostgresSchedulingReading(pg)

    @asynccontextmanager
    async def changing(self) -> AsyncIterator["PostgresSchedulingWriting"]:
        async with self._database.fast() as pg:
            await change_rules(pg)
            yield PostgresSchedulingWriting(pg)

    @asynccontextmanager
    async def trying(self) -> AsyncIterator["PostgresTrial"]:
        with contextlib.suppress(_Undone):
            async with self._database.fast() as pg:
                # Nobody changes the rules meanwhile, and nobody else tries: rows that exclude each other would wait.
                n = await share_rules(pg)
                await pg.execute("SELECT pg_advisory_xact_lock($1)", _TRYING_LOCK)
                yield PostgresTrial(pg, n)
                raise _Undone


class _Undone(Exception):
    """Ends a transaction of which nothing is to be kept."""


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
            path = [row["id"] for row in await self._pg.fetch(_PATH, owner.id)]
        stand_in = _standing_in(owner.id if owner.kind == "site" else min(sites), path)
        if owner.kind == "person":
            holder = (await read_people(self._pg, people=[owner.id]))[0]
            return planning, holder, holder.assignment_on(on) or stand_in
        return planning, _nobody(stand_in), stand_in

    async def settings_of(self, owner: Owner) -> Timeline[Values]:
        sql = f"SELECT values::text, during FROM settings WHERE {owner.kind}_id = $1 ORDER BY during"
        return [(span_of(row["during"]), json.loads(row["values"])) for row in await self._pg.fetch(sql, owner.id)]


class PostgresSchedulingWriting(PostgresSchedulingReading):
    """One transaction that changes. It holds the rules."""

    async def earlier_answer(self, key: Key) -> Answer | None:
        return await earlier_fast(self._pg, key)

    async def keep_answer(self, key: Key, answer: Answer) -> None:
        await keep_fast(self._pg, key, answer)

    async def make(self, kind: Kind, name: str) -> int:
        sql = f"INSERT INTO {kind}s ({_NAME[kind]}) VALUES ($1) ON CONFLICT DO NOTHING RETURNING id"
        made: int | None = await self._pg.fetchval(sql, name)
        if made is None:
            raise _taken(kind, name)
        return made

    async def rename(self, kind: Kind, id_: int, name: str) -> None:
        column = _NAME[kind]
        if await self._pg.fetchval(f"SELECT 1 FROM {kind}s WHERE {column} = $1 AND id <> $2", name, id_):
            raise _taken(kind, name)
        await self._pg.execute(f"UPDATE {kind}s SET {column} = $1 WHERE id = $2", name, id_)

    async def put_versions(self, kind: Kind, id_: int, versions: Timeline[Values]) -> None:
        written = [(span, json.dumps(values)) for span, values in versions]
        await self._put(f"{kind}_versions", f"{kind}_id", id_, "values", "jsonb", written)

    async def remove(self, kind: Kind, id_: int) -> None:
        await self._pg.execute(f"DELETE FROM {kind}s WHERE id = $1", id_)

    async def put_settings(self, owner: Owner, settings: Timeline[Values]) -> None:
        written = [(span, json.dumps(values)) for span, values in settings]
        await self._put("settings", f"{owner.kind}_id", owner.id, "values", "jsonb", written)

    async def schedules_of(self, owner: Owner) -> Timeline[int]:
        sql = f"SELECT schedule_id, during FROM schedule_assignments WHERE {owner.kind}_id = $1 ORDER BY during"
        return [(span_of(row["during"]), row["schedule_id"]) for row in await self._pg.fetch(sql, owner.id)]

    async def put_schedules(self, owner: Owner, schedules: Timeline[int]) -> None:
        await self._put("schedule_assignments", f"{owner.kind}_id", owner.id, "schedule_id", "int", schedules)

    async def _put(  # noqa: PLR0917 -- a table, whose it is, and what of it
        self, table: str, owner: str, id_: int, column: str, type_: str, timeline: Timeline[Any]
    ) -> None:
        await self._pg.execute(f"DELETE FROM {table} WHERE {owner} = $1", id_)
        await self._pg.execute(
            f"INSERT INTO {table} ({owner}, {column}, during) "
            f"SELECT $1, t.value::{type_}, daterange(t.since, t.until) "
            "FROM unnest($2::text[], $3::date[], $4::date[]) AS t (value, since, until)",
            id_,
            [str(value) for _, value in timeline],
            [span.since for span, _ in timeline],
            [span.until for span, _ in timeline],
        )

    async def layered(self) -> tuple[Planning, Sequence[tuple[Owner, Holder]]]:
        sites, plans = await read_sites(self._pg), await read_plans(self._pg)
        people = await read_people(self._pg, people=[row[0] for row in await self._pg.fetch(_OF_PEOPLE)])
        found = [(Owner("person", holder.person_id, holder.code), holder) for holder in people]
        for unit, name in await self._pg.fetch(_OF_UNITS):
            path = [row["id"] for row in await self._pg.fetch(_PATH, unit)]
            found += [(Owner("unit", unit, name), _nobody(_standing_in(site, path))) for site in sites]
        return Planning(plans, sites), found

    async def people(self, texts: Sequence[int | str]) -> Mapping[int | str, int]:
        ids = [one for one in texts if isinstance(one, int)]
        codes = [one for one in texts if isinstance(one, str)]
        rows = await self._pg.fetch(_PEOPLE, ids, codes)
        found: dict[int | str, int] = {row["id"]: row["id"] for row in rows}
        return found | {row["code"]: row["id"] for row in rows}

    async def put_roster(self, people: Sequence[int], dates: Sequence[date], shift_id: int | None) -> None:
        await self._pg.execute(_PUT_ROSTER, people, dates, shift_id)

    async def clear_roster(self, people: Sequence[int], dates: Sequence[date]) -> None:
        await self._pg.execute(
            "DELETE FROM roster WHERE person_id = ANY($1::int[]) AND date = ANY($2::date[])", people, dates
        )

    async def in_two_groups(self, group_id: int) -> Sequence[tuple[str, str]]:
        return await in_two_groups(self._pg, group_id)

    async def people_of(self, owner: Owner, span: Span) -> set[int]:
        if owner.kind == "person":
            return {owner.id}
        if owner.kind == "group":
            return {row[0] for row in await self._pg.fetch(_IN_GROUP, owner.id, *span)}
        in_it = f"unit_id IN ({BELOW.format('$1')})" if owner.kind == "unit" else "site_id = ANY($1::int[])"
        sql = f"SELECT DISTINCT person_id FROM assignments WHERE {in_it} AND during && daterange($2, $3)"
        return {row[0] for row in await self._pg.fetch(sql, [owner.id], *span)}

    async def people_by(self, kind: Kind, id_: int, span: Span) -> set[int]:
        schedules, found = {id_}, set()
        if kind == "shift":
            found = {row[0] for row in await self._pg.fetch(_ROSTERED, id_, *span)}
            found |= await self._of_rows(await self._pg.fetch(_INFERRING, id_, *span), span)
            schedules = {
                one.id
                for one in await self.named("schedule")
                if any(id_ in schedule_from(values).shift_ids for _, values in one.versions)
            }
        return found | await self._of_rows(await self._pg.fetch(_GOING_BY, sorted(schedules), *span), span)

    async def _of_rows(self, rows: Sequence[asyncpg.Record], span: Span) -> set[int]:
        """Who belongs to the owners of these rows while they hold, within the span."""
        found: set[int] = set()
        for row in rows:
            during = span_of(row["during"])
            since = max((edge for edge in (during.since, span.since) if edge), default=None)
            until = min((edge for edge in (during.until, span.until) if edge), default=None)
            found |= await self.people_of(Owner(row["kind"], row["owner"], ""), Span(since, until))
        return found

    async def recompute(self, people: set[int], span: Span, reason: str) -> None:
        await ask_days(self._pg, people, *span, reason)


class PostgresTrial(PostgresSchedulingWriting):
    """One transaction that changes, and of which nothing is kept."""

    def __init__(self, pg: "asyncpg.Connection[Any]", n: int) -> None:
        super().__init__(pg)
        self._n = n
        self._touched: list[tuple[frozenset[int], Span]] = []
        self._own: list[int] = []

    async def recompute(self, people: set[int], span: Span, reason: str) -> None:
        self._touched.append((frozenset(people), span))

    async def drafted(self) -> Drafted:
        sites, plans = await read_sites(self._pg), await read_plans(self._pg)
        return Drafted(self._n, sites, plans, await read_people(self._pg, people=self._own), self._touched)

    async def _put(  # noqa: PLR0917 -- as above
        self, table: str, owner: str, id_: int, column: str, type_: str, timeline: Timeline[Any]
    ) -> None:
        if owner == "person_id":
            self._own.append(id_)
        elif owner == "group_id":
            self._own += [row[0] for row in await self._pg.fetch(_MEMBERS, id_)]
        await super()._put(table, owner, id_, column, type_, timeline)


def _standing_in(site_id: int, unit_path: list[int]) -> Assignment:
    return Assignment(
        span=Span(),
        site_id=site_id,
        department=None,
        unit_path=unit_path,
        designation=None,
        level_of_work="Worker",
    )


def _nobody(place: Assignment) -> Holder:
    return Holder(person_id=0, code="", name="", assignments=(place,), badges=())


def _taken(kind: Kind, name: str) -> Conflict:
    detail = f"there is a {kind} {name!r} already"
    return Conflict(f"{_NAME[kind]}: {detail}", fields={_NAME[kind]: detail})


_NAMED: Final[Mapping[Kind, str]] = {
    kind: f"""
SELECT n.id, n.{name} AS name, v.values::text AS values, v.during FROM {kind}s n
LEFT JOIN {kind}_versions v ON v.{kind}_id = n.id
WHERE $1::int IS NULL OR n.id = $1 ORDER BY n.{name} COLLATE "C", v.during
"""
    for kind, name in _NAME.items()
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

_MEMBERS = "SELECT DISTINCT person_id FROM group_members WHERE group_id = $1"
_TRYING_LOCK: Final = 0x7472_7969  # any number that only this means

_OF_PEOPLE = "SELECT DISTINCT person_id FROM settings WHERE person_id IS NOT NULL"
_OF_UNITS = """
SELECT DISTINCT u.id, u.name FROM settings s JOIN units u ON u.id = s.unit_id
"""

_PATH = """
WITH RECURSIVE path AS (
    SELECT id, parent_id, 0 AS depth FROM units WHERE id = $1
    UNION ALL SELECT u.id, u.parent_id, p.depth + 1 FROM path p JOIN units u ON u.id = p.parent_id WHERE p.depth < 50
) SELECT id FROM path ORDER BY depth
"""

_PEOPLE = "SELECT id, code FROM people WHERE NOT removed AND (id = ANY($1::int[]) OR code = ANY($2::text[]))"

_IN_GROUP = "SELECT DISTINCT person_id FROM group_members WHERE group_id = $1 AND during && daterange($2, $3)"

_PUT_ROSTER = """
INSERT INTO roster (person_id, date, shift_id)
SELECT p, d, $3::int FROM unnest($1::int[]) AS p CROSS JOIN unnest($2::date[]) AS d
ON CONFLICT (person_id, date) DO UPDATE SET shift_id = excluded.shift_id
"""

_ROSTERED = """
SELECT DISTINCT person_id FROM roster WHERE shift_id = $1 AND daterange($2, $3) @> date
"""

_GOING_BY = """
SELECT during, coalesce(person_id, group_id, unit_id, site_id) AS owner,
       CASE WHEN person_id IS NOT NULL THEN 'person' WHEN group_id IS NOT NULL THEN 'group'
            WHEN unit_id IS NOT NULL THEN 'unit' ELSE 'site' END AS kind
FROM schedule_assignments WHERE schedule_id = ANY($1::int[]) AND during && daterange($2, $3)
"""

_INFERRING = """
SELECT during, coalesce(person_id, unit_id, site_id) AS owner,
       CASE WHEN person_id IS NOT NULL THEN 'person' WHEN unit_id IS NOT NULL THEN 'unit' ELSE 'site' END AS kind
FROM settings WHERE during && daterange($2, $3) AND (
    values -> 'infer_shifts_from' @> to_jsonb($1::int)
    OR (values -> 'infer_shifts' = 'true' AND NOT values ? 'infer_shifts_from'))
"""
