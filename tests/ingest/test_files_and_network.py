"""The scans of a machine are one set, whether they come over the network, on a stick, or out of another program."""

import asyncio
import io
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import openpyxl
import pytest

from services.ingest.storage.ledger import PostgresLedger
from services.ingest.vendors.generic.simulator import Device as Generic
from services.ingest.vendors.generic.simulator import simulator as generic
from services.ingest.vendors.hikvision.simulator import simulator as hikvision
from services.ingest.vendors.suprema.simulator import Store
from services.ingest.vendors.suprema.simulator import simulator as suprema
from services.ingest.vendors.zkteco.simulator import Device as Zkteco
from services.ingest.vendors.zkteco.simulator import simulator as zkteco
from shared.contracts.scans import ScanReceived
from tests.ingest.application.watched import MACHINES
from tests.ingest.conftest import Ingest
from tests.ingest.fakes import until
from tests.ingest.vendors.hikvision.contact import QUICK as QUICK_HIKVISION
from tests.ingest.vendors.hikvision.contact import device as hikvision_device
from tests.ingest.vendors.suprema.contact import QUICK as QUICK_SUPREMA
from tests.servers.ports import free_port

PUNCHES = [
    (
        ("007", "1002", "1003")[number % 3],
        datetime(2026, 1, 25, 8) + timedelta(minutes=number, seconds=number),
        number % 2,
    )
    for number in range(12)
]
"""Who, when on the machine's clock, and whether they left."""

Line = AbstractAsyncContextManager[dict[str, Any]]


@asynccontextmanager
async def zkteco_line() -> AsyncIterator[dict[str, Any]]:
    device = Zkteco(users=["007", "1002", "1003"], zone="Asia/Dhaka")
    for badge, at, out in PUNCHES:
        device.record_at(badge, at, state=out)
    async with zkteco(device, pace=0) as line:
        yield {"machine_type": "zkteco", "port": line.port}


@asynccontextmanager
async def hikvision_line() -> AsyncIterator[dict[str, Any]]:
    device = hikvision_device(0, zone="Asia/Dhaka")
    for badge, at, out in PUNCHES:
        device.record_at(badge, at, status="checkOut" if out else "checkIn")
    async with hikvision(device) as line:
        yield {"machine_type": "hikvision", "port": line.port, "config": QUICK_HIKVISION}


@asynccontextmanager
async def suprema_line() -> AsyncIterator[dict[str, Any]]:
    store = Store(zone="Asia/Dhaka")
    for badge, at, out in PUNCHES:
        store.record_at(badge, at, key="2" if out else "1")
    async with suprema(store) as line:
        config = {**QUICK_SUPREMA, "device_id": store.devices[0]}
        yield {"machine_type": "suprema", "port": line.port, "config": config}


@asynccontextmanager
async def generic_line() -> AsyncIterator[dict[str, Any]]:
    config = {"profile": "json-lines", "connection": {"side": "server"}}
    device, port = Generic(config, zone="Asia/Dhaka"), free_port()
    for badge, at, out in PUNCHES:
        device.record_at(badge, at, state="out" if out else "in")
    async with generic(device, port=port, window=8):
        yield {"machine_type": "generic", "port": port, "config": config}


def attlog(_: Callable[[int], str]) -> bytes:
    return "".join(f"{badge:>9}\t{at}\t1\t{out}\t1\t0\r\n" for badge, at, out in PUNCHES).encode()


def csv(state: Callable[[int], str]) -> bytes:
    rows = "".join(f'"{badge}",Somebody,{at:%d/%m/%Y},{at:%I:%M:%S %p},{state(out)}\r\n' for badge, at, out in PUNCHES)
    return f"AC-No.,Name,Date,Time,State\r\n{rows}".encode("utf-8-sig")


