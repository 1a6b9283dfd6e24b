"""Each hot read of attendance at full size: how long it takes, and what PostgreSQL walks through for it."""

import re
import time
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import asyncpg
import httpx

from deploy.catalogue import history_of
from shared.storage.database import Database
from tests.attendance import bulk
from tests.attendance.api.office import office_on
from tests.attendance.hot_reads import LARGE, Place, callers, reads, works
from tests.attendance.plans_of import Plan, Planner, Statement, listening, planner
from tests.benchmarks.report import heading, line, say
from tests.servers import PostgresServer

PEOPLE = 10_000
A_DATE = PEOPLE * 11 // 12
"""Days, about, that a date of work has."""
WORTH_SAYING = 5_000
"""Rows of a table that is walked through."""
_WRITES = re.compile(r"\b(INSERT|UPDATE|DELETE)\b")


async def bench_plans(postgres: PostgresServer, *, scans: int, days: int) -> None:
    """Prints for each use: milliseconds, statements, and each walk through many rows."""
    heading(f"Hot reads and writes at {scans:,} scans and {days:,} days of {PEOPLE:,} people")
    name = postgres.migrated([history_of("attendance")])
    url = postgres.url_of(name)
    try:
        last = _last_worked(datetime.now(ZoneInfo(bulk.ZONE)).date())
        await _fill(url, last, scans=scans, days=days)
        await _look(url, last)
    finally:
        postgres.drop(name)


async def _look(url: str, last: date) -> None:
    place = Place(last=last)
    pg = await asyncpg.connect(url, server_settings={"search_path": "attendance", "timezone": "UTC", "jit": "off"})
    async with office_on(url) as office:
        office.client.timeout = httpx.Timeout(120)
        office.clock.time = datetime.combine(last, datetime.min.time(), UTC) + timedelta(hours=15)
        unit = await pg.fetchval("SELECT unit_id FROM assignments WHERE person_id = $1", place.person)
        office.callers |= callers(unit, place.person)
        ask = await planner(pg)
        async with listening(office.database) as ear:
            for use in [*reads(place), *works(place)]:
                say(use.name)
                started = time.perf_counter()
                failed = ""
                try:
                    await use.do(office)
                except AssertionError as error:
                    failed = f"FAILED: {error}"
                took = time.perf_counter() - started
                sent = {one.query: one for one in await ear.take()}
                plans = [] if failed else [await _planned(ask, one) for one in sent.values()]
                line(use.name, f"{took * 1000:,.0f} ms", failed or f"{len(sent)} statements{_said(plans)}")
    await pg.close()


async def _planned(ask: Planner, statement: Statement) -> Plan:
    """What was written is there already: it cannot be carried out again."""
    return await ask.plan_of(statement, carried_out=_WRITES.search(statement.query) is None)


def _said(plans: list[Plan]) -> str:
    walks = [walk for plan in plans for walk in plan.walks_of(LARGE) if walk.rows >= WORTH_SAYING]
    return "".join(f"; {walk} ({walk.rows:,} rows)" for walk in walks)


def _last_worked(today: date) -> date:
    return today - timedelta(days=2 if (today - timedelta(days=1)).weekday() == bulk.FRIDAY else 1)


async def _fill(url: str, last: date, *, scans: int, days: int) -> None:
    pg = await asyncpg.connect(url, server_settings={"search_path": "attendance"})
    database = Database(url, schema="attendance")
    try:
        await bulk.hire(pg, PEOPLE)
        started = time.perf_counter()
        first = _first(last, days / A_DATE)
        made = await bulk.worked(database, first, last)
        say(f"{made:,} days since {first} in {time.perf_counter() - started:.0f} s")
        first = _first(last, scans / A_DATE / 4)
        made = await bulk.scanned(database, first, last)
        say(f"{made:,} scans since {first} after {time.perf_counter() - started:.0f} s")
        await bulk.ruled(pg, 400)
        await pg.execute("VACUUM ANALYZE", timeout=600)
        say(f"ready after {time.perf_counter() - started:.0f} s")
    finally:
        await pg.close()
        await database.close()


def _first(last: date, dates_of_work: float) -> date:
    """The date from which on there are so many dates without Fridays."""
    return last - timedelta(days=max(3, round(dates_of_work * 7 / 6)))
