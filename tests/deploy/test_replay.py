"""A read model is rebuilt from nothing: `muster replay attendance --to reports`, beside a running system."""

import asyncio
import json
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from tests.deploy.test_cli import muster
from tests.deploy.test_up import data, running

__all__ = ["data"]  # the fixture
PASSWORD = "chosen by somebody"
FACTS = (
    "SELECT person_id, date, department, unit_path, site_id, worked, status, epoch, n FROM reports.facts ORDER BY 1, 2"
)


@pytest.mark.slow
async def test_facts_that_were_lost_come_back_as_they_were(data: Path, tmp_path: Path) -> None:
    people, log = tmp_path / "people.csv", tmp_path / "1_attlog.dat"
    people.write_text("employee_id,name,department,badge\nE1,Ada,Sewing,1\nE2,Bo,Office,2\n")
    days = [date(2026, 1, 5) + timedelta(days=number) for number in range(10)]
    hours = ("08:00:00\t1\t0", "17:00:00\t1\t1")
    log.write_text("".join(f"{pin}\t{day} {hour}\t0\t0\n" for day in days for pin in (1, 2) for hour in hours))

    with running(data, ADMIN_PASSWORD=PASSWORD) as up:

        async def command(*words: str | Path) -> str:
            done = await asyncio.to_thread(muster, *words, URL=up.url, ADMIN_PASSWORD=PASSWORD)
            assert done.returncode == 0, done.stderr
            return done.stdout

        await command("people", "import", people)
        await command("import", log, "--machine", "gate", "--timezone", "Asia/Dhaka")
        connection = await asyncpg.connect(json.loads((data / "address.json").read_text())["database_url"])
        try:
            before = await _until(connection, 20)
            await connection.execute("DELETE FROM reports.facts")
            assert await command("replay", "attendance", "--to", "reports", "--data", data) == "22\n"
            assert await _until(connection, 20) == before
        finally:
            await connection.close()


async def _until(connection: Any, count: int) -> list[Any]:
    async with asyncio.timeout(30):
        while len(rows := await connection.fetch(FACTS)) != count:  # noqa: ASYNC110 - no table tells that it is full
            await asyncio.sleep(0.05)
    return [tuple(row) for row in rows]
