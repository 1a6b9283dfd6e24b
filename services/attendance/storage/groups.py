"""Groups of people on PostgreSQL."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date, datetime
from typing import Any

import asyncpg

from services.attendance.application.directory import Span
from services.attendance.application.groups import GroupRecord, Member
from services.attendance.application.listing import Page
from services.attendance.application.rulebook import Rulebook
from services.attendance.storage.looking_up import meant_person, read_rulebook
from services.attendance.storage.plans import in_two_groups
from services.attendance.storage.rules import ask_days, change_rules, hold_rules
from services.attendance.storage.sql import Where, like, number_key, page, seen_by, text_key
from shared.kernel.errors import Conflict
from shared.storage.database import Database
from shared.web.idempotency import Answer, Key, earlier_fast, keep_fast
from shared.web.lists import Window
from shared.web.scope import Scope


class PostgresGroups:
    """Opens transactions that read and change groups."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @asynccontextmanager
    async def reading(self) -> AsyncIterator["PostgresGroupReading"]:
        async with self._database.fast() as pg:
            yield PostgresGroupReading(pg)

    @asynccontextmanager
    async def changing(self) -> AsyncIterator["PostgresGroupWriting"]:
        try:
            async with self._database.fast() as pg:
                yield PostgresGroupWriting(pg)
        except asyncpg.UniqueViolationError as error:
            detail = "another group has this name"
            raise Conflict(f"name: {detail}", fields={"name": detail}) from error
        except asyncpg.ExclusionViolationError as error:
            detail = "is in the group for some of that time"
            raise Conflict(f"employee: {detail}", fields={"employee": detail}) from error


class PostgresGroupReading:
    """One transaction that reads."""

    def __init__(self, pg: "asyncpg.Connection[Any]") -> None:
        self._pg = pg

    async def rulebook(self, now: datetime) -> Rulebook:
        return await read_rulebook(self._pg, now)

    async def groups(self, today: date, scope: Scope, asked: Window) -> Page[GroupRecord]:
        where, count = _seen_groups(today, scope)
        if asked.search:
            where.add("g.name ILIKE {}", like(asked.search))
        orders = {"name": text_key("g.name"), "id": number_key("g.id")}
        found = await page(
            self._pg,
            select=f"g.id, g.name, g.description, {count}",
            source="groups g",
            where=where,
            first=orders[asked.order],
            then=(number_key("g.id"),),
            asked=asked,
        )
        rows = [GroupRecord(*row[: len(GroupRecord._fields)]) for row in found.rows]
        return Page(rows=rows, total=found.total, exact=found.exact, next_after=found.next_after)

    async def group(self, group_id: int, today: date, scope: Scope) -> GroupRecord | None:
        where, count = _seen_groups(today, scope)
        where.add("g.id = {}::int", group_id)
        sql = f"SELECT g.id, g.name, g.description, {count} FROM groups g WHERE {where}"
        row = await self._pg.fetchrow(sql, *where.values)
        return None if row is None else GroupRecord(*row)

    async def members(self, group_id: int, today: date, on: date | None, scope: Scope, asked: Window) -> Page[Member]:
        where = Where(today)
        where.add("m.group_id = {}::int AND NOT p.removed", group_id)
        seen_by(where, scope, person="p.id", unit="a.unit_id")
        if on is not None:
            where.add("m.during @> {}::date", on)
        if asked.search:
            pattern = where.value(like(asked.search))
            where.add(f"(p.code ILIKE {pattern} OR p.name ILIKE {pattern})")
        orders = {"employee_id": text_key("p.code"), "name": text_key("p.name")}
        found = await page(
            self._pg,
            select=_MEMBER,
            source=_MEMBERS,
            where=where,
            first=orders[asked.order],
            then=(number_key("m.id"),),
            asked=asked,
        )
        rows = [Member(*row[: len(Member._fields)]) for row in found.rows]
        return Page(rows=rows, total=found.total, exact=found.exact, next_after=found.next_after)


class PostgresGroupWriting(PostgresGroupReading):
    """One transaction that changes."""

    async def earlier_answer(self, key: Key) -> Answer | None:
        return await earlier_fast(self._pg, key)

    async def keep_answer(self, key: Key, answer: Answer) -> None:
        await keep_fast(self._pg, key, answer)

    async def save(self, group_id: int | None, name: str, description: str) -> int:
        if group_id is not None:
            await self._pg.execute(
                "UPDATE groups SET name = $2, description = $3 WHERE id = $1", group_id, name, description
            )
            return group_id
        made: int = await self._pg.fetchval(
            "INSERT INTO groups (name, description) VALUES ($1, $2) RETURNING id", name, description
        )
        return made

    async def remove(self, group_id: int) -> None:
        await self._pg.execute("DELETE FROM group_members WHERE group_id = $1", group_id)
        await self._pg.execute("DELETE FROM groups WHERE id = $1", group_id)

    async def person(self, wanted: int | str) -> int | None:
        return await meant_person(self._pg, wanted)

    async def add(self, group_id: int, person_id: int, span: Span) -> int:
        added: int = await self._pg.fetchval(
            "INSERT INTO group_members (group_id, person_id, during) VALUES ($1, $2, daterange($3, $4)) RETURNING id",
            group_id,
            person_id,
            *span,
        )
        return added

    async def member(self, group_id: int, member_id: int, today: date) -> Member | None:
        sql = f"SELECT {_MEMBER} FROM {_MEMBERS} WHERE m.group_id = $2 AND m.id = $3"
        row = await self._pg.fetchrow(sql, today, group_id, member_id)
        return None if row is None else Member(*row)

    async def end(self, member_id: int, until: date | None) -> None:
        if until is None:
            await self._pg.execute("DELETE FROM group_members WHERE id = $1", member_id)
            return
        await self._pg.execute(
            "UPDATE group_members SET during = daterange(lower(during), $2) WHERE id = $1", member_id, until
        )

    async def has_schedules(self, group_id: int) -> bool:
        await hold_rules(self._pg)
        found: bool = await self._pg.fetchval(
            "SELECT EXISTS (SELECT FROM schedule_assignments WHERE group_id = $1)", group_id
        )
        return found

    async def in_two_groups(self, group_id: int) -> list[tuple[str, str]]:
        return await in_two_groups(self._pg, group_id)

    async def recompute(self, person_id: int, span: Span, reason: str) -> None:
        await change_rules(self._pg)
        await ask_days(self._pg, [person_id], *span, reason)


def _seen_groups(today: date, scope: Scope) -> tuple[Where, str]:
    """The groups that the caller may see, and the count of members whom they see."""
    seen = Where(today)
    seen.add("m.group_id = g.id AND NOT p.removed AND $1::date IS NOT NULL")
    seen_by(seen, scope, person="p.id", unit="a.unit_id")
    where = Where(*seen.values)
    where.add("$1::date IS NOT NULL")
    if scope.reach != "all":
        where.add(f"EXISTS (SELECT FROM {_MEMBERS} WHERE {seen})")
    return where, f"(SELECT count(*) FROM {_MEMBERS} WHERE {seen} AND m.during @> $1::date)"


_MEMBERS = """
group_members m JOIN people p ON p.id = m.person_id
LEFT JOIN assignments a ON a.person_id = p.id AND a.during @> $1::date LEFT JOIN units u ON u.id = a.unit_id
"""
_MEMBER = "m.id, p.id, p.code, p.name, u.name, lower(m.during), upper(m.during)"
