"""How a machine is, as its watch keeps it and people read it."""

import asyncio
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from services.ingest.application.drivers import Phase, Unreachable, WrongCredentials
from services.ingest.domain.patience import Patience
from services.ingest.domain.reading import Mode
from shared.contracts.machines import ErrorOccurred, MachineChanged, MachineConnected, MachineDisconnected
from shared.contracts.scans import ScanReceived
from tests.ingest.application.watched import GATE, MACHINES, batch, eventually, shown, told
from tests.ingest.conftest import Ingest
from tests.ingest.fakes import FakeDriver, until

HEALTH = (
    "last_contact_at",
    "clock_offset_seconds",
    "clock_measured_at",
    "records_on_machine",
    "record_capacity",
    "records_received",
)


@pytest.mark.parametrize(
    ("values", "state"),
    [
        ({}, "connecting"),
        ({"status": "inactive"}, "not_wanted"),
        ({"status": "maintenance"}, "not_wanted"),
        ({"machine_type": "generic"}, "imported_only"),
    ],
)
async def test_a_machine_that_nobody_was_in_contact_with_says_so(
    hr: httpx.AsyncClient, values: dict[str, str], state: str
) -> None:
    await hr.post(MACHINES, json={**GATE, **values})
    machine = await shown(hr)
    assert machine["state"] == state
    assert {machine[name] for name in HEALTH} == {None}
    (listed,) = (await hr.get(MACHINES)).json()
    assert listed == machine


async def test_what_a_page_sends_back_of_its_health_changes_nothing(hr: httpx.AsyncClient) -> None:
    await hr.post(MACHINES, json=GATE)
    machine = await shown(hr)
    answer = await hr.put(f"{MACHINES}gate/", json={**machine, "state": "live", "records_on_machine": 7})
    assert (answer.status_code, answer.json()["state"], answer.json()["records_on_machine"]) == (
        200,
        "connecting",
        None,
    )


async def test_a_session_says_when_it_has_caught_up(hr: httpx.AsyncClient, ingest: Ingest) -> None:
    async with ingest.running():
        await hr.post(MACHINES, json=GATE)
        machine = await eventually(hr, lambda machine: machine["is_connected"])
        assert machine["state"] == "catching_up"
        ingest.driver.contact.phase(Phase.LIVE)
        await eventually(hr, lambda machine: machine["state"] == "live")
        ingest.driver.contact.phase(Phase.CATCHING_UP)
        await eventually(hr, lambda machine: machine["state"] == "catching_up")
        ingest.driver.says.put_nowait(batch(1))
        await told(ingest, ScanReceived, 1)
        assert (await shown(hr))["state"] == "catching_up"


@pytest.mark.parametrize("mode", [Mode.LIVE, Mode.REPLAY])
async def test_of_a_session_that_never_says_it_the_batches_do(
    hr: httpx.AsyncClient, ingest: Ingest, mode: Mode
) -> None:
    async with ingest.running():
        await hr.post(MACHINES, json=GATE)
        ingest.driver.says.put_nowait(batch(3, mode=Mode.REPLAY))
        await told(ingest, ScanReceived, 3)
        assert (await eventually(hr, lambda machine: machine["is_connected"]))["state"] == "catching_up"
        until_now = datetime.now(UTC) if mode is Mode.REPLAY else None
        ingest.driver.says.put_nowait(batch(0, mode=mode, complete_until=until_now))
        await eventually(hr, lambda machine: machine["state"] == "live")


async def test_a_machine_that_is_asked_every_so_often_is_polled(hr: httpx.AsyncClient, ingest: Ingest) -> None:
    pulled = FakeDriver("pulled", pulls=True)
    pulled.poll_every = timedelta(milliseconds=20)
    ingest.drivers["pulled"] = pulled
    async with ingest.running():
        await hr.post(MACHINES, json={**GATE, "machine_type": "pulled"})
        await eventually(hr, lambda machine: machine["state"] == "catching_up")
        pulled.says.put_nowait(None)
        await eventually(hr, lambda machine: machine["state"] == "polling")
        await told(ingest, MachineChanged, 3)
        for _ in range(5):
            pulled.says.put_nowait(None)
        await until(lambda: pulled.sessions >= 7)
        assert (await shown(hr))["state"] == "polling"
        assert len(ingest.bus.events(MachineChanged)) == 3, "registered, back, polling"
        assert len(ingest.bus.events(MachineConnected)) == 1
        assert not ingest.bus.events(MachineDisconnected)


