"""Reading days over HTTP as a client does, beside the bare SQL that returns the same rows."""

import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import asyncpg
import httpx
import msgspec

from shared.storage.database import Database
from tests.attendance import bulk
from tests.benchmarks.installation import administrator, fresh, service
from tests.benchmarks.live import PASSWORD
from tests.benchmarks.report import heading, line, paired, percentile, say
from tests.servers import PostgresServer, RabbitServer
from tests.servers.ports import free_port

PEOPLE = 10_000
A_ROUND = 10
"""Requests, each beside the bare SQL."""
ATTENDANCE = "/api/attendance/"


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """A request, how many rows it has, and the SQL for the same."""

    name: str
    path: str
    parameters: dict[str, str]
    rows: Callable[[Any], int]
    sql: str
    values: Sequence[object]


async def bench_reads(postgres: PostgresServer, rabbit: RabbitServer, *, rounds: int) -> None:
    """Prints p50 and p99 of each read, from attendance itself and through the gateway."""
    heading(f"Reads over HTTP, {PEOPLE:,} people ({rounds * A_ROUND} requests each, one after another)")
    with fresh(postgres, rabbit) as (url, broker):
        today = datetime.now(ZoneInfo(bulk.ZONE)).date()
        month = _whole_month(today)
        await _history(url, month, today)
        async with AsyncExitStack() as stack:
            attendance = await stack.enter_async_context(service("attendance", url, broker))
            gateway = await stack.enter_async_context(_through_the_gateway(url, broker, attendance.url))
            direct = await stack.enter_async_context(
                httpx.AsyncClient(base_url=attendance.url, headers=administrator(), trust_env=False, timeout=60)
            )
            pg = await asyncpg.connect(url, server_settings={"search_path": "attendance", "timezone": "UTC"})
            stack.push_async_callback(pg.close)
            for read in _reads(month, today):
                await _measure(read, pg, direct, gateway, rounds * A_ROUND)


async def _measure(
    read: Read, pg: "asyncpg.Connection[Any]", direct: httpx.AsyncClient, gateway: httpx.AsyncClient, times: int
) -> None:
    say(read.name)

    async def bare() -> int:
        return len(await pg.fetch(read.sql, *read.values))

    async def asked(client: httpx.AsyncClient) -> int:
        answer = await client.get(ATTENDANCE + read.path, params=read.parameters)
        return len(answer.raise_for_status().content)

    async def ours() -> int:
        return await asked(direct)

    async def through() -> int:
        return await asked(gateway)

    answer = (await direct.get(ATTENDANCE + read.path, params=read.parameters)).raise_for_status()
    rows = read.rows(msgspec.json.decode(answer.content))
    found = await bare()
    if found != rows:
        raise AssertionError(f"{read.name}: {rows:,} rows over HTTP are {found:,} in SQL")
    took: dict[str, list[float]] = {"bare": [], "ours": [], "through": []}
    for number in range(-3, times):
        for name, do in (("bare", bare), ("ours", ours), ("through", through)):
            seconds = await _timed(do)
            if number >= 0:
                took[name].append(seconds)
    line(f"{read.name}: bare SQL, {rows:,} rows", _figure(took["bare"]))
    for who, name in (("attendance", "ours"), ("through the gateway", "through")):
        rate = rows / percentile(took[name], 0.5)
        ratio = f"{rate:,.0f} rows/s, {paired(took[name], took['bare']):.1f} times bare SQL"
        line(f"{read.name}: {who}, {len(answer.content) / 1e6:.1f} MB", _figure(took[name]), ratio)


async def _timed(do: Callable[[], Awaitable[object]]) -> float:
    started = time.perf_counter()
    await do()
    return time.perf_counter() - started


def _figure(seconds: Sequence[float]) -> str:
    return f"p50 {percentile(seconds, 0.5) * 1000:.0f} ms, p99 {percentile(seconds, 0.99) * 1000:.0f} ms"


def _whole_month(today: date) -> date:
    """The first of the last month that is over and has 31 days."""
    month = (today.replace(day=1) - timedelta(days=1)).replace(day=1)
    while (month + timedelta(days=30)).month != month.month:
        month = (month - timedelta(days=1)).replace(day=1)
    return month


async def _history(url: str, first: date, today: date) -> None:
    say(f"{PEOPLE:,} people and their days since {first}")
    pg = await asyncpg.connect(url, server_settings={"search_path": "attendance"})
    database = Database(url, schema="attendance")
    try:
        await bulk.hire(pg, PEOPLE)
        await bulk.worked(database, first, today)
        await bulk.scanned(database, today - timedelta(days=3), today)
        await pg.execute("VACUUM ANALYZE")
    finally:
        await pg.close()
        await database.close()


