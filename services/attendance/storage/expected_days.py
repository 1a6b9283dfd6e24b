"""What is expected of people, as it was last told, on PostgreSQL."""

from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from datetime import date, datetime
from typing import Any, Final

import asyncpg

from services.attendance.application.expectation import Employee, Expectation, MonthExpected
from services.attendance.application.expected_days import ExpectedMonth, Note, Told
from services.attendance.application.listing import Page
from services.attendance.domain.locks import month_after
from services.attendance.domain.months import last_of
from services.attendance.storage.directory import read_people, read_sites
from services.attendance.storage.looking_up import find_person
from services.attendance.storage.plans import read_plans
from services.attendance.storage.rules import ask_expected, share_rules
from services.attendance.storage.sql import Where, like, number_key, page, seen_by, text_key
from shared.contracts.event import Version
from shared.contracts.expected_days import ExpectedDays
from shared.outbox.writing import add_fast
from shared.storage.columns import column, rows_from
from shared.storage.database import Database
from shared.web.lists import Window
from shared.web.scope import Scope

LEADER_LOCK: Final = 0x6578_7065  # any number that only this means


class PostgresExpectedDays:
    """Opens transactions. One process at a time looks at the notes, whichever holds the session lock."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._by_rules: tuple[int, Expectation] | None = None

    @asynccontextmanager
    async def leading(self, last: date) -> AsyncIterator["PostgresLeading | None"]:
        async with self._database.fast() as pg:
            waits = await pg.fetchval(_WAITS, last)
        if not waits:
            yield None
            return
        async with self._database.listening("expected days") as pg:
            leads = await pg.fetchval("SELECT pg_try_advisory_lock($1)", LEADER_LOCK)
            yield PostgresLeading(self._database) if leads else None

    @asynccontextmanager
    async def writing(self) -> AsyncIterator["PostgresExpectedWriting"]:
        async with self._database.fast() as pg:
            yield PostgresExpectedWriting(pg, await self._expectation(pg))

    async def told(self, employee: str | None, month: date, scope: Scope, asked: Window) -> Page[ExpectedMonth] | None:
        async with self._database.fast() as pg:
            where = Where(month)
            where.add("e.month = $1 AND NOT p.removed")
            minutes = _seen_minutes(where, scope)
            if employee is not None:
                if (person_id := await find_person(pg, employee, scope)) is None:
                    return None
                where.add("p.id = {}", person_id)
            if asked.search:
                pattern = where.value(like(asked.search))
                where.add(f"(p.code ILIKE {pattern} OR p.name ILIKE {pattern})")
            found = await page(
                pg,
                select=f"p.id, p.code, p.name, e.month, {minutes}",
                source="expected_days e JOIN people p ON p.id = e.person_id",
                where=where,
                first=text_key("p.code"),
                then=(number_key("p.id"),),
                asked=asked,
            )
        rows = [ExpectedMonth(*row[: len(ExpectedMonth._fields)]) for row in found.rows]
        return Page(rows=rows, total=found.total, exact=found.exact, next_after=found.next_after)

    async def _expectation(self, pg: "asyncpg.Connection[Any]") -> Expectation:
        n = await share_rules(pg)
        if self._by_rules is None or self._by_rules[0] != n:
            self._by_rules = (n, Expectation(await read_plans(pg), await read_sites(pg)))
        return self._by_rules[1]


class PostgresLeading:
    """The notes; each call is a transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def roll_on(self, first: date, last: date) -> date:
        async with self._database.fast() as pg:
            told = await pg.fetchrow("SELECT first, last FROM expected_months FOR UPDATE")
            if told is None:
                await pg.execute("INSERT INTO expected_months (first, last) VALUES ($1, $2)", first, last)
                await ask_expected(pg, None, first, last_of(last))
                return first
            if told["last"] < last:
                await pg.execute("UPDATE expected_months SET last = $1", last)
                await ask_expected(pg, None, month_after(told["last"]), last_of(last))
            earliest: date = told["first"]
            return earliest

    async def notes(self) -> list[Note]:
        async with self._database.fast() as pg:
            rows = await pg.fetch("SELECT id, people, since, until FROM expected_notes ORDER BY id")
        return [Note(**dict(row)) for row in rows]

    async def everybody(self) -> list[int]:
        async with self._database.fast() as pg:
            return [row["id"] for row in await pg.fetch("SELECT id FROM people ORDER BY id")]

    async def done(self, notes: Iterable[Note]) -> None:
        async with self._database.fast() as pg:
            await pg.execute("DELETE FROM expected_notes WHERE id = ANY($1::bigint[])", [note.id for note in notes])


