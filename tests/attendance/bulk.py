"""People, scans and days in bulk, made by PostgreSQL itself: for looking at how they are read, not at how they arise.

Everything is worked out from a person's number and the date, so that two runs hold the same, and days say what the
scans beside them say. Nobody comes on Fridays, and one in twelve is away on any other date.
"""

from datetime import date, timedelta
from typing import Any

import asyncpg

from services.attendance.storage.recording import figures_json
from shared.storage.database import Database
from shared.storage.partitions import Partitions

ZONE = "Asia/Dhaka"
DEPARTMENTS = 20
FRIDAY = 4


async def hire(pg: "asyncpg.Connection[Any]", people: int) -> None:
    """Into 20 departments below one; a badge each, and a tenth of them in a group."""
    await pg.execute("UPDATE sites SET zone = $1", ZONE)
    await pg.execute("INSERT INTO units (name) VALUES ('Works')")
    await pg.execute(
        "INSERT INTO units (name, parent_id) "
        "SELECT 'Line ' || i, (SELECT id FROM units WHERE name = 'Works') FROM generate_series(1, $1::int) i",
        DEPARTMENTS,
    )
    await pg.execute(
        "INSERT INTO people (code, name) "
        "SELECT 'EMP' || lpad(i::text, 5, '0'), 'Person ' || i FROM generate_series(1, $1::int) i",
        people,
    )
    await pg.execute(
        "INSERT INTO assignments (person_id, unit_id, site_id, designation, level_of_work, during) "
        "SELECT p.id, u.id, 1, 'Tailor', CASE WHEN p.id % 8 = 0 THEN 'Staff' ELSE 'Worker' END, '(,)' "
        "FROM people p JOIN units u ON u.name = 'Line ' || (1 + p.id % $1::int)",
        DEPARTMENTS,
    )
    await pg.execute("INSERT INTO badges (badge, person_id, during) SELECT id::text, id, '(,)' FROM people")
    await pg.execute("INSERT INTO groups (name) VALUES ('Choir')")
    await pg.execute(
        "INSERT INTO group_members (group_id, person_id, during) SELECT 1, id, '(,)' FROM people WHERE id % 10 = 0"
    )
    await pg.execute(
        "INSERT INTO machines (id, code, name, site_id, zone, status, reports_by_itself, is_connected, epoch, n) "
        "SELECT i, 'gate-' || i, 'Gate ' || i, 1, $1, 'active', true, true, 1, 1 FROM generate_series(1, 8) i",
        ZONE,
    )


async def worked(database: Database, first: date, last: date) -> int:
    """The days of everybody in these dates; how many."""
    await Partitions(database, "days", fillfactor=75).ensure(_dates(first, last))
    return await _each_month(database, _DAYS, first, last)


async def scanned(database: Database, first: date, last: date) -> int:
    """The scans of these days, four each; how many. One departure in 300 is of a clock in the future."""
    await Partitions(database, "scans").ensure(_dates(first, last))
    return await _each_month(database, _SCANS, first, last)


