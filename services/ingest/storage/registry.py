"""The registry in PostgreSQL."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, false, func, literal, or_, select, text, tuple_, update
from sqlalchemy.ext.asyncio import AsyncConnection

from services.ingest.application.ports import Found, Wanted
from services.ingest.domain.machine import Machine
from services.ingest.storage.rows import machine_of, values_of
from services.ingest.storage.tables import machines
from shared.contracts.event import Event
from shared.kernel.clock import Clock
from shared.outbox import writing
from shared.storage.database import Database
from shared.web import idempotency
from shared.web.idempotency import Answer, Key
from shared.web.scope import Scope

ORDERS: dict[str, ColumnElement[Any]] = {
    "id": machines.c.id,
    "machine_id": machines.c.machine_id,
    "name": func.lower(machines.c.name),
    "machine_type": machines.c.machine_type,
    "status": machines.c.status,
    "location": machines.c.location,
    "department_name": machines.c.department_name,
    "created_at": func.to_char(machines.c.created_at, "YYYY-MM-DD HH24:MI:SS.US"),
    "updated_at": func.to_char(machines.c.updated_at, "YYYY-MM-DD HH24:MI:SS.US"),
    "last_sync": func.coalesce(func.to_char(machines.c.last_sync, "YYYY-MM-DD HH24:MI:SS.US"), ""),
}
"""What a list may be ordered by. Instants as text: that goes through a cursor unchanged."""

_LOCK_PLACE = text("SELECT pg_advisory_xact_lock(hashtextextended(:place, 0))")
_NEXT_ID = text(f"SELECT nextval(pg_get_serial_sequence('{machines.fullname}', 'id'))")
_PRESENT = machines.c.removed.is_(False)
_AT_ONCE = 100


class PostgresRegistry:
    """Implements `Registry`."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    @asynccontextmanager
    async def work(self) -> AsyncIterator["PostgresWork"]:
        async with self._database.begin() as connection:
            yield PostgresWork(connection, self._clock)

    async def find(self, wanted: Wanted, scope: Scope) -> Found:
        chosen = and_(_PRESENT, _visible(scope), *_conditions(wanted))
        order = ORDERS[wanted.order]
        query: Select[Any] = select(machines, order.label("sort_value")).where(chosen).limit(wanted.limit + 1)
        if wanted.descending:
            query = query.order_by(order.desc(), machines.c.id.desc())
        else:
            query = query.order_by(order, machines.c.id)
        if wanted.after is not None:
            place = tuple_(order, machines.c.id)
            here = tuple_(*(literal(value) for value in wanted.after))
            query = query.where(place < here if wanted.descending else place > here)
        if wanted.offset is not None:
            query = query.offset(wanted.offset)
        async with self._database.begin() as connection:
            rows = (await connection.execute(query)).mappings().all()
            total = (await connection.execute(select(func.count()).select_from(machines).where(chosen))).scalar_one()
        shown = rows[: wanted.limit]
        more = len(rows) > wanted.limit
        return Found(
            machines=[machine_of(row) for row in shown],
            total=total,
            next_after=(shown[-1]["sort_value"], shown[-1]["id"]) if more else None,
        )

    async def one(self, key: str, scope: Scope) -> Machine | None:
        async with self._database.begin() as connection:
            return await _one(connection, select(machines).where(_PRESENT, _visible(scope)), key)

    async def all(self) -> Sequence[Machine]:
        async with self._database.begin() as connection:
            rows = (await connection.execute(select(machines).where(_PRESENT).order_by(machines.c.id))).mappings()
        found = []
        for rows_of_some in rows.partitions(_AT_ONCE):
            found += [machine_of(row) for row in rows_of_some]
            await asyncio.sleep(0)  # a thousand of them take 20 ms, in which nobody else gets a word in
        return found


