"""Generic machines as people see them over REST: the state, the sentence, what is kept, and a config that is tried."""

import asyncio
import base64
from datetime import datetime, timedelta
from functools import reduce
from operator import xor
from typing import Any

import httpx
import pytest

from services.ingest.vendors.generic.driver import Generic
from services.ingest.vendors.generic.simulator import Device, Faults, Running, simulator
from shared.contracts.machines import ErrorOccurred, MachineConnected, MachineDisconnected
from shared.contracts.scans import ScanReceived
from shared.kernel.clock import SystemClock
from tests.ingest.application.watched import MACHINES, eventually
from tests.ingest.conftest import Ingest
from tests.ingest.fakes import until
from tests.servers.ports import free_port

START = datetime(2026, 1, 5, 8)
PREVIEW = f"{MACHINES}preview/"


def config(
    side: str, profile: str = "stx-etx", connection: dict[str, Any] | None = None, **more: Any
) -> dict[str, Any]:
    quick = {"side": side, "come_within": 1, "back_within": 0.5, "connect_within": 1}
    return {"profile": profile, "connection": {**quick, **(connection or {})}, **more}


def device(of: dict[str, Any], records: int = 30) -> Device:
    made = Device(of)
    for number in range(records):
        made.record_at(f"00{number % 3}", START + timedelta(minutes=number))
    return made


async def register(hr: httpx.AsyncClient, port: int | None, of: dict[str, Any], **more: Any) -> None:
    body = {"machine_id": "gate", "name": "Gate", "machine_type": "generic", "ip_address": "127.0.0.1", "port": port}
    answer = await hr.post(MACHINES, json={**body, "zone": "UTC", "config": of, **more})
    assert answer.status_code == 201, answer.text


async def says_again_and_again(running: Running, says: bytes) -> None:
    while True:
        running.send(says)
        await asyncio.sleep(0.01)


def scans(ingest: Ingest) -> set[Any]:
    return {event.scan_id for event in ingest.bus.events(ScanReceived)}


@pytest.mark.parametrize("side", ["client", "server", "udp"])
async def test_scans_come_by_every_side_with_their_zeros_and_the_machine_is_live(
    ingest: Ingest, hr: httpx.AsyncClient, side: str
) -> None:
    of, port = config(side), free_port()
    async with ingest.running(), simulator(device(of), port=port, window=8) as running:
        await register(hr, port, of)
        shown = await eventually(hr, lambda m: m["state"] == "live")
        assert (shown["is_connected"], shown["reports_by_itself"], shown["status_text"]) == (True, True, "")
        await until(lambda: len(running.device.safe) == 30)
        assert {event.badge for event in ingest.bus.events(ScanReceived)} == {"000", "001", "002"}
        assert len(scans(ingest)) == 30
        await ingest.parts.publisher.enter_ledger()
        before = len(ingest.bus.events(ScanReceived))
        running.device.safe.clear()
        if side == "udp":
            return
        running.kill()
        await until(lambda: len(running.device.safe) == 30, within=60)
        assert len(scans(ingest)) == 30
        assert len(ingest.bus.events(ScanReceived)) == before, "what is known is not published again"


async def test_what_was_lost_over_a_restart_of_ours_is_asked_for_and_comes(
    ingest: Ingest, hr: httpx.AsyncClient
) -> None:
    of, port = config("client"), free_port()
    held = device(of)
    async with simulator(held, port=port, window=8) as running:
        async with ingest.running():
            await register(hr, port, of)
            await until(lambda: len(held.safe) == 30)
            await eventually(hr, lambda m: m["state"] == "live")
        ingest.drivers["generic"] = Generic(SystemClock())  # knows nothing, as after a start
        lost = held.record_at("0098", START)
        held.safe.add(lost.place)  # somebody told it so, and had it not
        held.record_at("0099", START)
        async with ingest.running():
            await until(lambda: len(scans(ingest)) == 32)
            assert b"\x02RESEND 0030-0030\x03" in b"".join(running.heard)


