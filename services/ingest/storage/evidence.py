"""Unreadable records in PostgreSQL."""

from collections.abc import Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, func, literal, select, tuple_

from services.ingest.application.ports import Kept, KeptFound, KeptWanted
from services.ingest.domain.reading import Unreadable
from services.ingest.storage.tables import unreadable
from shared.storage.database import Database

_KEEP = """
INSERT INTO unreadable (machine_id, digest, position, reason, raw, source, received_at)
SELECT $1, digest, position, reason, raw, $6, $7
FROM unnest($2::bytea[], $3::bigint[], $4::text[], $5::bytea[]) AS record (digest, position, reason, raw)
ORDER BY digest
ON CONFLICT DO NOTHING
RETURNING 1
"""

ORDERS: dict[str, ColumnElement[Any]] = {
    "received_at": func.to_char(func.timezone("UTC", unreadable.c.received_at), "YYYY-MM-DD HH24:MI:SS.US"),
    "position": func.coalesce(unreadable.c.position, -1),
}
"""What the list may be ordered by. Instants as text: that goes through a cursor unchanged."""

_SHOWN = tuple(field.name for field in fields(Kept))


class PostgresEvidence:
    """Implements `Evidence`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def keep(
        self, machine_id: int, records: Sequence[tuple[bytes, Unreadable]], *, source: str, at: datetime
    ) -> int:
        async with self._database.fast() as pg:
            new = await pg.fetch(
                _KEEP,
                machine_id,
                [digest for digest, _ in records],
                [record.position for _, record in records],
                [record.reason.replace("\0", "\\0") for _, record in records],
                [record.raw for _, record in records],
                source,
                at,
            )
        return len(new)

    async def find(self, wanted: KeptWanted) -> KeptFound:
        conditions = [unreadable.c.machine_id == wanted.machine_id]
        if wanted.search is not None:
            conditions.append(unreadable.c.reason.icontains(wanted.search, autoescape=True))
        order, digest = ORDERS[wanted.order], func.encode(unreadable.c.digest, "hex")
        query: Select[Any] = (
            select(
                unreadable.c.position,
                unreadable.c.reason,
                func.substring(unreadable.c.raw, 1, wanted.raw).label("raw"),
                func.octet_length(unreadable.c.raw).label("size"),
                unreadable.c.source,
                unreadable.c.received_at,
                order.label("sort_value"),
                digest.label("sort_digest"),
            )
            .where(*conditions)
            .limit(wanted.limit + 1)
        )
        query = query.order_by(order.desc(), digest.desc()) if wanted.descending else query.order_by(order, digest)
        if wanted.after is not None:
            place = tuple_(order, digest)
            here = tuple_(*(literal(value) for value in wanted.after))
            query = query.where(place < here if wanted.descending else place > here)
        if wanted.offset is not None:
            query = query.offset(wanted.offset)
        async with self._database.begin() as connection:
            rows = (await connection.execute(query)).mappings().all()
            counted = select(func.count()).select_from(unreadable).where(*conditions)
            total = (await connection.execute(counted)).scalar_one()
        shown = rows[: wanted.limit]
        return KeptFound(
            records=[Kept(**{name: row[name] for name in _SHOWN}) for row in shown],
            total=total,
            next_after=(shown[-1]["sort_value"], shown[-1]["sort_digest"]) if len(rows) > wanted.limit else None,
        )
