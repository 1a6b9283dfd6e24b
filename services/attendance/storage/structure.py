"""Sites and units on PostgreSQL. Whoever changes them holds the rules, as workers keep places and paths of units."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import date, datetime, timedelta
from typing import Any

import asyncpg

from services.attendance.application.announce import person_changed
from services.attendance.application.listing import Page
from services.attendance.application.rulebook import Rulebook
from services.attendance.application.structure import SiteDraft, SiteRecord, UnitDraft, UnitRecord, WantedUnits
from services.attendance.storage.looking_up import read_rulebook
from services.attendance.storage.person_states import path_of, read_parents, read_states
from services.attendance.storage.rules import ask_recompute, change_rules
from services.attendance.storage.sql import (
    BELOW,
    Where,
    in_unit,
    like,
    number_key,
    page,
    people_counted,
    seen_by,
    text_key,
)
from shared.kernel.errors import Conflict, sentence
from shared.outbox.writing import add_fast
from shared.storage.database import Database
from shared.web.idempotency import Answer, Key, earlier_fast, keep_fast
from shared.web.lists import Window
from shared.web.scope import Scope


class PostgresStructure:
    """Opens transactions that read and change sites and units."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @asynccontextmanager
    async def reading(self) -> AsyncIterator["PostgresStructureReading"]:
        async with self._database.fast() as pg:
            yield PostgresStructureReading(pg)

    @asynccontextmanager
    async def changing(self) -> AsyncIterator["PostgresStructureWriting"]:
        try:
            async with self._database.fast() as pg:
                await change_rules(pg)
                yield PostgresStructureWriting(pg)
        except asyncpg.UniqueViolationError as error:
            detail = "another has this name"
            raise Conflict(f"name: {detail}", fields={"name": detail}) from error
        except asyncpg.ForeignKeyViolationError as error:
            raise Conflict(f"something belongs to it: {error.detail}") from error


class PostgresStructureReading:
    """One transaction that reads."""

    def __init__(self, pg: "asyncpg.Connection[Any]") -> None:
        self._pg = pg

    async def rulebook(self, now: datetime) -> Rulebook:
        return await read_rulebook(self._pg, now)

    async def sites(self, today: date, scope: Scope, asked: Window) -> Page[SiteRecord]:
        where = Where(today)
        where.add("$1::date IS NOT NULL")
        people = people_counted(where, scope, "a.site_id = s.id")
        if asked.search:
            where.add("s.name ILIKE {}", like(asked.search))
        orders = {"name": text_key("s.name"), "id": number_key("s.id")}
        found = await page(
            self._pg,
            select=_SITE.format(people=people),
            source="sites s",
            where=where,
            first=orders[asked.order],
            then=(number_key("s.id"),),
            asked=asked,
        )
        rows = [SiteRecord(*row[: len(SiteRecord._fields)]) for row in found.rows]
        return Page(rows=rows, total=found.total, exact=found.exact, next_after=found.next_after)

    async def site(self, site_id: int, today: date, scope: Scope) -> SiteRecord | None:
        where = Where(today)
        where.add("s.id = {}::int", site_id)
        select = _SITE.format(people=people_counted(where, scope, "a.site_id = s.id"))
        row = await self._pg.fetchrow(f"SELECT {select} FROM sites s WHERE {where}", *where.values)
        return None if row is None else SiteRecord(*row)

    async def units(self, wanted: WantedUnits, today: date, scope: Scope, asked: Window) -> Page[UnitRecord]:
        where = _seen_units(today, scope)
        if wanted.kind:
            where.add("u.kind = {}", wanted.kind)
        if wanted.parent_id is not None:
            where.add("u.parent_id = {}::int", wanted.parent_id)
        if wanted.below is not None:
            in_unit(where, wanted.below, unit="u.id")
        if wanted.search:
            where.add("u.name ILIKE {}", like(wanted.search))
        people = people_counted(where, scope, "a.unit_id = u.id")
        orders = {"name": text_key("u.name"), "id": number_key("u.id"), "kind": text_key("u.kind")}
        found = await page(
            self._pg,
            select=_UNIT.format(people=people),
            source="units u",
            where=where,
            first=orders[asked.order],
            then=(number_key("u.id"),),
            asked=asked,
        )
        rows = [UnitRecord(*row[: len(UnitRecord._fields)]) for row in found.rows]
        return Page(rows=rows, total=found.total, exact=found.exact, next_after=found.next_after)

    async def unit(self, unit_id: int, today: date, scope: Scope) -> UnitRecord | None:
        where = _seen_units(today, scope)
        where.add("u.id = {}::int", unit_id)
        select = _UNIT.format(people=people_counted(where, scope, "a.unit_id = u.id"))
        row = await self._pg.fetchrow(f"SELECT {select} FROM units u WHERE {where}", *where.values)
        return None if row is None else UnitRecord(*row)


