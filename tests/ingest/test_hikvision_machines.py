"""Hikvision terminals as people see them over REST: the state, the sentence, and what is kept."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import httpx
import pytest

from services.ingest.vendors.hikvision.simulator import Device, Faults, simulator
from shared.contracts.machines import ErrorOccurred, MachineConnected, MachineDisconnected
from shared.contracts.scans import ScanReceived
from tests.ingest.application.watched import MACHINES, eventually
from tests.ingest.conftest import Ingest
from tests.ingest.fakes import until
from tests.ingest.vendors.hikvision.contact import QUICK, device, ids_of


async def register(hr: httpx.AsyncClient, port: int, **more: Any) -> None:
    config = {**QUICK, **more.pop("config", {})}
    body = {"machine_id": "gate", "name": "Gate", "machine_type": "hikvision", "ip_address": "127.0.0.1", "port": port}
    answer = await hr.post(MACHINES, json={**body, "zone": "UTC", "config": config, **more})
    assert answer.status_code == 201, answer.text


def in_another_zone() -> Device:
    return device(30, zone="Asia/Shanghai")


def two_hours_ahead() -> Device:
    return device(30, clock_offset=timedelta(hours=2))


@pytest.mark.parametrize(
    ("make", "faults", "more", "state", "sentence", "kept"),
    [
        (device, Faults(), {"config": {"password": "no"}}, "waiting_for_a_person", "refuses our user 'admin'", None),
        (device, Faults(locked=True), {}, "waiting_for_a_person", "locked our user 'admin' out for 30 minutes", None),
        (device, Faults(), {"serial": "S2"}, "waiting_for_a_person", "where S2 is registered", None),
        (device, Faults(basic_only=True), {}, "waiting_for_a_person", "set it to digest in its menu", None),
        (device, Faults(no_log=True), {}, "waiting_for_a_person", "Is it an access terminal?", b"<?xml"),
        (device, Faults(no_http=True), {}, "waiting_for_a_person", "does not speak HTTP", None),
        (device, Faults(silent=0), {}, "away", "does not answer System/deviceInfo within 0.5 s", None),
        (device, Faults(cut=50), {}, "away", "closed the connection", None),
        (device, Faults(no_stream=True), {}, "live", "it does not tell of scans as they happen", None),
        (device, Faults(malformed=2), {}, "live", "a part of its stream cannot be read", None),
        (in_another_zone, Faults(), {}, "live", "its zone is set to UTC+08:00, where UTC is UTC+00:00 now", None),
        (two_hours_ahead, Faults(), {}, "live", "its clock is ", None),
    ],
    ids=[
        "a wrong password",
        "a user who is locked out",
        "another machine's serial",
        "passwords in the clear",
        "no access terminal",
        "another protocol",
        "silence",
        "a line that is cut",
        "no stream",
        "a stream with rubbish in it",
        "a wrong zone",
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
    async with simulator(make(), faults=faults, beat_every=0.05) as running, ingest.running():
        await register(hr, running.port, **more)
        shown = await eventually(hr, lambda m: m["state"] == state and sentence in m["status_text"])
        assert shown["is_connected"] is (state == "live")
        assert running.device.wrong_passwords <= 1
        records = (await hr.get(f"{MACHINES}gate/unreadable/")).json()
        assert bool(records) is (kept is not None)
        assert all(bytes.fromhex(record["raw"]).startswith(kept or b"") for record in records)
        await until(lambda: any(sentence in event.message for event in ingest.bus.events(ErrorOccurred)))


async def test_a_machine_that_goes_and_comes_is_told_once_each_way(ingest: Ingest, hr: httpx.AsyncClient) -> None:
    terminal = device(30)
    async with simulator(terminal) as running, ingest.running():
        await register(hr, running.port)
        live = await eventually(hr, lambda m: m["state"] == "live" and m["records_received"] == 30)
        assert live["records_on_machine"] == 30
        assert abs(live["clock_offset_seconds"]) < 2
        await running.scan("1001")
        await running.off()
        away = await eventually(hr, lambda m: m["state"] == "away" and "refuses the connection" in m["status_text"])
        assert away["last_contact_at"]
        terminal.scan("1002")
        await running.on()
        await eventually(hr, lambda m: m["state"] == "live")
        await until(lambda: {event.scan_id for event in ingest.bus.events(ScanReceived)} == _of(ingest, terminal))
        await until(lambda: len(ingest.bus.events(MachineConnected)) == 2)
        assert len(ingest.bus.events(MachineDisconnected)) == 1


async def test_stream_and_log_make_one_scan_that_is_published_once(ingest: Ingest, hr: httpx.AsyncClient) -> None:
    terminal = device(30)
    async with simulator(terminal) as running, ingest.running():
        await register(hr, running.port)
        await eventually(hr, lambda m: m["state"] == "live")
        for number in range(20):
            await running.scan(str(1000 + number))
        await until(lambda: len({event.scan_id for event in ingest.bus.events(ScanReceived)}) == 50)
        looks = running.answered.total()
        await until(lambda: running.answered.total() >= looks + 6)
        seen = [event.scan_id for event in ingest.bus.events(ScanReceived)]
        assert set(seen) == _of(ingest, terminal)
        assert len(seen) == 50
        told = [event for event in ingest.bus.events(ScanReceived) if event.mode == "live"]
        # Of what the log tells before the stream does, nobody can say that it is live.
        numbers = [int(event.record_no or 0) for event in told]
        assert numbers == sorted(set(numbers) & set(range(31, 51)))
        assert {(event.verify, event.type) for event in told} == {("face", "IN")}


async def test_a_password_is_never_shown(ingest: Ingest, hr: httpx.AsyncClient) -> None:
    async with simulator(device(3)) as running:
        await register(hr, running.port)
        shown = (await hr.get(f"{MACHINES}gate/")).json()
        assert shown["config"]["password"] == "********"
        hidden = {"machine_id": "gate", "machine_type": "hikvision", "ip_address": "127.0.0.1", "port": running.port}
        tried = (await hr.post(f"{MACHINES}test/", json={**hidden, "config": {"password": "********"}})).json()
        assert tried["is_connected"] is True


async def test_a_wrong_password_is_seen_before_it_is_saved(ingest: Ingest, hr: httpx.AsyncClient) -> None:
    async with simulator(device(3)) as running:
        body = {"machine_id": "gate", "machine_type": "hikvision", "ip_address": "127.0.0.1", "port": running.port}
        wrong = (await hr.post(f"{MACHINES}test/", json={**body, "config": {"password": "no"}})).json()
        assert (wrong["is_connected"], wrong["steps"][-1]["step"]) == (False, "authenticate")
        assert (await hr.get(f"{MACHINES}gate/")).status_code == 404


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({"certificate": "nonsense"}, "is no certificate"),
        ({"look_every": 0}, "is to be more than 0"),
        ({"comm_key": 1}, "is not known here"),
        ({"times": "local"}, "offset"),
    ],
)
async def test_a_config_that_cannot_be_is_refused(hr: httpx.AsyncClient, config: dict[str, Any], said: str) -> None:
    body = {"machine_id": "gate", "machine_type": "hikvision", "zone": "UTC", "config": config}
    answer = await hr.post(MACHINES, json=body)
    assert answer.status_code == 422
    assert said in answer.text


async def test_a_machine_without_a_password_is_for_its_files_alone(hr: httpx.AsyncClient) -> None:
    body = {"machine_id": "gate", "machine_type": "hikvision", "zone": "UTC", "ip_address": "127.0.0.1"}
    shown = (await hr.post(MACHINES, json=body)).json()
    assert (shown["state"], shown["reports_by_itself"]) == ("imported_only", False)
    assert shown["status_text"] == "its config has no password: files of it can be imported"


def _of(ingest: Ingest, terminal: Device) -> set[Any]:
    machine = ingest.bus.events(ScanReceived)[0].machine_id
    return ids_of(terminal, machine=machine)
