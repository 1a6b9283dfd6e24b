"""The ledger in PostgreSQL."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from services.ingest.application.ports import Entry
from shared.storage.database import Database

ENTER = """
WITH entry AS (
    SELECT DISTINCT ON (machine_id, scan_id) *
    FROM unnest($1::int[], $2::uuid[], $3::date[], $4::bool[], $5::timestamptz[])
        AS entry (machine_id, scan_id, day, quarantined, hour)
    ORDER BY machine_id, scan_id
), new AS (
    INSERT INTO ledger (machine_id, scan_id, from_machine) SELECT machine_id, scan_id, hour IS NOT NULL FROM entry
    ORDER BY 1, 2
    ON CONFLICT DO NOTHING
    RETURNING machine_id, scan_id
), counted AS (
    INSERT INTO days_received AS d (machine_id, day, scans, quarantined, from_machine)
    SELECT machine_id, day, count(*), count(*) FILTER (WHERE quarantined), count(hour)
    FROM new JOIN entry USING (machine_id, scan_id) GROUP BY 1, 2 ORDER BY 1, 2
    ON CONFLICT (machine_id, day) DO UPDATE
    SET scans = d.scans + excluded.scans, quarantined = d.quarantined + excluded.quarantined,
        from_machine = d.from_machine + excluded.from_machine
)
INSERT INTO arrivals AS a (machine_id, hour, scans)
SELECT machine_id, hour, count(*) FROM new JOIN entry USING (machine_id, scan_id) WHERE hour IS NOT NULL
GROUP BY 1, 2 ORDER BY 1, 2
ON CONFLICT (machine_id, hour) DO UPDATE SET scans = a.scans + excluded.scans
"""
"""Sorted, and each table after the other, so that two transactions never wait for each other crosswise: what counts has
read all that is new before its first row."""

_COUNT = """
WITH entry AS (
    SELECT DISTINCT ON (machine_id, scan_id) *
    FROM unnest($1::int[], $2::uuid[], $3::date[], $4::bool[]) AS entry (machine_id, scan_id, day, quarantined)
    ORDER BY machine_id, scan_id
), early AS (
    SELECT machine_id, scan_id, day, quarantined FROM ledger JOIN entry USING (machine_id, scan_id)
    WHERE NOT counted ORDER BY 1, 2 FOR UPDATE OF ledger
), marked AS (
    UPDATE ledger SET counted = true FROM early
    WHERE ledger.machine_id = early.machine_id AND ledger.scan_id = early.scan_id
), counted AS (
    INSERT INTO days_received AS d (machine_id, day, scans, quarantined)
    SELECT machine_id, day, count(*), count(*) FILTER (WHERE quarantined) FROM early GROUP BY 1, 2 ORDER BY 1, 2
    ON CONFLICT (machine_id, day) DO UPDATE
    SET scans = d.scans + excluded.scans, quarantined = d.quarantined + excluded.quarantined
)
UPDATE uncounted SET scans = uncounted.scans - come.scans
FROM (SELECT machine_id, count(*) AS scans FROM early GROUP BY 1) AS come WHERE uncounted.machine_id = come.machine_id
"""
"""Locked in the order of `ENTER`. Whoever waited for a row that another has counted meanwhile passes it over."""

_HANDED_OVER = """
WITH entry AS (
    SELECT DISTINCT ON (machine_id, scan_id) * FROM unnest($1::int[], $2::uuid[], $3::date[])
        AS entry (machine_id, scan_id, day)
    ORDER BY machine_id, scan_id
), brought AS (
    SELECT machine_id, scan_id, day FROM ledger JOIN entry USING (machine_id, scan_id)
    WHERE counted AND NOT from_machine ORDER BY 1, 2 FOR UPDATE OF ledger
), marked AS (
    UPDATE ledger SET from_machine = true FROM brought
    WHERE ledger.machine_id = brought.machine_id AND ledger.scan_id = brought.scan_id
)
INSERT INTO days_received AS d (machine_id, day, scans, quarantined, from_machine)
SELECT machine_id, day, 0, 0, count(*) FROM brought GROUP BY 1, 2 ORDER BY 1, 2
ON CONFLICT (machine_id, day) DO UPDATE SET from_machine = d.from_machine + excluded.from_machine
"""
"""As `_COUNT`. Their days have a row already."""


class PostgresLedger:
    """Implements `Ledger`."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._uncounted: set[int] | None = None
        """Machines that may have scans from before days were counted. There will never be more of them."""

    async def known(self, machine_id: int, scans: Sequence[UUID]) -> set[UUID]:
        async with self._database.fast() as pg:
            rows = await pg.fetch(
                "SELECT scan_id FROM ledger WHERE machine_id = $1 AND scan_id = ANY($2)", machine_id, list(scans)
            )
        # asyncpg's UUID is a subclass that compares and hashes alike.
        return {row["scan_id"] for row in rows}

    async def enter(self, entries: Sequence[Entry]) -> None:
        async with self._database.fast() as pg:
            await pg.execute(ENTER, *columns(entries))

    async def has_uncounted(self, machine_id: int) -> bool:
        if self._uncounted is None:
            async with self._database.fast() as pg:
                rows = await pg.fetch("SELECT machine_id FROM uncounted WHERE scans > 0")
            self._uncounted = {row["machine_id"] for row in rows}
        return machine_id in self._uncounted

    async def count(self, entries: Sequence[Entry]) -> None:
        machines, scans, days, quarantined, _ = columns(entries)
        async with self._database.fast() as pg:
            await pg.execute(_COUNT, machines, scans, days, quarantined)

    async def handed_over(self, entries: Sequence[Entry]) -> None:
        machines, scans, days, _, _ = columns(entries)
        async with self._database.fast() as pg:
            await pg.execute(_HANDED_OVER, machines, scans, days)


def columns(entries: Sequence[Entry]) -> tuple[list[Any], ...]:
    """The parameters of `ENTER`."""
    return (
        [entry.machine_id for entry in entries],
        [entry.scan_id for entry in entries],
        [entry.day for entry in entries],
        [entry.quarantined for entry in entries],
        [entry.hour for entry in entries],
    )
