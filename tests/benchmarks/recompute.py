"""Computing a month of everybody again: a real service process, next to the bare SQL for the same rows."""

import asyncio
import json
import secrets
import time
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack
from datetime import UTC, date, datetime, timedelta
from typing import Any

import asyncpg
import httpx

from services.attendance.application.computing import DayRow
from services.attendance.storage.recording import DAY_TYPES
from shared.bus.opening import open_bus
from shared.bus.port import Delivery, Refusal, Subscription
from shared.storage.columns import column, rows_from
from shared.storage.database import Database
from shared.storage.partitions import Partitions
from tests.benchmarks.company import OFFSET, ZONE, hire
from tests.benchmarks.installation import administrator, fresh, service
from tests.benchmarks.report import heading, line, paired, rate, say
from tests.servers import PostgresServer, RabbitServer

MONTH = [day for day in (date(2026, 3, 1) + timedelta(days=n) for n in range(31)) if day.weekday() not in {3, 4}][:22]
"""The dates on which everybody comes: 22 of them."""
AT_ONCE = 25
"""People of whom the bare SQL reads and writes a month in a transaction."""
LOOK_EVERY = 0.05
LUNCHES = (0.5, 0.75, 0.25)
"""Hours that lunch takes, round by round: each differs from the one before, so that every day changes."""


async def bench_recompute(postgres: PostgresServer, rabbit: RabbitServer, *, people: int, rounds: int) -> None:
    """Prints days a second with nothing changed and with all changed, each beside the bare SQL."""
    days = people * len(MONTH)
    heading(f"A month computed again ({people:,} people, {days:,} days of four scans, {rounds} rounds)")
    found: dict[str, list[float]] = {name: [] for name in ("first", "reads", "same", "writes", "looked", "changed")}
    with fresh(postgres, rabbit) as (database, broker):
        say("people and scans")
        await hire(database, people)
        await come_and_go(database)
        async with AsyncExitStack() as stack:
            bus = await stack.enter_async_context(open_bus(broker, name="bench"))
            # Somebody has to want what is announced; reports does, in production.
            await bus.declare([Subscription(queue="bench.days", patterns=("attendance.#",), handle=_never)])
            pg = await asyncpg.connect(database, server_settings={"search_path": "attendance"})
            stack.push_async_callback(pg.close)
            running = await stack.enter_async_context(service("attendance", database, broker))
            api = await stack.enter_async_context(
                httpx.AsyncClient(base_url=running.url, headers=administrator(), trust_env=False)
            )
            say("computed for the first time")
            found["first"].append(days / await _again(pg))
            if (stored := await pg.fetchval("SELECT count(*) FROM days WHERE used >= 3")) != days:
                raise AssertionError(f"there are {stored:,} days instead of {days:,}")
            await pg.execute("VACUUM ANALYZE")
            for number in range(rounds):
                say(f"round {number + 1} of {rounds}")
                found["reads"].append(days / await _bare_reads(pg, people))
                found["same"].append(days / await _again(pg))
                await _lunch(pg, LUNCHES[number % len(LUNCHES)])
                found["looked"].append(days / await _dry_run(api, days))
                before = await pg.fetchval("SELECT sum(n) FROM days")
                found["changed"].append(days / await _again(pg))
                if (written := await pg.fetchval("SELECT sum(n) FROM days") - before) != days:
                    raise AssertionError(f"{written:,} days changed instead of {days:,}")
                await pg.execute("VACUUM ANALYZE")
                found["writes"].append(days / await _bare_writes(pg, people))
                await pg.execute("VACUUM ANALYZE")
    line("all for the first time", rate(found["first"], "days/s"))
    line("bare SQL: the scans read", rate(found["reads"], "days/s"))
    line("nothing changed", rate(found["same"], "days/s"), f"{paired(found['same'], found['reads']):.2f} of bare")
    line(
        "a dry run of all changed",
        rate(found["looked"], "days/s"),
        f"{paired(found['looked'], found['reads']):.2f} of bare",
    )
    line("bare SQL: the scans read, the days written", rate(found["writes"], "days/s"))
    line("all changed", rate(found["changed"], "days/s"), f"{paired(found['changed'], found['writes']):.2f} of bare")


async def come_and_go(url: str) -> None:
    """Everybody comes, goes to lunch and back and leaves on each date of the month, in the order of time."""
    database = Database(url, schema="attendance")
    await Partitions(database, "scans").ensure(MONTH)
    await database.close()
    pg = await asyncpg.connect(url, server_settings={"search_path": "attendance"})
    try:
        await pg.execute("SELECT setseed(0.5)")
        for day in MONTH:
            await pg.execute(_SCANS, datetime(day.year, day.month, day.day), ZONE, OFFSET)
        await pg.execute("VACUUM ANALYZE")
    finally:
        await pg.close()


async def _again(pg: "asyncpg.Connection[Any]") -> float:
    """Seconds from the note to its end."""
    started = time.perf_counter()
    await pg.execute(
        "INSERT INTO recomputations (since, until, reason) VALUES ($1, $2, 'the benchmark')", MONTH[0], MONTH[-1]
    )
    while await pg.fetchval("SELECT EXISTS (SELECT FROM recomputations)"):  # noqa: ASYNC110 - another process does it
        await asyncio.sleep(LOOK_EVERY)
    return time.perf_counter() - started


