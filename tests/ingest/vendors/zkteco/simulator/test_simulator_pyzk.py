"""pyzk, an independent client, finds in the simulator the terminal that it was written for."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from services.ingest.vendors.zkteco.simulator import Device, simulator
from services.ingest.vendors.zkteco.simulator.server import LARGE_SUB_PACKET, SMALL_SUB_PACKET
from tests.ingest.fakes import FakeClock, until
from tests.ingest.vendors.zkteco.simulator.pyzk_client import Row, log_of, with_pyzk

MORNING = datetime(2026, 1, 5, 8)
SECOND = timedelta(seconds=1)


def filled(layout: str, records: int, **more: Any) -> tuple[Device, list[Row]]:
    device = Device(layout=layout, users=[str(1001 + number) for number in range(50)], **more)
    rows = []
    for number in range(records):
        user, wall, state = str(1001 + number % 50), MORNING + 37 * number * SECOND, number % 6
        device.record_at(user, wall, state=state, verify=number % 3)
        rows.append((user, str(wall), number % 3, state))
    return device, rows


@pytest.mark.parametrize("layout", ["8", "16", "40"])
async def test_pyzk_reads_a_log_completely(layout: str) -> None:
    device, rows = filled(layout, 5_000)
    async with simulator(device, sub_packet=LARGE_SUB_PACKET) as running:
        assert await with_pyzk(running, log_of) == rows


async def test_pyzk_reads_a_log_in_small_packets() -> None:
    device, rows = filled("40", 500)
    async with simulator(device, sub_packet=SMALL_SUB_PACKET, pace=0.005) as running:
        assert await with_pyzk(running, log_of, patience=3, attempts=4) == rows


@pytest.mark.parametrize("layout", ["8", "40"])
async def test_a_log_that_fits_into_a_packet_comes_in_one(layout: str) -> None:
    device, rows = filled(layout, 2)
    async with simulator(device, sub_packet=LARGE_SUB_PACKET) as running:
        assert await with_pyzk(running, log_of) == rows


@pytest.mark.parametrize("layout", ["8", "40"])
async def test_pyzk_reads_the_users(layout: str) -> None:
    device, _ = filled(layout, 0)
    async with simulator(device, sub_packet=LARGE_SUB_PACKET) as running:
        users = await with_pyzk(running, lambda client: client.get_users())
    assert [(user.uid, user.user_id, user.name) for user in users] == [
        (number, str(1000 + number), f"User {1000 + number}"[:8] if layout == "8" else f"User {1000 + number}")
        for number in range(1, 51)
    ]


async def test_pyzk_learns_what_the_terminal_says_of_itself() -> None:
    clock = FakeClock(datetime(2026, 1, 5, 2, 30, tzinfo=UTC))
    device = Device(clock=clock, zone="Asia/Dhaka", serial="AIOR192960031", users=["1"], record_capacity=500)

    def ask(client: Any) -> list[object]:
        client.read_sizes()
        return [
            client.get_serialnumber(),
            client.get_firmware_version(),
            client.get_pin_width(),
            client.get_platform(),
            str(client.get_time()),
            (client.users, client.records, client.rec_cap),
        ]

    async with simulator(device, sub_packet=LARGE_SUB_PACKET) as running:
        answers = await with_pyzk(running, ask)
    assert answers == ["AIOR192960031", "Ver 6.60 Apr 26 2016", 24, "ZMM220_TFT", "2026-01-05 08:30:00", (1, 0, 500)]


async def test_the_right_comm_key_opens() -> None:
    device, rows = filled("40", 100, comm_key=12_345)
    async with simulator(device, sub_packet=LARGE_SUB_PACKET) as running:
        assert await with_pyzk(running, log_of, comm_key=12_345) == rows


async def test_a_wrong_comm_key_does_not() -> None:
    device, _ = filled("40", 1, comm_key=12_345)
    async with simulator(device, sub_packet=LARGE_SUB_PACKET) as running:
        with pytest.raises(Exception, match="Unauthenticated"):
            await with_pyzk(running, log_of, comm_key=54_321)


@pytest.mark.parametrize("layout", ["8", "40", "49"])
async def test_pyzk_hears_of_scans_as_they_happen(layout: str) -> None:
    device, _ = filled(layout, 0)
    heard: list[tuple[str, int]] = []

    def listen(client: Any) -> None:
        for scan in client.live_capture(new_timeout=10):
            if scan is None:
                break
            heard.append((scan.user_id, scan.punch))
            if len(heard) == 3:
                client.end_live_capture = True

    async with simulator(device, sub_packet=LARGE_SUB_PACKET) as running:
        client = asyncio.create_task(with_pyzk(running, listen))
        await until(lambda: running.listeners)
        for number in range(3):
            await running.scan(str(1001 + number), state=number)
            await until(lambda: len(heard) > number)  # noqa: B023 - awaited here; two in one read are too much for it
        await client
    assert heard == [("1001", 0), ("1002", 1), ("1003", 2)]


@pytest.mark.parametrize("layout", ["8", "16", "40"])
async def test_pyzk_reads_log_and_users_completely_over_udp(layout: str) -> None:
    device, rows = filled(layout, 3_000, comm_key=12_345)
    async with simulator(device, udp=True, pace=0) as running:
        assert await with_pyzk(running, log_of, comm_key=12_345, udp=True) == rows
        users = await with_pyzk(running, lambda client: client.get_users(), comm_key=12_345, udp=True)
        assert [user.user_id for user in users] == [user.user_id for user in device.users]
        await until(lambda: not running.connections)


async def test_pyzk_hears_of_scans_over_udp() -> None:
    device, _ = filled("40", 0)
    heard: list[str] = []

    def listen(client: Any) -> None:
        for scan in client.live_capture(new_timeout=10):
            if scan is None:
                break
            heard.append(scan.user_id)
            if len(heard) == 2:
                client.end_live_capture = True

    async with simulator(device, udp=True) as running:
        client = asyncio.create_task(with_pyzk(running, listen, udp=True))
        await until(lambda: running.listeners)
        for number in range(2):
            await running.scan(str(1001 + number))
            await until(lambda: len(heard) > number)  # noqa: B023 - awaited here
        await client
    assert heard == ["1001", "1002"]
