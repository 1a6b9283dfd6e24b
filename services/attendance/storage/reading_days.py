"""Days as callers read them: a handful of statements, each filtered by what the caller may see."""

import json
from collections.abc import AsyncIterator, Mapping, Sequence, Set
from contextlib import asynccontextmanager
from datetime import date, datetime
from typing import Any

import asyncpg

from services.attendance.application.day_facts import (
    Count,
    DayDetails,
    DayFacts,
    EmptyDays,
    Filter,
    MonthFacts,
    Stay,
)
from services.attendance.application.listing import Page
from services.attendance.application.rulebook import LeaveByPerson, Rulebook
from services.attendance.domain.week import Hours
from services.attendance.storage.looking_up import (
    Remembered,
    find_group,
    find_person,
    find_site,
    find_unit,
    read_rulebook,
)
from services.attendance.storage.sql import (
    Key,
    Where,
    day_key,
    in_unit,
    instant_key,
    like,
    number_key,
    page,
    seen_by,
    text_key,
)
from services.attendance.storage.time_off import read_leave
from services.attendance.storage.weeks import read_hours
from shared.storage.database import Database
from shared.web.lists import Window
from shared.web.scope import Scope


class PostgresDays:
    """Opens transactions that read days."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._remembered = Remembered()

    @asynccontextmanager
    async def reading(self) -> AsyncIterator["PostgresDayReading"]:
        async with self._database.fast() as pg:
            yield PostgresDayReading(pg, self._remembered)


class PostgresDayReading:
    """One transaction."""

    def __init__(self, pg: "asyncpg.Connection[Any]", remembered: Remembered | None = None) -> None:
        self._pg = pg
        self._remembered = remembered

    async def leave(self, first: date, last: date, people: Sequence[int] | None) -> LeaveByPerson:
        return await read_leave(self._pg, first, last, people)

    async def rulebook(self, now: datetime) -> Rulebook:
        return await read_rulebook(self._pg, now, self._remembered)

    async def person(self, text: str, scope: Scope) -> int | None:
        return await find_person(self._pg, text, scope)

    async def unit(self, text: str) -> int | None:
        return await find_unit(self._pg, text)

    async def group(self, text: str, scope: Scope) -> int | None:
        return await find_group(self._pg, text, scope)

    async def site(self, text: str) -> int | None:
        return await find_site(self._pg, text)

    async def on(self, day: date, wanted: Filter, scope: Scope) -> Sequence[DayFacts]:
        where = Where(day)
        _narrow(where, wanted, scope, day="$1")
        sql = f"SELECT {_FACTS.format(day='$1', status='d.status')} FROM {_ON} WHERE {where} ORDER BY p.code"
        return [DayFacts(*row) for row in await self._pg.fetch(sql, *where.values)]

    async def stays(self, first: date, last: date, wanted: Filter, scope: Scope) -> list[Stay]:
        where = Where(first, last)
        where.add("NOT p.removed AND (p.joined_on IS NULL OR p.joined_on <= $2)")
        where.add("(p.left_on IS NULL OR p.left_on >= $1)")
        narrow_people(where, wanted, scope)
        _in_group(where, wanted, "m.during && daterange($1, $2, '[]')")
        return [Stay(*row) for row in await self._pg.fetch(_STAYS.format(where=where), *where.values)]

    async def month(
        self, first: date, last: date, wanted: Filter, scope: Scope
    ) -> tuple[Sequence[Stay], Sequence[MonthFacts]]:
        stays = await self.stays(first, last, wanted, scope)
        where = Where(first, last, list({stay.person_id for stay in stays}))
        seen_by(where, scope, person="d.person_id", unit="a.unit_id")
        join = _ASSIGNED.format(day="d.date", person="d.person_id") if scope.reach == "units" else ""
        days = await self._pg.fetch(_MONTH.format(join=join, where=where), *where.values)
        return stays, [MonthFacts(*row) for row in days]

    async def days(
        self, wanted: Filter, scope: Scope, asked: Window, empty: EmptyDays | None
    ) -> Page[tuple[DayFacts, DayDetails]]:
        if empty is None:
            where, source, day, status = Where(), _STORED, "d.date", "d.status"
            if wanted.since:
                where.add("d.date >= {}", wanted.since)
            if wanted.until:
                where.add("d.date <= {}", wanted.until)
        else:
            where, source, day, status = _on_every_date(empty), _ALL, "c.date", _STATUS
        _narrow(where, wanted, scope, day=day)
        counted = None
        if wanted.status:
            where.add(f"{status} = {{}}", wanted.status)
        elif empty is not None and asked.order == "date":
            everybody = Where(where.values[0])
            _narrow(everybody, wanted, scope, day=day)
            counts = await self._pg.fetch(f"{_BY_DATE} WHERE {everybody} GROUP BY 1", *everybody.values)
            by_date = {row[0]: row[1] for row in counts}
            counted = sum(by_date.values())
            where.values[:2] = _of_page(by_date, where.values[:2], asked)
        found = await page(
            self._pg,
            select=f"{_FACTS.format(day=day, status='d.status')}, {_DETAILS.format(day=day)}",
            source=source,
            where=where,
            first=_order(asked.order, day, status),
            then=(text_key("p.code"), day_key(day)),
            asked=asked,
            counted=counted,
        )
        rows = [_whole(row) for row in found.rows]
        return Page(rows=rows, total=found.total, exact=found.exact, next_after=found.next_after)

    async def day(self, person_id: int, on: date, scope: Scope) -> tuple[DayFacts, DayDetails] | None:
        where = Where(on)
        _narrow(where, Filter(person_id=person_id), scope, day="$1")
        sql = (
            f"SELECT {_FACTS.format(day='$1', status='d.status')}, {_DETAILS.format(day='$1')} FROM {_ON} WHERE {where}"
        )
        row = await self._pg.fetchrow(sql, *where.values)
        return None if row is None else _whole(row)

    async def adjusted(self, first: date, last: date) -> Set[tuple[int, date]]:
        sql = "SELECT person_id, date FROM adjustments WHERE date BETWEEN $1 AND $2 AND NOT cancelled"
        return {(row[0], row[1]) for row in await self._pg.fetch(sql, first, last)}

    async def hours(self, people: Sequence[int], first: date, last: date) -> dict[int, list[Hours]]:
        return await read_hours(self._pg, people, first, last)

    async def counts(self, day: date, wanted: Filter, scope: Scope, apart: Sequence[int]) -> Sequence[Count]:
        where = Where(day, apart)
        _narrow(where, wanted, scope, day="$1")
        sql = (
            "SELECT u.name, a.site_id, d.status, coalesce(d.used > 0, false) AS seen, count(*), "
            "CASE WHEN p.id = ANY($2::int[]) THEN p.id END AS apart "
            f"FROM {_ON} WHERE {where} GROUP BY 1, 2, 3, 4, 6"
        )
        return [Count(*row) for row in await self._pg.fetch(sql, *where.values)]


def _on_every_date(empty: EmptyDays) -> Where:
    """The values that `_ALL` and `_STATUS` name."""
    statuses: dict[date, dict[str, str]] = {}
    for site, day, status in empty.sites:
        statuses.setdefault(day, {})[str(site)] = status
    dates = sorted(statuses)
    own = [list(column) for column in zip(*empty.people, strict=True)] or [[], [], []]
    where = Where(dates, [json.dumps(statuses[day]) for day in dates], dates[0], dates[-1], empty.sites[0][0], *own)
    where.add("$5::int IS NOT NULL")  # or it would have no type where nobody asks for the status
    return where


def _of_page(by_date: Mapping[date, int], dates_with_statuses: Sequence[Any], asked: Window) -> list[Any]:
    """The dates that the rows of a page are of, with their statuses: a month of everybody is not sorted for a page."""
    wanted = asked.limit + 1 + (asked.offset or 0)
    pairs = sorted(zip(*dates_with_statuses, strict=True), reverse=asked.descending)
    if asked.after is not None:
        try:
            last = date.fromisoformat(asked.after[0])
        except (TypeError, ValueError, IndexError):
            return list(dates_with_statuses)  # whoever reads the cursor will say so
        pairs = [pair for pair in pairs if (pair[0] <= last if asked.descending else pair[0] >= last)]
        wanted += by_date.get(last, 0)
    needed = []
    for day, statuses in pairs:
        if wanted <= 0:
            break
        needed.append((day, statuses))
        wanted -= by_date.get(day, 0)
    return [[day for day, _ in needed], [statuses for _, statuses in needed]]


def _narrow(where: Where, wanted: Filter, scope: Scope, *, day: str) -> None:
    """People active on the day, whom the caller wants and may see."""
    where.add(f"NOT p.removed AND (p.joined_on IS NULL OR p.joined_on <= {day})")
    where.add(f"(p.left_on IS NULL OR p.left_on >= {day})")
    narrow_people(where, wanted, scope)
    _in_group(where, wanted, f"m.during @> {day}::date")


def _in_group(where: Where, wanted: Filter, when: str) -> None:
    if wanted.group_id is not None:
        member = "SELECT FROM group_members m WHERE m.person_id = p.id AND m.group_id"
        where.add(f"EXISTS ({member} = {{}} AND {when})", wanted.group_id)


def narrow_people(where: Where, wanted: Filter, scope: Scope) -> None:
    """People `p` where they are assigned, `a` and `u`: whom the caller wants and may see."""
    seen_by(where, scope, person="p.id", unit="a.unit_id")
    if wanted.person_id is not None:
        where.add("p.id = {}", wanted.person_id)
    if wanted.unit_id is not None:
        in_unit(where, wanted.unit_id, unit="a.unit_id")
    if wanted.site_id is not None:
        # Who belongs nowhere counts as belonging to the first site, as in `_ALL`.
        where.add("coalesce(a.site_id, (SELECT min(id) FROM sites)) = {}", wanted.site_id)
    if wanted.level_of_work:
        where.add("lower(coalesce(a.level_of_work, 'Worker')) = lower({})", wanted.level_of_work)
    if wanted.search:
        pattern = where.value(like(wanted.search))
        where.add(f"(p.code ILIKE {pattern} OR p.name ILIKE {pattern} OR u.name ILIKE {pattern})")


def _order(name: str, day: str, status: str) -> Key:
    return {
        "date": day_key(day),
        "employee_id": text_key("p.code"),
        "employee_name": text_key("p.name"),
        "department": text_key("coalesce(u.name, '')"),
        "status": text_key(status),
        "first_check_in": instant_key("coalesce(d.first_in, '1900-01-01Z')"),
        "total_working_hours": number_key("coalesce(d.worked, 0)"),
        "overtime_hours": number_key("coalesce(d.overtime, 0)"),
        "updated_at": instant_key("coalesce(d.updated_at, '1900-01-01Z')"),
    }[name]


def _whole(row: asyncpg.Record) -> tuple[DayFacts, DayDetails]:
    facts = len(DayFacts._fields)
    *stored, edited, notes = row[facts : facts + len(DayDetails._fields) - 2]
    edit = _edited(edited) if edited else (None, None, None)
    return DayFacts(*row[:facts]), DayDetails._make([*stored, *edit, notes or ""])


def _edited(deed: str) -> tuple[int, str, datetime]:
    by, name, at = json.loads(deed)
    return by, name, datetime.fromisoformat(at)


_ASSIGNED = "LEFT JOIN assignments a ON a.person_id = {person} AND a.during @> {day}::date"
_UNIT = "LEFT JOIN units u ON u.id = a.unit_id"

_ON = f"""
people p {_ASSIGNED.format(person="p.id", day="$1")} {_UNIT} LEFT JOIN days d ON d.person_id = p.id AND d.date = $1
"""

_STORED = f"""
days d JOIN people p ON p.id = d.person_id {_ASSIGNED.format(person="p.id", day="d.date")} {_UNIT}
"""

# Every person on every date of `c`, which has the status of a day without scans for each site. A person without an
# assignment counts as belonging to the first site. (A join by site would hide from the planner how many rows there
# are, and that the dates lie between two is said again for its sake.)
_ALL = f"""
unnest($1::date[], $2::text[]) AS c (date, statuses) CROSS JOIN people p
{_ASSIGNED.format(person="p.id", day="c.date")} {_UNIT}
LEFT JOIN days d ON d.person_id = p.id AND d.date = c.date AND d.date BETWEEN $3 AND $4
LEFT JOIN unnest($6::int[], $7::date[], $8::text[]) AS o (person_id, date, status)
    ON o.person_id = p.id AND o.date = c.date
