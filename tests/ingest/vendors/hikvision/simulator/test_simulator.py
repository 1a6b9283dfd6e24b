"""The simulated terminal as clients find it that are not ours: curl, and a line of HTTP."""

import asyncio
import json
import re
import shutil
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from services.ingest.vendors.faults import WrongFault
from services.ingest.vendors.hikvision.simulator import Device, Faults, Running, simulator
from services.ingest.vendors.hikvision.simulator.faults import FAULTS, parsed
from services.ingest.vendors.hikvision.simulator.pusher import Form
from tests.ingest.fakes import FakeClock, until
from tests.ingest.vendors.hikvision.contact import PASSWORD, START, device

with_curl = pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
EVENTS = "/ISAPI/AccessControl/AcsEvent?format=json"
DEVICE = "/ISAPI/System/deviceInfo"
STREAM = "/ISAPI/Event/notification/alertStream"
HOSTS = "/ISAPI/Event/notification/httpHosts"


async def curl(running: Running, path: str, *more: str, user: str = f"admin:{PASSWORD}") -> bytes:
    command = ["curl", "--silent", "--show-error", "--noproxy", "*", "--max-time", "10", "--digest", "-u", user, *more]
    process = await asyncio.create_subprocess_exec(
        *command, f"http://127.0.0.1:{running.port}{path}", stdout=-1, stderr=-1
    )
    out, problem = await process.communicate()
    assert process.returncode == 0, problem
    return out


def client(running: Running, password: str = PASSWORD) -> httpx.AsyncClient:
    return httpx.AsyncClient(
        base_url=f"http://127.0.0.1:{running.port}", auth=httpx.DigestAuth("admin", password), trust_env=False
    )


def condition(**more: Any) -> dict[str, Any]:
    return {
        "AcsEventCond": {"searchID": "1", "searchResultPosition": 0, "maxResults": 30, "major": 5, "minor": 0, **more}
    }


@with_curl
async def test_curl_reads_who_it_is_and_what_time_it_has() -> None:
    async with simulator(device(serial="S1", zone="Asia/Kolkata")) as running:
        assert b"<serialNumber>S1</serialNumber>" in await curl(running, DEVICE)
        told = await curl(running, "/ISAPI/System/time")
        assert b"+05:30</localTime>" in told
        assert b"<timeZone>CST-5:30:00</timeZone>" in told
        assert running.device.wrong_passwords == 0


@with_curl
async def test_curl_sets_its_clock_and_not_by_what_it_does_not_take() -> None:
    path = "/ISAPI/System/time"
    async with simulator(device(zone="Asia/Kolkata", ntp=True)) as running:
        told = (await curl(running, path)).decode()
        assert "<timeMode>NTP</timeMode>" in told
        wanted = re.sub(r"<localTime>[^+]*", "<localTime>2026-01-31T08:00:00", told)
        for refused in (wanted, "{}", wanted.replace("NTP", "manual").replace("CST-5:30", "CST-8:00")):
            assert b"badXml" in await curl(running, path, "-X", "PUT", "--data", refused)
        assert b"<subStatusCode>ok<" in await curl(
            running, path, "-X", "PUT", "--data", wanted.replace("NTP", "manual")
        )
        assert timedelta(0) <= running.device.wall() - datetime(2026, 1, 31, 8) < timedelta(seconds=5)
        assert b"<timeMode>manual</timeMode>" in await curl(running, path)


@with_curl
async def test_curl_reads_a_log_page_by_page() -> None:
    async with simulator(device(70)) as running:
        rows: list[dict[str, Any]] = []
        while True:
            asked = json.dumps(condition(searchResultPosition=len(rows)))
            page = json.loads(await curl(running, EVENTS, "--json", asked))["AcsEvent"]
            rows += page.get("InfoList", [])
            if page["responseStatusStrg"] != "MORE":
                break
        assert [row["serialNo"] for row in rows] == list(range(1, 71))
        assert page["totalMatches"] == 70


@with_curl
async def test_curl_hears_of_scans() -> None:
    async with simulator(device(0)) as running:
        listening = asyncio.create_task(curl(running, STREAM, "--no-buffer"))
        await until(lambda: running.listeners)
        await running.scan("0042")
        await running.off()
        with pytest.raises(AssertionError):
            await listening
    async with simulator(device(0), faults=Faults(cut_stream=2)) as running:
        listening = asyncio.create_task(curl(running, STREAM))
        await until(lambda: running.listeners)
        await running.scan("0042")
        assert b'"employeeNoString":\t"0042"'.replace(b"\t", b" ") in (await listening).replace(b"\t", b"")


