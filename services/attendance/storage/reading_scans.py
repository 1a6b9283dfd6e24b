"""Raw scans as callers read them."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, time, timedelta
from typing import Any
from uuid import UUID

import asyncpg

from services.attendance.application.listing import Page
from services.attendance.application.rulebook import Rulebook
from services.attendance.application.scan_list import ScanFacts, UnknownBadge, WantedScans
from services.attendance.domain.releases import Release
from services.attendance.domain.scans import QUALITIES
from services.attendance.storage.badge_rows import holds_for
from services.attendance.storage.looking_up import as_id, find_person, read_rulebook
from services.attendance.storage.rulings import QUARANTINED, RULED, RULING, release_of
from services.attendance.storage.sql import (
    Key,
    Where,
    instant_key,
    like,
    number_key,
    page,
    seen_by,
    text_key,
    time_key,
    uuid_key,
)
from shared.storage.database import Database
from shared.web.lists import Window
from shared.web.scope import Scope

_A_DAY = timedelta(days=1)


class PostgresScans:
    """Opens transactions that read scans."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @asynccontextmanager
    async def reading(self) -> AsyncIterator["PostgresScanReading"]:
        async with self._database.fast() as pg:
            yield PostgresScanReading(pg)


class PostgresScanReading:
    """One transaction."""

    def __init__(self, pg: "asyncpg.Connection[Any]") -> None:
        self._pg = pg

    async def rulebook(self, now: datetime) -> Rulebook:
        return await read_rulebook(self._pg, now)

    async def person(self, text: str, scope: Scope) -> int | None:
        return await find_person(self._pg, text, scope)

    async def machine(self, text: str) -> Sequence[int]:
        rows = await self._pg.fetch("SELECT id FROM machines WHERE code = $1 OR id = $2::int", text, as_id(text))
        return [row["id"] for row in rows]

    async def scans(
        self,
        wanted: WantedScans,
        *,
        person_id: int | None,
        machines: Sequence[int] | None,
        rules: Rulebook,
        scope: Scope,
        asked: Window,
    ) -> Page[ScanFacts]:
        where = Where(*_zones(rules))
        _narrow(where, wanted, machines)
        whose = person_id is not None or wanted.unknown is not None or wanted.search or scope.reach != "all"
        if person_id is not None:
            where.add("p.id = {}", person_id)
            where.add(_BADGES_OF.format("h.person_id = {}"), person_id)
        if wanted.unknown is not None:
            where.add("p.id IS NULL" if wanted.unknown else "p.id IS NOT NULL")
            where.add(_PERHAPS_OF_NOBODY if wanted.unknown else "TRUE")
        if wanted.search:
            pattern = where.value(like(wanted.search))
            where.add(f"(s.badge ILIKE {pattern} OR p.code ILIKE {pattern} OR p.name ILIKE {pattern})")
            where.add(_BADGES_LIKE.format(pattern=pattern))
        seen_by(where, scope, person="p.id", unit="a.unit_id")
        if scope.reach != "all":
            whom = Where(*where.values)
            seen_by(whom, scope, person="h.person_id", unit="a.unit_id")
            where.values = whom.values
            where.add(_BADGES_OF.format(str(whom)))
        joined = _SOURCE + (_ASSIGNED if scope.reach == "units" else "")
        found = await page(
            self._pg,
            select=f"{_FACTS}, {RULING}",
            source=joined,
            count_source=joined if whose else _BARE,
            where=where,
            first=_ORDERS[asked.order],
            then=(uuid_key("s.id"),),
            asked=asked,
        )
        rows = [_facts(row) for row in found.rows]
        return Page(rows=rows, total=found.total, exact=found.exact, next_after=found.next_after)

    async def unknown_badges(self, machines: Sequence[int] | None, scope: Scope, asked: Window) -> Page[UnknownBadge]:
        where = Where()
        if scope.reach != "all":  # nobody's badge is in nobody's unit
            where.add("FALSE")
        if asked.search:
            where.add("b.badge ILIKE {}", like(asked.search))
        if machines is not None:
            where.add("b.machine_id = ANY({}::int[])", list(machines))
        orders = {
            "badge": text_key("b.badge"),
            "scans": number_key("b.scans"),
            "first_at": instant_key("b.first_at"),
            "last_at": instant_key("b.last_at"),
        }
        found = await page(
            self._pg,
            select="b.badge, b.scans, b.first_at, b.last_at, b.machine_id, m.code, m.name",
            source="unknown_badges b LEFT JOIN machines m ON m.id = b.machine_id",
            where=where,
            first=orders[asked.order],
            then=(text_key("b.badge"),),
            asked=asked,
        )
        rows = [UnknownBadge(*row[: len(UnknownBadge._fields)]) for row in found.rows]
        return Page(rows=rows, total=found.total, exact=found.exact, next_after=found.next_after)


