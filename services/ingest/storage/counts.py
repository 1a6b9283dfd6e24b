"""What is counted of scans, in PostgreSQL."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime

from services.ingest.application.ports import DayReceived, Received
from shared.storage.database import Database

_RECEIVED = """
SELECT machine_id, coalesce(read.scans, 0) + coalesce(uncounted, 0) AS scans, coalesce(quarantined, 0) AS quarantined,
    coalesce(from_machine, 0) AS from_machine, first_day, last_day, coalesce(unreadable, 0) AS unreadable,
    coalesce(unreadable_from_machine, 0) AS unreadable_from_machine, coalesce(uncounted, 0) AS uncounted, counted_since
FROM (
    SELECT machine_id, sum(scans)::bigint AS scans, sum(quarantined)::bigint AS quarantined,
        sum(from_machine)::bigint AS from_machine,
        min(day) AS first_day, max(day) AS last_day
    FROM days_received WHERE machine_id = ANY($1) GROUP BY 1
) AS read FULL JOIN (
    SELECT machine_id, count(*) AS unreadable, count(*) FILTER (WHERE source = 'session') AS unreadable_from_machine
    FROM unreadable WHERE machine_id = ANY($1) AND source <> 'contact' GROUP BY 1
) AS kept USING (machine_id) FULL JOIN (
    SELECT machine_id, scans AS uncounted, since AS counted_since FROM uncounted
    WHERE machine_id = ANY($1) AND scans > 0
) AS early USING (machine_id)
"""

_DAYS = """
SELECT day, scans, quarantined, from_machine FROM days_received
WHERE machine_id = $1 AND day >= coalesce($2::date, day) AND day <= coalesce($3::date, day) ORDER BY day
"""

_AT_SITE = """
SELECT hour, sum(scans)::bigint AS scans FROM arrivals JOIN machines ON machines.id = arrivals.machine_id
WHERE site_id = $1 AND hour = ANY($2) GROUP BY hour
"""


class PostgresCounts:
    """Implements `Counts`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def received(self, machines: Sequence[int]) -> Mapping[int, Received]:
        async with self._database.fast() as pg:
            rows = await pg.fetch(_RECEIVED, list(machines))
        return {row["machine_id"]: Received(**{k: v for k, v in row.items() if k != "machine_id"}) for row in rows}

    async def days(
        self, machine_id: int, *, first: date | None = None, last: date | None = None
    ) -> Sequence[DayReceived]:
        async with self._database.fast() as pg:
            rows = await pg.fetch(_DAYS, machine_id, first, last)
        return [DayReceived(**row) for row in rows]

    async def arrivals(self, hours: Sequence[datetime], *, machine_id: int) -> Mapping[datetime, int]:
        async with self._database.fast() as pg:
            rows = await pg.fetch(
                "SELECT hour, scans FROM arrivals WHERE machine_id = $1 AND hour = ANY($2)", machine_id, list(hours)
            )
        return {row["hour"]: row["scans"] for row in rows}

    async def arrivals_at_site(self, hours: Sequence[datetime], *, site_id: int) -> Mapping[datetime, int]:
        async with self._database.fast() as pg:
            rows = await pg.fetch(_AT_SITE, site_id, list(hours))
        return {row["hour"]: row["scans"] for row in rows}

    async def forget_arrivals(self, *, before: datetime) -> None:
        async with self._database.fast() as pg:
            await pg.execute("DELETE FROM arrivals WHERE hour < $1", before)
