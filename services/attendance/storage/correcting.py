"""Corrections on PostgreSQL: read by whoever may see the person, written in the transaction of their day."""

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import date, datetime
from typing import Any

import asyncpg

from services.attendance.application.announce import correction_changed
from services.attendance.application.correction_ports import CorrectionFacts, Deed, Figures, WantedCorrections
from services.attendance.application.day_facts import Record
from services.attendance.application.days import whole_record
from services.attendance.application.directory import Directory, Holder
from services.attendance.application.listing import Page
from services.attendance.domain.correction_states import State
from services.attendance.domain.corrections import KINDS, Edge, Said
from services.attendance.domain.edits import New
from services.attendance.storage.correction_rows import columns_of, said_of
from services.attendance.storage.looking_up import Remembered, find_person
from services.attendance.storage.reading_days import PostgresDayReading
from services.attendance.storage.reading_evidence import PostgresEvidenceReading
from services.attendance.storage.recording import Kept, PostgresRecording, figures_json
from services.attendance.storage.sql import Key as OrderKey
from services.attendance.storage.sql import Where, day_key, instant_key, like, number_key, page, seen_by, text_key
from shared.contracts.event import Version
from shared.kernel.errors import NotFound
from shared.outbox.writing import add_fast
from shared.storage.database import Database
from shared.web.idempotency import Answer, Key, earlier_fast, keep_fast
from shared.web.lists import Window
from shared.web.scope import Scope


