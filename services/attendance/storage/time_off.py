"""Holidays and leave, kept by the events of leave; and reading the leave of people."""

import json
from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any

import asyncpg

from services.attendance.application.directory import PersonDay
from services.attendance.application.rulebook import LeaveByPerson
from services.attendance.application.time_off import (
    Charge,
    Observed,
    charged_by,
    check_holiday,
    check_request,
    observed_by,
    runs,
    touched,
)
from services.attendance.domain.terms import Leave, LeavePart
from services.attendance.domain.time_off import Holiday, Holidays, leave_by
from services.attendance.storage.rules import ask_recompute, change_rules
from shared.contracts.event import Version
from shared.contracts.leave import HolidayChanged, LeaveRequestChanged
from shared.storage.database import Database

MOST_NAMED = 2_000
"""People. To look for more of them by name takes longer than to read the leave of everybody: 21 ms instead of 2 for a
date of 10,000."""


class PostgresTimeOff:
    """Applies the states of holidays and leave requests: newer ones replace older ones, whatever the order.

    The days that a change touches, before or after it, are noted in its transaction, and computed again in the
    background.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def apply_holidays(self, holidays: Sequence[HolidayChanged]) -> None:
        """Keep these states where they are newer.

        Raises:
            Malformed: one can be no holiday; nothing is kept then.
        """
        for holiday in holidays:
            check_holiday(holiday)
        newest = {each.holiday_id: each for each in sorted(holidays, key=lambda each: each.version)}
        async with self._database.fast() as pg:
            known = {row["id"]: Version(row["epoch"], row["n"]) for row in await pg.fetch(_VERSIONS, list(newest))}
        newer = [each for id_, each in sorted(newest.items()) if id_ not in known or each.version > known[id_]]
        if not newer:
            return
        async with self._database.fast() as pg:
            await change_rules(pg)  # workers have the holidays at hand
            for holiday in newer:
                await _apply_holiday(pg, holiday)

    async def apply_requests(self, requests: Sequence[LeaveRequestChanged]) -> None:
        """Keep these states where they are newer.

        Workers are not held up: they ask for leave after they have taken their turns, and what they compute meanwhile
        is computed again by the note. Only the very first leave is a change of rules, as nobody asks before.

        Raises:
            Malformed: one can be no request; nothing is kept then.
        """
        for request in requests:
            check_request(request)
        newest = {each.request_id: each for each in sorted(requests, key=lambda each: each.version)}
        async with self._database.fast() as pg:
            if any(map(charged_by, newest.values())) and not await knows_leave(pg):
                await change_rules(pg)
            for _, request in sorted(newest.items()):
                await _apply_request(pg, request)


async def knows_leave(pg: "asyncpg.Connection[Any]") -> bool:
    """Whether any date of anybody was ever charged."""
    found: bool = await pg.fetchval("SELECT EXISTS (SELECT FROM leave_requests WHERE charged)")
    return found


async def leave_on(pg: "asyncpg.Connection[Any]", keys: Sequence[PersonDay]) -> dict[PersonDay, Leave]:
    """The leave of each of these days that has any."""
    rows = await pg.fetch(_LEAVE_ON, [key.date for key in keys], [key.person_id for key in keys])
    return {PersonDay(on, person_id): leave for person_id, its in _by_person(rows).items() for on, leave in its.items()}


async def read_leave(
    pg: "asyncpg.Connection[Any]", first: date, last: date, people: Sequence[int] | None
) -> LeaveByPerson:
    """The leave of these people at least, of everybody where it is None, on the dates from `first` to `last`."""
    if people is None or len(people) > MOST_NAMED:
        return _by_person(await pg.fetch(_LEAVE, first, last))
    return _by_person(await pg.fetch(f"{_LEAVE} AND person_id = ANY($3::int[])", first, last, people)) if people else {}


def holidays_of(rows: str | None) -> Holidays:
    """The holidays of a site, as `HOLIDAYS` has them."""
    return Holidays(
        Holiday(id=id_, name=name, first=date.fromisoformat(first), last=date.fromisoformat(last), every_year=yearly)
        for id_, name, first, last, yearly in json.loads(rows or "[]")
    )


HOLIDAYS = """
(SELECT json_agg(json_build_array(h.id, h.name, h.start_date, h.end_date, h.is_recurring))::text FROM holidays h
 WHERE h.is_observed AND NOT h.removed AND (h.sites IS NULL OR s.id = ANY(h.sites)))
