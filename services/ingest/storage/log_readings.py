"""The last whole readings of logs, in PostgreSQL."""

from collections.abc import Mapping, Sequence
from datetime import date

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from services.ingest.domain.log_reading import LogReading
from services.ingest.storage.tables import log_readings
from shared.storage.database import Database

_COLUMNS = tuple(column.name for column in log_readings.columns)


class PostgresLogReadings:
    """Implements `LogReadings`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def keep(self, reading: LogReading) -> None:
        values = {name: getattr(reading, name) for name in _COLUMNS}
        values["days"] = {day.isoformat(): scans for day, scans in reading.days.items()}
        query = insert(log_readings).values(values)
        update = {name: query.excluded[name] for name in _COLUMNS if name != "machine_id"}
        async with self._database.begin() as connection:
            await connection.execute(query.on_conflict_do_update(index_elements=["machine_id"], set_=update))

    async def of(self, machines: Sequence[int]) -> Mapping[int, LogReading]:
        query = select(log_readings).where(log_readings.c.machine_id.in_(machines))
        async with self._database.begin() as connection:
            rows = (await connection.execute(query)).mappings().all()
        return {
            row["machine_id"]: LogReading(
                **{**row, "days": {date.fromisoformat(day): scans for day, scans in sorted(row["days"].items())}}
            )
            for row in rows
        }