class PostgresCorrections:
    """Opens transactions that read and correct."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._remembered = Remembered()

    @asynccontextmanager
    async def reading(self) -> AsyncIterator["PostgresCorrectionReading"]:
        async with self._database.fast() as pg:
            yield PostgresCorrectionReading(pg)

    @asynccontextmanager
    async def correcting(self) -> AsyncIterator["PostgresCorrecting"]:
        async with self._database.fast() as pg:
            epoch = await pg.fetchval("SELECT epoch FROM epoch")
            yield PostgresCorrecting(pg, Kept(Directory()), epoch, self._remembered)


class PostgresCorrectionReading:
    """One transaction that reads."""

    def __init__(self, pg: "asyncpg.Connection[Any]") -> None:
        self._pg = pg

    async def person(self, text: str, scope: Scope) -> int | None:
        return await find_person(self._pg, text, scope)

    async def listed(
        self, wanted: WantedCorrections, person_id: int | None, scope: Scope, asked: Window
    ) -> Page[CorrectionFacts]:
        where = _visible(scope)
        for column, operator, value in (
            ("c.person_id", "=", person_id),
            ("c.state", "=", wanted.state),
            ("c.kind", "=", wanted.kind),
            ("c.date", ">=", wanted.since),
            ("c.date", "<=", wanted.until),
        ):
            if value is not None:
                where.add(f"{column} {operator} {{}}", value)
        if wanted.search:
            pattern = where.value(like(wanted.search))
            where.add(f"(p.code ILIKE {pattern} OR p.name ILIKE {pattern} OR c.reason ILIKE {pattern})")
        found = await page(
            self._pg,
            select=_FACTS,
            source=_SOURCE,
            where=where,
            first=_ORDERS[asked.order],
            then=(number_key("c.id"),),
            asked=asked,
        )
        rows = [facts_of(row) for row in found.rows]
        return Page(rows=rows, total=found.total, exact=found.exact, next_after=found.next_after)

    async def one(self, id_: int, scope: Scope) -> CorrectionFacts | None:
        where = _visible(scope)
        where.add("c.id = {}", id_)
        row = await self._pg.fetchrow(f"SELECT {_FACTS} FROM {_SOURCE} WHERE {where}", *where.values)
        return None if row is None else facts_of(row)


class PostgresCorrecting(PostgresCorrectionReading, PostgresRecording):
    """One transaction that corrects."""

    def __init__(self, pg: "asyncpg.Connection[Any]", kept: Kept, epoch: int, remembered: Remembered) -> None:
        PostgresRecording.__init__(self, pg, kept, epoch)
        self._remembered = remembered

    async def earlier_answer(self, key: Key) -> Answer | None:
        return await earlier_fast(self._pg, key)

    async def keep_answer(self, key: Key, answer: Answer) -> None:
        await keep_fast(self._pg, key, answer)

    async def holder(self, person_id: int, on: date, scope: Scope) -> Holder | None:
        return await PostgresEvidenceReading(self._pg, self._remembered).holder(person_id, on, scope)

    async def stored(self, person_id: int, on: date) -> tuple[int, Figures | None]:
        row = await self._pg.fetchrow(_STORED, on, person_id)
        return (0, None) if row is None else (row[0], json.loads(row[1]))

    async def alike(self, person_id: int, on: date, what: Said) -> tuple[int, State] | None:
        row = await self._pg.fetchrow(_ALIKE, person_id, on, KINDS[type(what)], *columns_of(what))
        return None if row is None else (row[0], State(row[1]))

    async def asked_in_month(self, person_id: int, user: int, on: date) -> int:
        # One question at a time, whatever badges the person held: nobody asks twice for the last that there is.
        await self._pg.execute("SELECT pg_advisory_xact_lock(8766, $1)", person_id)
        found: int = await self._pg.fetchval(_ASKED_IN_MONTH, person_id, user, on)
        return found

    async def add(self, person_id: int, on: date, new: Sequence[New], state: State, asked: Deed) -> list[int]:
        decided = asked[:3] if state is State.APPROVED else (None, None, None)
        ids = []
        for said, edge in new:
            at, values = columns_of(said)
            kind = KINDS[type(said)]
            facts = (person_id, on, kind, at, values, edge, asked.reason, state, *asked[:3], *decided)
            ids.append(await self._pg.fetchval(_ADD, *facts))
        return ids

    async def turn(self, ids: Sequence[int], state: State, deed: Deed) -> None:
        if ids:
            await self._pg.execute(_WITHDRAW if state is State.WITHDRAWN else _DECIDE, list(ids), state, *deed)

    async def keep_figures(self, ids: Sequence[int], before: Figures, after: Figures) -> None:
        await self._pg.execute(_KEEP_FIGURES, list(ids), json.dumps(before), json.dumps(after))

    async def tell(self, ids: Sequence[int], at: datetime) -> list[CorrectionFacts]:
        rows = await self._pg.fetch(f"SELECT {_FACTS} FROM {_SOURCE} WHERE c.id = ANY($1::bigint[])", list(ids))
        found = {row["id"]: facts_of(row) for row in rows}
        told = [found[id_] for id_ in ids]
        await add_fast(self._pg, [correction_changed(one, Version(self._epoch, one.n)) for one in told], time=at)
        return told

    async def record(self, person_id: int, on: date, scope: Scope, now: datetime) -> Record:
        reading = PostgresDayReading(self._pg, self._remembered)
        found = await reading.day(person_id, on, scope)
        if found is None:
            raise NotFound(f"there is no day of person {person_id} on {on.isoformat()}")
        rules = await reading.rulebook(now)
        return await whole_record(reading, rules, *found)


async def read_corrections(pg: "asyncpg.Connection[Any]", person_id: int, on: date) -> list[CorrectionFacts]:
    """All corrections of a day, in any state and whoever may see them."""
    sql = f"SELECT {_FACTS} FROM {_SOURCE} WHERE c.person_id = $1 AND c.date = $2 ORDER BY c.id"
    return [facts_of(row) for row in await pg.fetch(sql, person_id, on)]


async def corrections_of_person(pg: "asyncpg.Connection[Any]", person_id: int) -> list[CorrectionFacts]:
    """All corrections of a person, in any state and whoever may see them."""
    sql = f"SELECT {_FACTS} FROM {_SOURCE} WHERE c.person_id = $1 ORDER BY c.id"
    return [facts_of(row) for row in await pg.fetch(sql, person_id)]


def facts_of(row: Sequence[Any]) -> CorrectionFacts:
    """A row of `_FACTS`; what follows it is left alone."""
    id_, n, person_id, code, name, on, kind, at, values, edge, state, *deeds, before, after = row[:_LENGTH]
    decided, withdrawn = (Deed(*deed) if deed[0] is not None else None for deed in (deeds[4:8], deeds[8:12]))
    return CorrectionFacts(
        id=id_,
        n=n,
        person_id=person_id,
        code=code,
        name=name,
        date=on,
        said=said_of(kind, at, values),
        edge=Edge(edge) if edge else None,
        state=State(state),
        asked=Deed(*deeds[:4]),
        decided=decided,
        withdrawn=withdrawn,
        before=json.loads(before) if before else None,
        after=json.loads(after) if after else None,
    )


def _visible(scope: Scope) -> Where:
    where = Where()
    where.add("NOT p.removed")
    seen_by(where, scope, person="c.person_id", unit="a.unit_id")
    return where


_FACTS = (
    "c.id, c.n, c.person_id, p.code, p.name, c.date, c.kind, c.at, c.values::text, c.edge, c.state, "
    "c.asked_by, c.asked_by_name, c.asked_at, c.reason, "
    "c.decided_by, c.decided_by_name, c.decided_at, c.decision_reason, "
    "c.withdrawn_by, c.withdrawn_by_name, c.withdrawn_at, c.withdrawal_reason, c.before::text, c.after::text"
)
_LENGTH = len(_FACTS.split(", "))
# With the unit in which the person was on that date: whoever headed it then may see.
_SOURCE = """
corrections c JOIN people p ON p.id = c.person_id
LEFT JOIN assignments a ON a.person_id = c.person_id AND a.during @> c.date
"""
_ORDERS: dict[str, OrderKey] = {
    "asked_at": instant_key("c.asked_at"),
    "date": day_key("c.date"),
    "employee_id": text_key("p.code"),
    "state": text_key("c.state"),
}

_STORED = f"SELECT d.n, {figures_json('d')}::text FROM days d WHERE d.date = $1 AND d.person_id = $2"

_ASKED_IN_MONTH = """
SELECT count(*) FROM corrections
WHERE person_id = $1 AND asked_by = $2 AND state IN ('requested', 'approved') AND decided_by IS DISTINCT FROM asked_by
  AND date >= date_trunc('month', $3::date)::date AND date < (date_trunc('month', $3::date) + interval '1 month')::date