class PostgresWork:
    """Implements `Work`: one transaction."""

    def __init__(self, connection: AsyncConnection, clock: Clock) -> None:
        self._connection = connection
        self._clock = clock

    async def machine(self, key: str, scope: Scope, *, removed: bool = False) -> Machine | None:
        query = select(machines).where(_visible(scope)).with_for_update()
        return await _one(self._connection, query if removed else query.where(_PRESENT), key)

    async def by_id(self, id: int) -> Machine | None:  # noqa: A002 - its name
        query = select(machines).where(machines.c.id == id, _PRESENT).with_for_update()
        row = (await self._connection.execute(query)).mappings().first()
        return machine_of(row) if row else None

    async def by_serial(self, serial: str) -> Machine | None:
        row = (await self._connection.execute(select(machines).where(machines.c.serial == serial))).mappings().first()
        return machine_of(row) if row else None

    async def at(self, machine_type: str, address: str) -> Sequence[Machine]:
        # One after the other, until the transaction ends: two that ask at once would both find the place free.
        await self._connection.execute(_LOCK_PLACE, {"place": f"{machine_type} {address.lower()}"})
        there = func.lower(machines.c.ip_address) == address.lower()
        query = select(machines).where(_PRESENT, machines.c.machine_type == machine_type, there).order_by(machines.c.id)
        return [machine_of(row) for row in (await self._connection.execute(query)).mappings()]

    async def add(self, machine: Machine) -> Machine:
        added = replace(machine, id=await self._free_id())
        await self._connection.execute(machines.insert().values(id=added.id, **values_of(added)))
        return added

    async def _free_id(self) -> int:
        """The next id that is nobody's code: `/machines/7/` must not be one machine today and another tomorrow."""
        while True:
            given = (await self._connection.execute(_NEXT_ID)).scalar_one()
            taken = select(machines.c.id).where(machines.c.machine_id == str(given))
            if (await self._connection.execute(taken)).first() is None:
                return int(given)

    async def save(self, machine: Machine) -> Machine:
        saved = replace(machine, version=machine.version + 1)
        await self._connection.execute(update(machines).where(machines.c.id == machine.id).values(values_of(saved)))
        return saved

    async def announce(self, *events: Event) -> None:
        for event in events:
            await writing.add(self._connection, event, time=self._clock.now())

    async def epoch(self) -> int:
        return int((await self._connection.execute(text("SELECT coalesce(max(epoch), 1) FROM epoch"))).scalar_one())

    async def earlier_answer(self, key: Key) -> Answer | None:
        return await idempotency.earlier(self._connection, key)

    async def keep_answer(self, key: Key, answer: Answer) -> None:
        await idempotency.keep(self._connection, key, answer)


async def _one(connection: AsyncConnection, query: Select[Any], key: str) -> Machine | None:
    """By the code, else by the id: a code that looks like a number is a code."""
    row = (await connection.execute(query.where(machines.c.machine_id == key))).mappings().first()
    if row is None and key.isascii() and key.isdigit() and len(key) < 10:
        row = (await connection.execute(query.where(machines.c.id == int(key)))).mappings().first()
    return machine_of(row) if row else None


def _visible(scope: Scope) -> ColumnElement[bool]:
    """Machines have no person: who sees all sees them, who heads departments sees theirs."""
    if scope.reach == "all":
        return literal(value=True)
    if scope.reach == "units":
        return machines.c.department.in_(scope.units)
    return false()


def _conditions(wanted: Wanted) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if wanted.machine_type is not None:
        conditions.append(machines.c.machine_type == wanted.machine_type)
    if wanted.status is not None:
        conditions.append(machines.c.status == wanted.status)
    if wanted.is_connected is not None:
        conditions.append(machines.c.is_connected.is_(wanted.is_connected))
    if wanted.department is not None:
        named = func.lower(machines.c.department_name) == wanted.department.lower()
        number = wanted.department.isascii() and wanted.department.isdigit() and len(wanted.department) < 10
        conditions.append(or_(named, machines.c.department == int(wanted.department)) if number else named)
    if wanted.search is not None:
        searched = (machines.c.machine_id, machines.c.name, machines.c.location, machines.c.ip_address)
        conditions.append(or_(*(column.icontains(wanted.search, autoescape=True) for column in searched)))
    return conditions