async def ruled(pg: "asyncpg.Connection[Any]", every: int) -> None:
    """A correction, a change and an adjustment for one of so many days, and a release for half the quarantined scans.

    Some badges are nobody's, and some people (in a small company everybody) were seen by a machine whose clock had
    begun again.
    """
    await pg.execute(_RESETS, ZONE, max(1, every // 20))
    await pg.execute(_CORRECTIONS, every)
    await pg.execute(_CHANGES, every)
    await pg.execute(_ADJUSTMENTS, every)
    await pg.execute(_RELEASES)
    await pg.execute(_STRANGERS, every)


async def _each_month(database: Database, sql: str, first: date, last: date) -> int:
    """A month at a time, as a statement has its time limit."""
    written = 0
    pg = await asyncpg.connect(database.url, server_settings={"search_path": database.schema, "timezone": "UTC"})
    try:
        start = first
        while start <= last:
            end = min(last, (start.replace(day=1) + timedelta(days=31)).replace(day=1) - timedelta(days=1))
            status = await pg.execute(sql, start, end, ZONE)
            written += int(status.rpartition(" ")[2])
            start = end + timedelta(days=1)
    finally:
        await pg.close()
    return written


def _dates(first: date, last: date) -> list[date]:
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]


# Minutes from midnight: to work from 7:40 on, to lunch at 13:00 and back within the hour, home from 16:50 to 19:30.
_PRESENT = """
SELECT p.id AS person_id, d.day::date AS day,
       460 + h % 40 AS arrives, 780 + h % 7 AS lunches, 815 + h % 13 AS returns, 1010 + h % 160 AS leaves, h
FROM generate_series($1::date, $2::date, '1 day') AS d (day) CROSS JOIN people p
CROSS JOIN LATERAL (SELECT abs(hashint4(p.id * 7919 + (d.day::date - '2000-01-01'::date))) AS h) x
WHERE extract(isodow FROM d.day) <> 5 AND h % 12 <> 0
"""

_AT = "(day + make_interval(mins => {minute})) AT TIME ZONE $3"
_CLOCK = "to_char(make_interval(mins => {minute}), 'HH24:MI')"

_DAYS = f"""
INSERT INTO days (date, person_id, status, first_in, last_out, worked, overtime, extra_overtime, late, early_departure,
                  shortfall, snacks, night_bill, flags, used, merged, check_ins, check_outs, marks, zone, digest, n,
                  created_at, updated_at)
SELECT day, person_id,
       CASE WHEN arrives <= 480 THEN 'Present-OnTime' WHEN arrives <= 485 THEN 'Present-Considered'
            ELSE 'Present-Late' END,
       {_AT.format(minute="arrives")}, {_AT.format(minute="leaves")}, leaves - arrives - 60,
       least(120, greatest(0, leaves - 1020)), greatest(0, leaves - 1140),
       CASE WHEN arrives > 485 THEN arrives - 480 ELSE 0 END, greatest(0, 1020 - leaves), greatest(0, arrives - 480),
       false, false, '', 4, 0, 2, 2,
       {_CLOCK.format(minute="arrives")} || ' IN,' || {_CLOCK.format(minute="lunches")} || ' BREAK_IN,' ||
       {_CLOCK.format(minute="returns")} || ' BREAK_OUT,' || {_CLOCK.format(minute="leaves")} || ' OUT',
       $3, decode(md5(person_id || '/' || day), 'hex'), 1,
       {_AT.format(minute="leaves")}, {_AT.format(minute="leaves")}
FROM ({_PRESENT}) AS present
"""

_SCANS = f"""
INSERT INTO scans (local_at, id, at, badge, machine_id, site_id, type, quality, state, device_time, zone, received_at,
                   mode)
SELECT day + make_interval(mins => minute), md5(person_id || '/' || day || '/' || minute)::uuid,
       {_AT.format(minute="minute")}, person_id::text, 1 + h % 8, 1, type,
       CASE WHEN type = 'OUT' AND h % 300 = 1 THEN 'future' ELSE 'ok' END, '0',
       to_char(day + make_interval(mins => minute), 'YYYY-MM-DD HH24:MI:SS'), $3, {_AT.format(minute="minute")}, 'live'
FROM ({_PRESENT}) AS present CROSS JOIN LATERAL (
    VALUES (arrives, 'IN'), (lunches, 'BREAK_IN'), (returns, 'BREAK_OUT'), (leaves, 'OUT')) AS s (minute, type)
"""

_SOME = "SELECT d.* FROM days d WHERE (d.person_id + (d.date - '2000-01-01'::date)) % $1::int = 0"

_CORRECTIONS = f"""
INSERT INTO corrections (person_id, date, kind, at, values, reason, state, asked_by, asked_by_name, asked_at,
                         decided_by, decided_by_name, decided_at)
SELECT person_id, date, 'scan', last_out + interval '1 hour', '{{"type": "OUT"}}', 'the reader was away',
       CASE person_id % 3 WHEN 0 THEN 'requested' ELSE 'approved' END, 2, 'hr', last_out, 2, 'hr', last_out
FROM ({_SOME}) AS d
"""

_CHANGES = f"""
INSERT INTO changes (date, person_id, at, reason, before, after)
SELECT date, person_id, updated_at, 'a shift was changed', {figures_json("d")} || '{{"worked": 480}}',
       {figures_json("d")}
FROM ({_SOME}) AS d
"""

_FIGURES = (
    '\'{{"status": "{status}", "worked": {worked}, "overtime": 0, "extra_overtime": 0, "late": 0, '
    '"early_departure": 0, "shortfall": 0}}\''
)

_ADJUSTMENTS = f"""
INSERT INTO adjustments (person_id, date, site_id, period, before, after, reason, cancelled, created_at, updated_at)
SELECT person_id, date, 1, (date_trunc('month', date) + interval '1 month')::date,
       {_FIGURES.format(status="Absent", worked=0)}, {_FIGURES.format(status="Present-Late", worked=30)},
       'a scan came late', false, updated_at, updated_at
FROM ({_SOME}) AS d
"""

_RELEASES = """
INSERT INTO releases (scan_id, local_at, badge, type, machine_id, at, wall_time, reason, released_at, released_by,
                      released_by_name)
SELECT id, local_at, badge, type, machine_id, at, local_at, 'the clock was wrong', at, 2, 'hr'
FROM scans WHERE quality = 'future' AND machine_id % 2 = 0
"""

_RESETS = """
INSERT INTO scans (local_at, id, at, badge, machine_id, site_id, type, quality, state, device_time, zone, received_at,
                   mode)
SELECT local_at, md5(badge || '/' || local_at)::uuid, local_at AT TIME ZONE $1, badge, 1, 1, 'IN',
       'implausible_past', '0', to_char(local_at, 'YYYY-MM-DD HH24:MI:SS'), $1, now(), 'replay'
FROM badges CROSS JOIN generate_series('2000-01-01 00:01'::timestamp, '2000-01-01 00:03', '1 minute') AS local_at
WHERE person_id % $2::int = 0
"""

_STRANGERS = """
INSERT INTO unknown_badges (badge, scans, first_at, last_at, machine_id)
SELECT 'X' || i, i, now() - interval '1 day' * i, now(), 1 + i % 8
FROM generate_series(1, greatest(10, (SELECT count(*) FROM people) / $1)) i
"""
