"""Scans that were entered before days were counted.

An upgrade makes no missing ones of them, and they are counted as they come again.
"""

import asyncio
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest

from services.ingest.application.ports import Entry
from services.ingest.domain.reading import Mode
from services.ingest.domain.scan import scan_id
from services.ingest.storage.ledger import PostgresLedger
from services.ingest.vendors.zkteco.adms.handshake import GO_ON
from services.ingest.vendors.zkteco.adms.receiving import ATTLOG
from services.ingest.vendors.zkteco.adms.simulator import Faults, Punch, PushingTerminal, Unit, pushing
from services.ingest.wiring import HISTORY
from shared.contracts.scans import ScanReceived
from shared.runtime.serving import served
from shared.storage.migrations import downgrade, upgrade
from tests.ingest.application.watched import GATE, MACHINES, batch
from tests.ingest.conftest import Ingest
from tests.ingest.fakes import readings, until
from tests.ingest.test_reconciliation import START, reconciled

NO_DAYS = "7d20b6c8e3f1"
"""Before days were counted at all."""
SOME_DAYS = "a94e3f7b1d20"
"""They are, and nobody looks whether all are."""
LATE = datetime(2024, 1, 14, 23, 59, 50)
"""Of twenty scans from then on, ten are of either day."""
ENDS = datetime(2024, 1, 15, 9, tzinfo=UTC)


def old(machine: int, number: int = 20) -> list[UUID]:
    return [scan_id(machine, one.badge, one.local_time, one.state) for one in readings(number, start=LATE)]


async def upgraded(ingest: Ingest, machine: int, scans: Sequence[UUID], *, since: str, counted: int = 0) -> None:
    """The database as one is that was at `since` when it had these; `counted` of them are of 14 January."""
    await downgrade(ingest.url, HISTORY, to=since)
    await ingest.parts.database.engine.dispose()
    async with ingest.parts.database.fast() as pg:
        await pg.executemany("INSERT INTO ledger VALUES ($1, $2)", [(machine, scan) for scan in scans])
        if counted:
            await pg.execute("INSERT INTO days_received VALUES ($1, $2, $3, 0)", machine, LATE.date(), counted)
    await upgrade(ingest.url, HISTORY)
    await ingest.parts.database.engine.dispose()


async def gate(hr: httpx.AsyncClient) -> dict[str, Any]:
    found: dict[str, Any] = (await hr.get(f"{MACHINES}gate/reconciliation/")).json()
    return found


def of_days(found: dict[str, Any]) -> dict[str, tuple[Any, ...]]:
    return {day["day"]: (day["on_machine"], day["received"], day["missing"]) for day in found["days"]}


@pytest.mark.parametrize(("since", "counted"), [(NO_DAYS, 0), (SOME_DAYS, 0), (SOME_DAYS, 7)])
async def test_they_are_here_and_of_no_day_until_the_log_is_read(
    hr: httpx.AsyncClient, ingest: Ingest, since: str, counted: int
) -> None:
    machine = (await hr.post(MACHINES, json={**GATE, "zone": "UTC"})).json()["id"]
    await upgraded(ingest, machine, old(machine), since=since, counted=counted)
    found = await gate(hr)
    assert (found["received"]["scans"], found["received"]["uncounted"], found["days"]) == (20, 20, [])
    assert found["received"]["counted_since"]

    ingest.driver.says.put_nowait(batch(22, mode=Mode.REPLAY, start=LATE))
    ingest.driver.says.put_nowait(batch(0, mode=Mode.REPLAY, complete_until=ENDS))
    async with ingest.running():
        found = await reconciled(hr, lambda r: r["last_reading"] and r["received"]["scans"] == 22)
    assert of_days(found) == {"2024-01-15": (12, 12, 0), "2024-01-14": (10, 10, 0)}
    assert (found["received"]["uncounted"], found["received"]["counted_since"]) == (0, None)
    assert len(ingest.bus.events(ScanReceived)) == 2


async def test_where_all_were_counted_nothing_changes(hr: httpx.AsyncClient, ingest: Ingest) -> None:
    machine = (await hr.post(MACHINES, json={**GATE, "zone": "UTC"})).json()["id"]
    await upgraded(ingest, machine, old(machine, 10), since=SOME_DAYS, counted=10)
    ingest.driver.says.put_nowait(batch(10, mode=Mode.REPLAY, start=LATE))
    ingest.driver.says.put_nowait(batch(0, mode=Mode.REPLAY, complete_until=ENDS))
    async with ingest.running():
        found = await reconciled(hr, lambda r: r["last_reading"])
    assert of_days(found) == {"2024-01-14": (10, 10, 0)}
    assert (found["received"]["scans"], found["received"]["uncounted"]) == (10, 0)


