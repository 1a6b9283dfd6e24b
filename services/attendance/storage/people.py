"""People on PostgreSQL: reading them as they are today, and what changes of them need to know."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import date, datetime
from typing import Any

import asyncpg

from services.attendance.application.announce import PersonState
from services.attendance.application.listing import Page
from services.attendance.application.people_ports import Department, WantedPeople
from services.attendance.application.person import BadgeSpan, Change, Facts, Known, Place
from services.attendance.application.roster import Roster
from services.attendance.application.rulebook import Rulebook
from services.attendance.storage.directory import locked_months, span_of
from services.attendance.storage.looking_up import find_unit, meant_person, read_rulebook
from services.attendance.storage.people_writing import write_changes
from services.attendance.storage.person_states import COLUMNS, SOURCE, read_parents, state_of
from services.attendance.storage.rules import change_rules
from services.attendance.storage.sql import (
    Where,
    in_unit,
    instant_key,
    like,
    number_key,
    page,
    people_counted,
    seen_by,
    text_key,
)
from shared.kernel.errors import Conflict
from shared.storage.database import Database
from shared.web.idempotency import Answer, Key, earlier_fast, keep_fast
from shared.web.lists import Window
from shared.web.scope import Scope


class PostgresPeople:
    """Opens transactions that read and change people."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @asynccontextmanager
    async def reading(self) -> AsyncIterator["PostgresPeopleReading"]:
        async with self._database.fast() as pg:
            yield PostgresPeopleReading(pg)

    @asynccontextmanager
    async def changing(self) -> AsyncIterator["PostgresPeopleWriting"]:
        try:
            async with self._database.fast() as pg:
                await change_rules(pg)
                yield PostgresPeopleWriting(pg)
        except (asyncpg.ExclusionViolationError, asyncpg.UniqueViolationError) as error:
            # The roster is worked out before anything is written, so this is somebody who went around it.
            raise Conflict(f"somebody else changed the same: {error.detail or error}") from error


class PostgresPeopleReading:
    """One transaction that reads."""

    def __init__(self, pg: "asyncpg.Connection[Any]") -> None:
        self._pg = pg

    async def rulebook(self, now: datetime) -> Rulebook:
        return await read_rulebook(self._pg, now)

    async def unit(self, text: str) -> int | None:
        return await find_unit(self._pg, text)

    async def people(
        self, wanted: WantedPeople, unit_id: int | None, today: date, scope: Scope, asked: Window
    ) -> Page[PersonState]:
        where = Where(today)
        where.add("NOT p.removed AND $1::date IS NOT NULL")
        seen_by(where, scope, person="p.id", unit="a.unit_id")
        if unit_id is not None:
            in_unit(where, unit_id, unit="a.unit_id")
        if wanted.level_of_work:
            where.add("lower(coalesce(a.level_of_work, 'Worker')) = lower({})", wanted.level_of_work)
        if wanted.active is not None:
            employed = "coalesce(p.joined_on <= $1, true) AND coalesce(p.left_on >= $1, true)"
            where.add(f"({employed}) = {{}}", wanted.active)
        if wanted.search:
            pattern = where.value(like(wanted.search))
            where.add(
                f"(p.code ILIKE {pattern} OR p.name ILIKE {pattern} OR p.email ILIKE {pattern}"
                f" OR u.name ILIKE {pattern}"
                f" OR EXISTS (SELECT FROM badges b WHERE b.person_id = p.id AND b.badge ILIKE {pattern}))"
            )
        orders = {
            "employee_id": text_key("p.code"),
            "name": text_key("p.name"),
            "department": text_key("coalesce(u.name, '')"),
            "designation": text_key("coalesce(a.designation, '')"),
            "updated_at": instant_key("p.updated_at"),
        }
        found = await page(
            self._pg,
            select=COLUMNS,
            source=SOURCE,
            where=where,
            first=orders[asked.order],
            then=(text_key("p.code"),),
            asked=asked,
        )
        parents = await read_parents(self._pg)
        rows = [state_of(row, parents) for row in found.rows]
        return Page(rows=rows, total=found.total, exact=found.exact, next_after=found.next_after)

    async def one(self, person_id: int, today: date, scope: Scope) -> PersonState | None:
        where = Where(today)
        where.add("NOT p.removed AND p.id = {}", person_id)
        seen_by(where, scope, person="p.id", unit="a.unit_id")
        row = await self._pg.fetchrow(f"SELECT {COLUMNS} FROM {SOURCE} WHERE {where}", *where.values)
        return None if row is None else state_of(row, await read_parents(self._pg))

    async def departments(self, today: date, scope: Scope, asked: Window) -> Page[Department]:
        where = Where(today)
        where.add("u.kind = 'department' AND $1::date IS NOT NULL")
        own = "(SELECT unit_id FROM assignments WHERE person_id = {}::int AND during @> $1::date)"
        if scope.reach == "none":
            where.add("FALSE")
        elif scope.reach == "units":
            in_units = Where()
            in_units.values = where.values
            seen_by(in_units, scope, person="NULL", unit="u.id")
            where.add(f"({in_units} OR u.id IN {own})", scope.person)
        elif scope.reach != "all":
            where.add(f"u.id IN {own}", scope.person)
        if asked.search:
            where.add("u.name ILIKE {}", like(asked.search))
        people = people_counted(where, scope, "a.unit_id = u.id")
        found = await page(
            self._pg,
            select=f"u.id, u.name, u.parent_id, {people}",
            source="units u",
            where=where,
            first={"name": text_key("u.name"), "id": number_key("u.id")}[asked.order],
            then=(number_key("u.id"),),
            asked=asked,
        )
        rows = [Department(*row[: len(Department._fields)]) for row in found.rows]
        return Page(rows=rows, total=found.total, exact=found.exact, next_after=found.next_after)

    async def roster(
        self, today: date, main_site: int, codes: Sequence[str], badges: Sequence[str], ids: Sequence[int] = ()
    ) -> tuple[Roster, dict[int, Known]]:
        people = await self._pg.fetch(_KNOWN, list(codes), list(ids))
        found = [row["id"] for row in people]
        places: dict[int, list[Any]] = {}
        for row in await self._pg.fetch(_PLACES, found):
            place = Place(
                department=row["department"],
                designation=row["designation"],
                level_of_work=row["level_of_work"],
                site_id=row["site_id"],
            )
            places.setdefault(row["person_id"], []).append((span_of(row["during"]), place))
        held: dict[int, list[tuple[int, BadgeSpan]]] = {}
        for row in await self._pg.fetch(
            "SELECT id, person_id, badge, during, machine_id FROM badges WHERE person_id = ANY($1)", found
        ):
            badge = _badge(row)
            held.setdefault(row["person_id"], []).append((row["id"], badge))
        known = {row["id"]: _known(row, places.get(row["id"], ()), held.get(row["id"], ())) for row in people}
        roster = Roster(
            today=today,
            main_site=main_site,
            sites={row["name"].lower(): row["id"] for row in await self._pg.fetch("SELECT id, name FROM sites")},
            units={row["id"]: row["name"] for row in await self._pg.fetch(_UNITS)},
            by_code={person.facts.code: person for person in known.values()},
            locked=await locked_months(self._pg),
            machines={row["code"]: row["id"] for row in await self._pg.fetch(_MACHINES)},
        )
        for row in await self._pg.fetch(_HOLDERS, list(badges)):
            roster.holders.setdefault(row["badge"], []).append((row["code"], row["name"], _badge(row)))
        return roster, known

    async def person(self, wanted: int | str) -> int | None:
        return await meant_person(self._pg, wanted)

    async def is_unknown_badge(self, badge: str) -> bool:
        found: bool = await self._pg.fetchval("SELECT EXISTS (SELECT FROM unknown_badges WHERE badge = $1)", badge)
        return found


