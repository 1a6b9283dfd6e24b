"""Machines that behave badly in every way, beside one that works."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta

import httpx
import pytest

from services.ingest.application.drivers import Contact, Session
from services.ingest.domain.machine import Machine
from services.ingest.domain.reading import Batch, Mode
from shared.contracts.machines import MachineDisconnected
from shared.contracts.scans import ScanReceived
from tests.ingest.application.watched import GATE, MACHINES, batch, eventually
from tests.ingest.conftest import Ingest
from tests.ingest.fakes import FakeDriver, until

AT_ONCE = 4.0
"""Seconds, on a machine that is busy with other tests; the machines below would hold up others for longer."""


class BadSession:
    """Says `batches`, over and over."""

    def __init__(self, batches: Callable[[], AsyncIterator[Batch]]) -> None:
        self.batches = batches

    async def acknowledge(self, batch: Batch) -> None: ...


class Bad(FakeDriver):
    """Its machines do what `misbehave` does, in the place of a session."""

    def __init__(self) -> None:
        super().__init__("bad")

    @asynccontextmanager
    async def session(self, machine: Machine, contact: Contact) -> AsyncIterator[Session]:
        self.sessions += 1
        self.contact = contact
        async with self.misbehave() as session:
            yield session

    @asynccontextmanager
    async def misbehave(self) -> AsyncIterator[Session]:
        raise NotImplementedError
        yield


class HangsInConnect(Bad):
    @asynccontextmanager
    async def misbehave(self) -> AsyncIterator[Session]:
        await asyncio.Event().wait()
        yield BadSession(nothing)


class Fails(Bad):
    @asynccontextmanager
    async def misbehave(self) -> AsyncIterator[Session]:
        raise ZeroDivisionError("a mistake in the driver")
        yield


class FailsWhenLetGo(Bad):
    @asynccontextmanager
    async def misbehave(self) -> AsyncIterator[Session]:
        try:
            yield BadSession(nothing)
        finally:
            raise ZeroDivisionError("a mistake in the driver")


class FloodsWithNothing(Bad):
    """Never waits for anything."""

    @asynccontextmanager
    async def misbehave(self) -> AsyncIterator[Session]:
        async def batches() -> AsyncIterator[Batch]:
            while True:
                self.contact.alive()
                self.contact.clock(timedelta(minutes=5))
                yield batch(0)

        yield BadSession(batches)


class FloodsWithALog(Bad):
    """As many scans at once as a machine can hold."""

    @asynccontextmanager
    async def misbehave(self) -> AsyncIterator[Session]:
        async def batches() -> AsyncIterator[Batch]:
            while True:
                yield batch(5_000, mode=Mode.REPLAY, badge="8")

        yield BadSession(batches)


class IgnoresCancellation(Bad):
    """Once cancelled, goes on until there is `enough` of it, and then still has a scan."""

    def __init__(self) -> None:
        super().__init__()
        self.cancelled = 0
        self.enough = asyncio.Event()

    @asynccontextmanager
    async def misbehave(self) -> AsyncIterator[Session]:
        async def batches() -> AsyncIterator[Batch]:
            cancelled = False
            while not (cancelled and self.enough.is_set()):
                try:
                    await (self.enough if cancelled else asyncio.Event()).wait()
                except asyncio.CancelledError:
                    cancelled = True
                    self.cancelled += 1
            yield batch(1, badge="9")

        yield BadSession(batches)


async def nothing() -> AsyncIterator[Batch]:
    await asyncio.Event().wait()
    yield batch(0)


async def scans_come_through(ingest: Ingest, number: int) -> None:
    """Scans of the good machine are published, each at once."""
    for second in range(number):
        start = datetime(2024, 1, 15, 9, second // 60, second % 60)
        ingest.driver.says.put_nowait(batch(1, start=start))
        await until(lambda second=second: len(ingest.driver.acknowledged) == second + 1, within=AT_ONCE)  # type: ignore[misc]
    assert len([event for event in ingest.bus.events(ScanReceived) if event.machine == "gate"]) == number


async def begin(hr: httpx.AsyncClient, ingest: Ingest, bad: Bad) -> None:
    ingest.drivers["bad"] = bad
    for number in range(3):
        values = {"machine_id": f"bad-{number}", "name": f"Bad {number}", "machine_type": "bad"}
        assert (await hr.post(MACHINES, json=values)).status_code == 201
    await until(lambda: bad.sessions >= 3)
    await hr.post(MACHINES, json=GATE)
    await eventually(hr, lambda machine: machine["is_connected"])


@pytest.mark.parametrize("bad", [HangsInConnect, Fails, FailsWhenLetGo, FloodsWithNothing, FloodsWithALog])
async def test_scans_come_through_whatever_other_machines_do(
    hr: httpx.AsyncClient, ingest: Ingest, bad: type[Bad]
) -> None:
    async with ingest.running():
        await begin(hr, ingest, bad())
        await scans_come_through(ingest, 10)


async def test_a_machine_is_changed_and_another_begun_while_others_will_not_let_go(
    hr: httpx.AsyncClient, ingest: Ingest
) -> None:
    bad = IgnoresCancellation()
    async with ingest.running():
        await begin(hr, ingest, bad)
        for number in range(3):
            await hr.patch(f"{MACHINES}bad-{number}/", json={"status": "inactive"})
        await until(lambda: bad.cancelled == 3, within=AT_ONCE)
        await hr.patch(f"{MACHINES}gate/", json={"name": "Main gate"})
        await until(lambda: ingest.driver.sessions == 2, within=AT_ONCE)
        await hr.post(MACHINES, json={**GATE, "machine_id": "gate-2"})
        await until(lambda: ingest.driver.sessions == 3, within=AT_ONCE)
        bad.enough.set()


async def test_one_session_at_a_time_also_where_a_machine_will_not_let_go(
    hr: httpx.AsyncClient, ingest: Ingest
) -> None:
    bad = IgnoresCancellation()
    async with ingest.running():
        await begin(hr, ingest, bad)
        await hr.patch(f"{MACHINES}bad-0/", json={"name": "Worse"})
        await until(lambda: bad.cancelled == 1)
        assert bad.sessions == 3
        bad.enough.set()
        await until(lambda: bad.sessions == 4)
        assert "9" not in [event.badge for event in ingest.bus.events(ScanReceived)], "a scan after being let go"


async def test_what_a_machine_does_after_it_was_let_go_is_not_told(hr: httpx.AsyncClient, ingest: Ingest) -> None:
    bad = IgnoresCancellation()
    async with ingest.running():
        await begin(hr, ingest, bad)
        await hr.patch(f"{MACHINES}bad-0/", json={"status": "inactive"})
        await until(lambda: bad.cancelled == 1)
        bad.enough.set()
        machine = await eventually(hr, lambda machine: not machine["is_connected"], machine="bad-0")
        assert (machine["state"], machine["status_text"]) == ("not_wanted", "")
        await until(lambda: ingest.bus.events(MachineDisconnected))
        reasons = [event.reason for event in ingest.bus.events(MachineDisconnected)]
        assert reasons == ["contact is not wanted any more"]


async def test_a_driver_that_fails_says_so_and_waits_for_a_person(hr: httpx.AsyncClient, ingest: Ingest) -> None:
    async with ingest.running():
        await begin(hr, ingest, Fails())
        machine = await eventually(hr, lambda machine: machine["status_text"], machine="bad-0")
        assert machine["state"] == "waiting_for_a_person"
        assert machine["status_text"] == "the driver failed; the log of ingest has the details"


async def test_a_machine_that_is_changed_and_then_not_wanted_while_it_lets_go_is_not_connected(
    hr: httpx.AsyncClient, ingest: Ingest
) -> None:
    bad = IgnoresCancellation()
    async with ingest.running():
        await begin(hr, ingest, bad)
        await eventually(hr, lambda machine: machine["is_connected"], machine="bad-0")
        await hr.patch(f"{MACHINES}bad-0/", json={"name": "Worse"})
        await until(lambda: bad.cancelled == 1)
        await hr.patch(f"{MACHINES}bad-0/", json={"status": "maintenance"})
        bad.enough.set()
        machine = await eventually(hr, lambda machine: not machine["is_connected"], machine="bad-0")
        assert machine["state"] == "not_wanted"
