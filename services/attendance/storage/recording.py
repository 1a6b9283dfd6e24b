"""The worker's transactions on PostgreSQL: few statements, whole columns at a time."""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence, Set
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import asyncpg
import msgspec

from services.attendance.application.announce import day_removed
from services.attendance.application.computing import FIGURES, DayRow
from services.attendance.application.directory import Directory, PersonDay
from services.attendance.application.holders import Claim
from services.attendance.application.ports import Adjusted, K, Step, Unknown, Written
from services.attendance.domain.corrections import Correction
from services.attendance.domain.locks import Adjustment, Figures
from services.attendance.domain.scans import QUALITIES, SCAN_TYPES, Scan
from services.attendance.domain.terms import Leave
from services.attendance.storage.adjusting import adjust, adjustments_of, stored_figures
from services.attendance.storage.badge_rows import claim_columns, takes
from services.attendance.storage.correction_rows import corrections_in_force
from services.attendance.storage.directory import read_people, read_sites
from services.attendance.storage.gone_days import take_away
from services.attendance.storage.machines import adopt_zone
from services.attendance.storage.plans import read_plans
from services.attendance.storage.rules import share_rules
from services.attendance.storage.run_rows import advance
from services.attendance.storage.time_off import knows_leave, leave_on
from services.attendance.storage.unseen import due_of
from shared.contracts.event import Event
from shared.contracts.scans import ScanReceived
from shared.outbox.writing import add_fast
from shared.storage.columns import column, rows_from
from shared.storage.database import Database
from shared.storage.partitions import Partitions

_json = msgspec.json.Encoder()


class PostgresRecording:
    """One transaction. See the port for the order of calls."""

    moving = True
    """It is written down where a correction has come to another date."""

    def __init__(self, pg: "asyncpg.Connection[Any]", kept: "Kept", epoch: int) -> None:
        self._pg = pg
        self._kept = kept
        self._epoch = epoch

    async def store(self, scans: Sequence[ScanReceived]) -> list[ScanReceived]:
        by_id = {scan.scan_id: scan for scan in scans}
        ordered = sorted(by_id.values(), key=_storage_order)
        known = await self._pg.fetch(_STORE, *map(column, _scan_columns(ordered)))
        for (scan_id,) in known:
            del by_id[scan_id]
        return [scan for scan in ordered if scan.scan_id in by_id] if known else ordered

    async def directory(self, badges: Iterable[str] = (), people: Iterable[int] = ()) -> Directory:
        n = await share_rules(self._pg)
        if n != self._kept.directory.n:
            sites, plans = await read_sites(self._pg), await read_plans(self._pg)
            leave = await knows_leave(self._pg)
            # Another transaction may have been as far while this one read; nobody is at an older n any more.
            if n != self._kept.directory.n:
                self._kept.directory = Directory(n, sites, plans=plans, leave=leave)
        directory = self._kept.directory
        if missing := directory.without(badges):
            directory.add(await read_people(self._pg, badges=missing), looked_up=missing)
        if strangers := [person for person in people if person not in directory.people]:
            directory.add(await read_people(self._pg, people=strangers))
        return directory

    async def take_turns(self, turns: Set[int]) -> None:
        await self._pg.execute(_TAKE_TURNS, sorted(turns))

    async def scans_of(self, spans: Mapping[K, tuple[int, int, Sequence[Claim]]]) -> dict[K, list[Scan]]:
        return await scans_of(self._pg, spans)

    async def corrections_around(self, spans: Mapping[PersonDay, tuple[int, int]]) -> dict[PersonDay, list[Correction]]:
        return await corrections_in_force(self._pg, spans)

    async def digests_of(self, people: Sequence[int], first: date, last: date) -> dict[PersonDay, bytes]:
        return {PersonDay(*key): digest for *key, digest in await self._pg.fetch(_DIGESTS, people, first, last)}

    async def leave_of(self, keys: Sequence[PersonDay]) -> dict[PersonDay, Leave]:
        return await leave_on(self._pg, keys)

    async def due_of(self, people: Sequence[int], first: date, last: date) -> Set[PersonDay]:
        return await due_of(self._pg, people, first, last)

    async def corrections_of(self, spans: Mapping[PersonDay, tuple[int, int]]) -> dict[PersonDay, list[Correction]]:
        return await corrections_in_force(self._pg, spans, moving=self.moving)

    async def stored_figures(self, keys: Sequence[PersonDay]) -> dict[PersonDay, Figures]:
        return await stored_figures(self._pg, keys)

    async def adjustments_of(self, keys: Sequence[PersonDay]) -> dict[PersonDay, list[Adjustment]]:
        return await adjustments_of(self._pg, keys)

    async def adjust(self, adjustments: Mapping[PersonDay, tuple[int, Adjustment]], at: datetime) -> list[Adjusted]:
        return [Adjusted(key, self._epoch, id_, n) for key, id_, n in await adjust(self._pg, adjustments, at)]

    async def save(self, rows: Sequence[DayRow], at: datetime, reason: str | None) -> list[Written]:
        if not rows:
            return []
        columns = map(column, zip(*rows, strict=True))
        if reason is None:
            written = await self._pg.fetch(_SAVE, *columns, at)
        else:
            written = await self._pg.fetch(_SAVE_AND_NOTE, *columns, at, reason)
        return [Written(PersonDay(row[0], row[1]), self._epoch, row[2]) for row in written]

    async def take_away(self, person_id: int, since: date | None, until: date | None, at: datetime) -> int:
        gone = await take_away(self._pg, person_id, since, until)
        await self.announce([day_removed(day, self._epoch, at) for day in gone], at)
        return len(gone)

    async def note_unknown(self, unknown: Sequence[Unknown]) -> None:
        await self._pg.execute(_NOTE_UNKNOWN, *map(list, zip(*unknown, strict=True)))

    async def announce(self, events: Sequence[Event], at: datetime) -> None:
        await add_fast(self._pg, events, time=at)

    async def progressed(self, step: Step) -> bool:
        # Whoever cancels a run takes its row first, too.
        if step.run_id is not None and not await advance(self._pg, step.run_id, step.people, step.days, step.changed):
            return False
        return bool(await self._pg.fetchval(_DONE, step.note_id, step.lane + 1, step.done))