async def test_five_wrong_passwords_lock_it_for_half_an_hour_and_a_right_one_begins_anew() -> None:
    clock = FakeClock()
    async with simulator(Device(clock=clock)) as running:
        for _ in range(2):
            for number in range(4):
                async with client(running, "wrong") as wrong:
                    answer = await wrong.get(DEVICE)
                assert answer.status_code == 401
                assert f"<retryLoginTime>{4 - number}</retryLoginTime>" in answer.text
            async with client(running) as right:
                assert (await right.get(DEVICE)).status_code == 200
        for _ in range(5):
            async with client(running, "wrong") as wrong:
                answer = await wrong.get(DEVICE)
        assert "<lockStatus>locked</lockStatus>" in answer.text
        assert "<unlockTime>1800</unlockTime>" in answer.text
        async with client(running) as right:
            assert (await right.get(DEVICE)).status_code == 401
            clock.forward(timedelta(minutes=31))
            assert (await right.get(DEVICE)).status_code == 200


@pytest.mark.parametrize("faults", [Faults(one_shot_nonce=True), Faults(stale=1)], ids=["one-shot", "stale"])
async def test_a_nonce_that_was_used_up_is_no_wrong_password(faults: Faults) -> None:
    async with simulator(Device(), faults=faults) as running, client(running) as right:
        for _ in range(4):
            assert (await right.get(DEVICE)).status_code == 200
        assert running.answered[401] >= 4
        assert running.device.wrong_passwords == 0


REFUSED: Sequence[tuple[Faults, dict[str, Any], str, str]] = [
    (Faults(), {"AcsEventCond": {"searchID": "1"}}, "MessageParametersLack", "major"),
    (Faults(), condition(major=0), "badJsonContent", "major"),
    (Faults(), condition(beginSerialNo=1), "MessageParametersLack", "endSerialNo"),
    (Faults(small_serials=True), condition(beginSerialNo=1, endSerialNo=0xFFFFFFFF), "badJsonContent", "endSerialNo"),
    (Faults(no_serials=True), condition(beginSerialNo=1, endSerialNo=2), "badJsonContent", "beginSerialNo"),
    (Faults(no_times=True), condition(startTime="2026-01-01T00:00:00Z"), "badJsonContent", "startTime"),
    (Faults(), condition(startTime="2026-01-01T00:00:00"), "badJsonContent", "startTime"),
    (Faults(bare_times=True), condition(startTime="2026-01-01T00:00:00Z"), "badJsonContent", "startTime"),
    (Faults(), {}, "badJsonFormat", ""),
]


@pytest.mark.parametrize(("faults", "asked", "code", "about"), REFUSED)
async def test_what_a_firmware_does_not_take_is_refused_by_name(
    faults: Faults, asked: dict[str, Any], code: str, about: str
) -> None:
    async with simulator(device(), faults=faults) as running, client(running) as asking:
        refused = (await asking.post(EVENTS, json=asked)).json()
        assert (refused["subStatusCode"], refused["errorMsg"]) == (code, about)


async def test_rows_come_in_order_of_time_which_is_not_that_of_their_numbers() -> None:
    terminal = device(3)
    terminal.record_at("9", datetime(1970, 1, 1, 0, 3))
    async with simulator(terminal) as running, client(running) as asking:
        rows = (await asking.post(EVENTS, json=condition())).json()["AcsEvent"]["InfoList"]
        assert [row["serialNo"] for row in rows] == [4, 1, 2, 3]
        newest = condition(timeReverseOrder=True, maxResults=1)
        (row,) = (await asking.post(EVENTS, json=newest)).json()["AcsEvent"]["InfoList"]
        assert row["serialNo"] == 3
        of_time = condition(startTime="2026-01-05T08:01:00+00:00", endTime="2026-01-05T08:02:00+00:00")
        rows = (await asking.post(EVENTS, json=of_time)).json()["AcsEvent"]["InfoList"]
        assert [row["serialNo"] for row in rows] == [2, 3]


async def test_the_end_of_a_log_is_said_in_more_than_one_way() -> None:
    async with simulator(Device()) as running, client(running) as asking:
        assert (await asking.post(EVENTS, json=condition())).json()["AcsEvent"]["responseStatusStrg"] == "NO MATCH"
        running.faults = Faults(odd_status=True, no_totals=True)
        page = (await asking.post(EVENTS, json=condition())).json()["AcsEvent"]
        assert page["responseStatusStrg"] == "NO_MATCHES"
        assert "totalMatches" not in page