class PostgresStructureWriting(PostgresStructureReading):
    """One transaction that changes. It holds the rules."""

    async def earlier_answer(self, key: Key) -> Answer | None:
        return await earlier_fast(self._pg, key)

    async def keep_answer(self, key: Key, answer: Answer) -> None:
        await keep_fast(self._pg, key, answer)

    async def save_site(self, site_id: int | None, draft: SiteDraft) -> int:
        if site_id is None:
            made: int = await self._pg.fetchval("INSERT INTO sites (name, zone) VALUES ($1, $2) RETURNING id", *draft)
            return made
        before = await self._pg.fetchval("SELECT zone FROM sites WHERE id = $1", site_id)
        await self._pg.execute("UPDATE sites SET name = $2, zone = $3 WHERE id = $1", site_id, *draft)
        if before != draft.zone:
            await ask_recompute(self._pg, reason=f"site {site_id} is in {draft.zone}")
        return site_id

    async def site_in_use(self, site_id: int) -> str:
        return _in_words(await self._pg.fetchrow(_SITE_USES, site_id))

    async def remove_site(self, site_id: int) -> None:
        await self._pg.execute("DELETE FROM sites WHERE id = $1", site_id)

    async def parents(self) -> Mapping[int, int | None]:
        return await read_parents(self._pg)

    async def is_person(self, person_id: int) -> bool:
        found: bool = await self._pg.fetchval(
            "SELECT EXISTS (SELECT FROM people WHERE id = $1 AND NOT removed)", person_id
        )
        return found

    async def save_unit(self, unit_id: int | None, draft: UnitDraft, rules: Rulebook) -> int:
        if unit_id is None:
            made: int = await self._pg.fetchval(
                "INSERT INTO units (kind, name, parent_id, head_id) VALUES ($1, $2, $3, $4) RETURNING id", *draft
            )
            return made
        before = await self._pg.fetchrow("SELECT name, parent_id FROM units WHERE id = $1", unit_id)
        await self._pg.execute(
            "UPDATE units SET kind = $2, name = $3, parent_id = $4, head_id = $5 WHERE id = $1", unit_id, *draft
        )
        if tuple(before) != (draft.name, draft.parent_id):
            await self._tell_of_people(unit_id, rules)
        if before["parent_id"] != draft.parent_id:
            await self._recompute_moved(unit_id, before["parent_id"], draft)
        return unit_id

    async def unit_in_use(self, unit_id: int) -> str:
        return _in_words(await self._pg.fetchrow(_UNIT_USES, unit_id))

    async def remove_unit(self, unit_id: int) -> None:
        await self._pg.execute("DELETE FROM units WHERE id = $1", unit_id)

    async def _recompute_moved(self, unit_id: int, before: int | None, draft: UnitDraft) -> None:
        """People go by the settings and schedules of the units above theirs, on all dates: the tree has none."""
        parents = await read_parents(self._pg)
        other = set(path_of(before, parents)) ^ set(path_of(draft.parent_id, parents))
        said = await self._pg.fetchrow(_SAID_OF_UNITS, sorted(other))
        if said["found"]:
            people = [row[0] for row in await self._pg.fetch(_EVER_IN, [unit_id])]
            reason = f"{draft.name} was moved in the tree of units"
            # A schedule changes windows, even on the date before.
            since = None if said["since"] is None else said["since"] - timedelta(days=1)
            await ask_recompute(self._pg, reason=reason, people=people, since=since)

    async def _tell_of_people(self, unit_id: int, rules: Rulebook) -> None:
        """Others keep each person's department and path of units."""
        where = Where(rules.today(), rules.now)
        where.add("a.during @> $1::date AND a.person_id = p.id AND NOT p.removed")
        in_unit(where, unit_id, unit="a.unit_id")
        rows = await self._pg.fetch(_RAISE.format(where=where), *where.values)
        ids = sorted(row["id"] for row in rows)
        epoch = await self._pg.fetchval("SELECT epoch FROM epoch")
        states = await read_states(self._pg, ids, rules.today())
        await add_fast(self._pg, [person_changed(states[person_id], epoch) for person_id in ids], time=rules.now)


def _seen_units(today: date, scope: Scope) -> Where:
    """A unit is the caller's to see where it is theirs today, or headed by them, or below one that they head."""
    where = Where(today)
    where.add("$1::date IS NOT NULL")
    own = "(SELECT unit_id FROM assignments WHERE person_id = {}::int AND during @> $1::date)"
    if scope.reach == "none":
        where.add("FALSE")
    elif scope.reach == "units":
        headed = Where()
        headed.values = where.values
        seen_by(headed, scope, person="NULL", unit="u.id")
        where.add(f"({headed} OR u.id IN {own})", scope.person)
    elif scope.reach != "all":
        where.add(f"u.id IN {own}", scope.person)
    return where


def _in_words(uses: asyncpg.Record) -> str:
    found = [f"{count} {name}" for name, count in uses.items() if count]
    return f"{sentence(found)} belong to it" if found else ""


_SITE = """
s.id, s.name, s.zone,
{people},
(SELECT count(*) FROM machines m WHERE m.site_id = s.id AND NOT m.removed)
"""

_UNIT = """
u.id, u.kind, u.name, u.parent_id, u.head_id,
(SELECT h.name FROM people h WHERE h.id = u.head_id),
{people},
(SELECT count(*) FROM units c WHERE c.parent_id = u.id)
"""

_SITE_USES = """
SELECT (SELECT count(*) FROM machines WHERE site_id = $1 AND NOT removed) AS machines,
       (SELECT count(DISTINCT person_id) FROM assignments WHERE site_id = $1) AS people,
       (SELECT count(*) FROM settings WHERE site_id = $1) AS settings
"""

_UNIT_USES = """
SELECT (SELECT count(*) FROM units WHERE parent_id = $1) AS units,
       (SELECT count(DISTINCT person_id) FROM assignments WHERE unit_id = $1) AS people
"""

_SAID_OF_UNITS = """
SELECT count(*) > 0 AS found, CASE WHEN bool_and(lower(during) IS NOT NULL) THEN min(lower(during)) END AS since
FROM (SELECT unit_id, during FROM settings UNION ALL SELECT unit_id, during FROM schedule_assignments) AS said
WHERE unit_id = ANY($1::int[])
"""
_EVER_IN = f"SELECT DISTINCT person_id FROM assignments WHERE unit_id IN ({BELOW.format('$1')}) ORDER BY 1"

_RAISE = """
UPDATE people p SET n = p.n + 1, updated_at = $2 FROM assignments a WHERE {where} RETURNING p.id
"""