async def _dry_run(api: httpx.AsyncClient, days: int) -> float:
    """Seconds until it is known what would change of all days, over REST."""
    started = time.perf_counter()
    body = {"date_from": str(MONTH[0]), "date_to": str(MONTH[-1])}
    run = (await api.post("/api/attendance/recompute/", json=body)).raise_for_status().json()
    while run["state"] in ("waiting", "running"):  # another process does it
        await asyncio.sleep(LOOK_EVERY)
        run = (await api.get(f"/api/attendance/recompute-runs/{run['id']}/")).raise_for_status().json()
    took = time.perf_counter() - started
    if (run["state"], run["days_changed"]) != ("done", days):
        raise AssertionError(f"the dry run is {run['state']} and found {run['days_changed']:,} of {days:,} days")
    return took


async def _lunch(pg: "asyncpg.Connection[Any]", hours: float) -> None:
    async with pg.transaction():
        await pg.execute("DELETE FROM settings")
        values = json.dumps({"lunch_break_duration": hours})
        await pg.execute("INSERT INTO settings (site_id, values, during) VALUES (1, $1, '(,)')", values)
        await pg.execute("UPDATE rules SET n = n + 1")


async def _bare_reads(pg: "asyncpg.Connection[Any]", people: int) -> float:
    started = time.perf_counter()
    for chunk in _people(people):
        await pg.fetch(_READ, *_window(chunk))
    return time.perf_counter() - started


async def _bare_writes(pg: "asyncpg.Connection[Any]", people: int) -> float:
    """The same days with another digest each, prepared before the clock starts; without announcing any."""
    prepared: list[list[str]] = []
    for chunk in _people(people):
        rows = [DayRow(*row) for row in await pg.fetch(f"SELECT {_NAMES} FROM days WHERE person_id = ANY($1)", chunk)]
        others = [row._replace(digest=secrets.token_bytes(16)) for row in rows]
        prepared.append([column(each) for each in zip(*others, strict=True)])
    now = datetime.now(UTC)
    started = time.perf_counter()
    for chunk, columns in zip(_people(people), prepared, strict=True):
        async with pg.transaction():
            await pg.fetch(_READ, *_window(chunk))
            await pg.execute(_WRITE, *columns, now)
    return time.perf_counter() - started


def _people(people: int) -> Iterator[Sequence[int]]:
    everybody = range(1, people + 1)
    return (everybody[start : start + AT_ONCE] for start in range(0, people, AT_ONCE))


def _window(people: Sequence[int]) -> tuple[list[str], datetime, datetime, datetime, datetime]:
    first, last = datetime.combine(MONTH[0], datetime.min.time()), datetime.combine(MONTH[-1], datetime.min.time())
    until = last + timedelta(days=2)
    return [str(one) for one in people], first.replace(tzinfo=UTC), until.replace(tzinfo=UTC), first, until


async def _never(_: Sequence[Delivery]) -> Sequence[Refusal]:
    raise AssertionError("declared, not consumed")


_SCANS = """
INSERT INTO scans (local_at, id, at, badge, machine_id, site_id, type, quality, state, verify, device_time, zone,
                   received_at, mode)
SELECT moment, gen_random_uuid(), (moment - $3::interval) AT TIME ZONE 'UTC', badge, 1 + person % 8, 1, 'IN', 'ok',
       '0', '1', moment::text, $2, (moment - $3::interval) AT TIME ZONE 'UTC', 'live'
FROM (
    SELECT p AS person, p::text AS badge,
           date_trunc('second', $1::timestamp + make_interval(hours => h) + (random() * 2400 - 1200) * '1 s'::interval)
               AS moment
    FROM (SELECT id AS p FROM people) AS everybody CROSS JOIN unnest(ARRAY[8, 13, 14, 18]) AS h
) AS made ORDER BY made.moment
"""

_READ = """
SELECT b.badge, extract(epoch FROM s.at)::bigint, s.id, s.type, s.quality FROM unnest($1::text[]) AS b (badge)
CROSS JOIN LATERAL (
    SELECT at, id, type, quality FROM scans
    WHERE badge = b.badge AND at >= $2 AND at < $3 AND local_at >= $4 AND local_at < $5 OFFSET 0
) AS s
"""

_NAMES = ", ".join(DayRow._fields)
_AT = f"${len(DayRow._fields) + 1}"
_WRITE = f"""
WITH r AS MATERIALIZED (SELECT * FROM {rows_from(DayRow._fields, DAY_TYPES)}),
noted AS (
    INSERT INTO changes (date, person_id, at, reason, before, after)
    SELECT date, person_id, {_AT}, 'the benchmark', jsonb_build_object('worked', worked),
           jsonb_build_object('worked', worked) FROM r
)
INSERT INTO days ({_NAMES}, n, created_at, updated_at) SELECT r.*, 1, {_AT}, {_AT} FROM r
ON CONFLICT (date, person_id) DO UPDATE SET
    ({_NAMES}, n, updated_at) = ROW ({", ".join(f"excluded.{name}" for name in DayRow._fields)}, days.n + 1, {_AT})
"""
