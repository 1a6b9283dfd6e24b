"""What payroll reads: stored days added up by PostgreSQL, in one statement for everybody."""

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Final

from services.attendance.application.day_facts import Filter, Stay
from services.attendance.application.holders import Span
from services.attendance.application.payroll_ports import Adjusted, PayCodeSet, Period, Slice, Stored
from services.attendance.domain.locks import Adjustment
from services.attendance.domain.payroll import Amounts
from services.attendance.storage.looking_up import Remembered
from services.attendance.storage.pay_codes import read_pay_codes
from services.attendance.storage.reading_days import PostgresDayReading, narrow_people
from services.attendance.storage.sql import Where
from shared.storage.database import Database
from shared.web.scope import Scope


class PostgresPayroll:
    """Opens transactions that read what payroll needs."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._remembered = Remembered()

    @asynccontextmanager
    async def reading(self) -> AsyncIterator["PostgresPayrollReading"]:
        async with self._database.fast() as pg:
            # All statements see the same days: totals of a person must not be of two moments.
            await pg.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
            # A plan for any number of slices, which PostgreSQL makes after some calls, took over 10 s for 2,000 people.
            await pg.execute("SET LOCAL plan_cache_mode = force_custom_plan")
            yield PostgresPayrollReading(pg, self._remembered)


class PostgresPayrollReading(PostgresDayReading):
    """One transaction."""

    async def pay_codes(self) -> dict[int, list[tuple[Span, PayCodeSet]]]:
        return await read_pay_codes(self._pg)

    async def members(self, group_id: int, period: Period) -> dict[int, list[Span]]:
        found: dict[int, list[Span]] = {}
        for person, since, until in await self._pg.fetch(_MEMBERS, group_id, *period):
            found.setdefault(person, []).append(Span(since, until))
        return found

    async def stored(self, slices: Sequence[Slice], period: Period) -> list[Stored]:
        people = [one.stay.person_id for one in slices]
        bounds = [one.first for one in slices], [one.last for one in slices]
        return [
            Stored(number, _amounts(sums, leaves), *(each or () for each in dates))
            for number, leaves, *rest in await self._pg.fetch(_STORED, people, *bounds, *period)
            for sums, dates in [(rest[: len(_SUMS)], rest[len(_SUMS) :])]
        ]

    async def adjustments(self, period: Period, wanted: Filter, scope: Scope) -> list[Adjusted]:
        where = Where(*period)
        where.add("j.period BETWEEN $1 AND $2 AND NOT j.cancelled AND NOT p.removed")
        narrow_people(where, wanted, scope)
        if wanted.group_id is not None:
            member = "SELECT FROM group_members m WHERE m.person_id = p.id AND m.during @> j.date AND m.group_id"
            where.add(f"EXISTS ({member} = {{}})", wanted.group_id)
        rows = await self._pg.fetch(_ADJUSTED.format(where=where), *where.values)
        stay = len(Stay._fields)
        return [
            Adjusted(Stay(*row[:stay]), Adjustment(row[stay], json.loads(row[stay + 1]), json.loads(row[stay + 2]), ""))
            for row in rows
        ]


def _amounts(sums: Sequence[int], leaves: Sequence[str] | None) -> Amounts:
    amounts = Amounts()
    amounts.counted.update(zip(_SUMS, sums, strict=True))
    for status in leaves or ():
        amounts.day(status, final=True)
    return amounts


_ORDINARY, _WEEKEND, _HOLIDAY = "d.rest = 0", "d.rest = 1", "d.rest = 2"
_OVERTIME = "d.overtime + d.extra_overtime"


def _sum(what: str, where: str = "") -> str:
    return f"coalesce(sum({what}){f' FILTER (WHERE {where})' if where else ''}, 0)"


def _count(where: str) -> str:
    return f"count(*) FILTER (WHERE {where})"


# Names of the contract (`domain/payroll.py`), and what of the stored days they are.
_SUMS: Final = {
    "on_time_days": _count("d.status = 'Present-OnTime'"),
    "considered_days": _count("d.status = 'Present-Considered'"),
    "late_days": _count("d.status = 'Present-Late'"),
    "weekend_days": _count("d.status = 'Weekend'"),
    "holiday_days": _count("d.status = 'Holiday'"),
    "half_days": _count("d.flags LIKE '%half_day%' AND d.status LIKE 'Present%'"),
    "regular_minutes": _sum(f"d.worked - ({_OVERTIME})", _ORDINARY),
    "overtime_minutes": _sum("d.overtime", _ORDINARY),
    "extra_overtime_minutes": _sum("d.extra_overtime", _ORDINARY),
    "weekend_minutes": _sum(f"d.worked - ({_OVERTIME})", _WEEKEND),
    "weekend_overtime_minutes": _sum(_OVERTIME, _WEEKEND),
    "holiday_minutes": _sum(f"d.worked - ({_OVERTIME})", _HOLIDAY),
    "holiday_overtime_minutes": _sum(_OVERTIME, _HOLIDAY),
    "expected_minutes": _sum("d.expected"),
    "late_minutes": _sum("d.late"),
    "early_departure_minutes": _sum("d.early_departure"),
    "shortfall_minutes": _sum("d.shortfall"),
    "snacks": _count("d.snacks"),
    "night_bill": _count("d.night_bill"),
    "missing_check_in_days": _count("d.flags LIKE '%missing_check_in%'"),
    "missing_check_out_days": _count("d.flags LIKE '%missing_check_out%'"),
    "long_span_days": _count("d.flags LIKE '%long_span%'"),
    "flagged_days": _count("d.flags <> ''"),
    "unapproved_overtime_days": _count("d.overtime_unapproved"),
}
_DATES: Final = (
    "d.used > 0",
    "d.used = 0",
    "d.status = 'Absent'",
    "d.expected IS NULL",
    _WEEKEND,
    _HOLIDAY,
)

# The join is by person alone, so that it is a hash join: 10,000 people and a month are 300,000 days.
_STORED = f"""
SELECT s.number::int - 1, array_agg(d.status) FILTER (WHERE d.status LIKE 'Leave-%'),
       {", ".join(_SUMS.values())},
       {", ".join(f"array_agg(d.date - $4) FILTER (WHERE {condition})" for condition in _DATES)}
FROM unnest($1::int[], $2::int[], $3::int[]) WITH ORDINALITY AS s (person_id, first, last, number)
JOIN (
    SELECT *, CASE WHEN status = 'Holiday' OR flags LIKE '%worked_on_holiday%' THEN 2
                   WHEN status = 'Weekend' OR flags LIKE '%worked_on_weekend%' OR flags LIKE '%unscheduled%' THEN 1
                   ELSE 0 END AS rest
    FROM days WHERE date BETWEEN $4 AND $5 AND person_id = ANY($1::int[])
) AS d ON d.person_id = s.person_id AND d.date - $4 BETWEEN s.first AND s.last
GROUP BY s.number
"""

_MEMBERS = """
SELECT person_id, lower(during), upper(during) FROM group_members
WHERE group_id = $1 AND during && daterange($2, $3, '[]')
"""

_ADJUSTED = """
SELECT p.id, p.code, p.name, p.joined_on, p.left_on, u.name, a.designation, coalesce(a.level_of_work, 'Worker'),
       a.site_id, lower(a.during), upper(a.during), j.period, j.before::text, j.after::text
FROM adjustments j JOIN people p ON p.id = j.person_id
LEFT JOIN assignments a ON a.person_id = j.person_id AND a.during @> j.date LEFT JOIN units u ON u.id = a.unit_id
WHERE {where} ORDER BY p.code, j.date
"""
