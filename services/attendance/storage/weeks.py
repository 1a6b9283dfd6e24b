"""What weeks need of stored days."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

import asyncpg

from services.attendance.domain.week import Hours


async def read_hours(
    pg: "asyncpg.Connection[Any]", people: Sequence[int], first: date, last: date
) -> dict[int, list[Hours]]:
    """The stored days of these people, by person."""
    # A row a person: of 10,000 people and a month it takes half the time of a row a day.
    dates = [first + timedelta(days=number) for number in range((last - first).days + 1)]
    return {
        person: [Hours(dates[number], working, by_day) for number, working, by_day in zip(*columns, strict=True)]
        for person, *columns in await pg.fetch(_HOURS, people, first, last)
    }


_HOURS = """
SELECT person_id, array_agg(date - $2), array_agg(worked), array_agg(overtime + extra_overtime)
FROM days WHERE date BETWEEN $2 AND $3 AND person_id = ANY($1::int[]) GROUP BY person_id
"""
