"""Adjustments of locked days, in the transaction that would have changed the days."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import asyncpg

from services.attendance.application.directory import PersonDay
from services.attendance.domain.locks import KINDS, Adjustment, Figures


async def stored_figures(pg: "asyncpg.Connection[Any]", keys: Sequence[PersonDay]) -> dict[PersonDay, Figures]:
    """Status and amounts of those days that are stored."""
    rows = await pg.fetch(_STORED, [key.date for key in keys], [key.person_id for key in keys])
    return {PersonDay(row["date"], row["person_id"]): dict(row) for row in rows}


async def adjustments_of(pg: "asyncpg.Connection[Any]", keys: Sequence[PersonDay]) -> dict[PersonDay, list[Adjustment]]:
    """All adjustments of those days that have any."""
    found: dict[PersonDay, list[Adjustment]] = {}
    for on, person_id, period, before, after, *rest in await pg.fetch(
        _EARLIER, [key.date for key in keys], [key.person_id for key in keys]
    ):
        one = Adjustment(period, json.loads(before), json.loads(after), *rest)
        found.setdefault(PersonDay(on, person_id), []).append(one)
    return found


async def adjust(
    pg: "asyncpg.Connection[Any]", adjustments: Mapping[PersonDay, tuple[int, Adjustment]], at: datetime
) -> list[tuple[PersonDay, int, int]]:
    """Keep them; returns the id and the version of each."""
    kept = []
    for key, (site_id, one) in sorted(adjustments.items()):
        figures = (json.dumps(one.before), json.dumps(one.after))
        facts = (key.person_id, key.date, site_id, one.period, *figures, one.reason, one.cancelled, at)
        id_, n = await pg.fetchrow(_ADJUST, *facts)
        kept.append((key, id_, n))
    return kept


_KEYS = "unnest($1::date[], $2::int[]) AS k (date, person_id)"

_STORED = f"""
SELECT d.date, d.person_id, d.status, {", ".join(f"d.{kind}" for kind in KINDS)}
FROM {_KEYS} JOIN days d ON d.date = k.date AND d.person_id = k.person_id
"""

_EARLIER = f"""
SELECT a.date, a.person_id, a.period, a.before::text, a.after::text, a.reason, a.cancelled
FROM {_KEYS} JOIN adjustments a ON a.date = k.date AND a.person_id = k.person_id
"""

_ADJUST = """
INSERT INTO adjustments (person_id, date, site_id, period, before, after, reason, cancelled, created_at, updated_at)
VALUES ($1, $2, $3, $4, $5::text::jsonb, $6::text::jsonb, $7, $8, $9, $9)
ON CONFLICT (person_id, date, period) DO UPDATE SET
    before = excluded.before, after = excluded.after, reason = excluded.reason, cancelled = excluded.cancelled,
    updated_at = excluded.updated_at, n = adjustments.n + 1
RETURNING id, n
"""
