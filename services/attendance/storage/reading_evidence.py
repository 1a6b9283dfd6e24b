"""What explains a day: the person as they were, and every scan of theirs."""

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import date, datetime, timedelta
from typing import Any

import asyncpg

from services.attendance.application.correction_ports import Figures
from services.attendance.application.directory import Holder, PersonDay
from services.attendance.application.explaining import Evidence
from services.attendance.application.holders import Claim
from services.attendance.application.rulebook import LeaveByPerson, Rulebook
from services.attendance.domain.corrections import Correction
from services.attendance.domain.scans import QUALITIES, SCAN_TYPES, Scan
from services.attendance.domain.week import Hours
from services.attendance.storage.badge_rows import claim_columns, claimed
from services.attendance.storage.correction_rows import corrections_in_force
from services.attendance.storage.directory import read_people
from services.attendance.storage.looking_up import Remembered, find_person, read_rulebook
from services.attendance.storage.recording import figures_json, scans_of
from services.attendance.storage.rulings import RULED, RULING, release_of
from services.attendance.storage.sql import Where, seen_by
from services.attendance.storage.time_off import read_leave
from services.attendance.storage.weeks import read_hours
from shared.storage.database import Database
from shared.web.scope import Scope

_A_DAY = timedelta(days=1)


class PostgresEvidence:
    """Opens transactions that read what explains a day."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._remembered = Remembered()

    @asynccontextmanager
    async def explaining(self) -> AsyncIterator["PostgresEvidenceReading"]:
        async with self._database.fast() as pg:
            yield PostgresEvidenceReading(pg, self._remembered)


class PostgresEvidenceReading:
    """One transaction."""

    def __init__(self, pg: "asyncpg.Connection[Any]", remembered: Remembered) -> None:
        self._pg = pg
        self._remembered = remembered

    async def leave(self, first: date, last: date, people: Sequence[int] | None) -> LeaveByPerson:
        return await read_leave(self._pg, first, last, people)

    async def rulebook(self, now: datetime) -> Rulebook:
        return await read_rulebook(self._pg, now, self._remembered)

    async def by_code(self, text: str, scope: Scope) -> int | None:
        return await find_person(self._pg, text, scope, code_first=True)

    async def holder(self, person_id: int, on: date, scope: Scope) -> Holder | None:
        where = Where(person_id, on)
        where.add("p.id = $1 AND NOT p.removed")
        where.add("(p.joined_on IS NULL OR p.joined_on <= $2) AND (p.left_on IS NULL OR p.left_on >= $2)")
        seen_by(where, scope, person="p.id", unit="a.unit_id")
        seen = await self._pg.fetchval(_SEEN.format(where=where), *where.values)
        return (await read_people(self._pg, people=[person_id]))[0] if seen else None

    async def evidence(self, claims: Sequence[Claim], start: datetime, end: datetime) -> Evidence:
        # Wall clocks are within a day of UTC: this much tells the planner which months to look into.
        first, last = (start - _A_DAY).replace(tzinfo=None), (end + _A_DAY).replace(tzinfo=None)
        badges, machines, left_out = claim_columns(claims)
        rows = await self._pg.fetch(_EVIDENCE, badges, start, end, first, last, machines, left_out)
        rulings = [release_of(ruling) for _, _, _, _, _, *ruling in rows]
        return Evidence(
            scans=[
                Scan(int(at.timestamp()), id_, SCAN_TYPES[type_], QUALITIES[quality])
                for id_, at, type_, quality, *_ in rows
            ],
            machines={id_: machine for id_, _, _, _, machine, *_ in rows},
            releases={ruling.scan_id: ruling for ruling in rulings if ruling is not None},
            codes=await self._codes(claims),
        )

    async def _codes(self, claims: Sequence[Claim]) -> dict[int, str]:
        named = {each for claim in claims for each in (claim.machine_id, *claim.but_of) if each is not None}
        if not named:
            return {}
        rows = await self._pg.fetch("SELECT id, code FROM machines WHERE id = ANY($1::int[])", list(named))
        return {row["id"]: row["code"] for row in rows}

    async def scans_of(
        self, spans: Mapping[PersonDay, tuple[int, int, Sequence[Claim]]]
    ) -> dict[PersonDay, list[Scan]]:
        return await scans_of(self._pg, spans)

    async def corrections_around(self, spans: Mapping[PersonDay, tuple[int, int]]) -> dict[PersonDay, list[Correction]]:
        return await corrections_in_force(self._pg, spans)

    async def hours(self, people: Sequence[int], first: date, last: date) -> dict[int, list[Hours]]:
        return await read_hours(self._pg, people, first, last)

    async def kept_of(self, person_id: int, on: date) -> Figures | None:
        found = await self._pg.fetchval(_KEPT, on, person_id)
        return None if found is None else json.loads(found)

    async def corrections_of(self, spans: Mapping[PersonDay, tuple[int, int]]) -> dict[PersonDay, list[Correction]]:
        return await corrections_in_force(self._pg, spans)


_KEPT = f"SELECT {figures_json('d')}::text FROM days d WHERE d.date = $1 AND d.person_id = $2"

_SEEN = """
SELECT 1 FROM people p LEFT JOIN assignments a ON a.person_id = p.id AND a.during @> $2::date WHERE {where}
"""

# A scan that was released into this window stands there once, wherever its machine had placed it.
_EVIDENCE = f"""
SELECT s.id, s.at, s.type, s.quality, m.code, {RULING} FROM scans s LEFT JOIN machines m ON m.id = s.machine_id
{RULED}
WHERE s.badge = ANY($1) AND s.at >= $2 AND s.at < $3 AND s.local_at >= $4 AND s.local_at < $5
  AND {claimed("s", "$1", "$6", "$7")}
  AND NOT coalesce(r.at >= $2 AND r.at < $3, false)
UNION ALL
SELECT r.scan_id, r.at, r.type, 'ok', m.code, {RULING} FROM releases r LEFT JOIN machines m ON m.id = r.machine_id
WHERE r.badge = ANY($1) AND r.at >= $2 AND r.at < $3 AND r.withdrawn_at IS NULL
  AND {claimed("r", "$1", "$6", "$7")}
"""
