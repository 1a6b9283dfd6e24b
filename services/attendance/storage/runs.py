"""Runs on PostgreSQL: asking for them, following them, and what they found."""

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import date, datetime
from typing import Any
from uuid import UUID

import asyncpg

from services.attendance.application.difference import Change
from services.attendance.application.listing import Page
from services.attendance.application.looking import Part
from services.attendance.application.rulebook import Rulebook
from services.attendance.application.run_ports import ChangeFacts, NewRun
from services.attendance.application.runs import Run, Selection
from services.attendance.storage.looking_up import as_id, find_group, find_unit, read_rulebook
from services.attendance.storage.rules import ask_recompute, share_rules
from services.attendance.storage.run_rows import RUN, add_changes, run_of, tell
from services.attendance.storage.sql import Where, day_key, in_unit, instant_key, number_key, page, text_key, uuid_key
from shared.kernel.errors import Malformed, sentence
from shared.storage.database import Database
from shared.web.idempotency import Answer, Key, earlier_fast, keep_fast
from shared.web.lists import Window
from shared.web.scope import Scope


class PostgresRuns:
    """Opens transactions that read and change runs."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @asynccontextmanager
    async def reading(self) -> AsyncIterator["PostgresRunReading"]:
        async with self._database.fast() as pg:
            yield PostgresRunReading(pg)

    @asynccontextmanager
    async def writing(self) -> AsyncIterator["PostgresRunWriting"]:
        async with self._database.fast() as pg:
            yield PostgresRunWriting(pg, await share_rules(pg))


class PostgresRunReading:
    """One transaction that reads."""

    def __init__(self, pg: "asyncpg.Connection[Any]") -> None:
        self._pg = pg

    async def rulebook(self, now: datetime) -> Rulebook:
        return await read_rulebook(self._pg, now)

    async def selected(self, selection: Selection, since: date, until: date) -> Sequence[int]:
        where = Where(since, until)
        where.add("NOT p.removed AND $1::date <= $2::date")
        if selection.employees is not None:
            where.add("p.id = ANY({}::int[])", await self._people(selection.employees))
        placed = Where()
        placed.values = where.values
        placed.add("a.person_id = p.id AND a.during && daterange($1, $2, '[]')")
        for name, text in (("department", selection.department), ("unit", selection.unit)):
            if text is not None:
                in_unit(placed, _known(name, text, await find_unit(self._pg, text)), unit="a.unit_id")
        if selection.site is not None:
            found = await self._pg.fetchval(_SITE, selection.site, as_id(selection.site))
            placed.add("a.site_id = {}", _known("site", selection.site, found))
        where.add(f"EXISTS (SELECT FROM assignments a WHERE {placed})")
        if selection.group is not None:
            group = _known("group", selection.group, await find_group(self._pg, selection.group, Scope.everything()))
            where.add(
                "EXISTS (SELECT FROM group_members m WHERE m.person_id = p.id AND m.group_id = {} "
                "AND m.during && daterange($1, $2, '[]'))",
                group,
            )
        rows = await self._pg.fetch(f"SELECT p.id FROM people p WHERE {where} ORDER BY p.id", *where.values)
        return [row[0] for row in rows]

    async def _people(self, wanted: Sequence[int | str]) -> list[int]:
        ids = [one for one in wanted if isinstance(one, int)]
        codes = [one for one in wanted if isinstance(one, str)]
        rows = await self._pg.fetch(_PEOPLE, ids, codes)
        known = {row["id"] for row in rows} | {row["code"] for row in rows}
        if missing := [str(one)[:80] for one in wanted if one not in known]:
            detail = f"there is no employee {sentence(missing[:5])}"
            raise Malformed(f"employees: {detail}", fields={"employees": detail})
        return [row["id"] for row in rows]

    async def first_day(self) -> date | None:
        found: date | None = await self._pg.fetchval(_FIRST_DAY)
        return found

    async def run(self, id_: UUID) -> Run | None:
        row = await self._pg.fetchrow(f"SELECT {RUN} FROM recompute_runs r WHERE r.id = $1", id_)
        return None if row is None else run_of(row)

    async def runs(self, kind: str | None, state: str | None, asked: Window) -> Page[Run]:
        where = Where()
        if kind is not None:
            where.add("r.kind = {}", kind)
        if state is not None:
            where.add("r.state = {}", state)
        found = await page(
            self._pg,
            select=RUN,
            source="recompute_runs r",
            where=where,
            first=instant_key("r.asked_at"),
            then=(uuid_key("r.id"),),
            asked=asked,
        )
        rows = [run_of(row) for row in found.rows]
        return Page(rows=rows, total=found.total, exact=found.exact, next_after=found.next_after)

    async def changes(self, id_: UUID, asked: Window) -> Page[ChangeFacts]:
        where = Where()
        where.add("c.run_id = {}", id_)
        orders = {"date": day_key("c.date"), "employee_id": text_key("p.code")}
        found = await page(
            self._pg,
            select=_CHANGE,
            source=_CHANGES,
            where=where,
            first=orders[asked.order],
            then=(number_key("c.person_id"), day_key("c.date")),
            asked=asked,
        )
        rows = [_change(row) for row in found.rows]
        return Page(rows=rows, total=found.total, exact=found.exact, next_after=found.next_after)

    async def changes_after(self, id_: UUID, last: tuple[date, int] | None, most: int) -> Sequence[ChangeFacts]:
        on, person_id = (None, None) if last is None else last
        return [_change(row) for row in await self._pg.fetch(_AFTER, id_, on, person_id, most)]


class PostgresRunWriting(PostgresRunReading):
    """One transaction that changes. It holds the rules still."""

    def __init__(self, pg: "asyncpg.Connection[Any]", n: int) -> None:
        super().__init__(pg)
        self._n = n

    @property
    def rules_n(self) -> int:
        return self._n

    async def earlier_answer(self, key: Key) -> Answer | None:
        return await earlier_fast(self._pg, key)

    async def keep_answer(self, key: Key, answer: Answer) -> None:
        await keep_fast(self._pg, key, answer)

    async def add(self, run: NewRun) -> None:
        await self._insert(run, "waiting", None, None)
        await tell(self._pg, run.id, run.asked_at)
        if run.kind == "recompute":
            reason = f"{run.asked_by_name} asked for it: {run.reason}"
            await ask_recompute(
                self._pg,
                reason=reason,
                people=run.people,
                since=run.since,
                until=run.until,
                expected=False,
                run_id=run.id,
            )

    async def add_done(self, run: NewRun, part: Part, n: int) -> None:
        await self._insert(run, "done", part, n)
        await add_changes(self._pg, run.id, part.changes)

    async def _insert(self, run: NewRun, state: str, part: Part | None, n: int | None) -> None:
        totals = None if part is None else part.totals
        await self._pg.execute(
            _INSERT,
            run.id,
            run.kind,
            state,
            json.dumps(run.selection),
            None if run.draft is None else json.dumps(run.draft),
            run.people,
            run.since,
            run.until,
            run.reason,
            run.asked_by,
            run.asked_by_name,
            run.asked_at,
            None if totals is None else run.asked_at,
            n,
            0 if totals is None else len(run.people),
            0 if totals is None else totals.days_looked_at,
            0 if totals is None else totals.days_changed,
            None if totals is None else json.dumps(totals.shown()),
            run.of_run,
        )

    async def people_of(self, id_: UUID) -> Sequence[int]:
        found: Sequence[int] = await self._pg.fetchval("SELECT people FROM recompute_runs WHERE id = $1", id_)
        return found

    async def cancel(self, id_: UUID, at: datetime) -> None:
        await self._pg.execute(_CANCEL, id_, at)
        await self._pg.execute("DELETE FROM recomputations WHERE run_id = $1", id_)
        await tell(self._pg, id_, at)


def _known(name: str, text: str, found: int | None) -> int:
    if found is None:
        detail = f"there is no {name} {text[:80]!r}"
        raise Malformed(f"{name}: {detail}", fields={name: detail})
    return found


def _change(row: asyncpg.Record) -> ChangeFacts:
    before = None if row["before"] is None else json.loads(row["before"])
    change = Change(row["date"], row["person_id"], before, json.loads(row["after"]), row["why"], row["locked"])
    return ChangeFacts(change, row["code"], row["name"], row["department"])


_PEOPLE = "SELECT id, code FROM people WHERE NOT removed AND (id = ANY($1::int[]) OR code = ANY($2::text[]))"

_SITE = "SELECT id FROM sites WHERE lower(name) = lower($1) OR id = $2::int ORDER BY id = $2 DESC NULLS LAST LIMIT 1"

_FIRST_DAY = """
SELECT least((SELECT min(date) FROM days), (SELECT min(local_at)::date FROM scans WHERE quality = 'ok'))
"""

_CHANGES = """
run_changes c JOIN people p ON p.id = c.person_id
LEFT JOIN assignments a ON a.person_id = p.id AND a.during @> c.date LEFT JOIN units u ON u.id = a.unit_id
"""
_CHANGE = """
c.date, c.person_id, c.before::text AS before, c.after::text AS after, c.why, c.locked, p.code, p.name,
u.name AS department
"""

_AFTER = f"""
SELECT {_CHANGE} FROM {_CHANGES}
WHERE c.run_id = $1 AND ($2::date IS NULL OR (c.date, c.person_id) > ($2, $3::int))
ORDER BY c.date, c.person_id LIMIT $4
"""

_INSERT = """
INSERT INTO recompute_runs (id, kind, state, selection, draft, people, since, until, reason, asked_by, asked_by_name,
                            asked_at, started_at, finished_at, rules_n, people_done, days_looked_at, days_changed,
                            totals, of_run)
VALUES ($1, $2, $3, $4::text::jsonb, $5::text::jsonb, $6, $7, $8, $9, $10, $11, $12, $13, $13, $14, $15, $16, $17,
        $18::text::jsonb, $19)
"""

_CANCEL = """
UPDATE recompute_runs SET state = 'cancelled', finished_at = $2 WHERE id = $1 AND state IN ('waiting', 'running')
"""
