"""Who is in, on PostgreSQL: the days of today and of yesterday, and each person's last scan by its index."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import date, datetime, timedelta
from typing import Any

import asyncpg

from services.attendance.application.presence import MachineFreshness, PresenceFacts, UnknownVisitor
from services.attendance.application.rulebook import LeaveByPerson, Rulebook
from services.attendance.storage.badge_rows import holds_for
from services.attendance.storage.looking_up import Remembered, find_unit, read_rulebook
from services.attendance.storage.sql import Where, in_unit, like, seen_by
from services.attendance.storage.time_off import read_leave
from shared.storage.database import Database
from shared.web.scope import Scope

_A_DAY = timedelta(days=1)


class PostgresPresence:
    """Opens transactions that read who is in."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._remembered = Remembered()

    @asynccontextmanager
    async def reading(self) -> AsyncIterator["PostgresPresenceReading"]:
        async with self._database.fast() as pg:
            yield PostgresPresenceReading(pg, self._remembered)


class PostgresPresenceReading:
    """One transaction."""

    def __init__(self, pg: "asyncpg.Connection[Any]", remembered: Remembered) -> None:
        self._pg = pg
        self._remembered = remembered

    async def leave(self, first: date, last: date, people: Sequence[int] | None) -> LeaveByPerson:
        return await read_leave(self._pg, first, last, people)

    async def rulebook(self, now: datetime) -> Rulebook:
        return await read_rulebook(self._pg, now, self._remembered)

    async def sites(self) -> Mapping[int, str]:
        return {row["id"]: row["name"] for row in await self._pg.fetch("SELECT id, name FROM sites ORDER BY id")}

    async def unit(self, text: str) -> int | None:
        return await find_unit(self._pg, text)

    async def people(
        self,
        today: Mapping[int, date],
        since: datetime,
        now: datetime,
        *,
        site_id: int | None,
        unit_id: int | None,
        search: str | None,
        scope: Scope,
    ) -> Sequence[PresenceFacts]:
        main = min(today)
        # Who begins a shift before the site's date does has a date ahead of it.
        first, last = min(today.values()) - _A_DAY, max(today.values()) + _A_DAY
        # Wall clocks are within a day of UTC: this much tells the planner which months to look into.
        local = (since - _A_DAY).replace(tzinfo=None)
        where = Where(today[main], list(today), list(today.values()), main, first, last, since, local, now)
        where.add("NOT p.removed AND (p.joined_on IS NULL OR p.joined_on <= t.today)")
        where.add("(p.left_on IS NULL OR p.left_on >= t.today)")
        seen_by(where, scope, person="p.id", unit="a.unit_id")
        if unit_id is not None:
            in_unit(where, unit_id, unit="a.unit_id")
        if search:
            pattern = where.value(like(search))
            where.add(f"(p.code ILIKE {pattern} OR p.name ILIKE {pattern} OR u.name ILIKE {pattern})")
        place = "TRUE" if site_id is None else f"coalesce(l.site_id, p.site_id) = {where.value(site_id)}::int"
        sql = PEOPLE.format(where=where, place=place)
        return [PresenceFacts(*row) for row in await self._pg.fetch(sql, *where.values)]

    async def machines(self, site_id: int | None) -> Sequence[MachineFreshness]:
        return [MachineFreshness(*row) for row in await self._pg.fetch(_MACHINES, site_id)]

    async def strangers(self, since: datetime, site_id: int | None, scope: Scope) -> Sequence[UnknownVisitor]:
        if scope.reach != "all":  # nobody's badge is in nobody's unit
            return []
        return [UnknownVisitor(*row) for row in await self._pg.fetch(_STRANGERS, since, site_id)]


# Whom it is about comes first, so that only of them days are looked for, and only of who was seen the last scan, which
# the index over badge and instant has at its end.
_CORRECTED = "c.person_id = p.id AND c.state = 'approved' AND c.date BETWEEN p.today - 1 AND p.today + 1"
PEOPLE = """
WITH who AS MATERIALIZED (
    SELECT p.id, p.code, p.name, p.phone, u.name AS unit, a.designation, t.site_id, t.today
    FROM people p
    LEFT JOIN assignments a ON a.person_id = p.id AND a.during @> $1::date
    LEFT JOIN units u ON u.id = a.unit_id
    JOIN unnest($2::int[], $3::date[]) AS t (site_id, today) ON t.site_id = coalesce(a.site_id, $4::int)
    WHERE {where}
)
SELECT p.id, p.code, p.name, p.phone, p.unit, p.designation, p.site_id, p.today, d.date, d.first_in, d.marks,
       l.at, l.type, l.manual, m.code, m.name, l.site_id
FROM who p
LEFT JOIN LATERAL (
    SELECT date, first_in, marks FROM days
    WHERE person_id = p.id AND date BETWEEN $5::date AND $6::date AND date BETWEEN p.today - 1 AND p.today + 1
      AND used > 0
    ORDER BY date DESC LIMIT 1
) AS d ON true
LEFT JOIN LATERAL (
    SELECT s.at, s.type, false AS manual, s.machine_id, s.site_id FROM badges b
    CROSS JOIN LATERAL (
        (SELECT at, type, machine_id, site_id FROM scans
         WHERE badge = b.badge AND at >= $7 AND local_at >= $8 AND quality NOT IN ('implausible_past', 'future')
           AND {its_scan} AND NOT EXISTS (SELECT FROM corrections c WHERE {aside} AND scans.id::text IN ({whose}))
         ORDER BY at DESC LIMIT 1)
        UNION ALL
        (SELECT r.at, r.type, r.machine_id, o.site_id FROM releases r LEFT JOIN machines o ON o.id = r.machine_id
         WHERE r.badge = b.badge AND r.at >= $7 AND r.withdrawn_at IS NULL
           AND {its_release} AND NOT EXISTS (SELECT FROM corrections c WHERE {aside} AND r.scan_id::text IN ({whose}))
         ORDER BY r.at DESC LIMIT 1)
    ) AS s
    WHERE b.person_id = p.id AND b.during @> d.date
    UNION ALL
    SELECT c.at, c.values ->> 'type', true, NULL, NULL FROM corrections c
    WHERE {aside} AND c.kind = 'scan' AND c.at >= $7 AND c.at <= $9
    ORDER BY at DESC LIMIT 1
) AS l ON d.date IS NOT NULL
LEFT JOIN machines m ON m.id = l.machine_id
WHERE {place}
ORDER BY p.unit NULLS LAST, p.name, p.code
""".replace("{aside}", _CORRECTED).replace("{whose}", "c.values ->> 'scan_id', c.values ->> 'replaces'")
PEOPLE = PEOPLE.replace("{its_scan}", holds_for("b", "scans", "d.date"))
PEOPLE = PEOPLE.replace("{its_release}", holds_for("b", "r", "d.date"))

_MACHINES = """
SELECT code, name, site_id, status, is_connected, reports_by_itself, reported_until FROM machines
WHERE NOT removed AND ($1::int IS NULL OR site_id = $1) ORDER BY code
"""

_STRANGERS = """
SELECT b.badge, b.last_at, m.code FROM unknown_badges b LEFT JOIN machines m ON m.id = b.machine_id
WHERE b.last_at >= $1 AND ($2::int IS NULL OR m.site_id = $2) ORDER BY b.last_at DESC LIMIT 200
"""
