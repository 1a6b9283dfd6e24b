"""Who was employed on a date: days that ought to be stored and are not, and days that are and ought not to be."""

from collections.abc import Sequence
from datetime import date
from typing import Any

import asyncpg

from services.attendance.application.directory import PersonDay


async def without_row(
    pg: "asyncpg.Connection[Any]", site_id: int, first: date, last: date, most: int | None = None
) -> Sequence[PersonDay]:
    """Days without a row of people who belonged to the site then, by date; at most so many."""
    return [PersonDay(*row) for row in await pg.fetch(_WITHOUT_ROW, site_id, first, last, most)]


async def due_of(pg: "asyncpg.Connection[Any]", people: Sequence[int], first: date, last: date) -> set[PersonDay]:
    """Days of these people on dates that are closed where they belonged and were employed."""
    return {PersonDay(*row) for row in await pg.fetch(_DUE, people, first, last)}


EMPLOYED = (
    "NOT p.removed AND (p.joined_on IS NULL OR p.joined_on <= {day}) AND (p.left_on IS NULL OR p.left_on >= {day})"
)
# Of a person who was removed all days go, as if they had never been there.
BEYOND = "(p.removed OR d.used = 0 AND (d.date < p.joined_on OR d.date > p.left_on))"


def within(since: str, until: str) -> str:
    """The condition that a day lies within dates, of which NULL is always."""
    return f"d.date >= coalesce({since}::date, '-infinity') AND d.date <= coalesce({until}::date, 'infinity')"


_DUE = f"""
SELECT c.date, p.id FROM people p JOIN assignments a ON a.person_id = p.id
JOIN closed_dates c ON c.site_id = a.site_id AND c.date BETWEEN $2 AND $3 AND a.during @> c.date
WHERE p.id = ANY($1::int[]) AND {EMPLOYED.format(day="c.date")}
"""

_WITHOUT_ROW = f"""
SELECT d.day, p.id FROM (SELECT generate_series($2::date, $3::date, '1 day')::date AS day) AS d
JOIN assignments a ON a.site_id = $1 AND a.during @> d.day
JOIN people p ON p.id = a.person_id AND {EMPLOYED.format(day="d.day")}
WHERE NOT EXISTS (SELECT FROM days x WHERE x.person_id = p.id AND x.date = d.day AND x.date BETWEEN $2 AND $3)
ORDER BY 1, 2 LIMIT $4
"""
