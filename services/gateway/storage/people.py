"""The copy of people, on PostgreSQL."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from services.gateway.application.holdings import holdings_of
from services.gateway.domain.badges import Holding, Person
from shared.contracts.people import PersonChanged
from shared.storage.database import Database

OVERLAP = timedelta(minutes=1)
"""How long a transaction may take that writes people; rows become visible later than they say."""


class PostgresPeople:
    """People and badges in the schema `gateway`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def apply(self, people: Sequence[PersonChanged], *, now: datetime) -> None:
        """Keep each state that is newer than the one that is there; any order and any number of times."""
        newest: dict[int, PersonChanged] = {}
        for person in people:
            seen = newest.get(person.person_id)
            if seen is None or person.version > seen.version:
                newest[person.person_id] = person
        if not newest:
            return
        # In the order of their ids, so that two that write at once wait for each other in one direction only.
        ordered = [newest[id_] for id_ in sorted(newest)]
        async with self._database.fast() as pg:
            applied = {row["person_id"] for row in await pg.fetch(_APPLY, *_columns(ordered), now)}
            await pg.execute("DELETE FROM badges WHERE person_id = ANY($1)", list(applied))
            held = [
                (person.person_id, holding.badge, holding.since, holding.until, holding.machine_id)
                for person in ordered
                if person.person_id in applied and not person.removed
                for holding in holdings_of(person)
            ]
            if held:
                await pg.execute(_HOLD, *map(list, zip(*held, strict=True)))

    async def changed_since(self, moment: datetime | None) -> tuple[Sequence[Person], datetime]:
        """People whose state came after `moment` (None: all), and up to when that is known."""
        async with self._database.fast() as pg:
            until: datetime = await pg.fetchval("SELECT now()")
            rows = await pg.fetch(_READ, moment - OVERLAP if moment else None)
        return [_person(row) for row in rows], until


def _columns(people: Sequence[PersonChanged]) -> list[list[Any]]:
    return [
        [p.person_id for p in people],
        [p.code for p in people],
        [p.name for p in people],
        [p.department for p in people],
        [p.designation for p in people],
        # An array of arrays must be rectangular; text is not.
        ["{" + ",".join(map(str, p.unit_path)) + "}" for p in people],
        [p.left_on for p in people],
        [p.removed for p in people],
        [p.version.epoch for p in people],
        [p.version.n for p in people],
    ]


def _person(row: Any) -> Person:
    held = zip(row["held"], row["since"], row["until"], row["machines"], strict=True) if row["held"] else ()
    return Person(
        id=row["person_id"],
        code=row["code"],
        name=row["name"],
        department=row["department"],
        unit_path=tuple(row["unit_path"]),
        badges=tuple(
            Holding(badge=badge, since=since, until=until, machine_id=machine_id)
            for badge, since, until, machine_id in held
        ),
        removed=row["removed"],
        version=(row["epoch"], row["n"]),
    )


_APPLY = """
INSERT INTO people AS old
    (person_id, code, name, department, designation, unit_path, left_on, removed, epoch, n, updated_at)
SELECT id, code, name, department, designation, unit_path::int[], left_on, removed, epoch, n, $11
FROM unnest(
    $1::int[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::date[], $8::bool[], $9::int[],
    $10::bigint[]
) AS new (id, code, name, department, designation, unit_path, left_on, removed, epoch, n)
ORDER BY id
ON CONFLICT (person_id) DO UPDATE SET
    code = excluded.code, name = excluded.name, department = excluded.department, designation = excluded.designation,
    unit_path = excluded.unit_path, left_on = excluded.left_on, removed = excluded.removed,
    epoch = excluded.epoch, n = excluded.n, updated_at = excluded.updated_at
WHERE (excluded.epoch, excluded.n) > (old.epoch, old.n)
RETURNING person_id
"""
_HOLD = """
INSERT INTO badges (person_id, badge, since, until, machine_id)
SELECT * FROM unnest($1::int[], $2::text[], $3::date[], $4::date[], $5::int[])
"""
_READ = """
SELECT p.person_id, p.code, p.name, p.department, p.unit_path, p.removed, p.epoch, p.n, b.held, b.since, b.until,
       b.machines
FROM people p
LEFT JOIN (
    SELECT person_id, array_agg(badge) AS held, array_agg(since) AS since, array_agg(until) AS until,
           array_agg(machine_id) AS machines
    FROM badges GROUP BY person_id
) b USING (person_id)
WHERE $1::timestamptz IS NULL OR p.updated_at > $1
"""
