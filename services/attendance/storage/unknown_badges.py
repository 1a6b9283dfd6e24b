"""Counting the scans of badges that nobody held when they were seen."""

from collections.abc import Sequence
from datetime import time, timedelta
from typing import Any

import asyncpg

from services.attendance.application.rulebook import Rulebook


async def count_again(pg: "asyncpg.Connection[Any]", badges: Sequence[str], rules: Rulebook) -> None:
    """Count what was seen of these badges anew, in a transaction that holds the rules."""
    boundary: time = rules.settings(rules.main_site, rules.today())[0].day_boundary
    begins = timedelta(hours=boundary.hour, minutes=boundary.minute + 1)
    await pg.execute("DELETE FROM unknown_badges WHERE badge = ANY($1)", badges)
    await pg.execute(_COUNT_AGAIN, badges, rules.zone(rules.main_site), begins)


_COUNT_AGAIN = """
INSERT INTO unknown_badges (badge, scans, first_at, last_at, machine_id)
SELECT s.badge, count(*), min(s.at), max(s.at), (array_agg(s.machine_id ORDER BY s.at DESC))[1]
FROM (
    SELECT badge, at, machine_id FROM scans
    WHERE badge = ANY($1) AND quality NOT IN ('implausible_past', 'future')
    UNION ALL
    SELECT badge, at, machine_id FROM releases WHERE badge = ANY($1) AND withdrawn_at IS NULL
) AS s
WHERE NOT EXISTS (
    SELECT FROM badges b WHERE b.badge = s.badge AND coalesce(b.machine_id = s.machine_id, true)
                             AND b.during @> ((s.at AT TIME ZONE $2) - $3::interval)::date)
GROUP BY s.badge
"""
