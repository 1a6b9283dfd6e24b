"""The terminal of another package, `django-fingerprint-attendance`, against our endpoint: three of its firmwares."""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
from fingerprint_attendance.testing import ADMSDeviceSimulator

from services.ingest.domain.scan import scan_id
from shared.contracts.scans import ScanReceived
from tests.ingest.conftest import Ingest
from tests.ingest.fakes import until
from tests.ingest.vendors.zkteco.adms.test_routes import MACHINES, register, until_known

FIRMWARES = ["legacy", "push2", "biodata"]
START = datetime(2026, 1, 5, 8)


class Wire:
    """What that terminal takes for its HTTP client: it blocks, as the terminal does."""

    def __init__(self, loop: asyncio.AbstractEventLoop, client: httpx.AsyncClient) -> None:
        self._loop, self._client = loop, client

    def get(self, path: str, parameters: dict[str, Any], **_: Any) -> httpx.Response:
        return self._call("GET", f"{path}?{urlencode(parameters)}", b"")

    def post(self, path: str, *, data: bytes, content_type: str, **_: Any) -> httpx.Response:
        return self._call("POST", path, data, {"Content-Type": content_type})

    def _call(self, method: str, path: str, body: bytes, headers: dict[str, str] | None = None) -> httpx.Response:
        calling = self._client.request(method, path, content=body, headers=headers)
        return asyncio.run_coroutine_threadsafe(calling, self._loop).result(60)


@pytest.fixture
async def hr(ingest: Ingest) -> AsyncIterator[httpx.AsyncClient]:
    async with ingest.client("hr") as client:
        yield client


@pytest.fixture
async def line(ingest: Ingest) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(ingest.service.app, client=("10.0.0.50", 4711))
    async with httpx.AsyncClient(transport=transport, base_url="http://ingest") as client:
        yield client


@pytest.mark.parametrize("firmware", FIRMWARES)
async def test_all_that_it_records_is_taken_once_whether_at_once_after_a_gap_or_again(
    ingest: Ingest, hr: httpx.AsyncClient, line: httpx.AsyncClient, firmware: str
) -> None:
    made = await register(hr)
    terminal = ADMSDeviceSimulator(Wire(asyncio.get_running_loop(), line), serial="S1", firmware=firmware)

    def lives() -> None:
        terminal.handshake()
        for number in range(50):
            terminal.punch(str(1000 + number % 7), START + timedelta(minutes=number), status=number % 2)
        terminal.go_offline()
        for number in range(50, 750):
            terminal.punch(str(1000 + number % 7), START + timedelta(minutes=number), status=number % 2)
        assert terminal.uploaded == 50
        terminal.go_online()
        assert terminal.ping().status == 200
        terminal.uploaded = 0
        terminal.upload_pending()
        assert terminal.pending() == []

    async with ingest.running():
        await until_known(line, "S1")
        await asyncio.to_thread(lives)
        expected = {scan_id(made["id"], each.pin, each.when, str(each.status)) for each in terminal.log}
        assert len(expected) == 750
        await until(lambda: {scan.scan_id for scan in ingest.bus.events(ScanReceived)} == expected)


@pytest.mark.parametrize("firmware", FIRMWARES)
async def test_a_line_that_is_none_is_kept_and_its_people_and_templates_are_not(
    ingest: Ingest, hr: httpx.AsyncClient, line: httpx.AsyncClient, firmware: str
) -> None:
    await register(hr)
    terminal = ADMSDeviceSimulator(Wire(asyncio.get_running_loop(), line), serial="S1", firmware=firmware)

    def lives() -> None:
        terminal.handshake()
        assert terminal.enroll_at_device("1000", 6, b"a template", name="Somebody").status == 200
        assert terminal.push_user("1001", "Else").status == 200
        for number in range(3):
            terminal.punch("1000", START + timedelta(minutes=number), upload=False)
        answers = terminal.upload_pending(corrupt_line=1)
        assert [(answer.status, answer.text.replace(" ", "")) for answer in answers] == [(200, "OK:3")]

    async with ingest.running():
        await until_known(line, "S1")
        await asyncio.to_thread(lives)
        await until(lambda: len(ingest.bus.events(ScanReceived)) == 2)
        kept = (await hr.get(f"{MACHINES}gate/unreadable/")).json()
    assert [bytes.fromhex(each["raw"]) for each in kept] == [b"garbage\tnot-a-date"]


@pytest.mark.parametrize("firmware", FIRMWARES)
async def test_it_does_what_it_is_asked_to_and_its_answer_is_shown(
    ingest: Ingest, hr: httpx.AsyncClient, line: httpx.AsyncClient, firmware: str
) -> None:
    await register(hr)
    terminal = ADMSDeviceSimulator(Wire(asyncio.get_running_loop(), line), serial="S1", firmware=firmware)
    async with ingest.running():
        await until_known(line, "S1")
        await asyncio.to_thread(terminal.handshake)
        asked = await hr.post(f"{MACHINES}gate/commands/", json={"command": "info"})
        assert asked.status_code in (200, 201, 202), asked.text
        assert await asyncio.to_thread(terminal.run_commands) == ["INFO"]
        shown = (await hr.get(f"{MACHINES}gate/commands/")).json()
    assert [(each["code"], "TransactionCount=0" in each["result"]) for each in shown] == [(0, True)]
