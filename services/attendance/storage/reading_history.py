"""What the history of a day is told from."""

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import date, datetime, timedelta

from services.attendance.application.correction_ports import CorrectionFacts
from services.attendance.application.history import Arrival, Change, Held
from services.attendance.application.holders import Claim
from services.attendance.domain.scans import SCAN_TYPES, Scan
from services.attendance.storage.badge_rows import claim_columns, claimed
from services.attendance.storage.correcting import read_corrections
from services.attendance.storage.looking_up import Remembered
from services.attendance.storage.reading_evidence import PostgresEvidenceReading
from shared.storage.database import Database

_A_DAY = timedelta(days=1)


class PostgresHistories:
    """Opens transactions that read histories."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._remembered = Remembered()

    @asynccontextmanager
    async def reading_history(self) -> AsyncIterator["PostgresHistoryReading"]:
        async with self._database.fast() as pg:
            yield PostgresHistoryReading(pg, self._remembered)


class PostgresHistoryReading(PostgresEvidenceReading):
    """One transaction. Whose day it is has been asked by `holder`, with the caller's scope."""

    async def arrivals(self, claims: Sequence[Claim], start: datetime, end: datetime) -> Sequence[Arrival]:
        # Wall clocks are within a day of UTC: this much tells the planner which months to look into.
        first, last = (start - _A_DAY).replace(tzinfo=None), (end + _A_DAY).replace(tzinfo=None)
        badges, machines, left_out = claim_columns(claims)
        rows = await self._pg.fetch(_ARRIVALS, badges, start, end, first, last, machines, left_out)
        return [Arrival(Scan(int(at.timestamp()), id_, SCAN_TYPES[type_]), *rest) for id_, at, type_, *rest in rows]

    async def corrections(self, person_id: int, on: date) -> Sequence[CorrectionFacts]:
        return await read_corrections(self._pg, person_id, on)

    async def changes(self, person_id: int, on: date) -> Sequence[Change]:
        rows = await self._pg.fetch(_CHANGES, person_id, on)
        return [Change(at, reason, json.loads(before), json.loads(after)) for at, reason, before, after in rows]

    async def locks(self, site_id: int, on: date) -> Sequence[Held]:
        return [Held(*row) for row in await self._pg.fetch(_LOCKS, site_id, on.replace(day=1))]


_ARRIVALS = f"""
SELECT s.id, s.at, s.type, m.code, s.received_at, NULL::text, NULL::text, NULL::timestamptz, NULL::text
FROM scans s LEFT JOIN machines m ON m.id = s.machine_id
WHERE s.badge = ANY($1) AND s.at >= $2 AND s.at < $3 AND s.local_at >= $4 AND s.local_at < $5
  AND s.quality NOT IN ('implausible_past', 'future') AND {claimed("s", "$1", "$6", "$7")}
UNION ALL
SELECT r.scan_id, r.at, r.type, m.code, r.released_at, r.released_by_name, r.reason, r.withdrawn_at, r.withdrawn_by_name
FROM releases r LEFT JOIN machines m ON m.id = r.machine_id
WHERE r.badge = ANY($1) AND r.at >= $2 AND r.at < $3 AND {claimed("r", "$1", "$6", "$7")}
"""

_CHANGES = """
SELECT at, reason, before::text, after::text FROM changes WHERE person_id = $1 AND date = $2 ORDER BY id
"""

_LOCKS = """
SELECT locked_at, locked_by_name, reason, unlocked_at, unlocked_by_name, unlock_reason FROM locks
WHERE site_id = $1 AND month = $2 ORDER BY id
"""
