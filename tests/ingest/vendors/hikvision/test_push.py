"""Terminals that call: what of a push is taken in whatever form it comes, and that it is answered 200 only then."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from services.ingest.vendors.hikvision.pushed import KEPT, MOST, Push, TooLarge
from services.ingest.vendors.hikvision.simulator import Device, simulator
from services.ingest.vendors.hikvision.simulator.device import Entry, Host
from services.ingest.vendors.hikvision.simulator.encoding import as_json, event, heartbeat
from services.ingest.vendors.hikvision.simulator.pusher import Form, as_event
from shared.contracts.scans import ScanReceived
from shared.runtime.serving import served
from tests.ingest.application.watched import MACHINES, eventually
from tests.ingest.conftest import Ingest
from tests.ingest.fakes import until
from tests.ingest.vendors.hikvision.contact import QUICK, device, ids_of

FORMS: tuple[Form, ...] = ("json", "multipart", "xml", "multipart-xml")
KEY = "k3y-of-gate"
PATH = f"/hikvision/events/S1/{KEY}"


def terminal(ingest: Ingest, address: str = "10.0.0.7") -> httpx.AsyncClient:
    """A terminal at this address, as a client."""
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(ingest.service.app, client=(address, 40000)), base_url="http://ingest"
    )


@pytest.fixture
async def calls(ingest: Ingest) -> AsyncIterator[httpx.AsyncClient]:
    async with terminal(ingest) as client:
        yield client


async def register(hr: httpx.AsyncClient, **more: Any) -> None:
    config = {"push": True, "push_key": KEY, **more.pop("config", {})}
    body = {"machine_id": "gate", "name": "Gate", "machine_type": "hikvision", "serial": "S1", "zone": "UTC"}
    answer = await hr.post(MACHINES, json={**body, "config": config, **more})
    assert answer.status_code == 201, answer.text


async def taken(calls: httpx.AsyncClient, body: bytes) -> None:
    """Call as a terminal does, until its registration has come round."""
    async with asyncio.timeout(5):
        while True:
            if (await calls.post(PATH, content=body)).status_code == 200:
                return
            await asyncio.sleep(0.05)


def an_event(made: Device | None = None, *, form: Form = "json", stored: bool = False) -> tuple[Entry, str, bytes]:
    made = made or Device()
    entry = made.record_at("0042", made.wall())
    return entry, *as_event(made, entry, form=form, stored=stored)


def scans(ingest: Ingest) -> list[ScanReceived]:
    return ingest.bus.events(ScanReceived)


# The body


@pytest.mark.parametrize("form", FORMS)
def test_a_body_gives_its_event_however_it_is_cut(form: Form) -> None:
    _, _, body = an_event(form=form)

    def events(size: int) -> list[Any]:
        push = Push()
        for start in range(0, len(body), size):
            push.feed(body[start : start + size])
        assert push.unreadable == []
        return list(push.finish())

    whole = events(len(body))
    assert [one.badge for one in whole] == ["0042"]
    assert all(events(size) == whole for size in (1, 2, 3, 7, 100, 1000))


def test_a_part_that_only_the_end_of_the_body_ends_is_read() -> None:
    _, _, body = an_event(form="xml")
    push = Push()
    push.feed(b"\r\n--x\r\nContent-Disposition: form-data; name=event_log\r\n\r\n" + body)
    assert len(push.finish()) == 1


def test_a_body_without_end_is_refused_and_little_of_it_is_held() -> None:
    for start in (b"{", b"--x\r\n\r\n{", b"--x\r\nContent-Type: image/jpeg\r\n\r\n"):
        push = Push()
        push.feed(start)
        with pytest.raises(TooLarge):
            for _ in range(MOST // 65_536 + 1):
                push.feed(b"x" * 65_536)
        push.finish()
        assert sum(len(document) for document, _ in push.unreadable) <= KEPT


# What a terminal is answered


@pytest.mark.parametrize("form", FORMS)
async def test_every_form_of_a_push_is_one_scan(
    ingest: Ingest, hr: httpx.AsyncClient, calls: httpx.AsyncClient, form: Form
) -> None:
    await register(hr)
    entry, kind, body = an_event(form=form)
    for method in ("POST", "PUT", "POST"):
        answer = await calls.request(method, PATH, content=body, headers={"Content-Type": kind})
        assert (answer.status_code, answer.content) == (200, b"")
    assert {(scan.badge, scan.type, scan.record_no, scan.verify) for scan in scans(ingest)} == {
        ("0042", "IN", str(entry.serial), "face")
    }
    assert len({scan.scan_id for scan in scans(ingest)}) == 1


async def test_what_cannot_be_made_durable_is_not_answered_200(
    ingest: Ingest, hr: httpx.AsyncClient, calls: httpx.AsyncClient
) -> None:
    await register(hr)
    _, _, body = an_event()
    assert (await calls.post(PATH, content=body)).status_code == 200
    ingest.bus.away = True
    spool = await ingest.parts.database.engine.connect()
    await spool.exec_driver_sql("LOCK TABLE ingest.spool IN ACCESS EXCLUSIVE MODE")
    _, _, other = an_event(device(3))
    answer = await calls.post(PATH, content=other, timeout=30)
    assert answer.status_code == 503
    assert int(answer.headers["retry-after"]) >= 1
    await spool.rollback()
    await spool.close()
    ingest.bus.away = False
    assert (await calls.post(PATH, content=other)).status_code == 200


async def test_who_does_not_know_the_key_is_refused_and_told_of(
    ingest: Ingest, hr: httpx.AsyncClient, calls: httpx.AsyncClient
) -> None:
    _, _, body = an_event()
    await register(hr)
    async with ingest.running():
        for path in ("/hikvision/events/S1", "/hikvision/events/S1/wrong", f"/hikvision/events/S2/{KEY}"):
            assert (await calls.post(path, content=body)).status_code == 403
        assert scans(ingest) == []
        assert (await calls.post(PATH, content=body)).status_code == 200
        await eventually(hr, lambda m: "with a wrong secret" in m["status_text"])


async def test_a_machine_without_a_key_does_not_push(hr: httpx.AsyncClient, calls: httpx.AsyncClient) -> None:
    body = {"machine_id": "gate", "machine_type": "hikvision", "serial": "S1", "zone": "UTC"}
    refused = await hr.post(MACHINES, json={**body, "config": {"push": True}})
    assert refused.status_code == 422
    assert "push needs a push_key" in refused.text
    await hr.post(MACHINES, json=body)
    assert (await calls.post("/hikvision/events/S1", content=an_event()[2])).status_code == 403


async def test_an_unknown_machine_waits_for_a_person_and_then_needs_a_key(
    ingest: Ingest, hr: httpx.AsyncClient, calls: httpx.AsyncClient
) -> None:
    _, _, body = an_event()
    answer = await calls.post("/hikvision/events/S9/secret", content=body)
    assert answer.status_code == 403
    assert "waits to be accepted" in answer.text
    waiting = "/api/ingest/pending-machines/"
    assert [one["serial"] for one in (await hr.get(waiting)).json()] == ["S9"]


async def test_what_cannot_be_read_is_answered_200_and_kept(
    ingest: Ingest, hr: httpx.AsyncClient, calls: httpx.AsyncClient
) -> None:
    await register(hr)
    odd = event(device(1).entries[0], Device())
    odd["dateTime"] = "yesterday"
    for body in (b'{"eventType": ', as_json(odd), b"--b\r\nContent-Length: 3\r\n\r\n{x}\r\n--b--\r\n"):
        assert (await calls.post(PATH, content=body)).status_code == 200
    for body in (b"", b"\r\n", b"hello", as_json({"eventType": "VMD"})):
        assert (await calls.post(PATH, content=body)).status_code == 200
    kept = (await hr.get(f"{MACHINES}gate/unreadable/")).json()
    assert sorted(one["reason"].partition(":")[0] for one in kept) == [
        "'yesterday' is no time",
        "it begins neither with { nor with <",
        "it is no JSON",
        "it is no JSON",
    ]
    assert scans(ingest) == []


async def test_a_heartbeat_is_a_sign_of_life(ingest: Ingest, hr: httpx.AsyncClient, calls: httpx.AsyncClient) -> None:
    async with ingest.running():
        await register(hr, config={"silent_for": 1})
        await taken(calls, as_json(heartbeat(Device())))
        live = await eventually(hr, lambda m: m["state"] == "live")
        assert live["is_connected"] is True
        away = await eventually(hr, lambda m: m["state"] == "away")
        assert away["status_text"] == "it has not called for 1 s"


async def test_a_machine_that_only_calls_is_tried_by_when_it_did(
    ingest: Ingest, hr: httpx.AsyncClient, calls: httpx.AsyncClient
) -> None:
    async with ingest.running():
        await register(hr)
        tried = (await hr.post(f"{MACHINES}gate/test/")).json()
        assert "it has not called yet" in tried["steps"][0]["result"]
        await taken(calls, an_event()[2])
        await eventually(hr, lambda m: m["last_contact_at"])
        assert (await hr.post(f"{MACHINES}gate/test/")).json()["is_connected"] is True


# Over sockets


@pytest.mark.parametrize("form", ["json", "multipart"])
async def test_stream_search_and_push_of_one_terminal_merge_to_one_set_of_scans(
    ingest: Ingest, hr: httpx.AsyncClient, form: Form
) -> None:
    made = device(40, serial="S1")
    async with (
        served(ingest.service.app, host="127.0.0.1", port=0) as port,
        simulator(made, push_form=form) as running,
        ingest.running(),
    ):
        await register(hr, ip_address="127.0.0.1", port=running.port, config=QUICK)
        running.push_to(1, Host(host="127.0.0.1", port=port, path=PATH))
        await eventually(hr, lambda m: m["state"] == "live")
        for number in range(20):
            await running.scan(str(1000 + number))
        await until(lambda: not running.pushers[1].waiting, within=60)
        await until(lambda: len({scan.scan_id for scan in scans(ingest)}) == 60)
        machine = scans(ingest)[0].machine_id
        assert {scan.scan_id for scan in scans(ingest)} == ids_of(made, machine=machine)
        assert set(running.pushers[1].answers) == {200}


async def test_a_terminal_keeps_what_is_refused_and_loses_nothing(ingest: Ingest, hr: httpx.AsyncClient) -> None:
    made = device(5, serial="S1")
    async with served(ingest.service.app, host="127.0.0.1", port=0) as port, simulator(made) as running:
        running.push_to(1, Host(host="127.0.0.1", port=port, path=PATH))
        await until(lambda: 403 in running.pushers[1].answers)
        await register(hr)
        await running.scan("1000")
        await until(lambda: not running.pushers[1].waiting, within=60)
        assert {scan.scan_id for scan in scans(ingest)} == ids_of(made, machine=scans(ingest)[0].machine_id)
