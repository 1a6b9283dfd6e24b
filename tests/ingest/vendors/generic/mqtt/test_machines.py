"""A reader that publishes, as people see it over REST: nothing of it is lost, whoever is away."""

import asyncio
import json
from datetime import datetime, timedelta
from typing import Any

import httpx

from shared.contracts.scans import ScanReceived
from tests.ingest.application.watched import MACHINES, eventually
from tests.ingest.conftest import Ingest
from tests.ingest.fakes import until
from tests.servers.mosquitto import Mosquitto

START = datetime(2026, 1, 5, 8)


def scans(first: int, number: int) -> list[bytes]:
    times = [START + timedelta(seconds=second) for second in range(first, first + number)]
    return [json.dumps({"badge": f"{at:%H%M%S}", "time": at.isoformat(), "direction": "in"}).encode() for at in times]


async def register(hr: httpx.AsyncClient, broker: Mosquitto, topic: str, **more: Any) -> None:
    mqtt = {"topic": topic, **more.pop("mqtt", {})}
    config = {"profile": "mqtt-json", "connection": {"side": "mqtt"}, "mqtt": mqtt, **more}
    body = {"machine_id": "gate", "machine_type": "generic", "ip_address": "127.0.0.1", "port": broker.port}
    answer = await hr.post(MACHINES, json={**body, "zone": "UTC", "config": config})
    assert answer.status_code == 201, answer.text


def received(ingest: Ingest) -> set[str]:
    return {event.badge for event in ingest.bus.events(ScanReceived)}


async def test_nothing_is_lost_while_broker_bus_and_we_are_away_in_turn(
    ingest: Ingest, hr: httpx.AsyncClient, own_broker: Mosquitto
) -> None:
    topic, sent = "gate/send", scans(0, 120)
    async with ingest.running():
        await register(hr, own_broker, topic, mqtt={"client_id": "muster"})
        await eventually(hr, lambda m: m["state"] == "live")
        await asyncio.to_thread(own_broker.publish, topic, *sent[:30])
        await until(lambda: len(received(ingest)) == 30, within=60)
        await asyncio.to_thread(own_broker.stop)
        await eventually(hr, lambda m: m["state"] == "away" and "broker" in m["status_text"])
        await asyncio.to_thread(own_broker.start)
        await eventually(hr, lambda m: m["state"] == "live")
        ingest.bus.away = True
        await asyncio.to_thread(own_broker.publish, topic, *sent[30:60])
    # We were stopped, perhaps in the middle of them: the broker keeps what was not acknowledged, and what comes now.
    await asyncio.to_thread(own_broker.publish, topic, *sent[60:90])
    ingest.bus.away = False
    async with ingest.running():
        await asyncio.to_thread(own_broker.publish, topic, *sent[90:])
        await until(lambda: len(received(ingest)) == 120, within=30)
    assert received(ingest) == {json.loads(each)["badge"] for each in sent}
    shown = (await hr.get(f"{MACHINES}gate/unreadable/")).json()
    assert shown == []


async def test_a_password_is_never_read_back(ingest: Ingest, hr: httpx.AsyncClient, broker: Mosquitto) -> None:
    await register(hr, broker, "a/b", mqtt={"username": "muster"}, password="s3cret-of-the-broker")
    answer = await hr.get(f"{MACHINES}gate/")
    assert answer.json()["config"]["password"] == "********"
    assert "s3cret" not in answer.text


async def test_a_machine_without_a_broker_is_for_its_files(hr: httpx.AsyncClient) -> None:
    config = {"profile": "mqtt-json", "connection": {"side": "mqtt"}, "mqtt": {"topic": "a"}}
    body = {"machine_id": "gate", "machine_type": "generic", "config": config}
    answer = await hr.post(MACHINES, json=body)
    assert answer.json()["state"] == "imported_only"
    assert answer.json()["status_text"] == "it has no address to connect to: files of it can be imported"


async def test_a_profile_can_be_tried_on_a_message(hr: httpx.AsyncClient) -> None:
    config = {"profile": "esp-rfid", "connection": {"side": "mqtt"}, "mqtt": {"topic": "a"}}
    told = '{"type":"access","time":1767600000,"isKnown":"true","access":"Always","uid":"a1b2c3d4"}'
    asked = {"machine_type": "generic", "zone": "UTC", "config": config, "sample": {"text": told}}
    answer = await hr.post(f"{MACHINES}preview/", json=asked)
    assert answer.status_code == 200, answer.text
    assert [scan["badge"] for scan in answer.json()["frames"][0]["scans"]] == ["a1b2c3d4"]
