"""A wrong clock is set over a real socket, where somebody allows or wants that: the simulated one really changes."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import timedelta
from typing import Any

import httpx
import pytest

from services.ingest.vendors.hikvision.simulator import Device as Hikvision
from services.ingest.vendors.hikvision.simulator import Faults as HikvisionFaults
from services.ingest.vendors.hikvision.simulator import simulator as hikvision
from services.ingest.vendors.zkteco.adms.simulator.faults import Faults as AdmsFaults
from services.ingest.vendors.zkteco.adms.simulator.punches import Unit
from services.ingest.vendors.zkteco.adms.simulator.terminal import PushingTerminal, pushing
from services.ingest.vendors.zkteco.simulator import Device as Zkteco
from services.ingest.vendors.zkteco.simulator import Faults as ZktecoFaults
from services.ingest.vendors.zkteco.simulator import simulator as zkteco
from shared.contracts.machines import ErrorOccurred
from shared.contracts.scans import ScanReceived
from shared.runtime.serving import served
from tests.ingest.application.watched import MACHINES, eventually
from tests.ingest.conftest import Ingest
from tests.ingest.fakes import until
from tests.ingest.vendors.hikvision.contact import QUICK

AHEAD = timedelta(hours=2, minutes=10)
Site = tuple[Callable[[], timedelta], Callable[[], object], dict[str, Any]]
"""What a terminal's clock is off by, a scan at it, and how it is registered."""


def _zkteco(transport: str = "tcp", driver: str = "own", **faults: Any) -> AbstractAsyncContextManager[Site]:
    @asynccontextmanager
    async def made() -> AsyncIterator[Site]:
        device = Zkteco(users=["1001"], zone="Asia/Dhaka")
        right = Zkteco(zone="Asia/Dhaka")
        config = {"answer_within": 5, "look_every": 0.2, "transport": transport, "driver": driver}
        async with zkteco(device, faults=ZktecoFaults(**faults), udp=transport == "udp") as running:
            body = {"machine_type": "zkteco", "ip_address": "127.0.0.1", "port": running.port, "config": config}
            yield lambda: device.wall() - right.wall(), lambda: device.scan("1001"), body

    return made()


def _hikvision(**faults: Any) -> AbstractAsyncContextManager[Site]:
    @asynccontextmanager
    async def made() -> AsyncIterator[Site]:
        device, right = Hikvision(zone="Asia/Dhaka"), Hikvision(zone="Asia/Dhaka")
        async with hikvision(device, faults=HikvisionFaults(**faults), beat_every=0.05) as running:
            config = {**QUICK, "answer_within": 5}
            body = {"machine_type": "hikvision", "ip_address": "127.0.0.1", "port": running.port, "config": config}
            yield lambda: device.wall() - right.wall(), lambda: device.scan("1001"), body

    return made()


async def register(hr: httpx.AsyncClient, body: dict[str, Any], **config: Any) -> None:
    registered = {"machine_id": "gate", "name": "Gate", "zone": "Asia/Dhaka", **body}
    answer = await hr.post(MACHINES, json={**registered, "config": {**body["config"], **config}})
    assert answer.status_code == 201, answer.text


VENDORS = [
    pytest.param(_zkteco, id="zkteco"),
    pytest.param(lambda **faults: _zkteco("udp", **faults), id="zkteco by UDP"),
    pytest.param(lambda **faults: _zkteco("tcp", "pyzk", **faults), id="zkteco by pyzk"),
    pytest.param(_hikvision, id="hikvision"),
    pytest.param(lambda **faults: _hikvision(bare_times=True, one_shot_nonce=True, **faults), id="an old hikvision"),
]
Made = Callable[..., AbstractAsyncContextManager[Site]]


async def clock(hr: httpx.AsyncClient) -> dict[str, Any]:
    return dict((await hr.get(f"{MACHINES}gate/clock/")).json())


async def clock_known(hr: httpx.AsyncClient) -> dict[str, Any]:
    """The clock, once it is known to have jumped."""
    async with asyncio.timeout(30):
        while not (found := await clock(hr))["jumps"]:  # noqa: ASYNC110 - a row is no event
            await asyncio.sleep(0.02)
    return found


