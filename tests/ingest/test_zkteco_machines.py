"""ZKTeco machines as people see them over REST: the state, the sentence, and what is kept."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest

from services.ingest.vendors.zkteco.driver import Zkteco
from services.ingest.vendors.zkteco.simulator import Device, Faults, simulator
from services.ingest.vendors.zkteco.simulator.encoding import User, strange_layout
from services.ingest.vendors.zkteco.wire import Code
from shared.contracts.machines import ErrorOccurred, MachineConnected, MachineDisconnected
from shared.contracts.scans import ScanReceived
from shared.kernel.clock import SystemClock
from tests.ingest.application.watched import MACHINES, eventually
from tests.ingest.conftest import Ingest
from tests.ingest.fakes import until

START = datetime(2026, 1, 5, 8)


def device(records: int = 30, **how: Any) -> Device:
    made = Device(users=["1001", "1002", "1003"], serial="S1", **how)
    for number in range(records):
        made.record_at(str(1001 + number % 3), START + timedelta(minutes=number))
    return made


async def register(hr: httpx.AsyncClient, port: int, **more: Any) -> None:
    config = {"answer_within": 0.5, "look_every": 0.2, **more.pop("config", {})}
    body = {"machine_id": "gate", "name": "Gate", "machine_type": "zkteco", "ip_address": "127.0.0.1", "port": port}
    answer = await hr.post(MACHINES, json={**body, "zone": "UTC", "config": config, **more})
    assert answer.status_code == 201, answer.text


def strange() -> Device:
    made = device()
    made.lay_out(strange_layout(23))
    return made


def without_a_user() -> Device:
    made = device(layout="8")
    made.forget("1002")
    return made


def wrong_key() -> Device:
    return device(comm_key=7)


@pytest.mark.parametrize(
    ("make", "faults", "more", "state", "sentence", "kept"),
    [
        (wrong_key, Faults(), {"config": {"comm_key": 8}}, "waiting_for_a_person", "refuses our comm key", None),
        (device, Faults(), {"serial": "S2"}, "waiting_for_a_person", "serial number S1, where S2 is registered", None),
        (device, Faults(half_frame=True), {}, "away", "stopped in the middle of a packet", None),
        (device, Faults(huge_frame=True), {}, "away", "a packet that claims to have", b"\x50\x50\x82\x7d"),
        (device, Faults(garbage=True), {}, "away", "a packet that begins with", b""),
        (device, Faults(silent=0), {}, "away", "does not answer CONNECT within 0.5 s", None),
        (device, Faults(wrong_checksum=True), {}, "live", "had a wrong checksum", None),
        (without_a_user, Faults(), {}, "live", "whom it has deleted; link these badges to people: uid:2", None),
        (strange, Faults(), {}, "waiting_for_a_person", "of a form that is not known", b""),
        (
            lambda: device(clock_offset=timedelta(hours=2)),
            Faults(),
            {},
            "live",
            "its clock is 2 hours ahead: is its zone right?",
            None,
        ),
    ],
    ids=[
        "a wrong comm key",
        "another machine's serial",
        "half a frame, then silence",
        "a frame that claims gigabytes",
        "no packets",
        "silence",
        "a wrong checksum",
        "a deleted user in 8-byte records",
        "records of an unknown size",
        "a wrong clock",
    ],
)
async def test_each_trouble_has_a_state_and_a_sentence(
    ingest: Ingest,
    hr: httpx.AsyncClient,
    make: Callable[[], Device],
    faults: Faults,
    more: dict[str, Any],
    state: str,
    sentence: str,
    kept: bytes | None,
) -> None:
    async with simulator(make(), faults=faults, pace=0) as running, ingest.running():
        await register(hr, running.port, **more)
        shown = await eventually(hr, lambda m: m["state"] == state and sentence in m["status_text"])
        assert shown["is_connected"] is (state == "live")
        records = (await hr.get(f"{MACHINES}gate/unreadable/")).json()
        assert bool(records) is (kept is not None)
        assert all(bytes.fromhex(record["raw"]).startswith(kept or b"") for record in records)
        await until(lambda: any(sentence in event.message for event in ingest.bus.events(ErrorOccurred)))


async def test_a_machine_that_goes_and_comes_is_told_once_each_way(ingest: Ingest, hr: httpx.AsyncClient) -> None:
    terminal = device()
    async with simulator(terminal, pace=0) as running, ingest.running():
        await register(hr, running.port)
        live = await eventually(hr, lambda m: m["state"] == "live" and m["records_received"] == 30)
        assert live["records_on_machine"] == 30
        assert live["record_capacity"] == 100_000
        assert abs(live["clock_offset_seconds"]) < 2
        await running.off()
        away = await eventually(hr, lambda m: m["state"] == "away" and "refuses the connection" in m["status_text"])
        assert away["last_contact_at"]
        terminal.scan("1001")
        await running.on()
        await eventually(hr, lambda m: m["state"] == "live")
        await until(lambda: len({event.scan_id for event in ingest.bus.events(ScanReceived)}) == 31)
        await until(lambda: len(ingest.bus.events(MachineConnected)) == 2)
        assert len(ingest.bus.events(MachineDisconnected)) == 1


async def test_a_number_that_another_has_now_leaves_scans_whose_they_were_over_a_start_of_ours(
    ingest: Ingest, hr: httpx.AsyncClient
) -> None:
    terminal = device(layout="8")
    async with simulator(terminal, pace=0) as running:
        async with ingest.running():
            await register(hr, running.port)
            await eventually(hr, lambda m: m["state"] == "live" and m["records_received"] == 30)
        terminal.shift_clock(timedelta(minutes=1))
        terminal.forget("1002")
        terminal.enrol(User(uid=2, user_id="2002"))
        ingest.drivers["zkteco"] = Zkteco(SystemClock())
        running.received.clear()
        async with ingest.running():
            await until(lambda: any(one.data[1:2] == bytes([Code.USERTEMP_RRQ]) for one in running.received))
            terminal.shift_clock(timedelta(minutes=1))
            await running.scan("2002")
            await until(lambda: len({event.scan_id for event in ingest.bus.events(ScanReceived)}) == 31)
            shown = await eventually(hr, lambda m: m["state"] == "live")
            assert "uid:" not in shown["status_text"]
    badges = [event.badge for event in ingest.bus.events(ScanReceived)]
    assert (badges.count("1002"), badges.count("2002")) == (10, 1)


async def test_a_machine_is_tried_before_it_is_saved(ingest: Ingest, hr: httpx.AsyncClient) -> None:
    async with simulator(device(comm_key=7), pace=0) as running:
        body = {"machine_id": "gate", "machine_type": "zkteco", "ip_address": "127.0.0.1", "port": running.port}
        wrong = (await hr.post(f"{MACHINES}test/", json=body)).json()
        assert wrong["is_connected"] is False
        assert wrong["steps"][-1]["step"] == "authenticate"
        right = (await hr.post(f"{MACHINES}test/", json={**body, "config": {"comm_key": 7}})).json()
        assert right["is_connected"] is True
        assert (await hr.get(f"{MACHINES}gate/")).status_code == 404
        await register(hr, running.port, config={"comm_key": 7})
        hidden = {**body, "config": {"comm_key": "********"}}
        assert (await hr.post(f"{MACHINES}test/", json=hidden)).json()["is_connected"] is True
        async with ingest.client("employee") as employee:
            assert (await employee.post(f"{MACHINES}test/", json=body)).status_code == 403


async def test_over_udp_the_same_scans_come_and_a_test_shows_its_steps(ingest: Ingest, hr: httpx.AsyncClient) -> None:
    terminal = device()
    async with simulator(terminal, faults=Faults(lost_datagram=9), udp=True, pace=0) as running, ingest.running():
        await register(hr, running.port, serial="S1")
        await eventually(hr, lambda m: m["state"] == "live" and m["records_received"] == 30)
        by_tcp = {event.scan_id for event in ingest.bus.events(ScanReceived)}
        changed = {"config": {"transport": "udp", "answer_within": 5, "look_every": 0.2}}
        assert (await hr.patch(f"{MACHINES}gate/", json=changed)).status_code == 200
        await until(lambda: any(talk.place and talk.dialogue.wants_scans for talk in running.talks), within=60)
        entry = terminal.scan("1001")
        await running.tell(terminal.event(entry))
        await until(lambda: len({event.scan_id for event in ingest.bus.events(ScanReceived)}) == 31, within=30)
        tested = (await hr.post(f"{MACHINES}gate/test/")).json()
        assert tested["is_connected"] is True, tested
        assert [step["step"] for step in tested["steps"]][:3] == ["resolve", "connect", "authenticate"]
        assert "no connection" in tested["steps"][1]["result"]
        assert len(by_tcp) == 30


async def test_by_pyzk_the_same_scans_come(ingest: Ingest, hr: httpx.AsyncClient) -> None:
    terminal = device()
    async with simulator(terminal, sub_packet=65_472) as running, ingest.running():
        await register(hr, running.port, serial="S1", config={"driver": "pyzk", "answer_within": 5})
        await eventually(hr, lambda m: m["state"] == "live" and m["records_received"] == 30)
        by_pyzk = {event.scan_id for event in ingest.bus.events(ScanReceived)}
        await hr.patch(f"{MACHINES}gate/", json={"config": {"driver": "own", "look_every": 0.2}})
        await until(lambda: running.listeners)
        await running.scan("1001")
        await until(lambda: len({event.scan_id for event in ingest.bus.events(ScanReceived)}) == 31)
        assert len(by_pyzk) == 30


async def test_by_pyzk_too_a_full_log_is_read_again_although_its_count_stays(
    ingest: Ingest, hr: httpx.AsyncClient
) -> None:
    terminal = device(record_capacity=30, cyclic=1)
    async with simulator(terminal, sub_packet=65_472) as running, ingest.running():
        await register(hr, running.port, config={"driver": "pyzk", "answer_within": 5, "look_every": 0.05})
        await eventually(hr, lambda m: m["state"] == "live" and m["records_received"] == 30)
        terminal.scan("1001")
        await until(lambda: len({event.scan_id for event in ingest.bus.events(ScanReceived)}) == 31, within=60)


async def test_by_pyzk_too_a_full_log_and_one_that_was_cleared_are_told(ingest: Ingest, hr: httpx.AsyncClient) -> None:
    terminal = device(record_capacity=36)
    async with simulator(terminal, sub_packet=65_472) as running, ingest.running():
        await register(hr, running.port, config={"driver": "pyzk", "answer_within": 5, "look_every": 0.05})
        await eventually(hr, lambda m: "its log is 83 % full" in m["status_text"])
        terminal.clear_log()
        terminal.scan("1001")
        await until(
            lambda: any("1 records and held 30" in event.message for event in ingest.bus.events(ErrorOccurred)),
            within=20,
        )
        await eventually(hr, lambda m: "% full" not in m["status_text"])


async def test_pyzks_troubles_are_told_in_our_words(ingest: Ingest, hr: httpx.AsyncClient) -> None:
    async with simulator(device(comm_key=7)) as running, ingest.running():
        await register(hr, running.port, config={"driver": "pyzk", "comm_key": 8, "answer_within": 2})
        await eventually(
            hr, lambda m: m["state"] == "waiting_for_a_person" and "refuses our comm key" in m["status_text"]
        )


async def test_a_machine_without_an_address_is_for_its_files_alone(ingest: Ingest, hr: httpx.AsyncClient) -> None:
    async with ingest.running():
        await hr.post(MACHINES, json={"machine_id": "gate", "machine_type": "zkteco", "zone": "UTC"})
        shown = (await hr.get(f"{MACHINES}gate/")).json()
        assert (shown["state"], shown["reports_by_itself"]) == ("imported_only", False)
        assert shown["status_text"] == "it has no address: files of it can be imported"
        async with simulator(device(), pace=0) as running:
            await hr.patch(f"{MACHINES}gate/", json={"ip_address": "127.0.0.1", "port": running.port})
            live = await eventually(hr, lambda m: m["state"] == "live")
            assert (live["status_text"], live["reports_by_itself"]) == ("", True)