def iso(state: Callable[[int], str]) -> bytes:
    """As programs export whose times tell their offset, some of them in UTC."""
    rows = "".join(f"{badge};{at.isoformat()}+06:00;{state(out)}\n" for badge, at, out in PUNCHES[:6])
    rows += "".join(
        f"{badge};{(at - timedelta(hours=6)).isoformat()}Z;{state(out)}\n" for badge, at, out in PUNCHES[6:]
    )
    return f"Person ID;Event Time;Status\n{rows}".encode()


def xlsx(state: Callable[[int], str]) -> bytes:
    book = openpyxl.Workbook()
    for row in [("AC-No.", "Date/Time", "State"), *((badge, at, state(out)) for badge, at, out in PUNCHES)]:
        book.active.append(row)
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def ids(ingest: Ingest) -> list[UUID]:
    return list({scan.scan_id for scan in ingest.bus.events(ScanReceived)})


def words(coming: str, going: str) -> Callable[[int], str]:
    return lambda out: (coming, going)[out]


HIKVISION = words("checkIn", "checkOut")
PLAIN = words("in", "out")


@pytest.mark.parametrize(
    ("line", "copies", "states"),
    [
        (zkteco_line, [(attlog, str), (csv, str), (iso, str), (xlsx, str)], None),
        (
            zkteco_line,
            [(csv, words("C/In", "C/Out")), (xlsx, words("in", "OUT"))],
            "C/In=0,C/Out=1,In=0,Out=1",
        ),
        (hikvision_line, [(csv, HIKVISION), (iso, HIKVISION)], None),
        (suprema_line, [(csv, words("Check In", "Check Out"))], "Check In=1,Check Out=2"),
        (generic_line, [(csv, PLAIN), (xlsx, PLAIN)], None),
    ],
    ids=["zkteco", "zkteco by its software's words", "hikvision", "suprema", "generic"],
)
async def test_copies_of_what_came_over_the_network_add_nothing_and_the_other_way_round(
    ingest: Ingest,
    hr: httpx.AsyncClient,
    line: Callable[[], Line],
    copies: list[tuple[Callable[[Callable[[int], str]], bytes], Callable[[int], str]]],
    states: str | None,
) -> None:
    async def imported(machine: str, file: bytes) -> dict[str, Any]:
        asked = {"machine": machine, "timezone": "Asia/Dhaka", **({"states": states} if states else {})}
        answer = await hr.post("/api/attendance/scans/import/", params=asked, content=file)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async with line() as found, ingest.running():
        body = {"machine_id": "gate", "ip_address": "127.0.0.1", "zone": "Asia/Dhaka", **found}
        answer = await hr.post(MACHINES, json=body)
        assert answer.status_code == 201, answer.text
        await until(lambda: len(ids(ingest)) == len(PUNCHES), within=30)
        async with asyncio.timeout(30):
            while await PostgresLedger(ingest.parts.database).known(answer.json()["id"], ids(ingest)) != {*ids(ingest)}:  # noqa: ASYNC110
                await asyncio.sleep(0.01)  # it learns of them after the bus, and off the way of the machine
        for copy, state in copies:
            summary = await imported("gate", copy(state))
            assert (summary["new"], summary["already_known"], summary["unreadable"]) == (0, len(PUNCHES), 0)
    told = {(scan.badge, scan.device_time, scan.type) for scan in ingest.bus.events(ScanReceived)}
    assert len(told) == len(PUNCHES)
    assert {kind for _, _, kind in told} == {"IN", "OUT"}
    # A copy that comes first makes the same scans, with the same types.
    first, state = copies[-1]
    await imported("another", first(state))
    copied = [scan for scan in ingest.bus.events(ScanReceived) if scan.machine == "another"]
    network = [scan for scan in ingest.bus.events(ScanReceived) if scan.machine == "gate"]
    keys = [
        {(scan.badge, scan.local_time, scan.state, scan.type, scan.at) for scan in each} for each in (copied, network)
    ]
    assert keys[0] == keys[1]