@pytest.mark.parametrize("fault", [{"clock": AHEAD}, {"clock": -timedelta(seconds=9)}, {"clock_reset": True}], ids=str)
@pytest.mark.parametrize("made", VENDORS)
async def test_where_it_is_allowed_a_wrong_clock_is_set_and_what_it_was_stays_known(
    ingest: Ingest, hr: httpx.AsyncClient, made: Made, fault: dict[str, Any]
) -> None:
    async with made(**fault) as (off, scan, body), ingest.running():
        was = off()
        await register(hr, body, set_clock=True)
        await eventually(hr, lambda m: m["state"] == "live" and abs(m["clock_offset_seconds"]) < 5)
        assert abs(off()) <= timedelta(seconds=2)
        scan()
        await until(lambda: ingest.bus.events(ScanReceived))
        assert {event.quality for event in ingest.bus.events(ScanReceived)} == {"ok"}
        found = await clock_known(hr)
        (jump,) = found["jumps"]
        assert (jump["set_by_muster"], jump["by"]) == (True, None)
        assert jump["seconds"] == pytest.approx(-was.total_seconds(), abs=3)
        assert [one["kind"] for one in found["measurements"]][:3] == ["measured", "set", "measured"]
        shown = await eventually(hr, lambda m: m["state"] == "live")
        assert shown["status_text"] == ""


@pytest.mark.parametrize("made", VENDORS)
async def test_where_it_is_not_allowed_it_is_set_when_a_person_wants_it_and_once(
    ingest: Ingest, hr: httpx.AsyncClient, made: Made
) -> None:
    async with made(clock=AHEAD) as (off, scan, body), ingest.running():
        await register(hr, body)
        await eventually(hr, lambda m: m["state"] == "live" and "its clock is 2 hours ahead" in m["status_text"])
        assert abs(off() - AHEAD) < timedelta(seconds=2)
        answer = await hr.post(f"{MACHINES}gate/clock/")
        assert answer.status_code == 200, answer.text
        assert answer.json()["was_offset_seconds"] == pytest.approx(AHEAD.total_seconds(), abs=2)
        assert abs(answer.json()["offset_seconds"]) < 2
        assert answer.json()["sentence"].startswith("its clock was 2 hours ahead, and is ")
        assert abs(off()) <= timedelta(seconds=2)
        scan()
        await until(lambda: ingest.bus.events(ScanReceived))
        await eventually(hr, lambda m: m["status_text"] == "" and m["state"] == "live")
        found = await clock_known(hr)
        assert found["jumps"][0]["by"] == "anna"


@pytest.mark.parametrize(
    ("faults", "zone", "why"),
    [
        ({"ntp": True}, "Asia/Dhaka", "it keeps its time by NTP"),
        ({"no_setting": True}, "Asia/Dhaka", "it refuses that to our user 'admin' (lowPrivilege)"),
        ({}, "Asia/Kolkata", "its zone is set to UTC+06:00, and Asia/Kolkata is UTC+05:30: set that right first"),
    ],
    ids=["by NTP", "not allowed", "in another zone"],
)
async def test_a_terminal_that_does_not_let_us_says_why_and_is_read_all_the_same(
    ingest: Ingest, hr: httpx.AsyncClient, faults: dict[str, Any], zone: str, why: str
) -> None:
    async with _hikvision(clock=AHEAD, **faults) as (off, scan, body), ingest.running():
        await register(hr, {**body, "zone": zone}, set_clock=True)
        scan()
        shown = await eventually(hr, lambda m: m["state"] == "live" and "cannot be set" in m["status_text"])
        assert f"its clock cannot be set: {why}" in shown["status_text"]
        answer = await hr.post(f"{MACHINES}gate/clock/")
        assert (answer.status_code, why in answer.json()["detail"]) == (409, True), answer.text
        assert abs(off() - AHEAD) < timedelta(seconds=2)
        await until(lambda: ingest.bus.events(ScanReceived))
        assert (await clock(hr))["jumps"] == []


async def test_a_machine_that_is_away_is_tried_at_once_and_said_to_be_away(
    ingest: Ingest, hr: httpx.AsyncClient
) -> None:
    device = Zkteco(users=["1001"], clock_offset=AHEAD)
    async with zkteco(device) as running, ingest.running():
        config = {"answer_within": 5, "look_every": 0.2}
        body = {"machine_type": "zkteco", "ip_address": "127.0.0.1", "port": running.port, "config": config}
        await register(hr, {**body, "zone": "UTC"})
        await eventually(hr, lambda m: m["state"] == "live")
        await running.off()
        await eventually(hr, lambda m: m["state"] == "away")
        answer = await hr.post(f"{MACHINES}gate/clock/")
        assert (answer.status_code, "no contact with it" in answer.json()["detail"]) == (409, True)
        await running.on()
        await eventually(hr, lambda m: m["state"] == "live")
        assert device.wall() - Zkteco().wall() > timedelta(hours=1), "nobody waits for it any more"