async def test_a_query_and_what_it_does_not_know_are_refused_as_on_a_terminal() -> None:
    async with simulator(Device()) as running, client(running) as asking:
        assert (await asking.get(EVENTS)).json()["subStatusCode"] == "methodNotAllowed"
        assert "notSupport" in (await asking.get("/ISAPI/Streaming/channels")).text
        assert (await asking.get("/ISAPI/System/status")).status_code == 200


async def heard(running: Running, parts: int) -> bytes:
    """The stream until so many parts were sent."""
    got = b""
    async with client(running) as asking, asking.stream("GET", STREAM) as stream:
        async for some in stream.aiter_raw():
            got += some
            if got.count(b"--MIME_boundary\r\n") >= parts:
                break
    return got


async def test_a_stream_begins_with_a_heartbeat_and_goes_on_with_events() -> None:
    async with simulator(Device(), beat_every=0.05) as running:
        listening = asyncio.create_task(heard(running, 4))
        await until(lambda: running.listeners)
        await running.scan("7")
        got = await listening
        assert b"heartBeat" in got
        assert b'"serialNo": 1' in got
        assert b'"currentEvent": true' in got


async def test_a_backlog_says_that_it_is_one() -> None:
    async with simulator(device(3), faults=Faults(backlog=True)) as running:
        assert (await heard(running, 3)).count(b'"currentEvent": false') == 3


@pytest.mark.parametrize("form", ["json", "multipart", "xml", "multipart-xml"])
async def test_what_it_pushes_is_its_backlog_and_then_what_happens_again_until_it_is_taken(form: Form) -> None:
    taken: list[bytes] = []
    refuse = 2

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal refuse
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
        body = await reader.readexactly(length)
        well, refuse = refuse <= 0, refuse - 1
        if well:
            assert head.startswith(b"POST /hik/1 HTTP/1.1\r\n")
            taken.append(body)
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n" if well else b"HTTP/1.1 503 No\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(take, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        body = (
            "<HttpHostNotification><id>1</id><url>/hik/1</url><ipAddress>127.0.0.1</ipAddress>"
            f"<portNo>{port}</portNo></HttpHostNotification>"
        )
        async with simulator(device(3), push_form=form) as running, client(running) as asking:
            assert "badXmlFormat" in (await asking.put(f"{HOSTS}/1", json={})).text
            assert (await asking.put(f"{HOSTS}/1", content=body)).status_code == 200
            await running.scan("0042")
            await until(lambda: len(taken) == 4)
            await until(lambda: running.pushers[1].answers == [503, 503, 200, 200, 200, 200])
            assert [b"false" in event for event in taken] == [True, True, True, False]
            assert (b"\xff\xd8" in taken[0]) is form.startswith("multipart")
            await asking.delete(f"{HOSTS}/1")
            await running.scan("0042")
            assert running.pushers == {}


async def test_power_goes_and_comes_at_the_same_port() -> None:
    async with simulator(Device()) as running:
        port = running.port
        await running.off()
        async with client(running) as asking:
            with pytest.raises(httpx.ConnectError):
                await asking.get(DEVICE)
            await running.on()
            assert running.port == port
            assert (await asking.get(DEVICE)).status_code == 200


async def test_a_line_can_be_cut_and_split() -> None:
    for faults, whole in ((Faults(split=7), True), (Faults(cut=100), False)):
        async with simulator(Device(), faults=faults) as running:
            reader, writer = await asyncio.open_connection("127.0.0.1", running.port)
            writer.write(b"GET / HTTP/1.1\r\n\r\n")
            writer.write_eof()
            got = await reader.read(-1)
            assert got.startswith(b"HTTP/1.1 401")
            assert (len(got) > 100) is whole
            writer.close()


def test_a_log_that_is_full_forgets_its_oldest_and_counts_on() -> None:
    terminal = device(30, capacity=10)
    assert [entry.serial for entry in terminal.entries] == list(range(21, 31))
    terminal.clear_log()
    assert terminal.record_at("1", START).serial == 31
    terminal.restart_counter()
    assert terminal.record_at("1", START).serial == 1


def test_a_clock_that_was_reset_begins_in_1970() -> None:
    terminal = Device(clock=FakeClock(datetime(2026, 1, 5, tzinfo=UTC)))
    terminal.reset_clock()
    assert terminal.wall() == datetime(1970, 1, 1)


def test_every_fault_can_be_named_and_a_wrong_one_is_told() -> None:
    for name, fault in FAULTS.items():
        assert parsed([f"{name}={fault.example}" if fault.example else name]) != Faults()
    for wrong in ("nonsense", "split=x", "split=0", "clock", "deaf=1"):
        with pytest.raises(WrongFault):
            parsed([wrong])
