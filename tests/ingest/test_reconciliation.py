"""What machines hold against what of them is here: with simulated machines on sockets, read, asked and counted."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest

from services.ingest.vendors.generic import simulator as generic
from services.ingest.vendors.hikvision import simulator as hikvision
from services.ingest.vendors.suprema import simulator as suprema
from services.ingest.vendors.zkteco import simulator as zkteco
from services.ingest.vendors.zkteco.adms.handshake import GO_ON
from services.ingest.vendors.zkteco.adms.receiving import ATTLOG
from services.ingest.vendors.zkteco.adms.simulator import Faults, Punch, PushingTerminal, Unit, pushing
from shared.contracts.scans import ScanReceived
from shared.runtime.serving import served
from tests.fakes import machines
from tests.ingest.application.watched import GATE, MACHINES
from tests.ingest.conftest import Ingest
from tests.ingest.fakes import until
from tests.ingest.vendors.hikvision import contact as of_hikvision
from tests.ingest.vendors.suprema import contact as of_suprema

START = datetime(2026, 1, 5, 8)
QUICK = {"answer_within": 0.5, "look_every": 0.2}


async def reconciled(
    hr: httpx.AsyncClient, condition: Callable[[dict[str, Any]], object], *, within: float = 20
) -> dict[str, Any]:
    async with asyncio.timeout(within):
        while True:
            found = (await hr.get(f"{MACHINES}gate/reconciliation/")).json()
            if condition(found):
                return found
            await asyncio.sleep(0.05)


async def all_answered(hr: httpx.AsyncClient) -> None:
    """Wait until the machine has done all that it was asked for."""
    async with asyncio.timeout(60):
        while True:
            if all(one["answered_at"] for one in (await hr.get(f"{MACHINES}gate/commands/")).json()):
                return
            await asyncio.sleep(0.05)


def terminal(records: int = 30, **how: Any) -> zkteco.Device:
    made = zkteco.Device(users=["1001", "1002", "1003"], serial="S1", **how)
    for number in range(records):
        made.record_at(str(1001 + number % 3), START + timedelta(minutes=number))
    return made


@asynccontextmanager
async def a_zkteco() -> AsyncIterator[dict[str, Any]]:
    async with zkteco.simulator(terminal(), pace=0) as running:
        yield {"machine_type": "zkteco", "port": running.port, "config": QUICK}


@asynccontextmanager
async def a_hikvision() -> AsyncIterator[dict[str, Any]]:
    async with hikvision.simulator(of_hikvision.device(30)) as running:
        yield {"machine_type": "hikvision", "port": running.port, "config": of_hikvision.QUICK}


@asynccontextmanager
async def a_suprema() -> AsyncIterator[dict[str, Any]]:
    async with suprema.simulator(of_suprema.store(30)) as running:
        yield {"machine_type": "suprema", "port": running.port, "config": of_suprema.QUICK}


@pytest.mark.parametrize("vendor", [a_zkteco, a_hikvision, a_suprema])
async def test_a_log_that_is_read_twice_has_nothing_new_the_second_time(
    ingest: Ingest, hr: httpx.AsyncClient, vendor: Callable[[], AbstractAsyncContextManager[dict[str, Any]]]
) -> None:
    async with vendor() as machine, ingest.running():
        body = {"machine_id": "gate", "name": "Gate", "ip_address": "127.0.0.1", "zone": "UTC", **machine}
        assert (await hr.post(MACHINES, json=body)).status_code == 201
        found = await reconciled(hr, lambda r: r["last_reading"] and r["received"]["scans"] == 30)
        first = found["last_reading"]
        assert (first["read"], first["new"], first["known"], first["unreadable"]) == (30, 30, 0, 0)
        assert found["days"] == [
            {"day": "2026-01-05", "on_machine": 30, "received": 30, "quarantined": 0, "missing": 0, "was_over": True}
        ]
        await reconciled(
            hr, lambda r: r["missing"] == 0 and r["sentence"].startswith("nothing is missing: all 30 records")
        )

        assert (await hr.post(f"{MACHINES}gate/sync/")).status_code == 202
        found = await reconciled(
            hr, lambda r: r["last_reading"]["ended_at"] != first["ended_at"] and not r["sync_asked_at"]
        )
        again = found["last_reading"]
        assert (again["read"], again["new"], again["known"]) == (30, 0, 30)
        assert len(ingest.bus.events(ScanReceived)) == 30
        (listed,) = (await hr.get(f"{MACHINES}reconciliation/")).json()
        assert (listed["machine_id"], listed["missing"], set(found) - set(listed)) == ("gate", 0, {"days"})
        as_the_page_knows_it = machines.reconciled()
        assert set(listed) == set(as_the_page_knows_it)
        for part in ("received", "last_reading"):
            assert set(listed[part]) == set(as_the_page_knows_it[part])
        assert set(found["days"][0]) == set(machines.of_day("2026-01-05", 1, 1))
        assert set(machines.HEALTH) <= set((await hr.get(f"{MACHINES}gate/")).json())


async def test_what_a_stream_tells_of_the_log_while_that_is_read_is_not_counted_in_it(
    ingest: Ingest, hr: httpx.AsyncClient
) -> None:
    faults = hikvision.Faults(backlog=True)  # its stream begins with all that it has stored
    async with hikvision.simulator(of_hikvision.device(30), faults=faults) as running, ingest.running():
        body = {"machine_id": "gate", "name": "Gate", "machine_type": "hikvision", "ip_address": "127.0.0.1"}
        await hr.post(MACHINES, json={**body, "port": running.port, "zone": "UTC", "config": of_hikvision.QUICK})
        found = await reconciled(hr, lambda r: r["last_reading"] and r["received"]["scans"] == 30)
        assert (found["last_reading"]["read"], found["last_reading"]["repeated"]) == (30, 0)
        assert [(day["on_machine"], day["missing"]) for day in found["days"]] == [(30, 0)]


@pytest.mark.parametrize("vendor", [a_hikvision, a_suprema])
async def test_a_part_that_is_read_again_is_no_reading_of_the_log(
    ingest: Ingest, hr: httpx.AsyncClient, vendor: Callable[[], AbstractAsyncContextManager[dict[str, Any]]]
) -> None:
    async with vendor() as machine, ingest.running():
        body = {"machine_id": "gate", "name": "Gate", "ip_address": "127.0.0.1", "zone": "UTC", **machine}
        await hr.post(MACHINES, json=body)
        await reconciled(hr, lambda r: r["missing"] == 0 and r["received"]["scans"] == 30)
        async with ingest.parts.database.fast() as pg:
            # As if they had never come: who asks from then on, gets them again, and no others.
            await pg.execute("DELETE FROM ledger")
        before = await reconciled(hr, lambda r: r["last_reading"])
        answer = await hr.post(f"{MACHINES}gate/sync/", json={"since": "2026-01-05T08:20:00"})
        assert answer.json()["will"].startswith("its log since 2026-01-05 08:20:00 is read again ")
        await until(lambda: len(ingest.bus.events(ScanReceived)) == 40)
        after = await reconciled(hr, lambda r: not r["sync_asked_at"])
        assert after["last_reading"] == before["last_reading"]
        assert len(ingest.bus.events(ScanReceived)) == 40
        assert {event.local_time.minute for event in ingest.bus.events(ScanReceived)[30:]} == set(range(20, 30))
        assert (after["records_on_machine"], after["records_received"]) == (
            before["records_on_machine"],
            before["records_received"],
        )


async def test_what_a_log_lacks_is_said(ingest: Ingest, hr: httpx.AsyncClient) -> None:
    faults = zkteco.Faults(count_off=2, impossible_dates=1)
    async with zkteco.simulator(terminal(), faults=faults, pace=0) as running, ingest.running():
        body = {"machine_id": "gate", "name": "Gate", "machine_type": "zkteco", "ip_address": "127.0.0.1"}
        await hr.post(MACHINES, json={**body, "port": running.port, "zone": "UTC", "config": QUICK})
        found = await reconciled(hr, lambda r: r["records_received"] == 30 and r["received"]["unreadable"] == 1)
        assert found["missing"] == 2
        assert found["sentence"] == (
            "2 records that the machine holds are not here: it holds 32 records, and 30 were handed over"
        )
        assert (found["last_reading"]["read"], found["last_reading"]["unreadable"]) == (30, 1)


async def test_one_that_calls_is_asked_for_all_it_holds_and_counts_it(ingest: Ingest, hr: httpx.AsyncClient) -> None:
    unit = Unit("S1")
    for number in range(200):
        unit.record(Punch(badge=f"{number % 20:03}", at=START + timedelta(minutes=30 * number), state=number % 2))
    unit.acknowledged = 150  # somebody else was told the others
    body = {"machine_id": "gate", "name": "Gate", "machine_type": "zkteco", "serial": "S1", "zone": "UTC"}
    await hr.post(MACHINES, json={**body, "config": {"push": True}})
    async with ingest.running(), served(ingest.service.app, host="127.0.0.1", port=0, mends_addresses=True) as port:
        calls = PushingTerminal(unit, host="127.0.0.1", port=port, faults=Faults(), delay=0.1, obeys=False)
        async with pushing(calls):
            await hr.post(f"{MACHINES}gate/sync/")
            found = await reconciled(hr, lambda r: r["last_count"] and r["received"]["scans"] == 200)
            await until(lambda: calls.done)
        assert found["last_count"]["records_on_machine"] == found["last_count"]["received"] == 200
        assert (found["last_count"]["first"], found["last_reading"]) == ("2000-01-01T00:00:00", None)
        found = await reconciled(hr, lambda r: r["missing"] == 0)
        assert found["sentence"].startswith("nothing is missing: it counts 200 records from 2000-01-01 to ")
        assert found["received"]["from_machine"] == 200
        assert sum(day["received"] for day in found["days"]) == 200


async def test_what_the_numbers_of_records_say_is_known_without_contact(ingest: Ingest, hr: httpx.AsyncClient) -> None:
    """As on the process that stands by: it is not in contact with any machine."""
    config = {"profile": "stx-etx", "connection": {"side": "client"}, "sequence": {"request": None}}
    made = generic.Device(config)
    for number in range(7):
        made.record_at(str(1001 + number % 3), START + timedelta(minutes=number))
    # The fifth, number 4, is lost on its way.
    async with generic.simulator(made, faults=generic.Faults(gap=5), window=8) as running:
        body = {"machine_id": "gate", "name": "Gate", "machine_type": "generic", "ip_address": "127.0.0.1"}
        async with ingest.running():
            await hr.post(MACHINES, json={**body, "port": running.port, "zone": "UTC", "config": config})
            found = await reconciled(hr, lambda r: r["received"]["scans"] == 6 and r["gaps"])
            assert (found["missing"], found["gaps"]) == (1, "its record 4 has not come")
        found = (await hr.get(f"{MACHINES}gate/reconciliation/")).json()
        assert found["sentence"].startswith("records have not come: its record 4 has not come; that was at ")
        async with ingest.running():
            await reconciled(hr, lambda r: r["missing"] == 1 and "that was at" not in r["sentence"])
            running.send(made.frame(made.entries[4]))
            found = await reconciled(hr, lambda r: r["missing"] == 0)
            assert found["sentence"] == (
                "nothing is missing: of the records whose numbers were followed none is left out, up to number 6"
            )
    found = (await hr.get(f"{MACHINES}gate/reconciliation/")).json()
    assert (found["missing"], found["gaps"]) == (0, "")


async def test_what_files_brought_and_what_was_cleared_shows_nothing_of_one_that_calls(
    ingest: Ingest, hr: httpx.AsyncClient
) -> None:
    unit = Unit("S1")
    for number in range(60):
        unit.record(Punch(badge=f"{number % 20:03}", at=START + timedelta(minutes=30 * number), state=1))
    unit.acknowledged = 60  # somebody else was told
    body = {"machine_id": "gate", "name": "Gate", "machine_type": "zkteco", "serial": "S1", "zone": "UTC"}
    await hr.post(MACHINES, json={**body, "config": {"push": True}})
    async with ingest.parts.database.fast() as pg:
        await pg.execute("INSERT INTO bookmarks VALUES ('S1', $1, $2)", ATTLOG, GO_ON)  # it is not told to send them
    others = [Punch(badge="777", at=START + timedelta(minutes=number), state=1) for number in range(80)]
    lines = "".join(f"{one.badge}\t{one.at}\t1\t{one.state}\t1\t0\n" for one in [*unit.log[:20], *others])
    path = "/api/attendance/scans/import/?machine=gate"
    answer = await hr.post(path, content=lines.encode(), headers={"Content-Type": "text/plain"})
    assert answer.json()["new"] == 100, answer.text
    async with ingest.running(), served(ingest.service.app, host="127.0.0.1", port=0, mends_addresses=True) as port:
        calls = PushingTerminal(unit, host="127.0.0.1", port=port, faults=Faults(), delay=0.1, obeys=False)
        async with pushing(calls):
            found = await reconciled(hr, lambda r: r["records_on_machine"] == 60, within=60)
            assert (found["missing"], found["received"]["scans"], found["received"]["from_machine"]) == (None, 100, 0)
            assert found["sentence"].startswith("nobody can say: it holds 60 records, and handed over 0 itself, ")

            await hr.post(f"{MACHINES}gate/sync/")
            found = await reconciled(hr, lambda r: r["missing"] == 0, within=60)
            assert (found["received"]["scans"], found["received"]["from_machine"]) == (140, 60)
            assert found["sentence"].endswith("and 60 that it handed over are here")

            # A part that is counted says nothing of the others.
            await hr.post(f"{MACHINES}gate/sync/", json={"since": "2026-01-06T00:00:00"})
            await all_answered(hr)
            found = await reconciled(hr, lambda r: r["last_count"])
            assert found["missing"] == 0
            assert found["last_count"]["first"] == "2000-01-01T00:00:00"

            unit.log.clear()
            unit.acknowledged = 0
            found = await reconciled(hr, lambda r: r["records_cleared"] == 60, within=60)
            assert (found["missing"], found["last_count"]) == (None, None)
            assert found["sentence"].startswith("nobody can say: its log was cleared (noticed at ")


async def test_a_machine_of_which_nothing_is_known_says_so(hr: httpx.AsyncClient) -> None:
    await hr.post(MACHINES, json={**GATE, "machine_type": "generic"})
    found = (await hr.get(f"{MACHINES}gate/reconciliation/")).json()
    assert (found["missing"], found["days"], found["received"]["scans"]) == (None, [], 0)
    assert found["sentence"].startswith("nobody can say: ")
    assert (await hr.get(f"{MACHINES}nowhere/reconciliation/")).status_code == 404


async def test_who_heads_a_department_sees_its_machines(ingest: Ingest, hr: httpx.AsyncClient) -> None:
    await hr.post(MACHINES, json={**GATE, "department": 3})
    await hr.post(MACHINES, json={**GATE, "machine_id": "door", "department": 4})
    async with ingest.client("department_head", units=(3,)) as head:
        assert [row["machine_id"] for row in (await head.get(f"{MACHINES}reconciliation/")).json()] == ["gate"]
        assert (await head.get(f"{MACHINES}gate/reconciliation/")).status_code == 200
        assert (await head.get(f"{MACHINES}door/reconciliation/")).status_code == 404
