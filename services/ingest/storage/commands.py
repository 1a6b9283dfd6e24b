"""Commands for machines that call us, in PostgreSQL."""

from collections.abc import Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any

from sqlalchemy import Select, select, update

from services.ingest.application.ports import Command
from services.ingest.storage.tables import commands
from shared.storage.database import Database

_c = commands.c
_COLUMNS = tuple(_c[field.name] for field in fields(Command))


class PostgresCommands:
    """Implements `Commands`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, machine_id: int, name: str, text: str, *, by: int, at: datetime) -> Command:
        values = {"machine_id": machine_id, "name": name, "text": text, "by": by, "queued_at": at}
        async with self._database.begin() as connection:
            row = await connection.execute(commands.insert().values(values).returning(*_COLUMNS))
            return Command(**row.mappings().one())

    async def waiting(self) -> Sequence[Command]:
        return await self._found(select(*_COLUMNS).where(_c.answered_at.is_(None)).order_by(_c.id))

    async def sent(self, id: int, at: datetime) -> None:  # noqa: A002 - its name
        await self._change(id, sent_at=at, sends=_c.sends + 1)

    async def answered(self, id: int, *, code: int | None, result: str, at: datetime) -> None:  # noqa: A002 - its name
        await self._change(id, answered_at=at, code=code, result=result)

    async def of(self, machine_id: int, *, limit: int) -> Sequence[Command]:
        query = select(*_COLUMNS).where(_c.machine_id == machine_id)
        return await self._found(query.order_by(_c.id.desc()).limit(limit))

    async def one(self, machine_id: int, id: int) -> Command | None:  # noqa: A002 - its name
        found = await self._found(select(*_COLUMNS).where(_c.machine_id == machine_id, _c.id == id))
        return found[0] if found else None

    async def _found(self, query: Select[Any]) -> Sequence[Command]:
        async with self._database.begin() as connection:
            return [Command(**row) for row in (await connection.execute(query)).mappings()]

    async def _change(self, id: int, **values: object) -> None:  # noqa: A002 - its name
        async with self._database.begin() as connection:
            await connection.execute(update(commands).where(_c.id == id).values(values))