@asynccontextmanager
async def _through_the_gateway(url: str, broker: str, attendance: str) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a gateway that knows attendance alone, signed in."""
    about = {
        "MUSTER_ATTENDANCE_URL": attendance,
        "MUSTER_ESSENTIAL_PEERS": "attendance",
        "MUSTER_LIVE_PORT": str(free_port()),
        "MUSTER_ADMIN_PASSWORD": PASSWORD,
    }
    async with service("gateway", url, broker, **about) as gateway:
        async with httpx.AsyncClient(base_url=gateway.url, trust_env=False, timeout=60) as client:
            answer = await client.post("/api/auth/token/", json={"username": "admin", "password": PASSWORD})
            token = answer.raise_for_status().json()["access"]
            client.headers["Authorization"] = f"Bearer {token}"
            client.cookies.clear()
            yield client


def _reads(month: date, today: date) -> list[Read]:
    since = datetime.combine(today - timedelta(days=2), datetime.min.time(), UTC)
    return [
        Read(
            name="summary",
            path="daily-attendance/summary/",
            parameters={"date": _worked_on(today).isoformat()},
            rows=len,
            sql=_SUMMARY,
            values=[_worked_on(today)],
        ),
        Read(
            name="timesheet of 500 × 31",
            path="timesheet/",
            parameters={"month": f"{month:%Y-%m}", "department": "Line 3"},
            rows=lambda body: sum(len(row["days"]) for row in body),
            sql=_TIMESHEET,
            values=[month, month + timedelta(days=30), "Line 3"],
        ),
        Read(
            name="presence",
            path="presence/",
            parameters={},
            rows=lambda body: len(body["people"]),
            sql=_PRESENCE,
            values=[today, since, since.replace(tzinfo=None)],
        ),
        Read(
            name="statistics",
            path="statistics/",
            parameters={"date": _worked_on(today).isoformat()},
            rows=lambda body: len(body["department_stats"]),
            sql=_STATISTICS,
            values=[_worked_on(today)],
        ),
        Read(
            name="1,000 daily records of a date",
            path="daily-attendance/",
            parameters={"date": _worked_on(today).isoformat()},
            rows=len,
            sql=f"{_RECORDS} LIMIT 1000",
            values=[_worked_on(today)],
        ),
    ]


def _worked_on(today: date) -> date:
    """The last date before today that is no Friday."""
    yesterday = today - timedelta(days=1)
    return yesterday - timedelta(days=1) if yesterday.weekday() == bulk.FRIDAY else yesterday


_PEOPLE = """
people p LEFT JOIN assignments a ON a.person_id = p.id AND a.during @> {day}::date
LEFT JOIN units u ON u.id = a.unit_id
"""

_SUMMARY = f"""
SELECT p.code, p.name, u.name, a.designation, a.level_of_work, d.status, d.first_in, d.last_out, d.worked, d.overtime,
       d.extra_overtime, d.marks
FROM {_PEOPLE.format(day="$1")} LEFT JOIN days d ON d.person_id = p.id AND d.date = $1
ORDER BY p.code
"""

_TIMESHEET = """
SELECT p.code, p.name, u.name, a.designation, a.level_of_work, c.day, d.status, d.first_in, d.last_out, d.worked,
       d.overtime, d.extra_overtime
FROM units u JOIN assignments a ON a.unit_id = u.id AND a.during @> $1::date JOIN people p ON p.id = a.person_id
CROSS JOIN generate_series($1::date, $2::date, '1 day') AS c (day)
LEFT JOIN days d ON d.person_id = p.id AND d.date = c.day::date AND d.date BETWEEN $1 AND $2
WHERE u.name = $3 ORDER BY p.code, c.day
"""

_PRESENCE = f"""
SELECT p.id, p.code, p.name, u.name, a.designation, d.first_in, d.marks, l.at, l.type, l.machine_id
FROM {_PEOPLE.format(day="$1")} LEFT JOIN days d ON d.person_id = p.id AND d.date = $1::date
LEFT JOIN badges b ON b.person_id = p.id
LEFT JOIN LATERAL (
    SELECT at, type, machine_id FROM scans
    WHERE badge = b.badge AND at >= $2 AND local_at >= $3 ORDER BY at DESC LIMIT 1
) AS l ON true
ORDER BY u.name, p.name
"""

_STATISTICS = f"""
SELECT u.name, count(*), count(*) FILTER (WHERE d.status LIKE 'Present%'), count(*) FILTER (WHERE d.status IS NULL)
FROM {_PEOPLE.format(day="$1")} LEFT JOIN days d ON d.person_id = p.id AND d.date = $1 GROUP BY u.name
"""

_RECORDS = f"""
SELECT d.*, p.code, p.name, u.name, a.designation, a.level_of_work
FROM {_PEOPLE.format(day="$1")} LEFT JOIN days d ON d.person_id = p.id AND d.date = $1 ORDER BY p.code
"""