class PostgresExpectedWriting:
    """One transaction."""

    def __init__(self, pg: "asyncpg.Connection[Any]", expectation: Expectation) -> None:
        self._pg = pg
        self._expectation = expectation

    async def expected_of(self, people: Sequence[int], months: Sequence[date]) -> list[MonthExpected]:
        holders = {holder.person_id: holder for holder in await read_people(self._pg, people=people)}
        rows = await self._pg.fetch(_EMPLOYED, people)
        employees = [Employee._make([*row, holders.get(row["id"])]) for row in rows]
        return self._expectation.of(employees, months)

    async def keep(self, months: Sequence[MonthExpected]) -> list[Told]:
        if not months:
            return []
        people, _, firsts, minutes, employed = zip(*months, strict=True)
        arrays = [f"{{{','.join(map(str, its))}}}" for its in minutes]
        rows = await self._pg.fetch(_KEEP, *map(column, (people, firsts, arrays, employed)))
        return [Told(*row) for row in rows]

    async def announce(self, events: Sequence[ExpectedDays], at: datetime) -> None:
        await add_fast(self._pg, events, time=at)


def _seen_minutes(where: Where, scope: Scope) -> str:
    """Leave only whom the caller may see; a head sees the dates on which the person was in a unit of theirs."""
    seen = Where(*where.values)
    seen_by(seen, scope, person="p.id", unit="a.unit_id")
    where.values = seen.values
    if scope.reach != "units":
        where.add(f"{seen}")
        return "e.minutes"
    where.add(_IN_UNITS.format(seen=seen))
    return _DATES_IN_UNITS.format(seen=seen)


async def told_of(pg: "asyncpg.Connection[Any]", people: Sequence[int]) -> list[ExpectedDays]:
    """All that was ever told of these people, as events."""
    return [
        ExpectedDays(person_id=id_, employee_id=code, month=month, minutes=minutes, version=Version(epoch, n))
        for id_, code, month, minutes, epoch, n in await pg.fetch(_ALL_TOLD, people)
    ]


_WAITS = """
SELECT EXISTS (SELECT FROM expected_notes) OR NOT EXISTS (SELECT FROM expected_months WHERE last >= $1)
"""

_EMPLOYED = "SELECT id, code, joined_on, left_on FROM people WHERE id = ANY($1::int[]) ORDER BY id"

_KEEP = f"""
INSERT INTO expected_days AS e (person_id, month, minutes, n)
SELECT r.person_id, r.month, r.minutes, 1
FROM {rows_from(("person_id", "month", "minutes", "employed"), ("int", "date", "int2[]", "bool"))}
WHERE r.employed OR EXISTS (SELECT FROM expected_days x WHERE x.person_id = r.person_id AND x.month = r.month)
ON CONFLICT (person_id, month) DO UPDATE SET minutes = excluded.minutes, n = e.n + 1
WHERE e.minutes <> excluded.minutes
RETURNING person_id, month, (SELECT epoch FROM epoch), n
"""

_DATES_IN_UNITS = """
(SELECT array_agg(CASE WHEN {seen} THEN d.minutes END ORDER BY d.place)
 FROM unnest(e.minutes) WITH ORDINALITY AS d (minutes, place)
 LEFT JOIN assignments a ON a.person_id = p.id AND a.during @> (e.month + d.place::int - 1))
"""

_IN_UNITS = """
EXISTS (SELECT FROM assignments a
        WHERE a.person_id = p.id AND a.during && daterange($1, ($1 + interval '1 month')::date) AND {seen})
"""

_ALL_TOLD = """
SELECT p.id, p.code, to_char(e.month, 'YYYY-MM'), e.minutes, (SELECT epoch FROM epoch), e.n
FROM expected_days e JOIN people p ON p.id = e.person_id WHERE p.id = ANY($1::int[]) ORDER BY p.id, e.month
"""