"""
"""Of the site `s`."""


def _by_person(rows: Iterable[Sequence[Any]]) -> dict[int, dict[date, Leave]]:
    found: dict[int, dict[date, Leave]] = {}
    several: dict[tuple[int, date], list[Leave]] = {}
    made: dict[tuple[str, str, str], Leave] = {}
    for person_id, on, part, type_, request_id in rows:
        leave = made.get((part, type_, request_id))
        if leave is None:
            leave = made[part, type_, request_id] = Leave(type=type_, part=LeavePart(part), request=request_id)
        its = found.setdefault(person_id, {})
        if on in its:
            several.setdefault((person_id, on), [its[on]]).append(leave)
        its[on] = leave
    for (person_id, on), charges in several.items():
        leave = leave_by(charges)
        assert leave is not None  # noqa: S101 - of some charges there is one
        found[person_id][on] = leave
    return found


async def _apply_holiday(pg: "asyncpg.Connection[Any]", holiday: HolidayChanged) -> None:
    row = await pg.fetchrow(_HOLIDAY, holiday.holiday_id)
    before = None if row is None else Observed.of(*row)
    facts = (holiday.holiday_id, holiday.name, holiday.start_date, holiday.end_date, holiday.sites)
    marks = (holiday.is_recurring, holiday.is_observed, holiday.removed)
    if not await pg.fetchval(_KEEP_HOLIDAY, *facts, *marks, holiday.version.epoch, holiday.version.n):
        return
    reason = f"the holiday {holiday.name} was {'removed' if holiday.removed else 'changed'}"
    for sites, since, until in touched(before, observed_by(holiday)):
        people = None
        if sites is not None:
            rows = await pg.fetch(_PEOPLE_AT, list(sites), since, until)
            people = [row["person_id"] for row in rows]
        await ask_recompute(pg, reason=reason, people=people, since=since, until=until)


async def _apply_request(pg: "asyncpg.Connection[Any]", request: LeaveRequestChanged) -> None:
    charges = charged_by(request)
    facts = (request.request_id, request.person_id, request.status, request.removed, bool(charges))
    if not await pg.fetchval(_KEEP_REQUEST, *facts, request.version.epoch, request.version.n):
        return
    before = {Charge(*row) for row in await pg.fetch(_FORGET_DAYS, request.request_id)}
    if charges:
        rows = [(request.request_id, *charge) for charge in sorted(charges)]
        await pg.execute(_KEEP_DAYS, *map(list, zip(*rows, strict=True)))
    said = "removed" if request.removed else request.status
    reason = f"the leave request {request.request_id} is {said}"
    for person_id in sorted({charge.person_id for charge in before ^ charges}):
        dates = {charge.date for charge in before ^ charges if charge.person_id == person_id}
        for since, until in runs(dates):
            await ask_recompute(pg, reason=reason, person_id=person_id, since=since, until=until, expected=False)


_VERSIONS = "SELECT id, epoch, n FROM holidays WHERE id = ANY($1::int[])"
_HOLIDAY = "SELECT start_date, end_date, sites, is_recurring, is_observed, removed FROM holidays WHERE id = $1"

_KEEP_HOLIDAY = """
INSERT INTO holidays AS h (id, name, start_date, end_date, sites, is_recurring, is_observed, removed, epoch, n)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
ON CONFLICT (id) DO UPDATE SET (name, start_date, end_date, sites, is_recurring, is_observed, removed, epoch, n) =
    ROW (excluded.name, excluded.start_date, excluded.end_date, excluded.sites, excluded.is_recurring,
         excluded.is_observed, excluded.removed, excluded.epoch, excluded.n)
WHERE (excluded.epoch, excluded.n) > (h.epoch, h.n) RETURNING 1
"""

_PEOPLE_AT = """
SELECT DISTINCT person_id FROM assignments
WHERE site_id = ANY($1::int[]) AND during && daterange($2::date, $3::date, '[]') ORDER BY 1
"""

# That a request ever charged anything is remembered: `knows_leave` never goes back, so nobody has to be told.
_KEEP_REQUEST = """
INSERT INTO leave_requests AS r (id, person_id, status, removed, charged, epoch, n)
VALUES ($1, $2, $3, $4, $5, $6, $7)
ON CONFLICT (id) DO UPDATE SET (person_id, status, removed, charged, epoch, n) =
    ROW (excluded.person_id, excluded.status, excluded.removed, r.charged OR excluded.charged, excluded.epoch,
         excluded.n)
WHERE (excluded.epoch, excluded.n) > (r.epoch, r.n) RETURNING 1
"""

_FORGET_DAYS = "DELETE FROM leave_days WHERE request_id = $1 RETURNING person_id, date, part, type"

_KEEP_DAYS = """
INSERT INTO leave_days (request_id, person_id, date, part, type)
SELECT * FROM unnest($1::uuid[], $2::int[], $3::date[], $4::text[], $5::text[])
"""

_LEAVE = "SELECT person_id, date, part, type, request_id::text FROM leave_days WHERE date BETWEEN $1 AND $2"

_LEAVE_ON = """
SELECT l.person_id, l.date, l.part, l.type, l.request_id::text
FROM unnest($1::date[], $2::int[]) AS k (date, person_id)
JOIN leave_days l ON l.person_id = k.person_id AND l.date = k.date
"""
