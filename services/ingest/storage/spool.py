"""The spool in PostgreSQL."""

from collections.abc import Sequence
from uuid import UUID

from services.ingest.application.ports import Entry, Spooled
from services.ingest.storage.ledger import ENTER, columns
from shared.bus.port import BATCH, Message
from shared.contracts.scans import ScanReceived
from shared.storage.database import Database


class PostgresSpool:
    """Implements `Spool`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def put(self, machine_id: int, message: Message, entries: Sequence[Entry]) -> None:
        async with self._database.fast() as pg:
            await pg.execute(
                "INSERT INTO spool (machine_id, message_id, body) VALUES ($1, $2, $3)",
                machine_id,
                UUID(message.id),
                message.body,
            )
            await pg.execute(ENTER, *columns(entries))

    async def first(self, limit: int) -> Sequence[Spooled]:
        async with self._database.fast() as pg:
            rows = await pg.fetch("SELECT id, message_id, body FROM spool ORDER BY id LIMIT $1", limit)
        return [
            Spooled(
                row["id"],
                Message(id=str(row["message_id"]), type=ScanReceived.wire_type, body=row["body"], content_type=BATCH),
            )
            for row in rows
        ]

    async def done(self, places: Sequence[int]) -> None:
        async with self._database.fast() as pg:
            await pg.execute("DELETE FROM spool WHERE id = ANY($1)", list(places))

    async def size(self) -> int:
        async with self._database.fast() as pg:
            return int(await pg.fetchval("SELECT count(*) FROM spool"))