async def test_its_clock_and_its_counts_are_kept_and_stay_when_it_is_away(
    hr: httpx.AsyncClient, ingest: Ingest
) -> None:
    async with ingest.running():
        await hr.post(MACHINES, json=GATE)
        await eventually(hr, lambda machine: machine["is_connected"])
        contact = ingest.driver.contact
        contact.clock(timedelta(seconds=-12.3456))
        contact.counts(records=900, capacity=100_000)
        contact.counts(records=901, received=890)
        contact.phase(Phase.LIVE)
        machine = await eventually(hr, lambda machine: machine["state"] == "live")
        kept = {name: machine[name] for name in HEALTH}
        assert kept["last_contact_at"] == kept["clock_measured_at"] is not None
        assert (kept["clock_offset_seconds"], kept["records_on_machine"]) == (-12.346, 901)
        assert (kept["record_capacity"], kept["records_received"]) == (100_000, 890)
        ingest.driver.refuses = [Unreachable("nobody answers") for _ in range(100_000)]
        contact.counts(records=902)
        ingest.driver.says.put_nowait(Unreachable("nobody answers"))
        machine = await eventually(hr, lambda machine: machine["state"] == "away")
        assert (machine["is_connected"], machine["status_text"]) == (False, "nobody answers")
        assert {name: machine[name] for name in HEALTH} == {**kept, "records_on_machine": 902}


async def test_what_merely_goes_on_is_not_written_down_each_time(hr: httpx.AsyncClient, ingest: Ingest) -> None:
    async with ingest.running():
        await hr.post(MACHINES, json=GATE)
        await eventually(hr, lambda machine: machine["is_connected"])
        contact = ingest.driver.contact
        await told(ingest, MachineChanged, 2)
        for number in range(200):
            contact.alive()
            contact.clock(timedelta(seconds=number % 5))
            contact.counts(records=number)
            await asyncio.sleep(0)
        contact.phase(Phase.LIVE)
        machine = await eventually(hr, lambda machine: machine["state"] == "live")
        assert machine["records_on_machine"] == 199
        await told(ingest, MachineChanged, 3)
        assert len(ingest.bus.events(MachineChanged)) == 3, "registered, back, live"


async def test_a_clock_that_is_wrong_is_said_once_and_shown_until_it_is_right(
    hr: httpx.AsyncClient, ingest: Ingest
) -> None:
    async with ingest.running():
        await hr.post(MACHINES, json=GATE)
        await eventually(hr, lambda machine: machine["is_connected"])
        contact = ingest.driver.contact
        for seconds in (312, 313, 314):
            contact.clock(timedelta(seconds=seconds))
        machine = await eventually(hr, lambda machine: machine["status_text"])
        assert (machine["status_text"], machine["is_connected"], machine["status"]) == (
            "its clock is 5 minutes ahead",
            True,
            "active",
        )
        contact.warn("log full", "its log is 85 % full")
        machine = await eventually(hr, lambda machine: "log" in machine["status_text"])
        assert machine["status_text"] == "its clock is 5 minutes ahead; its log is 85 % full"
        contact.clock(timedelta(seconds=3))
        await eventually(hr, lambda machine: machine["status_text"] == "its log is 85 % full")
        contact.settled("log full")
        await eventually(hr, lambda machine: machine["status_text"] == "")
        errors = await told(ingest, ErrorOccurred, 2)
        assert [event.message for event in errors] == [
            "Gate: its clock is 5 minutes ahead",
            "Gate: its log is 85 % full",
        ]


async def test_a_warning_gives_way_to_the_reason_of_being_away_and_is_no_news_afterwards(
    hr: httpx.AsyncClient, ingest: Ingest
) -> None:
    async with ingest.running():
        await hr.post(MACHINES, json=GATE)
        await eventually(hr, lambda machine: machine["is_connected"])
        ingest.driver.contact.warn("log full", "its log is 85 % full")
        await eventually(hr, lambda machine: machine["status_text"] == "its log is 85 % full")
        ingest.driver.says.put_nowait(Unreachable("it hung up"))
        await told(ingest, MachineConnected, 2)
        ingest.driver.contact.warn("log full", "its log is 86 % full")
        ingest.driver.contact.phase(Phase.LIVE)
        await eventually(hr, lambda machine: machine["status_text"] == "its log is 86 % full")
        errors = await told(ingest, ErrorOccurred, 2)
        assert [event.message for event in errors] == ["Gate: its log is 85 % full", "Gate: it hung up"]


