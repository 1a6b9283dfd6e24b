"""Rulings among rival workers, and how the database finds what they need."""

import asyncio
import random
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from uuid import UUID

import msgspec
import pytest

from services.attendance.application.people_ports import Once
from services.attendance.application.release_ports import Order, Outcome
from services.attendance.application.releasing import Releasing
from services.attendance.domain.releases import Correction
from services.attendance.storage.recording import PostgresRecordings
from services.attendance.storage.releasing import FIND_QUARANTINED, PostgresReleases
from shared.contracts.scans import ScanReceived
from shared.kernel.clock import SystemClock
from shared.web.idempotency import Answer
from shared.web.scope import Caller
from tests.attendance.worker.company import Company, company, month_of_scans, torn

HR = Caller(user=2, username="hr", roles=frozenset({"hr"}))
OFFSET = timedelta(days=9_000)
BEHIND = Order(reason="the clock began again", correction=Correction(offset=OFFSET))


def releasing(firm: Company) -> Releasing:
    return Releasing(PostgresReleases(firm.database), PostgresRecordings(firm.database), SystemClock())


async def release(firm: Company, ids: Sequence[UUID]) -> None:
    once: Once[Sequence[Outcome]] = Once(None, lambda _: Answer(200, b""))
    await releasing(firm).release_many(ids, BEHIND, HR, once)


def by_a_slow_clock(scan: ScanReceived) -> ScanReceived:
    """The same scan of a machine whose clock is behind; its id stays, so that days can be compared."""
    changes = {"local_time": scan.local_time - OFFSET, "at": scan.at - OFFSET, "quality": "implausible_past"}
    return msgspec.structs.replace(scan, **changes)


@pytest.mark.parametrize("seed", range(2))
async def test_scans_and_rulings_in_any_order_by_rivals_give_the_days_of_a_clock_that_was_right(
    migrated: Callable[..., str], seed: int
):
    scans = month_of_scans(people=6, days=8)
    behind = set(random.Random(seed).sample([scan.scan_id for scan in scans], len(scans) // 3))
    right, wrong = company(migrated("attendance")), company(migrated("attendance"))
    for firm in (right, wrong):
        await firm.hire(6)
    await right.record(scans)
    slow = [by_a_slow_clock(scan) for scan in scans if scan.scan_id in behind]
    await wrong.record(slow[: len(slow) // 2])
    batches = iter(torn([s for s in scans if s.scan_id not in behind] + slow, seed=seed))

    async def worker() -> None:
        mine = company(wrong.database.url)
        for batch in batches:
            await mine.record(batch)
        await mine.database.close()

    async def person(ids: Sequence[UUID]) -> None:
        for start in range(0, len(ids), 10):
            await release(wrong, ids[start : start + 10])
            await releasing(wrong).withdraw(ids[start], HR)

    async with asyncio.TaskGroup() as rivals:
        for _ in range(2):
            rivals.create_task(worker())
        rivals.create_task(person([scan.scan_id for scan in slow[: len(slow) // 2]]))
    await release(wrong, sorted(behind))

    await wrong.settle()
    assert await wrong.days() == await right.days()
    assert await wrong.value("SELECT count(*) FROM releases WHERE withdrawn_at IS NULL") == len(behind)
    for firm in (right, wrong):
        await firm.database.close()


async def test_of_two_who_rule_about_a_scan_at_once_one_ruling_is_in_force(firm: Company):
    first, second, *_ = month_of_scans(people=1, days=1)
    slow = by_a_slow_clock(first)
    await firm.record([slow, second])

    async def rule(days: int) -> None:
        order = Order(reason=f"{days}", correction=Correction(offset=OFFSET + timedelta(days=days)))
        await releasing(firm).release_many([slow.scan_id], order, HR, Once(None, lambda _: Answer(200, b"")))

    async with asyncio.TaskGroup() as both:
        for days in range(-4, 0):
            both.create_task(rule(days))
    assert await firm.value("SELECT count(*) FROM releases") == 4
    at = await firm.value("SELECT wall_time FROM releases WHERE withdrawn_at IS NULL")
    assert [day["date"] for day in await firm.days() if day["used"]] == [at.date(), second.local_time.date()]


async def test_a_quarantined_scan_is_found_by_its_id_without_reading_the_others(firm: Company):
    months = [datetime(2026, month, 1) for month in (1, 2, 3)]
    await firm.recordings.prepare({month.date() for month in months})
    async with firm.database.fast() as pg:
        for month in months:
            await pg.execute(
                """
                INSERT INTO scans (local_at, id, at, badge, machine_id, site_id, type, quality, state, device_time,
                                   zone, received_at, mode)
                SELECT $1::timestamp + i * interval '1 minute', gen_random_uuid(), now(), '1', 1, 1, 'IN',
                       CASE WHEN i % 1000 = 0 THEN 'future' ELSE 'ok' END, '0', '', 'UTC', now(), 'replay'
                FROM generate_series(1, 10000) AS i
                """,
                month,
            )
        await pg.execute("ANALYZE scans")
        wanted = [row[0] for row in await pg.fetch("SELECT id FROM scans WHERE quality = 'future' LIMIT 20")]
        plan = "\n".join(row[0] for row in await pg.fetch(f"EXPLAIN {FIND_QUARANTINED}", wanted))
        assert len(await pg.fetch(FIND_QUARANTINED, wanted)) == 20
    pieces = ("202601", "202602", "202603")
    assert all(f"scans_{piece}_id_idx" in plan for piece in pieces), plan
    assert not any(f"Seq Scan on scans_{piece}" in plan for piece in pieces), plan
