"""Unreadable records in PostgreSQL."""

from collections.abc import Sequence
from datetime import datetime

from services.ingest.domain.reading import Unreadable
from shared.storage.database import Database

_KEEP = """
INSERT INTO unreadable (machine_id, digest, position, reason, raw, source, received_at)
SELECT $1, digest, position, reason, raw, $6, $7
FROM unnest($2::bytea[], $3::bigint[], $4::text[], $5::bytea[]) AS record (digest, position, reason, raw)
ORDER BY digest
ON CONFLICT DO NOTHING
RETURNING 1
"""


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