async def read_scan(pg: "asyncpg.Connection[Any]", local_at: datetime, scan_id: UUID, rules: Rulebook) -> ScanFacts:
    """One scan as the list shows it; it is there."""
    where = Where(*_zones(rules))
    where.add("s.local_at = {} AND s.id = {}", local_at, scan_id)
    row = await pg.fetchrow(f"SELECT {_FACTS}, {RULING} FROM {_SOURCE} WHERE {where}", *where.values)
    return _facts(row)


def _facts(row: Sequence[Any]) -> ScanFacts:
    own = len(ScanFacts._fields) - 1
    return ScanFacts._make((*row[:own], release_of(row[own : own + len(Release._fields)])))


def _narrow(where: Where, wanted: WantedScans, machines: Sequence[int] | None) -> None:
    # So that the parameters that only the join needs have a type where it is left out.
    where.add("cardinality($1::int[]) = cardinality($2::text[]) AND cardinality($3::interval[]) > 0")
    if machines is not None:
        where.add("s.machine_id = ANY({}::int[])", list(machines))
    if wanted.badge is not None:
        where.add("s.badge = {}", wanted.badge)
    if wanted.quality is not None:
        where.add("s.quality = {}", wanted.quality)
        if not QUALITIES[wanted.quality].counts:
            where.add(QUARANTINED)
    if wanted.quarantined is not None:
        where.add(f"{QUARANTINED} AND NOT {_RELEASED}" if wanted.quarantined else f"(NOT {QUARANTINED} OR {_RELEASED})")
    if wanted.since is not None:
        where.add("s.local_at >= {}::timestamp", datetime.combine(wanted.since, time()))
    if wanted.until is not None:
        where.add("s.local_at < {}::timestamp", datetime.combine(wanted.until + _A_DAY, time()))


def _zones(rules: Rulebook) -> tuple[list[int], list[str], list[timedelta]]:
    """Sites, their zones, and how long after midnight their day begins: a badge is somebody's for business dates."""
    today = rules.today()
    sites = list(rules.site_ids)
    boundaries = [rules.settings(site, today)[0].day_boundary for site in sites]
    begins = [timedelta(hours=boundary.hour, minutes=boundary.minute + 1) for boundary in boundaries]
    return sites, [rules.zone(site) for site in sites], begins


_ORDERS: dict[str, Key] = {"scan_time": time_key("s.local_at")}

_BARE = "scans s"
_RELEASED = "EXISTS (SELECT FROM releases q WHERE q.scan_id = s.id AND q.withdrawn_at IS NULL)"

# Whose badge it was is known only after a join by date. Which badges it can be at all is known before, and as an
# array it is what the index is asked for first.
_BADGES_OF = (
    "s.badge = ANY(ARRAY(SELECT DISTINCT h.badge FROM badges h JOIN people p ON p.id = h.person_id "
    "LEFT JOIN assignments a ON a.person_id = p.id WHERE {}))"
)
_BADGES_LIKE = (
    "s.badge = ANY(ARRAY(SELECT h.badge FROM badges h JOIN people p ON p.id = h.person_id "
    "WHERE h.badge ILIKE {pattern} OR p.code ILIKE {pattern} OR p.name ILIKE {pattern} "
    "UNION SELECT badge FROM unknown_badges WHERE badge ILIKE {pattern}))"
)
# Scans of badges that nobody ever held are counted as they come, but for those that are quarantined.
_PERHAPS_OF_NOBODY = (
    "(s.badge = ANY(ARRAY(SELECT badge FROM unknown_badges UNION SELECT badge FROM badges WHERE during <> '(,)' "
    "OR machine_id IS NOT NULL)) "
    f"OR {QUARANTINED})"
)

_DATE = "((coalesce(r.at, s.at) AT TIME ZONE coalesce(z.zone, 'UTC')) - coalesce(z.begins, interval '0'))::date"
_SOURCE = f"""
scans s
{RULED}
LEFT JOIN unnest($1::int[], $2::text[], $3::interval[]) AS z (site_id, zone, begins) ON z.site_id = s.site_id
LEFT JOIN badges b ON b.badge = s.badge AND b.during @> {_DATE} AND {holds_for("b", "s", _DATE)}
LEFT JOIN people p ON p.id = b.person_id
LEFT JOIN machines m ON m.id = s.machine_id
"""

_ASSIGNED = f"""
LEFT JOIN assignments a ON a.person_id = p.id AND a.during @> {_DATE}
"""

_FACTS = """
s.id, s.machine_id, m.code, m.name, s.site_id, s.badge, p.id, p.code, p.name, s.at, s.local_at, s.device_time, s.zone,
s.type, s.state, s.quality, s.verify, s.work_code, s.record_no, s.received_at, s.mode, s.raw::text
"""
