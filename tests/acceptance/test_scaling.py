"""Two attendance workers give the same days as one, and are not in each other's way."""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import date

import asyncpg
import httpx
import pytest

from tests.acceptance.conftest import Starting
from tests.acceptance.made_logs import Crew, Punch, attlog, months_of_work
from tests.acceptance.oracle import expected_timesheet
from tests.acceptance.shapes import Compose, System
from tests.acceptance.steps import SCANS, all_are_stored, differences, people_come, timesheets
from tests.servers.postgres import blocking

ZONE = "Asia/Dhaka"
MONTHS = ["2025-02", "2025-03"]
GATES = 3

pytestmark = [pytest.mark.rabbit, pytest.mark.timeout(300)]


@pytest.mark.parametrize(
    ("seconds", "crews"), [pytest.param(5, 12), pytest.param(60, 150, marks=pytest.mark.long)], ids=["5s", "60s"]
)
def test_two_workers_give_the_same_days_as_one_without_deadlocks(
    start: Starting, seconds: float, crews: int, record_property: Callable[[str, object], None]
) -> None:
    system = start("compose", timezone=ZONE, scale={"attendance": 2})
    assert isinstance(system, Compose)
    ready = [Crew(prefix=f"TWO{number}X", size=60) for number in range(crews)]
    people_come(system, ready[0].csv() + b"".join(crew.csv().partition(b"\n")[2] for crew in ready[1:]))
    worked = scan_everywhere(system, ready, seconds)

    for crew, punches in worked.items():
        for gate in range(GATES):
            all_are_stored(system, machine_of(crew, gate), len(punches[gate::GATES]), within=60)
        for month, rows in timesheets(system.admin, MONTHS, department=crew.department).items():
            assert differences(rows, expected_timesheet(crew, punches, month, ZONE)) == []
    assert blocking(deadlocks(system.database_url)) == 0
    for name, process in system.processes.items():
        assert "deadlock" not in process.said().lower(), name
    stored = {name: scans_stored_by(system.urls[name]) for name in ("attendance", "attendance-2")}
    assert sum(stored.values()) == sum(map(len, worked.values()))
    record_property("figures", f"two workers under load for {seconds} s: {stored}, no deadlock")
    assert min(stored.values()) > 0.1 * max(stored.values()), f"one of them had nothing to do: {stored}"


def scan_everywhere(system: System, crews: Sequence[Crew], seconds: float) -> dict[Crew, list[Punch]]:
    """Import logs of several gates at once, crew after crew, for so long: both workers get the same people's days."""
    deadline, worked = time.monotonic() + seconds, dict[Crew, list[Punch]]()

    def import_one(crew: Crew, gate: int) -> None:
        answer = system.admin.call(
            "POST",
            f"{SCANS}import/",
            params={"machine": machine_of(crew, gate), "timezone": ZONE},
            content=attlog(worked[crew][gate::GATES]),
        )
        assert answer.status_code == 200, answer.text

    with ThreadPoolExecutor(GATES) as pool:
        under_way: list[Future[None]] = []
        for crew in crews:
            if time.monotonic() > deadline:
                break
            worked[crew] = months_of_work(crew, date(2025, 2, 3), 50, seed=crew.prefix)
            under_way = [one for one in under_way if not finished(one)]
            if len(under_way) > GATES:
                finished(under_way.pop(0), wait=True)
            under_way += [pool.submit(import_one, crew, gate) for gate in range(GATES)]
        for one in under_way:
            one.result()
    return worked


def finished(work: "Future[None]", *, wait: bool = False) -> bool:
    if wait or work.done():
        work.result()
        return True
    return False


def machine_of(crew: Crew, gate: int) -> str:
    return f"{crew.prefix}-{gate}"


async def deadlocks(url: str) -> int:
    """Of this database since it was made, as PostgreSQL counts them."""
    connection = await asyncpg.connect(url)
    try:
        sql = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
        return int(await connection.fetchval(sql))
    finally:
        await connection.close()


def scans_stored_by(url: str) -> float:
    """What a worker has stored, by its own count."""
    lines = httpx.get(f"{url}/metrics", trust_env=False).text.splitlines()
    return sum(float(line.split()[-1]) for line in lines if line.startswith("muster_attendance_scans_total"))