class PostgresPeopleWriting(PostgresPeopleReading):
    """One transaction that changes people. It holds the rules."""

    async def earlier_answer(self, key: Key) -> Answer | None:
        return await earlier_fast(self._pg, key)

    async def keep_answer(self, key: Key, answer: Answer) -> None:
        await keep_fast(self._pg, key, answer)

    async def apply(self, changes: Sequence[Change], rules: Rulebook, reason: str) -> list[int]:
        return await write_changes(self._pg, changes, rules, reason)


def _badge(row: asyncpg.Record) -> BadgeSpan:
    return BadgeSpan(badge=row["badge"], span=span_of(row["during"]), machine=row["machine_id"])


def _known(row: asyncpg.Record, places: Sequence[Any], badges: Sequence[tuple[int, BadgeSpan]]) -> Known:
    facts = Facts(
        code=row["code"],
        name=row["name"],
        email=row["email"],
        phone=row["phone"],
        gender=row["gender"],
        joined_on=row["joined_on"],
        left_on=row["left_on"],
    )
    return Known(id=row["id"], n=row["n"], facts=facts, removed=row["removed"], places=places, badges=badges)


_KNOWN = """
SELECT id, n, code, name, email, phone, gender, joined_on, left_on, removed FROM people
WHERE code = ANY($1) OR id = ANY($2::int[])
"""
_PLACES = """
SELECT a.person_id, a.during, a.designation, a.level_of_work, a.site_id, u.name AS department
FROM assignments a LEFT JOIN units u ON u.id = a.unit_id WHERE a.person_id = ANY($1) ORDER BY a.person_id, a.during
"""
_UNITS = "SELECT id, name FROM units WHERE kind = 'department'"
# Of two with one code the one that is in use.
_MACHINES = "SELECT code, id FROM machines ORDER BY removed DESC, id"
_HOLDERS = """
SELECT b.badge, b.during, b.machine_id, p.code, p.name
FROM badges b JOIN people p ON p.id = b.person_id WHERE b.badge = ANY($1)
"""