async def test_scans_do_not_wait_for_what_is_written_down_of_their_machine(
    hr: httpx.AsyncClient, ingest: Ingest
) -> None:
    async with ingest.running():
        await hr.post(MACHINES, json=GATE)
        await eventually(hr, lambda machine: machine["is_connected"])
        async with ingest.parts.database.fast() as pg:
            await pg.execute("LOCK TABLE machines IN ACCESS EXCLUSIVE MODE")
            ingest.driver.contact.warn("log full", "its log is 85 % full")
            for number in range(20):
                start = datetime(2024, 1, 15, 9, 0, number)
                ingest.driver.says.put_nowait(batch(1, start=start, complete_until=datetime.now(UTC)))
            await told(ingest, ScanReceived, 20)
            await until(lambda: len(ingest.driver.acknowledged) == 20)
        await eventually(hr, lambda machine: machine["status_text"] and machine["state"] == "live")


async def test_two_reasons_in_turn_are_shown_and_each_is_an_error_once(hr: httpx.AsyncClient, ingest: Ingest) -> None:
    refuses = [Unreachable("nobody answers"), WrongCredentials("it refuses our key")]
    ingest.driver.refuses = [refuses[number % 2] for number in range(6)]
    async with ingest.running():
        await hr.post(MACHINES, json=GATE)
        await told(ingest, MachineConnected, 1)
        errors = [event.message for event in ingest.bus.events(ErrorOccurred)]
    assert errors == ["Gate: nobody answers", "Gate: it refuses our key"]


class TestAttemptsThatHang:
    @pytest.fixture
    def patience(self) -> Patience:
        return Patience(shortest=timedelta(milliseconds=5), connecting=timedelta(milliseconds=50))

    async def test_an_attempt_that_neither_comes_about_nor_fails_is_given_up(
        self, hr: httpx.AsyncClient, ingest: Ingest
    ) -> None:
        ingest.driver.hangs = True
        async with ingest.running():
            await hr.post(MACHINES, json=GATE)
            machine = await eventually(hr, lambda machine: machine["state"] == "away")
            assert machine["status_text"] == "no contact came about within 0.05 s"
            ingest.driver.hangs = False
            await eventually(hr, lambda machine: machine["is_connected"])


class TestTheCircuitBreaker:
    """With pauses that nobody would wait out."""

    @pytest.fixture
    def patience(self) -> Patience:
        return Patience(shortest=timedelta(milliseconds=5), lasting=timedelta(hours=1))

    async def waiting(self, hr: httpx.AsyncClient, ingest: Ingest) -> None:
        ingest.driver.refuses = [WrongCredentials("it refuses our key")]
        await hr.post(MACHINES, json=GATE)
        machine = await eventually(hr, lambda machine: machine["state"] == "waiting_for_a_person")
        assert (machine["status"], machine["status_text"]) == ("error", "it refuses our key")

    async def test_a_machine_that_refuses_our_key_is_let_be(self, hr: httpx.AsyncClient, ingest: Ingest) -> None:
        async with ingest.running():
            await self.waiting(hr, ingest)
            await asyncio.sleep(0.1)
            assert ingest.driver.sessions == 1

    async def test_a_change_by_a_person_closes_it_at_once(self, hr: httpx.AsyncClient, ingest: Ingest) -> None:
        async with ingest.running():
            await self.waiting(hr, ingest)
            answer = await hr.patch(f"{MACHINES}gate/", json={"config": {"password": "right"}})
            assert answer.json()["state"] == "connecting"
            machine = await eventually(hr, lambda machine: machine["is_connected"])
            assert (machine["status"], machine["status_text"]) == ("active", "")

    async def test_a_test_that_succeeds_closes_it_at_once(self, hr: httpx.AsyncClient, ingest: Ingest) -> None:
        async with ingest.running():
            await self.waiting(hr, ingest)
            assert (await hr.post(f"{MACHINES}gate/test/")).json()["is_connected"] is True
            await eventually(hr, lambda machine: machine["state"] == "catching_up")

    async def test_a_test_that_fails_does_not(self, hr: httpx.AsyncClient, ingest: Ingest) -> None:
        async with ingest.running():
            await self.waiting(hr, ingest)
            ingest.driver.refuses = [WrongCredentials("it refuses our key")]
            assert (await hr.post(f"{MACHINES}gate/test/")).json()["is_connected"] is False
            await asyncio.sleep(0.1)
            assert ingest.driver.sessions == 1

    async def test_a_test_of_a_machine_in_contact_disturbs_nothing(self, hr: httpx.AsyncClient, ingest: Ingest) -> None:
        async with ingest.running():
            await hr.post(MACHINES, json=GATE)
            await eventually(hr, lambda machine: machine["is_connected"])
            await hr.post(f"{MACHINES}gate/test/")
            ingest.driver.refuses = [WrongCredentials("it refuses our key")]
            ingest.driver.says.put_nowait(WrongCredentials("it refuses our key"))
            await eventually(hr, lambda machine: machine["state"] == "waiting_for_a_person")
            await asyncio.sleep(0.1)
            assert ingest.driver.sessions == 1
