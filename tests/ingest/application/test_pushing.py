"""Machines that call us: who may, when they are told that their scans were taken, and how they are."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from services.ingest.application.conditions import Conditions, Progress, Way
from services.ingest.application.desk import Desk
from services.ingest.application.pushing import Call, NotAccepted
from services.ingest.domain.machine import State
from services.ingest.domain.reading import Mode
from services.ingest.storage.pending import PostgresPending
from shared.contracts.machines import ErrorOccurred, MachineChanged, MachineConnected, MachineDisconnected
from shared.kernel.clock import SystemClock
from tests.ingest.application.watched import MACHINES, batch, eventually, shown
from tests.ingest.conftest import Ingest
from tests.ingest.fakes import FakePushedDriver, until


@pytest.fixture(autouse=True)
def caller(ingest: Ingest) -> FakePushedDriver:
    ingest.drivers["caller"] = driver = FakePushedDriver()
    return driver


async def register(hr: httpx.AsyncClient, **more: Any) -> dict[str, Any]:
    body = {"machine_id": "gate", "name": "Gate", "machine_type": "caller", "serial": "S1", "zone": "UTC", **more}
    answer = await hr.post(MACHINES, json=body)
    assert answer.status_code == 201, answer.text
    return answer.json()


def call(serial: str = "S1", **more: Any) -> Call:
    return Call(**{"kind": "caller", "serial": serial, "source": "10.0.0.7", **more})


async def desk(ingest: Ingest, **more: Any) -> Desk:
    return await ingest.parts.pushing.desk(call(**more))


async def refusal(ingest: Ingest, **more: Any) -> str:
    with pytest.raises(NotAccepted) as refused:
        await desk(ingest, **more)
    return refused.value.message


async def name_of_desk(ingest: Ingest) -> str:
    try:
        return (await desk(ingest)).machine.name
    except NotAccepted:
        return "nobody's"


async def soon(ask: Callable[[], Awaitable[str]], wanted: str) -> bool:
    async with asyncio.timeout(5):
        while await ask() != wanted:  # noqa: ASYNC110 - it is asked for
            await asyncio.sleep(0.02)
    return True


def pending(ingest: Ingest) -> PostgresPending:
    return PostgresPending(ingest.parts.database)


class TestWhoMayCall:
    async def test_a_machine_is_known_by_its_serial_number_and_by_its_aliases(
        self, ingest: Ingest, hr: httpx.AsyncClient
    ) -> None:
        await register(hr, aliases=["OLD7"])
        assert (
            (await desk(ingest)).machine.machine_id == (await desk(ingest, serial="OLD7")).machine.machine_id == "gate"
        )

    async def test_whoever_calls_without_being_set_up_to_is_set_up_from_then_on(
        self, ingest: Ingest, hr: httpx.AsyncClient
    ) -> None:
        machine = await register(hr)
        assert (machine["state"], machine["reports_by_itself"]) == ("imported_only", False)
        async with ingest.running():
            await desk(ingest)
            after = await eventually(hr, lambda found: found["is_connected"])
            assert (after["config"], after["reports_by_itself"], after["status_text"]) == ({"push": True}, True, "")
            await until(lambda: ingest.bus.events(MachineChanged)[-1].reports_by_itself)

    async def test_a_machine_that_is_not_wanted_or_not_to_push_keeps_its_scans(
        self, ingest: Ingest, hr: httpx.AsyncClient
    ) -> None:
        await register(hr, status="maintenance")
        await register(hr, machine_id="gate-2", serial="S2", config={"push": False})
        assert "gate is maintenance" in await refusal(ingest)
        assert "gate-2 is set up not to push" in await refusal(ingest, serial="S2")
        assert await pending(ingest).all() == []

    async def test_a_machine_that_is_taken_out_or_changed_is_so_for_the_next_call(
        self, ingest: Ingest, hr: httpx.AsyncClient
    ) -> None:
        await register(hr, config={"push": True})
        async with ingest.running():
            assert (await desk(ingest)).machine.name == "Gate"
            await hr.patch(f"{MACHINES}gate/", json={"name": "Other"})
            assert await soon(lambda: name_of_desk(ingest), "Other")
            await hr.delete(f"{MACHINES}gate/")
            assert await soon(lambda: name_of_desk(ingest), "nobody's")

    async def test_an_unknown_machine_is_noted_with_what_it_says_of_itself(self, ingest: Ingest) -> None:
        assert await refusal(ingest, serial="NEW", about={"firmware": "Ver 8\0.0"}) == (
            "the serial number 'NEW' waits to be accepted"
        )
        await refusal(ingest, serial="NEW")
        [waiting] = await pending(ingest).all()
        assert (waiting.kind, waiting.serial, waiting.source) == ("caller", "NEW", "10.0.0.7")
        assert (waiting.about, waiting.calls) == ({"firmware": "Ver 8.0"}, 1), "told at most every ten seconds"

    @pytest.mark.parametrize("serial", ["", "x" * 65, "a\0b", "a/b", "é"])
    async def test_what_can_be_no_serial_number_is_refused_and_not_noted(self, ingest: Ingest, serial: str) -> None:
        await refusal(ingest, serial=serial)
        assert await pending(ingest).all() == []

    async def test_a_serial_number_of_another_type_of_machine_waits_for_a_person(
        self, ingest: Ingest, hr: httpx.AsyncClient
    ) -> None:
        await register(hr, machine_type="generic")
        assert "gate has it, and does not call this way" in await refusal(ingest)
        assert [waiting.serial for waiting in await pending(ingest).all()] == ["S1"]

    async def test_who_has_a_secret_has_to_show_it_once_from_each_address(
        self, ingest: Ingest, hr: httpx.AsyncClient
    ) -> None:
        await register(hr, config={"push": True, "secret": "s3"})
        assert "does not show it" in await refusal(ingest)
        await refusal(ingest, secret="wrong")
        assert await desk(ingest, secret="s3") is await desk(ingest)
        await refusal(ingest, source="10.0.0.9")


class TestHowItIs:
    async def test_who_calls_is_in_contact_and_who_is_silent_for_long_is_away(
        self, ingest: Ingest, hr: httpx.AsyncClient, caller: FakePushedDriver
    ) -> None:
        await register(hr, config={"push": True})
        async with ingest.running():
            gate = await desk(ingest)
            await gate.take(batch(1))
            found = await eventually(hr, lambda found: found["last_scan_at"] and found["state"] == "live")
            assert found["is_connected"]
            caller.silence = timedelta(seconds=0.2)
            await hr.patch(f"{MACHINES}gate/", json={"name": "Gate"})  # from now on it is served with that
            gone = await eventually(hr, lambda found: found["state"] == "away")
            assert (gone["is_connected"], gone["status_text"]) == (False, "it has not called for 0.2 s")
            caller.silence = timedelta(minutes=3)
            await hr.patch(f"{MACHINES}gate/", json={"name": "The gate"})
            assert await soon(lambda: name_of_desk(ingest), "The gate")
            await eventually(hr, lambda found: found["is_connected"])
            await until(lambda: len(ingest.bus.events(MachineConnected)) == 2)
            assert len(ingest.bus.events(MachineDisconnected)) == 1

    async def test_one_that_never_called_is_missed_too(
        self, ingest: Ingest, hr: httpx.AsyncClient, caller: FakePushedDriver
    ) -> None:
        caller.silence = timedelta(seconds=0.1)
        await register(hr, config={"push": True})
        async with ingest.running():
            missed = await eventually(hr, lambda found: found["state"] == "away")
            assert missed["status_text"] == "it has not called yet"

    async def test_all_is_here_up_to_its_last_rest_if_nothing_old_came_since(
        self, ingest: Ingest, hr: httpx.AsyncClient
    ) -> None:
        await register(hr, config={"push": True})
        async with ingest.running():
            gate = await desk(ingest)
            gate.at_rest()
            await gate.take(batch(1, mode=Mode.REPLAY))
            gate.at_rest()
            old_came_before = SystemClock().now()
            gate.at_rest()
            found = await eventually(hr, lambda found: found["reported_until"])
            assert abs(datetime.fromisoformat(found["reported_until"]) - old_came_before) < timedelta(seconds=1)
            assert found["state"] == "live"

    async def test_a_clock_that_is_wrong_shows_in_when_live_scans_arrive(
        self, ingest: Ingest, hr: httpx.AsyncClient
    ) -> None:
        await register(hr, config={"push": True})
        async with ingest.running():
            gate = await desk(ingest)
            ahead = datetime.now(UTC).replace(tzinfo=None, microsecond=0) + timedelta(hours=2, seconds=30)
            for number in range(3):
                await gate.take(batch(1, badge=str(number), start=ahead))
            found = await eventually(hr, lambda found: found["status_text"])
            assert found["status_text"].startswith("its clock is")
            assert 7220 < found["clock_offset_seconds"] <= 7231

    async def test_a_serial_number_that_calls_from_two_addresses_in_turn_is_an_alarm(
        self, ingest: Ingest, hr: httpx.AsyncClient
    ) -> None:
        await register(hr, config={"push": True})
        async with ingest.running():
            for source in ("10.0.0.7", "10.0.0.9", "10.0.0.7", "10.0.0.9"):
                await desk(ingest, source=source)
            found = await eventually(hr, lambda found: "in turn" in found["status_text"])
            assert found["is_connected"] is True
            await until(lambda: len(ingest.bus.events(ErrorOccurred)) == 2)
            moved, cloned = ingest.bus.events(ErrorOccurred)
            assert ("before" in moved.message, "in turn" in cloned.message) == (True, True)

    async def test_a_wrong_secret_is_an_alarm(self, ingest: Ingest, hr: httpx.AsyncClient) -> None:
        await register(hr, config={"push": True, "secret": "s3"})
        async with ingest.running():
            await desk(ingest, secret="s3")
            await refusal(ingest, secret="guess", source="10.0.0.66")
            found = await eventually(hr, lambda found: "wrong secret" in found["status_text"])
            assert "10.0.0.66" in found["status_text"]
            assert "guess" not in found["status_text"]


async def test_a_machine_is_away_only_when_every_way_to_it_is(ingest: Ingest, hr: httpx.AsyncClient) -> None:
    made = await register(hr, config={"push": True})
    async with ingest.parts.registry.work() as work:
        machine = await work.by_id(made["id"])
    assert machine is not None
    parts = ingest.parts
    conditions = Conditions(parts.registry, parts.machines, SystemClock(), all_published=lambda: True)
    live = Progress(state=State.LIVE)

    async def is_connected() -> tuple[bool, str]:
        found = await shown(hr)
        return found["is_connected"], found["status_text"]

    await conditions.back(machine, live, way=Way.LINE)
    await conditions.back(machine, live, way=Way.PUSH)
    await conditions.away(machine, "nobody answers", live, lasting=False, news=True, way=Way.LINE)
    assert await is_connected() == (True, "nobody answers")
    await conditions.away(machine, "it is silent", live, lasting=False, news=True, way=Way.PUSH)
    assert await is_connected() == (False, "it is silent")
    await conditions.back(machine, live, way=Way.LINE)
    assert await is_connected() == (True, "it is silent")
    conditions.given_up(machine.id, Way.PUSH)
    await conditions.progressed(machine, live)
    assert await is_connected() == (True, "")
