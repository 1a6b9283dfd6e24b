"""What every reading needs: the rules of all sites, and ids for what callers call things."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import asyncpg

from services.attendance.application.holders import Site
from services.attendance.application.plans import Planning
from services.attendance.application.rulebook import NOBODY, People, Reporter, Rulebook
from services.attendance.storage.directory import read_people, read_sites
from services.attendance.storage.plans import planned_ids, read_plans
from services.attendance.storage.sql import Where, seen_by
from shared.web.scope import Scope


class Remembered:
    """Who has days of their own, as it was when the rules were at `n`: reading them costs, and they seldom change."""

    def __init__(self) -> None:
        self._n = -1
        self._people = NOBODY

    async def people(self, pg: "asyncpg.Connection[Any]", sites: Mapping[int, Site]) -> People:
        """What holds now. It may be newer than the rest of what the caller reads, and is never older."""
        n = await pg.fetchval("SELECT n FROM rules")
        if n != self._n:
            plans = await read_plans(pg)
            moving = [site.site_id for site in sites.values() if site.boundary_moves]
            ids = await planned_ids(pg, plans, moving)
            holders = await read_people(pg, people=ids) if ids else []
            self._people = People(Planning(plans, sites), {holder.person_id: holder for holder in holders})
            self._n = n
        return self._people


async def read_rulebook(pg: "asyncpg.Connection[Any]", now: datetime, remembered: Remembered | None = None) -> Rulebook:
    """The rules of all sites, and how far their machines have reported.

    With `remembered` it answers for people who have days of their own, too.
    """
    machines = await pg.fetch(_REPORTERS)
    reporters = [Reporter(**dict(m)) for m in machines]
    sites = await read_sites(pg)
    people = NOBODY if remembered is None else await remembered.people(pg, sites)
    return Rulebook(sites, reporters, now, people)


async def find_person(
    pg: "asyncpg.Connection[Any]", text: str, scope: Scope, *, code_first: bool = False
) -> int | None:
    """Whom the caller means by an id or a code, among those that they may see on any date.

    Codes are often numbers. A filter by `employee` means the id then; a person who types means the code. Nobody types
    capitals where they need not: a code in another case is meant where only one person has it.
    """
    where = Where(text, as_id(text))
    where.add("NOT p.removed AND (p.code = $1 OR p.id = $2::int)")
    seen_by(where, scope, person="p.id", unit="a.unit_id")
    sql = (
        f"SELECT p.id FROM people p LEFT JOIN assignments a ON a.person_id = p.id WHERE {where} "
        f"ORDER BY p.code = $1 {'DESC' if code_first else 'ASC'} LIMIT 1"
    )
    found: int | None = await pg.fetchval(sql, *where.values)
    return found if found is not None else await _in_another_case(pg, text, scope)


async def meant_person(pg: "asyncpg.Connection[Any]", wanted: int | str) -> int | None:
    """Whom a body means: a number is an id alone, a text is read as a filter is. For who may see everybody."""
    if isinstance(wanted, str):
        return await find_person(pg, wanted, Scope.everything())
    found: int | None = await pg.fetchval("SELECT id FROM people WHERE id = $1 AND NOT removed", wanted)
    return found


async def _in_another_case(pg: "asyncpg.Connection[Any]", text: str, scope: Scope) -> int | None:
    where = Where(text)
    where.add("NOT p.removed AND lower(p.code) = lower($1)")
    seen_by(where, scope, person="p.id", unit="a.unit_id")
    sql = f"SELECT DISTINCT p.id FROM people p LEFT JOIN assignments a ON a.person_id = p.id WHERE {where} LIMIT 2"
    rows = await pg.fetch(sql, *where.values)
    return rows[0]["id"] if len(rows) == 1 else None


async def find_unit(pg: "asyncpg.Connection[Any]", text: str) -> int | None:
    """Which unit is meant by a name, in any case of letters, or an id."""
    sql = (
        "SELECT id FROM units WHERE lower(name) = lower($1) OR id = $2::int "
        "ORDER BY lower(name) = lower($1) DESC, kind = 'department' DESC, id LIMIT 1"
    )
    found: int | None = await pg.fetchval(sql, text, as_id(text))
    return found


async def find_site(pg: "asyncpg.Connection[Any]", text: str) -> int | None:
    """Which site is meant by a name, in any case of letters, or an id."""
    found: int | None = await pg.fetchval(_SITE, text, as_id(text))
    return found


async def find_group(pg: "asyncpg.Connection[Any]", text: str, scope: Scope) -> int | None:
    """Which group is meant by a name, in any case of letters, or an id, among those of people whom the caller sees."""
    where = Where(text, as_id(text))
    where.add("(lower(g.name) = lower($1) OR g.id = $2::int)")
    if scope.reach != "all":
        seen = Where(*where.values)
        seen.add("m.group_id = g.id")
        seen_by(seen, scope, person="m.person_id", unit="a.unit_id")
        where.values = seen.values
        where.add(
            f"EXISTS (SELECT FROM group_members m LEFT JOIN assignments a ON a.person_id = m.person_id WHERE {seen})"
        )
    sql = f"SELECT g.id FROM groups g WHERE {where} ORDER BY lower(g.name) = lower($1) DESC LIMIT 1"
    found: int | None = await pg.fetchval(sql, *where.values)
    return found


def as_id(text: str) -> int | None:
    """The number that an id is written as; None where it cannot be one."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 9 else None


_SITE = "SELECT id FROM sites WHERE lower(name) = lower($1) OR id = $2::int ORDER BY id = $2 DESC NULLS LAST LIMIT 1"

_REPORTERS = """
SELECT code, name, site_id, reported_until FROM machines WHERE NOT removed AND status = 'active' AND reports_by_itself
"""
