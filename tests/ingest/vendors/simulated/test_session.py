import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from services.ingest.domain.machine import Machine
from services.ingest.domain.reading import Batch, Mode
from services.ingest.domain.scan import scan_id
from services.ingest.vendors.simulated.driver import Simulated
from shared.kernel.clock import Clock, SystemClock
from tests.ingest.fakes import FakeClock, FakeContact

NOON = datetime(2024, 1, 15, 12, tzinfo=UTC)
MACHINE = Machine(
    id=1, machine_id="sim", name="", machine_type="simulated", zone="Asia/Dhaka", created_at=NOON, updated_at=NOON
)


async def told(machine: Machine, clock: Clock, until: int) -> list[Batch]:
    """The first batches of a session, until there are `until` readings and a word that it is complete."""
    batches: list[Batch] = []
    async with asyncio.timeout(10), Simulated(clock).session(machine, FakeContact()) as session:
        async for batch in session.batches():
            batches.append(batch)
            if sum(len(b.readings) for b in batches) >= until and batch.complete_until:
                return batches
    return batches


async def test_the_log_comes_first_in_order_and_then_a_word_that_it_is_complete() -> None:
    machine = replace(MACHINE, config={"history_days": 10})
    batches = await told(machine, FakeClock(NOON), 500)
    readings = [reading for batch in batches for reading in batch.readings]
    assert [r.local_time for r in readings] == sorted(r.local_time for r in readings)
    assert {batch.mode for batch in batches} == {Mode.REPLAY}
    assert batches[-1].complete_until == NOON
    assert readings[-1].local_time <= datetime(2024, 1, 15, 18)


async def test_reading_the_log_again_gives_the_same_scans() -> None:
    machine = replace(MACHINE, config={"history_days": 5})

    async def ids() -> list[object]:
        batches = await told(machine, FakeClock(NOON), 200)
        return [scan_id(1, r.badge, r.local_time, r.state) for b in batches for r in b.readings]

    assert await ids() == await ids()


async def test_with_a_rate_people_scan_now_whatever_the_hour() -> None:
    machine = replace(MACHINE, config={"rate": 500, "people": 1000})
    batches = await told(machine, SystemClock(), 100)
    readings = [reading for batch in batches for reading in batch.readings]
    assert {batch.mode for batch in batches if batch.readings} == {Mode.LIVE}
    assert len({(r.badge, r.local_time, r.state) for r in readings}) == len(readings)
    local = (SystemClock().now() + timedelta(hours=6)).replace(tzinfo=None)
    assert all(abs(r.local_time - local) < timedelta(seconds=20) for r in readings)


@pytest.mark.parametrize("speed", [0, 1e9])
async def test_the_log_is_told_at_any_speed(speed: float) -> None:
    machine = replace(MACHINE, config={"history_days": 3, "speed": speed})
    assert sum(len(batch.readings) for batch in await told(machine, FakeClock(NOON), 100)) > 100
