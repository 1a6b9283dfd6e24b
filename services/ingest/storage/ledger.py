"""The ledger in PostgreSQL."""

from collections.abc import Sequence
from uuid import UUID

from shared.storage.database import Database

ENTER = """
INSERT INTO ledger (machine_id, scan_id)
SELECT * FROM unnest($1::int[], $2::uuid[]) AS entry (machine_id, scan_id) ORDER BY 1, 2
ON CONFLICT DO NOTHING
"""
"""Sorted, so that two transactions never wait for each other crosswise."""


class PostgresLedger:
    """Implements `Ledger`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def known(self, machine_id: int, scans: Sequence[UUID]) -> set[UUID]:
        async with self._database.fast() as pg:
            rows = await pg.fetch(
                "SELECT scan_id FROM ledger WHERE machine_id = $1 AND scan_id = ANY($2)", machine_id, list(scans)
            )
        # asyncpg's UUID is a subclass that compares and hashes alike.
        return {row["scan_id"] for row in rows}

    async def enter(self, scans: Sequence[tuple[int, UUID]]) -> None:
        async with self._database.fast() as pg:
            await pg.execute(ENTER, [machine for machine, _ in scans], [scan for _, scan in scans])