@dataclass(slots=True)
class Kept:
    """The directory of a process: whoever uses it holds the rules still, so all who do are at the same `n`."""

    directory: Directory


class PostgresRecordings:
    """Opens a worker's transactions."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._scans = Partitions(database, "scans")
        self._days = Partitions(database, "days", fillfactor=75)  # a day changes with each of its scans
        self._kept = Kept(Directory())
        self._epoch: int | None = None

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[PostgresRecording]:
        async with self._database.fast() as pg:
            if self._epoch is None:
                self._epoch = int(await pg.fetchval("SELECT epoch FROM epoch"))
            yield PostgresRecording(pg, self._kept, self._epoch)

    async def prepare(self, days: Iterable[date]) -> None:
        days = list(days)
        await self._scans.ensure(days)
        await self._days.ensure(days)

    async def adopt_zone(self, site_id: int, zone: str) -> None:
        await adopt_zone(self._database, site_id, zone)


async def scans_of(
    pg: "asyncpg.Connection[Any]", spans: Mapping[K, tuple[int, int, Sequence[Claim]]]
) -> dict[K, list[Scan]]:
    """All countable scans of each key: its window in seconds since 1970, and what was claimed for the person."""
    keys = list(spans)
    found: list[list[Scan]] = [[] for _ in keys]
    numbers, claims, starts, ends = [], [], [], []
    edges = {edge: datetime.fromtimestamp(edge, UTC) for span in spans.values() for edge in span[:2]}
    for number, (start, end, held) in enumerate(spans.values()):
        for claim in held:
            numbers.append(number)
            claims.append(claim)
            starts.append(edges[start])
            ends.append(edges[end])
    if not numbers:
        return dict(zip(keys, found, strict=True))
    # Wall clocks are within a day of UTC: this much tells the planner which months to look into.
    first = (min(starts) - _A_DAY).replace(tzinfo=None)
    last = (max(ends) + _A_DAY).replace(tzinfo=None)
    badges, machines, left_out = claim_columns(claims)
    columns = [column(numbers), column(badges), column(starts), column(ends)]
    # Where no badge is bound to a machine, nothing is asked about machines.
    if bound := any(claim.machine_id is not None or claim.but_of for claim in claims):
        columns += [column(machines), column(left_out)]
    query = _SCANS_OF_MACHINES if bound else _SCANS_OF
    for number, at, id_, type_, quality in await pg.fetch(query, *columns, first, last):
        found[number].append(Scan(at, id_, SCAN_TYPES[type_], QUALITIES[quality]))
    return dict(zip(keys, found, strict=True))


def _storage_order(scan: ScanReceived) -> tuple[datetime, int]:
    return scan.local_time, scan.scan_id.int


def _scan_columns(scans: Sequence[ScanReceived]) -> list[list[Any]]:
    """What is a scan's own; then what many share, once, with the number by which scans refer to it."""
    shared: dict[tuple[Any, ...], int] = {}
    numbers = [
        shared.setdefault(
            (s.machine_id, s.site_id, s.type, s.quality, s.state, s.verify, s.work_code, s.zone, s.received_at, s.mode),
            len(shared),
        )
        for s in scans
    ]
    own: list[list[Any]] = [
        [s.local_time for s in scans],
        [s.scan_id for s in scans],
        [s.at for s in scans],
        [s.badge for s in scans],
        [s.record_no for s in scans],
        [s.device_time for s in scans],
        [None if s.raw is None else _json.encode(s.raw).decode() for s in scans],
        numbers,
    ]
    return [*own, list(shared.values()), *map(list, zip(*shared, strict=True))]


