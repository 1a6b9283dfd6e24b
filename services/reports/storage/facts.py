"""Facts, on PostgreSQL."""

from collections.abc import Callable, Sequence
from datetime import date
from typing import Any

from services.reports.application.ports import HeldFacts
from shared.contracts.days import DayUpdated
from shared.storage.columns import column, rows_from
from shared.storage.database import Database
from shared.storage.partitions import Partitions
from shared.web.scope import Scope


class PostgresFacts:
    """Facts in the schema `reports`."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._partitions = Partitions(database, "facts")

    async def apply(self, days: Sequence[DayUpdated]) -> None:
        """Keep each state that is newer than what is there: one statement, whatever the number."""
        newest: dict[tuple[date, int], DayUpdated] = {}
        for day in days:
            key = (day.date, day.person_id)
            seen = newest.get(key)
            if seen is None or day.version > seen.version:
                newest[key] = day
        if newest:
            await self._partitions.ensure({day for day, _ in newest})
            # Sorted, so that two who write at once wait for each other in one direction only.
            rows = [newest[key] for key in sorted(newest)]
            async with self._database.fast() as pg:
                await pg.execute(_APPLY, *(column([read(day) for day in rows]) for _, _, read in _COLUMNS))

    async def held(self, scope: Scope) -> HeldFacts:
        async with self._database.fast() as pg:
            last: date | None = await pg.fetchval("SELECT max(date) FROM facts WHERE status <> ''")
            row = await pg.fetchrow(_HELD, last, scope.reach, list(scope.units), scope.person)
        assert row is not None  # noqa: S101 - an aggregate always has a row
        return HeldFacts(last=row["last"], days=row["days"], computed_at=row["computed_at"])


# Column, its type in the statement, and where its value comes from.
_COLUMNS: tuple[tuple[str, str, Callable[[DayUpdated], Any]], ...] = (
    ("date", "date", lambda day: day.date),
    ("person_id", "int", lambda day: day.person_id),
    ("department", "text", lambda day: day.department),
    ("designation", "text", lambda day: day.designation),
    ("level_of_work", "text", lambda day: day.level_of_work),
    ("unit_path", "int[]", lambda day: "{" + ",".join(map(str, day.unit_path)) + "}"),
    ("site_id", "int", lambda day: day.site_id),
    ("zone", "text", lambda day: day.zone),
    ("status", "text", lambda day: day.status),
    ("first_in", "timestamptz", lambda day: day.first_in),
    ("last_out", "timestamptz", lambda day: day.last_out),
    ("check_in", "text", lambda day: day.check_in),
    ("check_out", "text", lambda day: day.check_out),
    ("worked", "int", lambda day: day.worked_minutes),
    ("overtime", "int", lambda day: day.overtime_minutes),
    ("extra_overtime", "int", lambda day: day.extra_overtime_minutes),
    ("late", "int", lambda day: day.late_minutes),
    ("early_departure", "int", lambda day: day.early_departure_minutes),
    ("shortfall", "int", lambda day: day.shortfall_minutes),
    ("snacks", "bool", lambda day: day.snacks_eligible),
    ("night_bill", "bool", lambda day: day.night_bill_eligible),
    ("flags", "text", lambda day: " ".join(day.flags)),
    ("scans", "smallint", lambda day: day.total_scans),
    ("computed_at", "timestamptz", lambda day: day.computed_at),
    ("epoch", "int", lambda day: day.version.epoch),
    ("n", "bigint", lambda day: day.version.n),
)
_NAMES = [name for name, _, _ in _COLUMNS]
_APPLY = f"""
INSERT INTO facts AS old ({", ".join(_NAMES)})
SELECT {", ".join(_NAMES)} FROM {rows_from(_NAMES, [type_ for _, type_, _ in _COLUMNS])}
ON CONFLICT (date, person_id) DO UPDATE SET {", ".join(f"{n} = excluded.{n}" for n in _NAMES[2:])}
WHERE (excluded.epoch, excluded.n) > (old.epoch, old.n)
"""
# A day that there is no more keeps its row, without a status: an older state that comes late is then known as such.
_HELD = """
SELECT max(date) AS last, count(*) AS days, max(computed_at) AS computed_at FROM facts
WHERE date > $1::date - 31 AND date <= $1::date AND status <> ''
  AND ($2 = 'all' OR ($2 = 'units' AND unit_path && $3::int[]) OR ($2 <> 'none' AND person_id = $4::int))
"""
