"""node-zklib and zkteco-js, which nobody here wrote, find in the simulator the terminal that they were written for."""

import asyncio
import json
import shutil
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from services.ingest.vendors.zkteco.simulator import Device, Running, simulator
from services.ingest.vendors.zkteco.simulator.server import LARGE_SUB_PACKET
from tests.clients.installed import FOLDER, CannotBeHad, npm_clients
from tests.conftest import NO_NPM_CLIENTS

MORNING = datetime(2026, 1, 5, 8)


@pytest.fixture(scope="module")
def clients() -> Path:
    try:
        return npm_clients(within=15)
    except CannotBeHad as error:
        pytest.skip(f"{NO_NPM_CLIENTS}: {error}")


def filled(layout: str, records: int) -> tuple[Device, list[list[str]]]:
    device = Device(layout=layout, users=[str(1001 + number) for number in range(50)])
    rows = []
    for number in range(records):
        user, wall = str(1001 + number % 50), MORNING + timedelta(seconds=37 * number)
        device.record_at(user, wall)
        rows.append([user, f"{wall.isoformat()}.000Z"])
    return device, rows


async def read(running: Running, clients: Path, library: str, transport: str) -> Any:
    """What a library finds.

    It hangs, or finds nothing, where it is too slow for a packet to have a read of its own: then it tries again.
    """
    for _ in range(2):
        try:
            return await visit(running, clients, library, transport)
        except AssertionError:
            continue
    return await visit(running, clients, library, transport)


async def visit(running: Running, clients: Path, library: str, transport: str) -> Any:
    process = await asyncio.create_subprocess_exec(
        str(shutil.which("node")),
        "read_zkteco.js",
        library,
        transport,
        str(running.port),
        cwd=clients,
        env={"TZ": "UTC"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(60):
            said, problem = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode == 0, (said, problem)
    found = json.loads(said.splitlines()[-1])
    assert found["log"], said
    return found


@pytest.mark.parametrize("library", ["node-zklib", "zkteco-js"])
async def test_a_library_of_node_reads_log_and_users_completely(clients: Path, library: str) -> None:
    device, rows = filled("40", 1_500)
    async with simulator(device, sub_packet=LARGE_SUB_PACKET, pace=0.05) as running:
        found = await read(running, clients, library, "tcp")
    assert found["log"] == rows
    assert found["users"] == [user.user_id for user in device.users]
    assert found["counts"] == [50, 1_500, 100_000]


async def test_node_zklib_reads_an_older_terminal_over_udp(clients: Path) -> None:
    """zkteco-js 1.7.2 cannot: over UDP it gives up what comes in more than one packet."""
    device, rows = filled("16", 300)
    async with simulator(device, udp=True, pace=0.005) as running:
        found = await read(running, clients, "node-zklib", "udp")
    assert found["log"] == rows
    assert found["users"] == [user.user_id for user in device.users]


def test_the_lock_names_no_registry() -> None:
    lock = (FOLDER / "package-lock.json").read_text()
    assert "://" not in lock
    assert all("integrity" in package for name, package in json.loads(lock)["packages"].items() if name)