async def wished(ingest: Ingest) -> Any:
    """When its clock was last wanted set by somebody to whom that is still owed."""
    async with ingest.parts.database.fast() as pg:
        return await pg.fetchval("SELECT clock_asked_at FROM machines")


async def test_what_is_wanted_where_nobody_holds_the_machines_is_done_by_who_comes_to_and_once(
    ingest: Ingest, hr: httpx.AsyncClient
) -> None:
    async with _zkteco(clock=AHEAD) as (off, _, body):
        await register(hr, body)
        answer = await hr.post(f"{MACHINES}gate/clock/")
        assert answer.status_code == 202, answer.text
        assert "is set by the process that goes to the machines" in answer.json()["sentence"]
        async with ingest.running():
            await until(lambda: abs(off()) <= timedelta(seconds=2), within=30)
            assert (await clock_known(hr))["jumps"][0]["by"] == "anna"
            async with asyncio.timeout(30):
                while await wished(ingest) is not None:  # noqa: ASYNC110 - a row is no event
                    await asyncio.sleep(0.02)


async def test_a_wish_that_is_too_old_is_none(ingest: Ingest, hr: httpx.AsyncClient) -> None:
    async with _zkteco(clock=AHEAD) as (off, _, body):
        await register(hr, body)
        assert (await hr.post(f"{MACHINES}gate/clock/")).status_code == 202
        async with ingest.parts.database.fast() as pg:
            await pg.execute("UPDATE machines SET clock_asked_at = clock_asked_at - interval '15 minutes'")
        async with ingest.running():
            await eventually(hr, lambda m: m["state"] == "live")
            assert off() > timedelta(hours=1)


async def test_what_could_not_be_done_for_somebody_who_is_not_there_any_more_is_told(
    ingest: Ingest, hr: httpx.AsyncClient
) -> None:
    async with _hikvision(clock=AHEAD, ntp=True) as (_, _, body):
        await register(hr, body)
        assert (await hr.post(f"{MACHINES}gate/clock/")).status_code == 202
        async with ingest.running():
            said = "its clock was not set, as anna wanted: it keeps its time by NTP"
            await until(lambda: any(said in event.message for event in ingest.bus.events(ErrorOccurred)), within=30)
            async with asyncio.timeout(30):
                while await wished(ingest) is not None:  # noqa: ASYNC110 - a row is no event
                    await asyncio.sleep(0.02)


async def test_a_terminal_that_calls_sets_its_clock_by_our_settings_as_it_is_asked_to(
    ingest: Ingest, hr: httpx.AsyncClient
) -> None:
    async with ingest.running(), served(ingest.service.app, host="127.0.0.1", port=0, mends_addresses=True) as port:
        await register(hr, {"machine_type": "zkteco", "serial": "S1", "config": {"push": True}})
        unit, right = Unit("S1", zone="Asia/Dhaka", offset=AHEAD), Unit("S2", zone="Asia/Dhaka")
        terminal = PushingTerminal(unit, host="127.0.0.1", port=port, faults=AdmsFaults(), delay=0.1, obeys=False)
        async with pushing(terminal):
            await until(lambda: terminal.options)
            assert (await hr.post(f"{MACHINES}gate/clock/")).status_code == 409
            assert unit.wall() - right.wall() > timedelta(hours=1)
        changed = await hr.patch(f"{MACHINES}gate/", json={"config": {"push": True, "set_clock": True}})
        known = ingest.parts.pushing.desk_of
        await until(lambda: (desk := known(changed.json()["id"])) and desk.machine.config.get("set_clock"))
        async with pushing(terminal):
            await until(lambda: abs(unit.wall() - right.wall()) < timedelta(seconds=3))
            unit.set_clock(unit.wall() + AHEAD)
            answer = await hr.post(f"{MACHINES}gate/clock/")
            assert answer.status_code == 202, answer.text
            await until(lambda: abs(unit.wall() - right.wall()) < timedelta(seconds=3))
            command = f"{MACHINES}gate/commands/{answer.json()['command']}/"
            assert (await hr.get(command)).json()["command"] == "set_clock"