"""

# A person has few: they are found by the index of people. Figures have no instant, and are the same by their date.
_ALIKE = """
SELECT id, state FROM corrections
WHERE person_id = $1 AND kind = $3 AND state IN ('requested', 'approved')
  AND CASE WHEN $4::timestamptz IS NULL THEN date = $2::date ELSE at = $4 END
  AND values - 'type' = $5::text::jsonb - 'type'
ORDER BY id DESC LIMIT 1
"""

_ADD = """
INSERT INTO corrections (person_id, date, kind, at, values, edge, reason, state, asked_by, asked_by_name, asked_at,
                         decided_by, decided_by_name, decided_at)
VALUES ($1, $2, $3, $4, $5::text::jsonb, $6, $7, $8, $9, $10, $11, $12, $13, $14) RETURNING id
"""

_DECIDE = """
UPDATE corrections SET state = $2, decided_by = $3, decided_by_name = $4, decided_at = $5, decision_reason = $6,
                       n = n + 1
WHERE id = ANY($1::bigint[])
"""

_WITHDRAW = """
UPDATE corrections SET state = $2, withdrawn_by = $3, withdrawn_by_name = $4, withdrawn_at = $5, withdrawal_reason = $6,
                       n = n + 1
WHERE id = ANY($1::bigint[])
"""

_KEEP_FIGURES = "UPDATE corrections SET before = $2::text::jsonb, after = $3::text::jsonb WHERE id = ANY($1::bigint[])"