@pytest.mark.parametrize(
    ("side", "of", "says", "more", "state", "sentence", "kept"),
    [
        ("server", {}, None, {}, "away", "the machine has not come to 127.0.0.1:", None),
        ("client", {}, None, {}, "away", "refuses the connection", None),
        (
            "client",
            {"profile": "csv"},
            b"a\r\nb\r\nc\r\n",
            {},
            "waiting_for_a_person",
            "nothing that it sends can be",
            b"a",
        ),
        ("client", {"profile": "length-prefixed"}, b"\xff\xff", {}, "away", "claims to have 65,535 bytes", b"\xff\xff"),
        (
            "server",
            {"profile": "csv", "login": {"send": "PASS {password}\n", "refused": "^NO"}, "password": "x"},
            b"NO\r\n",
            {},
            "waiting_for_a_person",
            "refuses our password",
            None,
        ),
        (
            "client",
            {"profile": "json-lines", "fields": {"serial": "sn"}},
            b'{"sn":"S9","badge":"7","time":"2026-01-05 08:00:00"}\n',
            {"serial": "S1"},
            "waiting_for_a_person",
            "serial number S9, where S1 is registered",
            None,
        ),
        ("client", {"connection": {"silence": 0.3}}, b"", {}, "away", "has said nothing for 0.3 s", None),
    ],
    ids=[
        "nobody comes",
        "nobody answers",
        "another profile",
        "a lying length",
        "refused",
        "another machine",
        "silence",
    ],
)
async def test_each_trouble_has_a_state_and_a_sentence(
    ingest: Ingest,
    hr: httpx.AsyncClient,
    side: str,
    of: dict[str, Any],
    says: bytes | None,
    more: dict[str, Any],
    state: str,
    sentence: str,
    kept: bytes | None,
) -> None:
    whole, port = config(side, **of), free_port()
    async with ingest.running():
        await register(hr, port, whole, **more)
        if says is None:
            shown = await eventually(hr, lambda m: m["state"] == state and sentence in m["status_text"])
        else:
            async with simulator(Device(whole), port=port) as running:
                saying = asyncio.create_task(says_again_and_again(running, says))
                shown = await eventually(hr, lambda m: m["state"] == state and sentence in m["status_text"])
                saying.cancel()
        assert shown["is_connected"] is False
        records = (await hr.get(f"{MACHINES}gate/unreadable/")).json()
        assert bool(records) is (kept is not None)
        assert kept is None or any(bytes.fromhex(record["raw"]).startswith(kept) for record in records)
        await until(lambda: any(sentence in event.message for event in ingest.bus.events(ErrorOccurred)))
        assert scans(ingest) == set()


@pytest.mark.parametrize(
    ("faults", "sentence"),
    [
        (Faults(clock=timedelta(hours=2)), "its clock is"),
        (Faults(wrong_bcc=3), "could not be read: a frame with a wrong checksum"),
        (Faults(oversize=3), "could not be read: a frame of more than 4,096 bytes"),
    ],
    ids=["a wrong clock", "a wrong checksum", "an oversize frame"],
)
async def test_what_is_the_matter_with_a_machine_in_contact_is_a_sentence_too(
    ingest: Ingest, hr: httpx.AsyncClient, faults: Faults, sentence: str
) -> None:
    of, port = config("server"), free_port()
    async with ingest.running(), simulator(Device(of), port=port, faults=faults) as running:
        await register(hr, port, of)
        await until(lambda: running.connections, within=60)
        for number in range(5):
            running.scan(f"000{number}")
        await eventually(hr, lambda m: m["state"] == "live" and sentence in m["status_text"])
        await until(lambda: len(scans(ingest)) == 5, within=60)


async def test_a_machine_that_goes_and_comes_is_told_once_each_way(ingest: Ingest, hr: httpx.AsyncClient) -> None:
    of, port = config("server"), free_port()
    async with ingest.running(), simulator(device(of), port=port, window=8) as running:
        await register(hr, port, of)
        await until(lambda: len(running.device.safe) == 30, within=60)
        await eventually(hr, lambda m: m["state"] == "live")
        await running.off()
        await eventually(hr, lambda m: m["state"] == "away" and "has not come back" in m["status_text"])
        running.device.scan("0042")
        await running.on()
        await eventually(hr, lambda m: m["state"] == "live")
        await until(lambda: len(scans(ingest)) == 31)
        await until(lambda: len(ingest.bus.events(MachineConnected)) == 2)
        assert len(ingest.bus.events(MachineDisconnected)) == 1


