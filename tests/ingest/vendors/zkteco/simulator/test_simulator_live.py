"""People at a simulated terminal."""

import asyncio
from datetime import UTC, datetime, timedelta

from services.ingest.vendors.simulated.people import working_day
from services.ingest.vendors.simulated.settings import SimulatedSettings
from services.ingest.vendors.zkteco.clock import unpacked
from services.ingest.vendors.zkteco.simulator import Device, Entry, simulator
from services.ingest.vendors.zkteco.simulator.live import inhabit, inhabited
from tests.ingest.fakes import FakeClock, until

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
PEOPLE = SimulatedSettings(people=20, prefix="D", history_days=7)


def test_a_company_has_a_history_up_to_now() -> None:
    device = Device(clock=FakeClock(NOON))
    inhabit(device, PEOPLE)
    assert len(device.users) == 20
    walls = [unpacked(entry.time) for entry in device.entries]
    assert walls == sorted(walls)
    assert walls[0].date() == datetime(2025, 12, 29).date()
    assert walls[-1] <= datetime(2026, 1, 5, 12)


async def test_people_come_as_on_a_working_day() -> None:
    clock = FakeClock(NOON)
    device = Device(clock=clock)
    inhabit(device, PEOPLE)
    held = len(device.entries)
    due = next(reading for reading in working_day(PEOPLE, NOON.date()) if reading.local_time.hour >= 16)
    clock.present = due.local_time.replace(tzinfo=UTC) - timedelta(milliseconds=1)
    seen: list[Entry] = []
    async with simulator(device) as running, inhabited(running, PEOPLE, heard=seen.append):
        await asyncio.sleep(0)
        clock.forward(timedelta(seconds=1))
        await until(lambda: seen)
    assert seen[0].user_id == due.badge
    assert device.entries[held] == seen[0]


async def test_with_a_rate_somebody_scans_at_any_hour() -> None:
    device = Device()
    people = PEOPLE.model_copy(update={"rate": 200.0})
    inhabit(device, people)
    held = len(device.entries)
    async with simulator(device) as running, inhabited(running, people):
        await until(lambda: len(device.entries) >= held + 20)
    assert {entry.user_id for entry in device.entries[held:]} == {f"D{number}" for number in range(1, 21)}