_A_DAY = timedelta(days=1)

_OWN = rows_from(
    ["local_at", "id", "at", "badge", "record_no", "device_time", "raw", "number"],
    ["timestamp", "uuid", "timestamptz", "text", "text", "text", "jsonb", "int"],
    alias="own",
)
_SHARED = rows_from(
    "number machine_id site_id type quality state verify work_code zone received_at mode".split(),  # noqa: SIM905 - a line instead of ten
    "int int int text text text text text text timestamptz text".split(),  # noqa: SIM905 - a line instead of ten
    first=9,
    alias="shared",
)
# Answers with the scans that were there already: mostly none, and what is not sent need not be read.
_STORE = f"""
WITH sent AS MATERIALIZED (SELECT * FROM {_OWN} JOIN {_SHARED} USING (number)),
stored AS (
    INSERT INTO scans (local_at, id, at, badge, machine_id, site_id, type, quality, state, verify, work_code,
                       record_no, device_time, zone, received_at, mode, raw)
    SELECT local_at, id, at, badge, machine_id, site_id, type, quality, state, verify, work_code,
           record_no, device_time, zone, received_at, mode, raw
    FROM sent ON CONFLICT DO NOTHING RETURNING id
)
SELECT id FROM sent WHERE id NOT IN (SELECT id FROM stored)
"""

# The two-key form keeps clear of all other locks: those have one key.
_TAKE_TURNS = "SELECT pg_advisory_xact_lock(8765, turn) FROM unnest($1::int[]) AS turn"

_WINDOW = {"number": "int", "badge": "text", "start": "timestamptz", "beyond": "timestamptz"}
_OF_MACHINES = {"machine": "int", "left_out": "int[]"}


def _scans_of(columns: Mapping[str, str], and_of: str) -> str:
    first, last = f"${len(columns) + 1}", f"${len(columns) + 2}"
    return f"""
SELECT w.number, extract(epoch FROM s.at)::bigint, s.id, s.type, s.quality
FROM {rows_from([*columns], [*columns.values()], alias="w")}
CROSS JOIN LATERAL (
    (SELECT at, id, type, quality FROM scans
     WHERE badge = w.badge AND at >= w.start AND at < w.beyond AND local_at >= {first} AND local_at < {last}
       AND quality NOT IN ('implausible_past', 'future'){and_of}
     OFFSET 0)
    UNION ALL
    SELECT at, scan_id, type, 'ok' FROM releases
    WHERE badge = w.badge AND at >= w.start AND at < w.beyond AND withdrawn_at IS NULL{and_of}
) AS s
"""


