"""The copy of people, on PostgreSQL."""

from collections.abc import Sequence
from typing import Any

from services.leave.application.ports import Held
from shared.contracts.people import PersonChanged
from shared.storage.database import Database
from shared.web.scope import Scope


class PostgresPeople:
    """People in the schema `leave`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def apply(self, people: Sequence[PersonChanged]) -> None:
        """Keep each state that is newer than what is there: one statement, whatever the number."""
        newest: dict[int, PersonChanged] = {}
        for person in people:
            seen = newest.get(person.person_id)
            if seen is None or person.version > seen.version:
                newest[person.person_id] = person
        if newest:
            async with self._database.fast() as pg:
                await pg.execute(_APPLY, *_columns(list(newest.values())))

    async def held(self, scope: Scope) -> Held:
        async with self._database.fast() as pg:
            row = await pg.fetchrow(_HELD, scope.reach, list(scope.units), scope.person)
        assert row is not None  # noqa: S101 - an aggregate always has a row
        return Held(people=row["people"], left=row["gone"])


def _columns(people: Sequence[PersonChanged]) -> list[list[Any]]:
    return [
        [p.person_id for p in people],
        [p.code for p in people],
        [p.name for p in people],
        [p.email for p in people],
        [p.department for p in people],
        # An array of arrays must be rectangular; text need not.
        ["{" + ",".join(map(str, p.unit_path)) + "}" for p in people],
        [p.designation for p in people],
        [p.level_of_work for p in people],
        [p.site_id for p in people],
        [p.joined_on for p in people],
        [p.left_on for p in people],
        [p.removed for p in people],
        [p.version.epoch for p in people],
        [p.version.n for p in people],
    ]


# Sorted, so that two who write at once wait for each other in one direction only.
_APPLY = """
INSERT INTO people AS old (person_id, code, name, email, department, unit_path, designation, level_of_work, site_id,
                           joined_on, left_on, removed, epoch, n)
SELECT id, code, name, email, department, path::int[], designation, level, site, joined, gone, removed, epoch, n
FROM unnest($1::int[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::int[],
            $10::date[], $11::date[], $12::bool[], $13::int[], $14::bigint[])
    AS new (id, code, name, email, department, path, designation, level, site, joined, gone, removed, epoch, n)
ORDER BY id
ON CONFLICT (person_id) DO UPDATE SET
    code = excluded.code, name = excluded.name, email = excluded.email, department = excluded.department,
    unit_path = excluded.unit_path, designation = excluded.designation, level_of_work = excluded.level_of_work,
    site_id = excluded.site_id, joined_on = excluded.joined_on, left_on = excluded.left_on,
    removed = excluded.removed, epoch = excluded.epoch, n = excluded.n
WHERE (excluded.epoch, excluded.n) > (old.epoch, old.n)
"""
_HELD = """
SELECT count(*) AS people, count(left_on) AS gone FROM people
WHERE NOT removed
  AND ($1 = 'all' OR ($1 = 'units' AND unit_path && $2::int[]) OR ($1 <> 'none' AND person_id = $3::int))
"""