async def test_what_the_machine_holds_no_more_stays_uncounted_and_days_can_be_compared(
    hr: httpx.AsyncClient, ingest: Ingest
) -> None:
    machine = (await hr.post(MACHINES, json={**GATE, "zone": "UTC"})).json()["id"]
    await upgraded(ingest, machine, old(machine), since=NO_DAYS)
    ingest.driver.says.put_nowait(batch(6, mode=Mode.REPLAY, start=LATE))
    ingest.driver.says.put_nowait(batch(0, mode=Mode.REPLAY, complete_until=ENDS))
    async with ingest.running():
        found = await reconciled(hr, lambda r: r["last_reading"])
    assert of_days(found) == {"2024-01-14": (6, 6, 0)}
    assert (found["received"]["scans"], found["received"]["uncounted"]) == (20, 14)


async def test_a_file_that_is_imported_again_has_them_counted(hr: httpx.AsyncClient, ingest: Ingest) -> None:
    machine = (await hr.post(MACHINES, json={**GATE, "machine_type": "generic", "zone": "UTC"})).json()["id"]
    await upgraded(ingest, machine, old(machine), since=NO_DAYS)
    lines = "".join(f"{one.badge}\t{one.device_time}\t1\t{one.state}\t1\t0\n" for one in readings(20, start=LATE))

    async def imported(how: str = "") -> dict[str, Any]:
        path = f"/api/attendance/scans/import/?machine=gate{how}"
        answer = await hr.post(path, content=lines.encode(), headers={"Content-Type": "text/plain"})
        assert (answer.json()["new"], answer.json()["already_known"]) == (0, 20), answer.text
        return await gate(hr)

    found = await imported("&dry_run=true")
    assert (found["received"]["uncounted"], found["days"]) == (20, [])
    for _ in range(2):
        found = await imported()
        assert of_days(found) == {"2024-01-15": (None, 10, None), "2024-01-14": (None, 10, None)}
        assert (found["received"]["scans"], found["received"]["uncounted"]) == (20, 0)


async def test_one_that_calls_and_counts_them_is_told_missing_only_what_is(
    hr: httpx.AsyncClient, ingest: Ingest
) -> None:
    unit = Unit("S1")
    for number in range(200):
        unit.record(Punch(badge=f"{number % 20:03}", at=START + timedelta(minutes=30 * number), state=number % 2))
    unit.acknowledged = 200
    body = {"machine_id": "gate", "name": "Gate", "machine_type": "zkteco", "serial": "S1", "zone": "UTC"}
    machine = (await hr.post(MACHINES, json={**body, "config": {"push": True}})).json()["id"]
    scans = [scan_id(machine, punch.badge, punch.at, str(punch.state)) for punch in unit.log]
    await upgraded(ingest, machine, scans, since=NO_DAYS)
    async with ingest.parts.database.fast() as pg:
        await pg.execute("INSERT INTO bookmarks VALUES ('S1', $1, $2)", ATTLOG, GO_ON)  # it is not told to send them
    async with ingest.running(), served(ingest.service.app, host="127.0.0.1", port=0, mends_addresses=True) as port:
        calls = PushingTerminal(unit, host="127.0.0.1", port=port, faults=Faults(), delay=0.1, obeys=False)
        async with pushing(calls):
            span = {"first": "2026-01-05T00:00:00", "last": "2026-01-31T23:59:59"}
            await hr.post(f"{MACHINES}gate/commands/", json={"command": "count_log", **span})
            found = await reconciled(hr, lambda r: r["last_count"])
            assert found["missing"] is None
            assert found["sentence"].startswith(
                "nobody can say: it counts 200 records from 2026-01-05 to 2026-01-31, none is here, and"
                " 200 from before "
            )
            await hr.post(f"{MACHINES}gate/sync/")
            found = await reconciled(hr, lambda r: r["missing"] == 0)
            await until(lambda: calls.done)
        assert (found["received"]["scans"], found["received"]["uncounted"]) == (200, 0)
        assert sum(day["received"] for day in found["days"]) == 200
        assert not ingest.bus.events(ScanReceived)


async def test_two_that_come_at_once_count_each_scan_once(hr: httpx.AsyncClient, ingest: Ingest) -> None:
    machine = (await hr.post(MACHINES, json={**GATE, "zone": "UTC"})).json()["id"]
    scans = old(machine)
    await upgraded(ingest, machine, scans, since=NO_DAYS)
    ledger = PostgresLedger(ingest.parts.database)
    entries = [
        Entry(machine_id=machine, scan_id=scan, day=date(2024, 1, 14), quarantined=False, hour=None) for scan in scans
    ]
    orders = (entries, entries[::-1], entries[5:], entries[:15])
    await asyncio.gather(*(ledger.count(each) for each in orders))
    await ledger.count([Entry(machine_id=machine, scan_id=UUID(int=1), day=LATE.date(), quarantined=False, hour=None)])
    found = await gate(hr)
    assert of_days(found) == {"2024-01-14": (None, 20, None)}
    assert (found["received"]["scans"], found["received"]["uncounted"]) == (20, 0)