# OFFSET 0 keeps the planner from joining the other way round: for a month that it has no statistics of yet, it would
# read all of its scans for each batch. Measured: 4 ms instead of 84 for 2,000 windows over 40,000 scans.
# Looking for released scans, too, adds a microsecond a window, and two with 10,000 releases.
_SCANS_OF = _scans_of(_WINDOW, "")
_SCANS_OF_MACHINES = _scans_of(_WINDOW | _OF_MACHINES, f" AND {takes('machine_id', 'w.machine', 'w.left_out')}")

_DIGESTS = "SELECT date, person_id, digest FROM days WHERE person_id = ANY($1::int[]) AND date BETWEEN $2 AND $3"

# Never back: who takes over from somebody who was only cut off may be behind them.
_DONE = "UPDATE recomputations SET done[$2] = greatest(done[$2], $3) WHERE id = $1 RETURNING true"

_VALUES = ", ".join(DayRow._fields)
DAY_TYPES = """
    date int text timestamptz timestamptz int int int int int int bool bool text int2 int2 int2 int2 text text bytea
    int int bool text int2
""".split()  # noqa: SIM905 - a line instead of twenty
_AT, _REASON = f"${len(DayRow._fields) + 1}", f"${len(DayRow._fields) + 2}"
_SAVE = f"""
INSERT INTO days ({_VALUES}, n, created_at, updated_at)
SELECT r.*, coalesce((SELECT g.n FROM gone_days g WHERE g.date = r.date AND g.person_id = r.person_id), 0) + 1,
       {_AT}, {_AT}
FROM {rows_from(DayRow._fields, DAY_TYPES)}
ON CONFLICT (date, person_id) DO UPDATE SET
    ({_VALUES}, n, updated_at) = ROW ({", ".join(f"excluded.{name}" for name in DayRow._fields)},
                                      days.n + 1, excluded.updated_at)
WHERE days.digest <> excluded.digest
RETURNING date, person_id, n
"""


def figures_json(row: str) -> str:
    """The figures of a row of days as jsonb."""
    pairs = [f"'{name}', {row}.{name}" for name in FIGURES]
    return f"jsonb_build_object({', '.join(pairs)})"


def _figures(row: str) -> str:
    return f"({', '.join(f'{row}.{name}' for name in FIGURES)})"


# One statement sees the days as they were when it began, so that what is noted is what is being written over.
_SAVE_AND_NOTE = f"""
WITH r AS MATERIALIZED (SELECT * FROM {rows_from(DayRow._fields, DAY_TYPES)}),
noted AS (
    INSERT INTO changes (date, person_id, at, reason, before, after)
    SELECT r.date, r.person_id, {_AT}, {_REASON}, {figures_json("d")}, {figures_json("r")}
    FROM r JOIN days d ON d.date = r.date AND d.person_id = r.person_id
    WHERE d.digest <> r.digest AND {_figures("d")} IS DISTINCT FROM {_figures("r")}
)
{_SAVE.replace(f"FROM {rows_from(DayRow._fields, DAY_TYPES)}", "FROM r")}
"""

_NOTE_UNKNOWN = """
INSERT INTO unknown_badges AS u (badge, scans, first_at, last_at, machine_id)
SELECT * FROM unnest($1::text[], $2::bigint[], $3::timestamptz[], $4::timestamptz[], $5::int[])
ON CONFLICT (badge) DO UPDATE SET scans = u.scans + excluded.scans,
    first_at = least(u.first_at, excluded.first_at), last_at = greatest(u.last_at, excluded.last_at),
    machine_id = excluded.machine_id
"""