async def test_while_nothing_can_be_kept_nothing_is_acknowledged(ingest: Ingest, hr: httpx.AsyncClient) -> None:
    of, port = config("server"), free_port()
    async with ingest.running(), simulator(Device(of), port=port) as running:
        await register(hr, port, of)
        await until(lambda: running.connections, within=60)
        ingest.bus.gate = asyncio.Event()
        running.scan("0042")
        await until(lambda: ingest.bus.calls)
        assert running.device.safe == set()
        assert running.heard == []
        ingest.bus.gate.set()
        await until(lambda: running.device.safe == {0})


async def test_without_a_connection_a_machine_is_for_its_files_alone(ingest: Ingest, hr: httpx.AsyncClient) -> None:
    of, port = config("server"), free_port()
    async with ingest.running():
        await register(hr, None, {})
        shown = (await hr.get(f"{MACHINES}gate/")).json()
        assert (shown["state"], shown["reports_by_itself"]) == ("imported_only", False)
        assert shown["status_text"] == "it has no connection in its config: files of it can be imported"
        async with simulator(device(of), port=port):
            await hr.patch(f"{MACHINES}gate/", json={"port": port, "config": of})
            live = await eventually(hr, lambda m: m["state"] == "live")
            assert (live["status_text"], live["reports_by_itself"]) == ("", True)


async def test_a_password_is_not_shown_again(ingest: Ingest, hr: httpx.AsyncClient) -> None:
    await register(hr, 4001, config("client", password="hush"), status="inactive")
    assert (await hr.get(f"{MACHINES}gate/")).json()["config"]["password"] == "********"


WRONG: list[tuple[dict[str, Any], str, str]] = [
    ({"profile": "xml"}, "config/profile", "'xml' is none of json-lines"),
    ({"framing": {"kind": "lines", "longest": 0}}, "config/framing/longest", "is to be 1 or more"),
    ({"framing": {"kind": "delimited", "end": "zz"}}, "config/framing/end", "hexadecimal"),
    ({"framing": {"kind": "enclosed", "start": "02", "end": "02"}}, "config/framing", "no byte in common"),
    ({"decoding": {"kind": "pattern", "pattern": "("}}, "config/decoding/pattern", "missing )"),
    ({"decoding": {"kind": "pattern", "pattern": "(?<!a)b"}}, "config/decoding/pattern", "cannot be used"),
    ({"decoding": {"kind": "pattern", "pattern": "a" * 501}}, "config/decoding/pattern", "at most 500"),
    ({"profile": "csv", "fields": {"badge": "card"}}, "config/fields/badge", "has no 'card'; it has badge, direction"),
    ({"times": ["%d/%m %H:%M"]}, "config/times/0", "lacks %Y"),
    ({"times": ["sometime"]}, "config/times/0", "day_first"),
    ({"directions": {"x": "INWARDS"}}, "config/directions/x", "'IN'"),
    ({"acknowledge": {"ok": "\u2713"}}, "config/acknowledge/ok", "made of bytes"),
    ({"connection": {"side": "sideways"}}, "config/connection/side", "'client', 'server', 'udp' or 'mqtt'"),
    ({"connection": {"side": "server", "allow": ["here"]}}, "config/connection/allow/0", "IPv4"),
    ({"connection": {"side": "server"}, "framing": {"kind": "datagrams"}}, "config/framing/kind", "sides udp and mqtt"),
    ({"connection": {"side": "server"}, "poll": {"request": "?"}}, "config/poll", "that we connect to"),
    ({"profile": "csv", "sequence": {"request": "R{from}"}}, "config/fields/sequence", "is needed"),
    ({"colour": "red"}, "config/colour", "is not known here"),
]  # fmt: skip


@pytest.mark.parametrize(("of", "member", "says"), WRONG, ids=[f"{member} {says}" for _, member, says in WRONG])
async def test_a_config_that_cannot_be_is_refused_with_what_is_wrong_in_it(
    ingest: Ingest, hr: httpx.AsyncClient, of: dict[str, Any], member: str, says: str
) -> None:
    for path in (MACHINES, PREVIEW):
        named = {"machine_id": "gate"} if path == MACHINES else {"sample": {"text": "x"}}
        answer = await hr.post(path, json={"machine_type": "generic", "config": of, **named})
        assert answer.status_code == 422, answer.text
        wrong = {error["pointer"]: error["detail"] for error in answer.json()["errors"]}
        assert says in wrong["/" + member if "/" + member in wrong else member], wrong


