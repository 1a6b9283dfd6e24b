"""Shifts, schedules, the roster and settings on PostgreSQL."""

import contextlib
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import date
from typing import Any, Final

import asyncpg

from services.attendance.application.holders import Holder, Span, Timeline
from services.attendance.application.looking import Drafted
from services.attendance.application.plans import Planning
from services.attendance.application.scheduling_ports import Kind, Owner, Values
from services.attendance.domain.schedule import schedule_from
from services.attendance.storage.directory import read_people, read_sites, span_of
from services.attendance.storage.plans import in_two_groups, read_plans
from services.attendance.storage.rules import ask_days, change_rules, share_rules
from services.attendance.storage.scheduling_reading import NAME, PATH, PostgresSchedulingReading, nobody, standing_in
from services.attendance.storage.sql import BELOW
from shared.kernel.errors import Conflict
from shared.storage.database import Database
from shared.web.idempotency import Answer, Key, earlier_fast, keep_fast


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


class PostgresSchedulingWriting(PostgresSchedulingReading):
    """One transaction that changes. It holds the rules."""

    async def earlier_answer(self, key: Key) -> Answer | None:
        return await earlier_fast(self._pg, key)

    async def keep_answer(self, key: Key, answer: Answer) -> None:
        await keep_fast(self._pg, key, answer)

    async def make(self, kind: Kind, name: str) -> int:
        sql = f"INSERT INTO {kind}s ({NAME[kind]}) VALUES ($1) ON CONFLICT DO NOTHING RETURNING id"
        made: int | None = await self._pg.fetchval(sql, name)
        if made is None:
            raise _taken(kind, name)
        return made

    async def rename(self, kind: Kind, id_: int, name: str) -> None:
        column = NAME[kind]
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
            path = [row["id"] for row in await self._pg.fetch(PATH, unit)]
            found += [(Owner("unit", unit, name), nobody(standing_in(site, path))) for site in sites]
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


def _taken(kind: Kind, name: str) -> Conflict:
    detail = f"there is a {kind} {name!r} already"
    return Conflict(f"{NAME[kind]}: {detail}", fields={NAME[kind]: detail})


_MEMBERS = "SELECT DISTINCT person_id FROM group_members WHERE group_id = $1"

_TRYING_LOCK: Final = 0x7472_7969  # any number that only this means

_OF_PEOPLE = "SELECT DISTINCT person_id FROM settings WHERE person_id IS NOT NULL"

_OF_UNITS = """
SELECT DISTINCT u.id, u.name FROM settings s JOIN units u ON u.id = s.unit_id
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
