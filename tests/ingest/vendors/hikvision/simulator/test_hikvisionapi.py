"""hikvisionapi, a client that nobody here wrote, finds in the simulator the terminal that it was written for."""

import asyncio
import json
from typing import Any

import pytest
from hikvisionapi import Client

from services.ingest.vendors.hikvision.simulator import Running, simulator
from tests.ingest.fakes import until
from tests.ingest.vendors.hikvision.contact import PASSWORD, device


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """It would ask one for what is on this machine."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


def client(running: Running, password: str = PASSWORD) -> Any:
    return Client(f"http://127.0.0.1:{running.port}", "admin", password, timeout=10)


async def test_it_learns_who_the_terminal_is_and_what_time_it_has() -> None:
    def ask(running: Running) -> tuple[Any, Any]:
        api = client(running)
        return api.System.deviceInfo(method="get"), api.System.time(method="get")

    async with simulator(device(serial="S1", zone="Asia/Kolkata")) as running:
        info, time = await asyncio.to_thread(ask, running)
    assert info["DeviceInfo"]["serialNumber"] == "S1"
    assert time["Time"]["timeZone"] == "CST-5:30:00"


async def test_it_reads_the_log_page_by_page() -> None:
    terminal = device(100)

    def read(running: Running) -> list[str]:
        api, people = client(running), []
        while True:
            condition = {"searchID": "1", "searchResultPosition": len(people), "maxResults": 30, "major": 5, "minor": 0}
            said = api.AccessControl.AcsEvent(
                method="post", present="text", params={"format": "json"}, data=json.dumps({"AcsEventCond": condition})
            )
            page = json.loads(said)["AcsEvent"]
            people += [event["employeeNoString"] for event in page.get("InfoList", [])]
            if page["responseStatusStrg"] != "MORE":
                return people

    async with simulator(terminal) as running:
        assert await asyncio.to_thread(read, running) == [entry.person for entry in terminal.entries]


async def test_it_hears_of_a_scan_as_it_happens() -> None:
    """Its own reading of streams knows one boundary, which terminals do not use: bytes are taken as they come."""
    terminal = device(3)
    person = terminal.entries[0].person

    def listen(running: Running) -> None:
        said = b""
        with client(running).Event.notification.alertStream(method="get", type="opaque_data") as stream:
            for some in stream.iter_content(1):
                said += some
                if b"AccessControllerEvent" in said and f'"{person}"'.encode() in said:
                    return
        raise AssertionError(said)

    async with simulator(terminal) as running:
        heard = asyncio.create_task(asyncio.to_thread(listen, running))
        await until(lambda: running.listeners, within=60)
        await running.scan(person)
        await heard


async def test_a_wrong_password_is_refused() -> None:
    async with simulator(device(3)) as running:
        with pytest.raises(OSError, match="401"):
            await asyncio.to_thread(client, running, "wrong")
        assert running.device.wrong_passwords == 1
