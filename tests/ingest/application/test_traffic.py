"""A machine that is in contact and unusually silent is told of once, until scans come."""

from datetime import UTC, datetime, timedelta

import httpx

from services.ingest.domain.reading import Mode
from services.ingest.domain.traffic import WEEKS
from shared.contracts.machines import ErrorOccurred, MachineConnected
from tests.ingest.application.watched import GATE, MACHINES, batch, entered, eventually, shown, told
from tests.ingest.conftest import Ingest

NOW = datetime.now(UTC)
MIDDAY = f"Etc/GMT{NOW.hour - 12:+d}"
"""A zone in which it is midday while this runs. POSIX counts them the other way round."""


async def used(ingest: Ingest, machine: int, *, today: int = 0) -> None:
    """As if so many scans had come in each hour for weeks, and until now `today`."""
    hour = NOW.replace(minute=0, second=0, microsecond=0)
    before = [hour - timedelta(weeks=week, hours=number) for week in range(1, WEEKS + 1) for number in range(-4, 12)]
    rows = [(machine, at, 10) for at in before] + [(machine, hour - timedelta(hours=n), today) for n in range(12)]
    async with ingest.parts.database.fast() as pg:
        await pg.executemany("INSERT INTO arrivals (machine_id, hour, scans) VALUES ($1, $2, $3)", rows)


async def test_it_is_told_once_shown_and_settled_when_scans_come(hr: httpx.AsyncClient, ingest: Ingest) -> None:
    async with ingest.running():
        gate = (await hr.post(MACHINES, json={**GATE, "zone": MIDDAY})).json()
        door = (await hr.post(MACHINES, json={**GATE, "machine_type": "generic", "machine_id": "door"})).json()
        await used(ingest, gate["id"])
        await used(ingest, door["id"], today=10)
        await eventually(hr, lambda machine: machine["is_connected"])
        for _ in range(3):
            await ingest.parts.traffic.look()
        machine = await eventually(hr, lambda machine: "nothing has come from it" in machine["status_text"])
        assert "although it is in contact: on " in machine["status_text"]
        (error,) = await told(ingest, ErrorOccurred, 1)
        assert error.message.startswith("Gate: nothing has come from it today, although it is in contact: on ")
        # What it told before says nothing about now.
        ingest.driver.says.put_nowait(batch(1, mode=Mode.LIVE))
        await eventually(hr, lambda machine: machine["status_text"] == "")
        await entered(ingest, 1)
        await ingest.parts.traffic.look()
        assert (await shown(hr))["status_text"] == ""
        assert len(ingest.bus.events(ErrorOccurred)) == 1


async def test_it_holds_from_one_contact_to_the_next_and_is_no_news_then(hr: httpx.AsyncClient, ingest: Ingest) -> None:
    async with ingest.running():
        gate = (await hr.post(MACHINES, json={**GATE, "zone": MIDDAY})).json()
        door = (await hr.post(MACHINES, json={**GATE, "machine_type": "generic", "machine_id": "door"})).json()
        await used(ingest, gate["id"])
        await used(ingest, door["id"], today=10)
        await eventually(hr, lambda machine: machine["is_connected"])
        await ingest.parts.traffic.look()
        await told(ingest, ErrorOccurred, 1)
        ingest.driver.says.put_nowait(None)
        await told(ingest, MachineConnected, 2)
        await eventually(hr, lambda machine: "nothing has come from it" in machine["status_text"])
        assert sum("nothing has come" in event.message for event in ingest.bus.events(ErrorOccurred)) == 1


async def test_nobody_misses_scans_of_one_that_is_away(hr: httpx.AsyncClient, ingest: Ingest) -> None:
    gate = (await hr.post(MACHINES, json={**GATE, "zone": MIDDAY})).json()
    door = (await hr.post(MACHINES, json={**GATE, "machine_type": "generic", "machine_id": "door"})).json()
    await used(ingest, gate["id"])
    await used(ingest, door["id"], today=10)
    await ingest.parts.traffic.look()  # nothing runs: it is away
    assert (await shown(hr))["status_text"] == ""


async def test_what_came_by_the_hour_is_counted_once_and_files_do_not_count(
    hr: httpx.AsyncClient, ingest: Ingest
) -> None:
    async with ingest.running():
        gate = (await hr.post(MACHINES, json=GATE)).json()
        for _ in range(2):
            ingest.driver.says.put_nowait(batch(3))
        await eventually(hr, lambda machine: machine["last_scan_at"])
        content = b"1\t2026-01-05 08:01:22\t1\t0\t1\t0\n"
        answer = await hr.post(
            "/api/attendance/scans/import/?machine=gate", content=content, headers={"Content-Type": "text/plain"}
        )
        assert answer.status_code == 200, answer.text
    async with ingest.parts.database.fast() as pg:
        assert await pg.fetchval("SELECT sum(scans) FROM arrivals WHERE machine_id = $1", gate["id"]) == 3
        assert await pg.fetchval("SELECT sum(scans) FROM days_received WHERE machine_id = $1", gate["id"]) == 4