"""
_STATUS = "coalesce(d.status, o.status, c.statuses::json ->> coalesce(a.site_id, $5::int)::text)"

_BY_DATE = f"""
SELECT c.date, count(*)
FROM unnest($1::date[]) AS c (date) CROSS JOIN people p {_ASSIGNED.format(person="p.id", day="c.date")} {_UNIT}
"""

_CLOCK = "to_char(d.{column} AT TIME ZONE d.zone, 'HH24:MI')"

_FACTS = (
    "p.id, p.code, p.name, u.name, a.designation, coalesce(a.level_of_work, 'Worker'), a.site_id, {day}::date, "
    "{status}, "
    f"{_CLOCK.format(column='first_in')}, {_CLOCK.format(column='last_out')}, "
    "coalesce(d.worked, 0), coalesce(d.overtime, 0), coalesce(d.extra_overtime, 0), coalesce(d.used, 0), "
    "coalesce(d.marks, '')"
)

_DETAILS = (
    "d.first_in, d.last_out, coalesce(d.late, 0), coalesce(d.early_departure, 0), d.shortfall, "
    "coalesce(d.snacks, false), coalesce(d.night_bill, false), coalesce(d.flags, ''), coalesce(d.merged, 0), "
    "coalesce(d.check_ins, 0), coalesce(d.check_outs, 0), d.zone, d.n, d.created_at, d.updated_at, "
    "coalesce(d.raw_worked, d.worked, 0), d.expected, coalesce(d.overtime_unapproved, false), d.shift, "
    "d.shift_confidence, "
    # Looked up for the rows of a page alone: PostgreSQL puts off what is costly until it has limited them.
    "(SELECT json_build_array(c.decided_by, c.decided_by_name, c.decided_at)::text FROM corrections c "
    "WHERE c.person_id = p.id AND c.date = {day} AND c.state = 'approved' "
    "ORDER BY c.decided_at DESC, c.id DESC LIMIT 1), "
    "(SELECT c.values ->> 'note' FROM corrections c "
    "WHERE c.person_id = p.id AND c.date = {day} AND c.state = 'approved' AND c.values ? 'note' "
    "ORDER BY c.decided_at DESC, c.id DESC LIMIT 1)"
)

_STAYS = f"""
SELECT p.id, p.code, p.name, p.joined_on, p.left_on, u.name, a.designation, coalesce(a.level_of_work, 'Worker'),
       a.site_id, lower(a.during), upper(a.during)
FROM people p
LEFT JOIN assignments a ON a.person_id = p.id AND a.during && daterange($1, $2, '[]') {_UNIT}
WHERE {{where}} ORDER BY p.code, lower(a.during) NULLS FIRST
"""

_MONTH = f"""
SELECT d.person_id, d.date, d.status, {_CLOCK.format(column="first_in")}, {_CLOCK.format(column="last_out")},
       d.worked, d.overtime, d.extra_overtime, d.used
FROM days d {{join}} WHERE d.date BETWEEN $1 AND $2 AND d.person_id = ANY($3::int[]) AND {{where}}
"""
