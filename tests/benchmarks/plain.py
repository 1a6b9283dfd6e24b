"""The plain operation under the worker: the same rows into the same table with one INSERT for 500 of them."""

import time
from collections.abc import Sequence
from typing import Any

import asyncpg

from shared.contracts.scans import ScanReceived
from shared.storage.database import Database
from shared.storage.partitions import Partitions
from tests.benchmarks.company import chunks

INSERT = """
INSERT INTO scans (local_at, id, at, badge, machine_id, site_id, type, quality, state, verify, work_code, record_no,
                   device_time, zone, received_at, mode, raw)
SELECT * FROM unnest($1::timestamp[], $2::uuid[], $3::timestamptz[], $4::text[], $5::int[], $6::int[], $7::text[],
                     $8::text[], $9::text[], $10::text[], $11::text[], $12::text[], $13::text[], $14::text[],
                     $15::timestamptz[], $16::text[], $17::jsonb[])
ON CONFLICT DO NOTHING
"""


async def plain_inserts(url: str, scans: Sequence[ScanReceived]) -> float:
    """Rows a second with one connection, a transaction for each 500; the columns are made beforehand."""
    database = Database(url, schema="attendance")
    await Partitions(database, "scans").ensure({s.local_time.date() for s in scans})
    await database.close()
    prepared = [_columns(chunk) for chunk in chunks(scans, 500)]
    pg = await asyncpg.connect(url, server_settings={"search_path": "attendance"})
    try:
        started = time.perf_counter()
        for columns in prepared:
            async with pg.transaction():
                await pg.execute(INSERT, *columns)
        return len(scans) / (time.perf_counter() - started)
    finally:
        await pg.close()


def _columns(scans: Sequence[ScanReceived]) -> list[list[Any]]:
    rows = [
        (s.local_time, s.scan_id, s.at, s.badge, s.machine_id, s.site_id, s.type, s.quality, s.state, s.verify,
         s.work_code, s.record_no, s.device_time, s.zone, s.received_at, s.mode, None)
        for s in scans
    ]  # fmt: skip
    return [list(column) for column in zip(*rows, strict=True)]
