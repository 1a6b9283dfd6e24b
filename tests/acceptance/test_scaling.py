"""Two attendance workers give the same days as one, and are not in each other's way."""

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from typing import Any

import asyncpg
import httpx
import pytest

from tests.acceptance.conftest import Starting
from tests.acceptance.made_logs import Crew, Punch, attlog, months_of_work
from tests.acceptance.oracle import expected_timesheet
from tests.acceptance.shapes import Compose, System
from tests.acceptance.steps import all_are_stored, crew_comes, differences, imported, stored, timesheets
from tests.servers.postgres import blocking

ZONE = "Asia/Dhaka"
MONTHS = ["2025-02", "2025-03"]
GATES = 3

pytestmark = [pytest.mark.rabbit, pytest.mark.timeout(300)]


@pytest.mark.parametrize("seconds", [pytest.param(5), pytest.param(60, marks=pytest.mark.long)])
def test_two_workers_give_the_same_days_as_one_without_deadlocks(start: Starting, seconds: float) -> None:
    system = start("compose", timezone=ZONE, scale={"attendance": 2})
    assert isinstance(system, Compose)
    until, number = time.monotonic() + seconds, 0
    while not number or time.monotonic() < until:
        number += 1
        everybody_scans_at_every_gate(system, Crew(prefix=f"TWO{number}X", size=60))
    assert blocking(deadlocks(system.database_url)) == 0
    for name, process in system.processes.items():
        assert "deadlock" not in process.said().lower(), name
    worked = {name: batches_of(system.urls[name]) for name in ("attendance", "attendance-2")}
    assert all(worked.values()), f"one of them had nothing to do: {worked}"


def everybody_scans_at_every_gate(system: System, crew: Crew) -> None:
    """Logs of three gates are imported at once, so that both workers get scans of the same days of the same people."""
    crew_comes(system, crew)
    punches = months_of_work(crew, date(2025, 2, 3), 50, seed="two workers")
    at_gate: dict[str, list[Punch]] = {f"{crew.prefix}-{gate}": punches[gate::GATES] for gate in range(GATES)}

    def import_one(machine: str) -> Any:
        return imported(system, attlog(at_gate[machine]), machine, ZONE)

    with ThreadPoolExecutor(GATES) as pool:
        for summary in pool.map(import_one, at_gate):
            assert summary["new"] == summary["read"]
    for machine, its in at_gate.items():
        all_are_stored(system, machine, len(its), within=60)
        assert stored(system, machine, unknown="false") == len(its)
    for month, rows in timesheets(system.admin, MONTHS, department=crew.department).items():
        assert differences(rows, expected_timesheet(crew, punches, month, ZONE)) == []


async def deadlocks(url: str) -> int:
    """Of this database since it was made, as PostgreSQL counts them."""
    connection = await asyncpg.connect(url)
    try:
        sql = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
        return int(await connection.fetchval(sql))
    finally:
        await connection.close()


def batches_of(url: str) -> float:
    """What a worker has done, by its own count."""
    lines = httpx.get(f"{url}/metrics", trust_env=False).text.splitlines()
    return sum(float(line.split()[-1]) for line in lines if line.startswith("muster_attendance_scans_total"))
