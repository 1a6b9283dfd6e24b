"""What the clocks of machines were off by, in PostgreSQL."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from services.ingest.domain.clock_line import Kind, Measurement
from services.ingest.storage.tables import clock_measurements
from shared.storage.database import Database

MOST = 4_000
"""Of one machine, twice what an hourly measurement makes: a clock that jumps all day long fills no disk."""

_TOO_MANY = """
DELETE FROM clock_measurements AS old USING (
    SELECT machine_id, (
        SELECT measured_at FROM clock_measurements AS newer WHERE newer.machine_id = each.machine_id
        ORDER BY measured_at DESC OFFSET $1 LIMIT 1
    ) AS until FROM clock_measurements AS each GROUP BY machine_id HAVING count(*) > $1
) AS full_ones WHERE old.machine_id = full_ones.machine_id AND old.measured_at <= full_ones.until
"""


class PostgresClockMeasurements:
    """Implements `ClockMeasurements`."""

    def __init__(self, database: Database, *, most: int = MOST) -> None:
        """`most` are kept of one machine."""
        self._database = database
        self._most = most

    async def keep(self, machine_id: int, measurements: Sequence[Measurement]) -> None:
        values = [
            {
                "machine_id": machine_id,
                "measured_at": one.at,
                "kind": one.kind.value,
                "offset_seconds": round(one.offset.total_seconds(), 3),
                "by": one.by,
            }
            for one in measurements
        ]
        async with self._database.begin() as connection:
            await connection.execute(insert(clock_measurements).values(values).on_conflict_do_nothing())

    async def of(self, machine_id: int) -> Sequence[Measurement]:
        columns = clock_measurements.c
        query = select(clock_measurements).where(columns.machine_id == machine_id).order_by(columns.measured_at)
        async with self._database.begin() as connection:
            rows = (await connection.execute(query)).mappings().all()
        return [
            Measurement(
                at=row["measured_at"],
                offset=timedelta(seconds=row["offset_seconds"]),
                kind=Kind(row["kind"]),
                by=row["by"],
            )
            for row in rows
        ]

    async def forget(self, *, before: datetime) -> None:
        async with self._database.fast() as pg:
            await pg.execute("DELETE FROM clock_measurements WHERE measured_at < $1", before)
            await pg.execute(_TOO_MANY, self._most)