# A config that is tried

BODY = b"0042,007,20261005080122,I\x03"
FRAME = b"\x02" + BODY + bytes([reduce(xor, BODY)])


async def test_a_config_is_tried_on_a_sample(ingest: Ingest, hr: httpx.AsyncClient) -> None:
    sample = b"noise" + FRAME + FRAME[:-1] + b"\0" + b"\x02HB\x03" + bytes([ord("H") ^ ord("B") ^ 3]) + FRAME[:9]
    body = {"machine_type": "generic", "zone": "Asia/Dhaka", "config": {"profile": "stx-etx"}}
    answers = [
        (await hr.post(PREVIEW, json={**body, "sample": each})).json()
        for each in ({"hex": sample.hex(" ")}, {"base64": base64.b64encode(sample).decode()})
    ]
    assert answers[0] == answers[1]
    found = answers[0]
    assert [frame["kind"] for frame in found["frames"]] == ["unreadable", "scans", "unreadable", "heartbeat"]
    assert found["frames"][0]["problems"] == ["bytes that belong to no frame"]
    assert found["frames"][1]["reply"] == b"\x060042".hex()
    assert found["frames"][2]["problems"] == ["a frame with a wrong checksum"]
    assert found["frames"][2]["reply"] == b"\x15".hex()
    assert found["frames"][3]["reply"] == b"\x06".hex()
    assert found["rest"] == FRAME[:9].hex()
    assert (found["scans"], found["unreadable"], found["zone"]) == (1, 2, "Asia/Dhaka")
    (scan,) = found["frames"][1]["scans"]
    assert scan == {
        "id": None,
        "badge": "007",
        "device_time": "20261005080122",
        "time": "2026-10-05T02:01:22Z",
        "quality": scan["quality"],
        "type": "IN",
        "state": "I",
        "verify": None,
        "record_no": "0042",
    }


async def test_with_a_machine_that_is_known_scans_have_the_ids_that_they_would_have(
    ingest: Ingest, hr: httpx.AsyncClient
) -> None:
    of, port = config("server", "csv"), free_port()
    async with ingest.running():
        await register(hr, port, of)
        line = "0042,2026-01-05 08:00:00,in,1\r\n"
        tried = (await hr.post(PREVIEW, json={"machine_id": "gate", "sample": {"text": line}})).json()
        async with simulator(Device(of), port=port) as running:
            await until(lambda: running.connections, within=60)
            running.send(line.encode())
            await until(lambda: scans(ingest), within=60)
        assert {str(each) for each in scans(ingest)} == {tried["frames"][0]["scans"][0]["id"]}


@pytest.mark.parametrize(
    ("body", "status", "says"),
    [
        ({"machine_id": "nowhere", "sample": {"text": "x"}}, 404, "no machine 'nowhere'"),
        ({"sample": {"text": "x"}}, 400, "machine_type"),
        ({"machine_type": "simulated", "sample": {"text": "x"}}, 422, "a protocol of its own"),
        ({"machine_type": "generic", "sample": {"hex": "0g"}}, 400, "cannot be read"),
        ({"machine_type": "generic", "sample": {"base64": "???"}}, 400, "cannot be read"),
        ({"machine_type": "generic", "sample": {}}, 400, "one of text, hex and base64"),
        ({"machine_type": "generic", "sample": {"text": "a", "hex": "00"}}, 400, "one of text, hex and base64"),
        ({"machine_type": "generic", "zone": "Mars/Base", "sample": {"text": "x"}}, 400, "time zone"),
    ],
)
async def test_a_trial_that_cannot_be_says_why(
    ingest: Ingest, hr: httpx.AsyncClient, body: dict[str, Any], status: int, says: str
) -> None:
    answer = await hr.post(PREVIEW, json=body)
    assert answer.status_code == status, answer.text
    assert says in answer.text


async def test_only_hr_tries_configs(ingest: Ingest) -> None:
    async with ingest.client("employee") as employee:
        body = {"machine_type": "generic", "sample": {"text": "x"}}
        assert (await employee.post(PREVIEW, json=body)).status_code == 403
