"""Days that lose their row: nobody was seen on them, and the person turned out not to have been employed then."""

from datetime import date
from typing import Any

import asyncpg

from services.attendance.application.announce import GoneDay
from services.attendance.storage.person_states import path_of, read_parents
from services.attendance.storage.unseen import BEYOND, within


async def take_away(
    pg: "asyncpg.Connection[Any]", person_id: int, since: date | None, until: date | None
) -> list[GoneDay]:
    """Delete such days of a person within these dates; locked months keep theirs."""
    rows = await pg.fetch(_TAKE_AWAY, person_id, since, until)
    parents = await read_parents(pg) if rows else {}
    return [GoneDay._make([*row[:-1], path_of(row["unit_id"], parents)]) for row in rows]


async def gone_of(pg: "asyncpg.Connection[Any]", person_id: int) -> list[GoneDay]:
    """All days of a person that lost their row and have none again."""
    rows = await pg.fetch(_GONE, person_id)
    parents = await read_parents(pg) if rows else {}
    return [GoneDay._make([*row[:-1], path_of(row["unit_id"], parents)]) for row in rows]


_PLACE = """
LEFT JOIN LATERAL (
    SELECT a.site_id, a.unit_id, a.designation, a.level_of_work FROM assignments a
    WHERE a.person_id = d.person_id ORDER BY a.during @> d.date DESC, a.during DESC LIMIT 1
) AS place ON true
"""

_GONE = f"""
SELECT d.date, d.person_id, d.n, coalesce(s.zone, 'UTC'), p.code, p.name, u.name, place.designation,
       coalesce(place.level_of_work, 'Worker'), s.id, place.unit_id
FROM gone_days d JOIN people p ON p.id = d.person_id {_PLACE}
LEFT JOIN units u ON u.id = place.unit_id
JOIN sites s ON s.id = coalesce(place.site_id, (SELECT min(id) FROM sites))
WHERE d.person_id = $1
  AND NOT EXISTS (SELECT FROM days x WHERE x.person_id = d.person_id AND x.date = d.date)
ORDER BY d.date
"""

_TAKE_AWAY = f"""
WITH gone AS (
    SELECT d.date, d.person_id, d.n, d.zone, p.code, p.name, place.*
    FROM days d JOIN people p ON p.id = d.person_id
    {_PLACE}
    WHERE d.person_id = $1 AND {within("$2", "$3")} AND {BEYOND}
      AND (p.removed OR NOT EXISTS (SELECT FROM corrections c
                                    WHERE c.person_id = $1 AND c.date = d.date AND c.state = 'approved'))
      AND NOT EXISTS (SELECT FROM locks l WHERE l.site_id = place.site_id AND l.unlocked_at IS NULL
                      AND l.month = date_trunc('month', d.date)::date)
),
kept AS (
    INSERT INTO gone_days AS g (date, person_id, n) SELECT date, person_id, n + 1 FROM gone
    ON CONFLICT (date, person_id) DO UPDATE SET n = excluded.n
),
deleted AS (
    DELETE FROM days d USING gone g WHERE d.date = g.date AND d.person_id = g.person_id
)
SELECT g.date, g.person_id, g.n + 1, g.zone, g.code, g.name, u.name, g.designation,
       coalesce(g.level_of_work, 'Worker'), coalesce(g.site_id, (SELECT min(id) FROM sites)), g.unit_id
FROM gone g LEFT JOIN units u ON u.id = g.unit_id ORDER BY g.date
"""
