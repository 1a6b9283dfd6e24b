"""Contact with a machine is paused: what we do ends, what it brings is taken, and nothing is lost."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from shared.contracts.machines import ErrorOccurred, MachineConnected, MachineDisconnected
from shared.contracts.scans import ScanReceived
from shared.kernel.clock import SystemClock
from shared.web.scope import Scope
from tests.ingest.application.watched import GATE, MACHINES, batch, eventually, shown, told
from tests.ingest.conftest import Ingest

PAUSE = f"{MACHINES}gate/pause/"
RESUME = f"{MACHINES}gate/resume/"
PUSHES = {"machine_type": "zkteco", "serial": "S1", "zone": "Asia/Dhaka", "config": {"push": True}}
LINES = "1001\t2026-01-05 08:01:22\t0\t15\t\t0\t0\t\n007\t2026-01-05 08:01:29\t0\t1\t\t0\t0\t\n"


async def lasts(ingest: Ingest, so_long: timedelta) -> None:
    """Have the pause end after that, or before now."""
    async with ingest.parts.machines.work() as work:
        paused = await work.machine("gate", Scope.everything())
        assert paused is not None
        await work.save(replace(paused, paused_until=SystemClock().now() + so_long))


async def test_contact_ends_and_says_who_wanted_that_since_when_and_until_when(
    hr: httpx.AsyncClient, ingest: Ingest
) -> None:
    async with ingest.running():
        await hr.post(MACHINES, json=GATE)
        await eventually(hr, lambda machine: machine["is_connected"])
        answer = await hr.post(PAUSE, json={"until": "2099-01-05T08:00:00Z", "reason": "the door is repaired"})
        assert answer.status_code == 200
        machine = await eventually(hr, lambda machine: not machine["is_connected"])
        assert ingest.driver.open == 0
        assert (machine["state"], machine["status"], machine["paused_by"]) == ("paused", "active", "anna")
        since = datetime.fromisoformat(machine["paused_at"]).astimezone(UTC) + timedelta(hours=6)
        said = f"paused by anna since {since:%Y-%m-%d %H:%M}, until 2099-01-05 14:00: the door is repaired"
        assert machine["status_text"] == said
        (gone,) = await told(ingest, MachineDisconnected, 1)
        assert gone.reason == said
        assert not ingest.bus.events(ErrorOccurred)


async def test_what_was_recorded_meanwhile_is_read_after_it(hr: httpx.AsyncClient, ingest: Ingest) -> None:
    async with ingest.running():
        await hr.post(MACHINES, json=GATE)
        await eventually(hr, lambda machine: machine["is_connected"])
        await hr.post(PAUSE)
        await eventually(hr, lambda machine: not machine["is_connected"])
        assert (await shown(hr))["status_text"].endswith(", until somebody resumes it")
        ingest.driver.says.put_nowait(batch(3))
        answer = await hr.post(RESUME)
        assert (answer.json()["state"], answer.json()["paused_at"]) == ("connecting", None)
        await told(ingest, ScanReceived, 3)
        await told(ingest, MachineConnected, 2)
        assert ingest.driver.sessions == 2


async def test_it_is_resumed_by_itself(hr: httpx.AsyncClient, ingest: Ingest) -> None:
    async with ingest.running():
        await hr.post(MACHINES, json=GATE)
        await eventually(hr, lambda machine: machine["is_connected"])
        await hr.post(PAUSE)
        await eventually(hr, lambda machine: not machine["is_connected"])
        await lasts(ingest, timedelta(seconds=1))
        machine = await eventually(hr, lambda machine: machine["is_connected"])
        assert (machine["paused_at"], machine["paused_until"], machine["paused_by"]) == (None, None, "")


async def test_one_whose_end_came_while_we_were_away_is_resumed_at_once(hr: httpx.AsyncClient, ingest: Ingest) -> None:
    await hr.post(MACHINES, json=GATE)
    await hr.post(PAUSE)
    await lasts(ingest, -timedelta(hours=1))
    async with ingest.running():
        await eventually(hr, lambda machine: machine["is_connected"] and machine["state"] != "paused")


async def test_a_pause_outlives_a_restart(hr: httpx.AsyncClient, ingest: Ingest) -> None:
    await hr.post(MACHINES, json=GATE)
    await hr.post(MACHINES, json={**GATE, "machine_id": "door"})
    await hr.post(PAUSE, json={"reason": "it is moved"})
    async with ingest.running():
        await eventually(hr, lambda machine: machine["is_connected"], machine="door")
        assert (await shown(hr))["state"] == "paused"
        assert ingest.driver.sessions == 1


async def test_one_that_is_not_wanted_any_more_says_that(hr: httpx.AsyncClient) -> None:
    await hr.post(MACHINES, json=GATE)
    await hr.post(PAUSE)
    await hr.patch(f"{MACHINES}gate/", json={"status": "inactive"})
    machine = await shown(hr)
    assert (machine["state"], machine["status_text"]) == ("not_wanted", "")
    await hr.patch(f"{MACHINES}gate/", json={"status": "active"})
    assert (await shown(hr))["state"] == "paused"


async def test_said_again_it_is_the_same_pause_with_another_end(hr: httpx.AsyncClient) -> None:
    await hr.post(MACHINES, json=GATE)
    first = (await hr.post(PAUSE, json={"reason": "it is moved"})).json()
    second = (await hr.post(PAUSE, json={"until": "2099-01-05T08:00:00"})).json()
    assert second["paused_at"] == first["paused_at"]
    assert (second["paused_until"], second["pause_reason"]) == ("2099-01-05T02:00:00Z", "it is moved")


async def test_what_a_second_pause_leaves_out_stays_and_what_it_empties_goes(hr: httpx.AsyncClient) -> None:
    await hr.post(MACHINES, json=GATE)
    first = (await hr.post(PAUSE, json={"reason": "it is moved", "until": "2099-01-05T08:00:00Z"})).json()
    for body in (None, {}):
        again = (await hr.post(PAUSE, json=body)).json()
        for name in ("paused_at", "paused_until", "pause_reason"):
            assert again[name] == first[name]
    emptied = (await hr.post(PAUSE, json={"until": None, "reason": ""})).json()
    assert (emptied["paused_until"], emptied["pause_reason"]) == (None, "")
    await hr.post(RESUME)
    anew = (await hr.post(PAUSE)).json()
    assert (anew["paused_until"], anew["pause_reason"]) == (None, "")


async def test_one_that_calls_is_still_served_and_only_asked_for_nothing(hr: httpx.AsyncClient, ingest: Ingest) -> None:
    await hr.post(MACHINES, json={**GATE, **PUSHES})
    await hr.post(f"{MACHINES}gate/commands/", json={"command": "check"})
    await hr.post(PAUSE)
    transport = httpx.ASGITransport(ingest.service.app, client=("10.0.0.7", 40000))
    async with httpx.AsyncClient(transport=transport, base_url="http://ingest") as terminal:
        taken = await terminal.post("/iclock/cdata?SN=S1&table=ATTLOG&Stamp=9999", content=LINES)
        assert (taken.status_code, taken.text) == (200, "OK:2")
        assert len(ingest.bus.events(ScanReceived)) == 2
        assert (await terminal.get("/iclock/getrequest?SN=S1")).text == "OK"
        assert (await shown(hr))["state"] == "paused"
        async with ingest.running(), asyncio.timeout(10):
            await hr.post(RESUME)
            while not (await terminal.get("/iclock/getrequest?SN=S1")).text.startswith("C:"):  # noqa: ASYNC110 - it asks
                await asyncio.sleep(0.02)


@pytest.mark.parametrize(
    ("values", "state"),
    [({"machine_type": "generic"}, "imported_only"), ({"status": "inactive"}, "not_wanted")],
    ids=["imported", "not wanted"],
)
async def test_where_there_is_no_contact_none_is_paused(
    hr: httpx.AsyncClient, values: dict[str, str], state: str
) -> None:
    await hr.post(MACHINES, json={**GATE, **values})
    answer = await hr.post(PAUSE)
    assert (answer.status_code, answer.json()["error"]) == (409, f"gate is {state}: there is no contact to be paused")


async def test_an_end_that_has_gone_by_is_none(hr: httpx.AsyncClient) -> None:
    await hr.post(MACHINES, json=GATE)
    answer = await hr.post(PAUSE, json={"until": "2020-01-01T00:00:00"})
    assert answer.status_code == 422
    assert [error["pointer"] for error in answer.json()["errors"]] == ["until"]
    assert answer.json()["error"] == "until: 2020-01-01 00:00 (Asia/Dhaka) has gone by"
    answer = await hr.post(PAUSE, json={"until": "2020-01-01T00:00:00+01:00"})
    assert answer.json()["error"] == "until: 2020-01-01 00:00:00+01:00 has gone by"
    assert (await shown(hr))["paused_at"] is None
