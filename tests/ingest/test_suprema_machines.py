"""Suprema machines as people see them over REST: the state, the sentence, and what is kept."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from services.ingest.vendors.suprema.simulator import Faults, Store, simulator
from services.ingest.vendors.suprema.simulator.store import LINK_DOWN
from shared.contracts.machines import ErrorOccurred, MachineConnected, MachineDisconnected
from shared.contracts.scans import ScanReceived
from tests.ingest.application.watched import MACHINES, eventually
from tests.ingest.conftest import Ingest
from tests.ingest.fakes import until
from tests.ingest.vendors.suprema.contact import DEVICE, QUICK, ids_of, store


async def register(hr: httpx.AsyncClient, port: int, **more: Any) -> int:
    config = {**QUICK, **more.pop("config", {})}
    body = {"machine_id": "gate", "name": "Gate", "machine_type": "suprema", "ip_address": "127.0.0.1", "port": port}
    answer = await hr.post(MACHINES, json={**body, "zone": "UTC", "config": config, **more})
    assert answer.status_code == 201, answer.text
    return answer.json()["id"]


def few() -> Store:
    return store(30)


def elsewhere() -> Store:
    held = store(30)
    held.told_zone = "Asia/Shanghai"
    return held


def lost() -> Store:
    held = store(30)
    held.record_at("", datetime(2026, 1, 6), code=LINK_DOWN)
    return held


def local_as_z() -> Store:
    return store(30, zone="Asia/Dhaka", labels_local=True)


@pytest.mark.parametrize(
    ("make", "faults", "more", "state", "sentence"),
    [
        (
            few,
            Faults(),
            {"config": {"password": "no"}},
            "waiting_for_a_person",
            "refuses our user 'admin' or its password",
        ),
        (few, Faults(locked=True), {}, "waiting_for_a_person", "has locked our user 'admin'"),
        (few, Faults(forbidden=True), {}, "waiting_for_a_person", "does not let our user 'admin' ask"),
        (few, Faults(no_http=True), {}, "waiting_for_a_person", "is no BioStar 2 server"),
        (few, Faults(ignores_keys=True), {}, "waiting_for_a_person", "events that were not asked for"),
        (few, Faults(), {"config": {"https": True}}, "waiting_for_a_person", "does not speak HTTPS"),
        (few, Faults(silent=0), {}, "away", "does not answer /api/login within 0.5 s"),
        (few, Faults(cut=50), {}, "away", "closed the connection"),
        (few, Faults(never_logged_in=True), {}, "away", "takes our session for none"),
        (few, Faults(no_socket=True), {}, "live", "scans are not told as they happen"),
        (few, Faults(), {"config": {"device_id": "9"}}, "live", "is its device_id right?"),
        (elsewhere, Faults(), {}, "live", "takes it to be at UTC+08:00"),
        (lost, Faults(), {}, "live", "its BioStar server has lost it"),
        (local_as_z, Faults(), {"zone": "Asia/Dhaka"}, "live", "Set `datetime_is` in its config to `device_local`"),
    ],
    ids=[
        "a wrong password",
        "a user who is locked",
        "a user who may not ask",
        "another protocol",
        "a server that cannot be searched",
        "plain HTTP",
        "silence",
        "a line that is cut",
        "sessions that are none",
        "no socket",
        "a number of no machine",
        "another zone",
        "a machine that its server has lost",
        "local times that are labelled as UTC",
    ],
)
async def test_each_trouble_has_a_state_and_a_sentence(
    ingest: Ingest,
    hr: httpx.AsyncClient,
    make: Callable[[], Store],
    faults: Faults,
    more: dict[str, Any],
    state: str,
    sentence: str,
) -> None:
    async with simulator(make(), faults=faults) as running, ingest.running():
        await register(hr, running.port, **more)
        shown = await eventually(hr, lambda m: m["state"] == state and sentence in m["status_text"])
        assert shown["is_connected"] is (state == "live")
        assert running.store.wrong_passwords <= 1
        await until(lambda: any(sentence in event.message for event in ingest.bus.events(ErrorOccurred)))


async def test_a_server_that_goes_and_comes_is_told_once_each_way(ingest: Ingest, hr: httpx.AsyncClient) -> None:
    held = store(30)
    async with simulator(held) as running, ingest.running():
        id_ = await register(hr, running.port)
        await eventually(hr, lambda m: m["state"] == "live" and m["last_sync"])
        await running.scan("1001")
        await running.off()
        away = await eventually(hr, lambda m: m["state"] == "away" and "refuses the connection" in m["status_text"])
        assert away["last_contact_at"]
        held.scan("1002")
        await running.on()
        await eventually(hr, lambda m: m["state"] == "live")
        await until(lambda: {e.scan_id for e in ingest.bus.events(ScanReceived)} == ids_of(held, machine=id_))
        await until(lambda: len(ingest.bus.events(MachineConnected)) == 2)
        assert len(ingest.bus.events(MachineDisconnected)) == 1


async def test_socket_and_search_make_one_scan_that_is_published_once(ingest: Ingest, hr: httpx.AsyncClient) -> None:
    held = store(30)
    async with simulator(held, faults=Faults(duplicate=True, noise=True)) as running, ingest.running():
        id_ = await register(hr, running.port)
        await eventually(hr, lambda m: m["state"] == "live")
        await until(lambda: running.listeners)
        for number in range(20):
            await running.scan(str(1000 + number))
        await until(lambda: len({event.scan_id for event in ingest.bus.events(ScanReceived)}) == 50)
        looks = running.answered["/api/events/search"]
        await until(lambda: running.answered["/api/events/search"] >= looks + 6)
        seen = [event.scan_id for event in ingest.bus.events(ScanReceived)]
        assert set(seen) == ids_of(held, machine=id_)
        assert len(seen) == 50
        told = [event for event in ingest.bus.events(ScanReceived) if event.mode == "live"]
        assert len(told) == 20
        assert {(event.verify, event.type) for event in told} == {("face", "IN")}


async def test_a_scan_happened_when_the_server_says_whatever_the_zone(ingest: Ingest, hr: httpx.AsyncClient) -> None:
    held = store(0, zone="Asia/Dhaka")
    held.record_at("7", datetime(2026, 1, 5, 8, 30))
    async with simulator(held) as running, ingest.running():
        await register(hr, running.port, zone="Asia/Dhaka")
        await until(lambda: ingest.bus.events(ScanReceived))
        (scan,) = ingest.bus.events(ScanReceived)
        assert scan.at == datetime(2026, 1, 5, 2, 30, tzinfo=UTC)


async def test_a_password_is_never_shown_and_a_wrong_one_is_seen_before_it_is_saved(
    ingest: Ingest, hr: httpx.AsyncClient
) -> None:
    async with simulator(store(3)) as running:
        body = {"machine_id": "gate", "machine_type": "suprema", "ip_address": "127.0.0.1", "port": running.port}
        config = {"device_id": DEVICE, "https": False, "password": "no"}
        wrong = (await hr.post(f"{MACHINES}test/", json={**body, "config": config})).json()
        assert (wrong["is_connected"], wrong["steps"][-1]["step"]) == (False, "authenticate")
        assert (await hr.get(f"{MACHINES}gate/")).status_code == 404
        await register(hr, running.port)
        shown = (await hr.get(f"{MACHINES}gate/")).json()
        assert shown["config"]["password"] == "********"


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({"certificate": "nonsense"}, "is no certificate"),
        ({"look_every": 0}, "is to be more than 0"),
        ({"device_id": "gate"}, "has a form, or holds"),
        ({"datetime_is": "local"}, "device_local"),
        ({"keys": {"5": "LUNCH"}}, "BREAK_IN"),
        ({"comm_key": 1}, "is not known here"),
    ],
)
async def test_a_config_that_cannot_be_is_refused(hr: httpx.AsyncClient, config: dict[str, Any], said: str) -> None:
    body = {"machine_id": "gate", "name": "Gate", "machine_type": "suprema", "config": config}
    answer = await hr.post(MACHINES, json=body)
    assert answer.status_code == 422
    assert said in answer.text


async def test_a_machine_without_its_server_is_for_its_files(hr: httpx.AsyncClient) -> None:
    body = {"machine_id": "gate", "name": "Gate", "machine_type": "suprema", "config": {"password": "x"}}
    shown = (await hr.post(MACHINES, json=body)).json()
    assert shown["state"] == "imported_only"
