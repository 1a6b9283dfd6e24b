"""Systems that hand over their scans as JSON: what becomes of each item, and that 200 is only said then."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from services.ingest.settings import Settings
from services.ingest.vendors.http.routes import LARGEST
from services.ingest.wiring import assemble
from shared.contracts.machines import MachineConnected
from shared.contracts.scans import ScanReceived
from shared.kernel.clock import SystemClock
from shared.runtime.serving import served
from shared.storage.database import Database
from shared.web.tokens import Tokens
from tests.ingest.application.watched import MACHINES, eventually, shown
from tests.ingest.conftest import SECRET, Ingest
from tests.ingest.fakes import until

PATH = "/api/ingest/scans/"
KEY = "a-key-of-the-north-gate-01"
OTHER = "a-key-of-the-south-gate-02"


@pytest.fixture
async def system(ingest: Ingest) -> AsyncIterator[httpx.AsyncClient]:
    """A client without a token, as a system is one."""
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(ingest.service.app), base_url="http://ingest", timeout=30
    ) as client:
        yield client


async def register(hr: httpx.AsyncClient, code: str = "gate", key: str = KEY, **more: Any) -> None:
    config = {"api_key": key, **more.pop("config", {})}
    body = {"machine_id": code, "machine_type": "http", "zone": "Asia/Dhaka", "config": config, **more}
    answer = await hr.post(MACHINES, json=body)
    assert answer.status_code == 201, answer.text


def bearer(key: str = KEY) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


async def sent(system: httpx.AsyncClient, scans: Any, key: str = KEY) -> list[dict[str, Any]]:
    answer = await system.post(PATH, json=scans, headers=bearer(key))
    assert answer.status_code == 200, answer.text
    return answer.json()


async def accepted(system: httpx.AsyncClient, key: str = KEY) -> None:
    """Call until what was registered has come round, as long as nobody is told of it at once."""
    async with asyncio.timeout(10):
        while True:
            if (await system.post(PATH, json=[], headers=bearer(key))).status_code == 200:
                return
            await asyncio.sleep(0.05)


def some(number: int, *, first: int = 1, **more: Any) -> list[dict[str, Any]]:
    start = datetime(2026, 1, 15, 8)
    return [
        {"badge": f"{badge:04}", "time": (start + timedelta(seconds=badge)).isoformat(), "state": "IN", **more}
        for badge in range(first, first + number)
    ]


def statuses(answers: list[dict[str, Any]]) -> list[str]:
    return [answer["status"] for answer in answers]


def scans(ingest: Ingest) -> list[ScanReceived]:
    return ingest.bus.events(ScanReceived)


# What becomes of items


async def test_each_item_has_an_answer_in_order_and_the_bad_ones_do_not_disturb_the_others(
    ingest: Ingest, hr: httpx.AsyncClient, system: httpx.AsyncClient
) -> None:
    await register(hr, config={"directions": {"E": "OUT"}})
    ahead = (datetime.now(UTC) + timedelta(days=3)).isoformat()
    given = [
        {"badge": "0042", "time": "2026-10-05T08:01:22+06:00", "state": "IN", "verify": "card", "record_no": 7},
        {"badge": "0042", "time": "yesterday"},
        {"badge": "0043", "time": "2026-10-05T08:01:22", "state": "E", "work_code": "3", "door": "north"},
        {"badge": "0044", "time": ahead},
        {"badge": "0044", "time": "2000-01-01T00:10:00"},
        "0045",
        {"badge": "0042", "time": "2026-10-05T02:01:22Z", "state": "in"},
        {"badge": "0042", "time": "2026-10-05T02:01:22Z", "state": "IN", "type": "OUT"},
    ]
    answers = await sent(system, {"scans": given})
    assert statuses(answers) == [
        "stored", "unreadable", "stored", "quarantined", "quarantined", "unreadable", "known", "known",
    ]  # fmt: skip
    assert [answer["reason"] for answer in answers] == [
        None,
        "'yesterday' is no time such as 2026-10-05T08:01:22+06:00",
        None,
        "its time is more than a day ahead",
        "its time is from before this machine can have been in use",
        'it is no object, such as {"badge": "0042", "time": "2026-10-05T08:01:22"}',
        None,
        "its state says IN and its type OUT: the type counts; the scan that was here stays as it is",
    ]
    assert answers[0]["scan_id"] == answers[6]["scan_id"]
    assert [answer["scan_id"] for answer in answers if answer["scan_id"]] == [str(s.scan_id) for s in scans(ingest)]
    first, second = scans(ingest)[:2]
    assert (first.badge, first.type, first.state, first.verify, first.record_no) == ("0042", "IN", "IN", "card", "7")
    assert (first.at, first.local_time) == (
        datetime(2026, 10, 5, 2, 1, 22, tzinfo=UTC),
        datetime(2026, 10, 5, 8, 1, 22),
    )
    assert (second.type, second.state, second.work_code, second.at) == ("OUT", "E", "3", first.at)
    assert json.loads(second.raw["item"])["door"] == "north"
    assert [scan.quality for scan in scans(ingest)[2:4]] == ["future", "implausible_past"]
    kept = (await hr.get(f"{MACHINES}gate/unreadable/?ordering=position")).json()
    assert [(one["position"], json.loads(bytes.fromhex(one["raw"]))) for one in kept] == [(2, given[1]), (6, given[5])]


async def test_the_same_call_again_changes_nothing_and_says_so(
    ingest: Ingest, hr: httpx.AsyncClient, system: httpx.AsyncClient
) -> None:
    async with ingest.running():
        await register(hr)
        await accepted(system)
        given = [*some(7), {"badge": "x", "time": "never"}]
        first = await sent(system, given)
        assert statuses(first) == ["stored"] * 7 + ["unreadable"]
        async with asyncio.timeout(10):  # the ledger has them a moment later
            again = await sent(system, given)
            while statuses(again) != ["known"] * 7 + ["unreadable"]:
                again = await sent(system, given)
        assert [answer["scan_id"] for answer in again] == [answer["scan_id"] for answer in first]
        published = len(scans(ingest))
        assert {answer["status"] for answer in await sent(system, given[:7])} == {"known"}
        assert len(scans(ingest)) == published
        assert {str(scan.scan_id) for scan in scans(ingest)} == {answer["scan_id"] for answer in first[:7]}
        assert len((await hr.get(f"{MACHINES}gate/unreadable/")).json()) == 1


async def test_scans_of_just_now_are_live_however_many_and_others_are_not(
    ingest: Ingest, hr: httpx.AsyncClient, system: httpx.AsyncClient
) -> None:
    await register(hr)
    now = datetime.now(UTC).isoformat()
    await sent(system, [{"badge": str(badge), "time": now} for badge in range(20)])
    assert {scan.mode for scan in scans(ingest)} == {"live"}
    await sent(system, some(1))
    assert scans(ingest)[-1].mode == "replay"


async def test_a_call_of_500_is_one_message(ingest: Ingest, hr: httpx.AsyncClient, system: httpx.AsyncClient) -> None:
    await register(hr)
    answers = await sent(system, some(500))
    assert statuses(answers) == ["stored"] * 500
    assert [
        len(json.loads(message.body)) for message in ingest.bus.published if message.type == ScanReceived.wire_type
    ] == [500]


async def test_what_cannot_be_made_durable_is_503_and_the_same_call_is_right_later(
    ingest: Ingest, hr: httpx.AsyncClient, system: httpx.AsyncClient
) -> None:
    await register(hr)
    await accepted(system)
    ingest.bus.away = True
    spool = await ingest.parts.database.engine.connect()
    await spool.exec_driver_sql("LOCK TABLE ingest.spool IN ACCESS EXCLUSIVE MODE")
    answer = await system.post(PATH, json=some(3), headers=bearer())
    assert answer.status_code == 503
    assert answer.headers["content-type"] == "application/problem+json"
    assert int(answer.headers["retry-after"]) >= 1
    await spool.rollback()
    await spool.close()
    ingest.bus.away = False
    await sent(system, some(3))
    async with asyncio.timeout(10):  # what was begun before the 503 may end meanwhile, or later
        while {scan.badge for scan in scans(ingest)} != {"0001", "0002", "0003"}:
            await ingest.parts.publisher.drain()


async def test_while_the_bus_is_away_the_spool_takes_them(
    ingest: Ingest, hr: httpx.AsyncClient, system: httpx.AsyncClient
) -> None:
    await register(hr)
    ingest.bus.away = True
    assert {answer["status"] for answer in await sent(system, some(3))} == {"stored"}
    assert scans(ingest) == []
    ingest.bus.away = False
    await ingest.parts.publisher.drain()
    assert len(scans(ingest)) == 3


# Who calls


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": KEY},
        {"Authorization": f"Basic {KEY}"},
        {"Authorization": "Bearer "},
        bearer(KEY[:-1]),
        bearer(KEY.upper()),
        bearer("\xff" * 30),
        {"X-Api-Key": KEY + "x"},
    ],
    ids=str,
)
async def test_without_a_key_that_is_known_nothing_is_taken(
    ingest: Ingest, hr: httpx.AsyncClient, system: httpx.AsyncClient, headers: dict[str, str]
) -> None:
    await register(hr)
    given = {name: value.encode("latin-1") for name, value in headers.items()}
    answer = await system.post(PATH, json=some(1), headers=given)
    assert (answer.status_code, answer.headers["content-type"]) == (401, "application/problem+json")
    assert "key" in answer.json()["error"]
    assert KEY not in answer.text
    assert scans(ingest) == []
    assert (await hr.get("/api/ingest/pending-machines/")).json() == []


async def test_the_key_says_which_machine_it_is(
    ingest: Ingest, hr: httpx.AsyncClient, system: httpx.AsyncClient
) -> None:
    await register(hr)
    await register(hr, "other", OTHER)
    await sent(system, some(1))
    await sent(system, some(1), OTHER)
    answer = await system.post(PATH.rstrip("/"), json=some(1, first=2), headers={"X-Api-Key": OTHER})
    assert answer.status_code == 200
    assert [scan.machine for scan in scans(ingest)] == ["gate", "other", "other"]
    assert len({scan.scan_id for scan in scans(ingest)}) == 3


async def test_a_key_that_two_machines_have_is_nobodys(
    ingest: Ingest, hr: httpx.AsyncClient, system: httpx.AsyncClient
) -> None:
    await register(hr)
    await register(hr, "other")
    answer = await system.post(PATH, json=some(1), headers=bearer())
    assert (answer.status_code, answer.json()["error"]) == (403, "gate and other have the same key")
    assert scans(ingest) == []


async def test_the_keys_of_other_ways_and_tokens_of_people_are_none(
    ingest: Ingest, hr: httpx.AsyncClient, system: httpx.AsyncClient
) -> None:
    config = {"push": True, "push_key": OTHER}
    await hr.post(MACHINES, json={"machine_id": "h", "machine_type": "hikvision", "serial": "S1", "config": config})
    assert (await system.post(PATH, json=some(1), headers=bearer(OTHER))).status_code == 401
    assert (await hr.post(PATH, json=some(1))).status_code == 401


async def test_a_machine_that_is_not_wanted_keeps_its_scans(
    ingest: Ingest, hr: httpx.AsyncClient, system: httpx.AsyncClient
) -> None:
    await register(hr, status="inactive")
    answer = await system.post(PATH, json=some(1), headers=bearer())
    assert (answer.status_code, answer.json()["error"]) == (403, "gate is inactive: it keeps its scans")


async def test_a_key_that_was_changed_is_the_old_one_no_longer(
    ingest: Ingest, hr: httpx.AsyncClient, system: httpx.AsyncClient
) -> None:
    async with ingest.running():
        await register(hr)
        await accepted(system)
        assert (await hr.patch(f"{MACHINES}gate/", json={"config": {"api_key": OTHER}})).status_code == 200
        await accepted(system, OTHER)
        assert (await system.post(PATH, json=[], headers=bearer())).status_code == 401


async def test_a_key_is_never_read_back_and_stays_when_its_stars_are_sent(
    ingest: Ingest, hr: httpx.AsyncClient, system: httpx.AsyncClient
) -> None:
    await register(hr)
    shown = await hr.get(f"{MACHINES}gate/")
    assert shown.json()["config"] == {"api_key": "********"}
    changed = await hr.patch(f"{MACHINES}gate/", json={"config": {"api_key": "********", "silent_for": 60}})
    assert changed.json()["config"] == {"api_key": "********", "silent_for": 60}
    await sent(system, some(1))
    texts = [shown.text, changed.text, (await hr.get(MACHINES)).text, *(str(m.body) for m in ingest.bus.published)]
    assert all(KEY not in text for text in texts)


@pytest.mark.parametrize("key", ["short", "with blanks in it and long", "x" * 201, "ключ-ключ-ключ-ключ-ключ", 7])
async def test_a_key_that_could_be_guessed_or_not_be_sent_is_refused(hr: httpx.AsyncClient, key: Any) -> None:
    answer = await hr.post(MACHINES, json={"machine_id": "g", "machine_type": "http", "config": {"api_key": key}})
    assert answer.status_code == 422
    assert "config/api_key" in answer.json()["error"]
    assert str(key) not in answer.text or key == 7


# What is no call


@pytest.mark.parametrize(
    ("body", "headers", "query", "status", "said"),
    [
        (b"badge=1", {}, "", 400, "send a JSON list of scans"),
        (b'{"badge": "1"}', {}, "", 400, "send a JSON list of scans"),
        (b"[" + b"{}," * 500 + b"{}]", {}, "", 422, "there are 501 scans in one call; send at most 500"),
        (b"[" + b" " * LARGEST + b"]", {}, "", 413, "the body has more than 2,097,152 bytes"),
        (b"[]", {"Content-Encoding": "gzip"}, "", 415, "the body is compressed"),
        (b"[]", {}, "?machine=gate", 400, "unknown parameter machine"),
    ],
    ids=["form", "object", "many", "large", "compressed", "parameter"],
)
async def test_what_is_no_call_is_refused_with_a_sentence(
    ingest: Ingest,
    hr: httpx.AsyncClient,
    system: httpx.AsyncClient,
    body: bytes,
    headers: dict[str, str],
    query: str,
    status: int,
    said: str,
) -> None:
    await register(hr)
    answer = await system.post(PATH + query, content=body, headers=bearer() | headers)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    assert said in answer.json()["error"]
    assert scans(ingest) == []


# How it is


async def test_a_call_is_a_sign_of_life_and_silence_is_told(
    ingest: Ingest, hr: httpx.AsyncClient, system: httpx.AsyncClient
) -> None:
    async with ingest.running():
        await register(hr, config={"silent_for": 2})
        tried = (await hr.post(f"{MACHINES}gate/test/")).json()
        assert "it has not called yet" in tried["steps"][-1]["result"]
        assert tried["is_connected"] is False

        async def calling() -> None:
            while True:
                await accepted(system)
                await asyncio.sleep(0.1)

        calls = asyncio.create_task(calling())
        live = await eventually(hr, lambda m: m["state"] == "live")
        calls.cancel()
        assert live["last_contact_at"] is not None
        away = await eventually(hr, lambda m: m["state"] == "away")
        assert away["status_text"] == "it has not called for 2 s"


@asynccontextmanager
async def started_anew(ingest: Ingest) -> AsyncIterator[tuple[httpx.AsyncClient, Ingest]]:
    """A service that knows no more than what is in storage, and a client of HR staff."""
    service, parts = assemble(
        Settings(timezone="Asia/Dhaka", confirm_within=0.2),
        database=Database(ingest.url, schema="ingest"),
        tokens=Tokens(SECRET),
        bus=ingest.bus,
        clock=SystemClock(),
    )
    anew = replace(ingest, service=service, parts=parts)
    try:
        async with anew.client("hr") as hr, anew.running():
            yield hr, anew
    finally:
        await parts.database.close()


async def test_after_a_restart_it_is_as_it_was_until_it_calls_or_is_silent(
    ingest: Ingest, hr: httpx.AsyncClient, system: httpx.AsyncClient
) -> None:
    async with ingest.running():
        await register(hr, config={"silent_for": 60})
        assert (await shown(hr))["state"] == "waiting_for_a_call"
        await accepted(system)
        await sent(system, some(1))
        before = await eventually(hr, lambda m: m["state"] == "live" and m["last_scan_at"])
    async with started_anew(ingest) as (hr_anew, anew):
        await until(lambda: anew.parts.pushing.desk_of(before["id"]))
        now = await shown(hr_anew)
        assert (now["state"], now["is_connected"]) == ("live", True)
        # What people change is no reason to think that it is away.
        await hr_anew.patch(f"{MACHINES}gate/", json={"config": {"api_key": KEY, "silent_for": 1}})
        assert (await shown(hr_anew))["state"] == "live"
        away = await eventually(hr_anew, lambda m: m["state"] == "away")
        assert (away["is_connected"], away["status_text"]) == (False, "it has not called for 1 s")
        assert len(ingest.bus.events(MachineConnected)) == 1


async def test_a_machine_without_a_key_is_for_its_files(hr: httpx.AsyncClient) -> None:
    answer = await hr.post(MACHINES, json={"machine_id": "gate", "machine_type": "http"})
    assert (answer.status_code, answer.json()["state"]) == (201, "imported_only")
    assert answer.json()["status_text"] == "its config has no api_key: files of it can be imported"


# Over a socket


async def test_many_systems_at_once_over_sockets_lose_nothing(ingest: Ingest, hr: httpx.AsyncClient) -> None:
    keys = {f"gate-{number}": f"a-key-of-a-gate-that-is-{number}" for number in range(4)}
    async with served(ingest.service.app, host="127.0.0.1", port=0) as port, ingest.running():
        for code, key in keys.items():
            await register(hr, code, key)

        async def deliver(key: str) -> set[str]:
            named: set[str] = set()
            async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:
                await accepted(client, key)
                for first in range(1, 2001, 250):
                    answers = await sent(client, some(250, first=first), key)
                    named |= {answer["scan_id"] for answer in answers if answer["status"] == "stored"}
                    await sent(client, some(250, first=first), key)  # its answer was lost, say
            return named

        delivered = await asyncio.gather(*map(deliver, keys.values()))
        assert [len(each) for each in delivered] == [2000] * len(keys)
        await until(lambda: {str(scan.scan_id) for scan in scans(ingest)} == set().union(*delivered), within=60)
        for code in keys:
            await eventually(hr, lambda m: m["state"] == "live", machine=code)
