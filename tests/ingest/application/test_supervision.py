"""Machines that are watched, from the registry to the bus, with the service as it is deployed."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import cast

import httpx

from services.ingest.application.drivers import Unreachable, WrongCredentials
from services.ingest.application.ports import Registry
from services.ingest.application.supervision import Supervisor
from services.ingest.domain.machine import Machine
from services.ingest.domain.reading import Batch, Mode, Unreadable
from services.ingest.storage.evidence import PostgresEvidence
from services.ingest.storage.lease import PostgresLease
from shared.contracts.machines import ErrorOccurred, MachineChanged, MachineConnected, MachineDisconnected
from shared.contracts.scans import ScanReceived
from shared.kernel.clock import SystemClock
from tests.ingest.application.watched import GATE, MACHINES, batch, entered, eventually, shown, told
from tests.ingest.conftest import Ingest
from tests.ingest.fakes import until


async def test_a_machine_that_streams_is_connected_and_its_scans_are_published(
    hr: httpx.AsyncClient, ingest: Ingest
) -> None:
    async with ingest.running():
        await hr.post(MACHINES, json=GATE)
        ingest.driver.says.put_nowait(batch(3, mode=Mode.REPLAY))
        await told(ingest, ScanReceived, 3)
        machine = await eventually(hr, lambda machine: machine["is_connected"])
        assert machine["status_text"] == ""
        (connected,) = await told(ingest, MachineConnected, 1)
        assert connected.machine == "gate"


async def test_it_is_acknowledged_only_once_its_scans_are_durable(hr: httpx.AsyncClient, ingest: Ingest) -> None:
    async with ingest.running():
        await hr.post(MACHINES, json=GATE)
        ingest.bus.gate = asyncio.Event()
        first = batch(1)
        ingest.driver.says.put_nowait(first)
        await until(lambda: ingest.bus.calls)
        assert not ingest.driver.acknowledged
        ingest.bus.gate.set()
        await told(ingest, ScanReceived, 1)
        await until(lambda: ingest.driver.acknowledged == [first])


async def test_a_log_that_is_read_again_is_not_published_again(hr: httpx.AsyncClient, ingest: Ingest) -> None:
    async with ingest.running():
        await hr.post(MACHINES, json=GATE)
        ingest.driver.says.put_nowait(batch(700, mode=Mode.REPLAY))
        await told(ingest, ScanReceived, 700)
        await entered(ingest, 700)
        ingest.driver.says.put_nowait(batch(701, mode=Mode.REPLAY))
        assert len(await told(ingest, ScanReceived, 701)) == 701


class FrozenRegistry:
    """The registry, until it is frozen: then it does not even let itself be cancelled at once."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self.frozen = False
        self.waited_for = 0
        self.thawed = asyncio.Event()

    async def all(self) -> Sequence[Machine]:
        if self.frozen:
            self.waited_for += 1
            try:
                await asyncio.Event().wait()
            finally:
                await self.thawed.wait()
        return await self._registry.all()


async def test_who_is_stopped_lets_the_machines_go_before_a_look_that_hangs_has_ended(
    hr: httpx.AsyncClient, ingest: Ingest
) -> None:
    await hr.post(MACHINES, json=GATE)
    registry, told, like = FrozenRegistry(ingest.parts.registry), asyncio.Event(), ingest.parts.supervisor
    supervisor = Supervisor(
        cast("Registry", registry),
        ingest.parts.machines,
        like._conditions,
        watch=like._watch,
        pausing=like._pausing,
        told=told,
        clock=SystemClock(),
    )
    running = asyncio.create_task(supervisor.run())
    await until(lambda: ingest.driver.open)
    registry.frozen = True
    told.set()
    await until(lambda: registry.waited_for)
    running.cancel()
    await until(lambda: not ingest.driver.open)
    assert not running.done()
    registry.thawed.set()
    await asyncio.gather(running, return_exceptions=True)


async def test_another_may_hold_the_machines_only_once_the_last_of_them_was_let_go(
    hr: httpx.AsyncClient, ingest: Ingest
) -> None:
    await hr.post(MACHINES, json=GATE)
    ingest.driver.lets_go = asyncio.Event()
    other = PostgresLease(ingest.parts.database)
    holding = asyncio.create_task(ingest.parts.holding.run())
    await until(lambda: ingest.driver.open)
    holding.cancel()
    await until(lambda: ingest.parts.supervisor._stuck, within=60)  # from when on it is not waited for otherwise
    for _ in range(20):
        assert not (await other.ask()).ours
    assert ingest.driver.open
    ingest.driver.lets_go.set()
    await asyncio.gather(holding, return_exceptions=True)
    assert not ingest.driver.open
    assert (await other.ask()).ours
    await other.release()


async def test_that_it_is_away_is_said_once_with_the_reason_and_once_that_it_is_back(
    hr: httpx.AsyncClient, ingest: Ingest
) -> None:
    async with ingest.running():
        await hr.post(MACHINES, json=GATE)
        await told(ingest, MachineConnected, 1)
        ingest.driver.refuses = [Unreachable("nobody answers at 10.0.0.7") for _ in range(5)]
        ingest.driver.says.put_nowait(Unreachable("nobody answers at 10.0.0.7"))
        await told(ingest, MachineConnected, 2)
        assert [event.reason for event in ingest.bus.events(MachineDisconnected)] == ["nobody answers at 10.0.0.7"]
        assert [event.message for event in ingest.bus.events(ErrorOccurred)] == ["Gate: nobody answers at 10.0.0.7"]
        assert ingest.driver.sessions == 7
        machine = await eventually(hr, lambda machine: machine["is_connected"])
        assert (machine["status"], machine["status_text"]) == ("active", "")


async def test_what_only_a_person_can_end_shows_in_the_status(hr: httpx.AsyncClient, ingest: Ingest) -> None:
    ingest.driver.refuses = [WrongCredentials("it refuses our key") for _ in range(1000)]
    async with ingest.running():
        await hr.post(MACHINES, json=GATE)
        machine = await eventually(hr, lambda machine: machine["status"] == "error")
        assert (machine["is_connected"], machine["status_text"]) == (False, "it refuses our key")
        ingest.driver.refuses = []
        machine = await eventually(hr, lambda machine: machine["is_connected"])
        assert machine["status"] == "active"


async def test_how_far_it_has_reported_is_told_when_it_has_caught_up(hr: httpx.AsyncClient, ingest: Ingest) -> None:
    nine = datetime(2024, 1, 15, 9, tzinfo=UTC)
    async with ingest.running():
        await hr.post(MACHINES, json=GATE)
        ingest.driver.says.put_nowait(batch(5, mode=Mode.REPLAY))
        ingest.driver.says.put_nowait(batch(0, complete_until=nine))
        machine = await eventually(hr, lambda machine: machine["reported_until"])
        assert (machine["reported_until"], machine["last_scan_at"]) == ("2024-01-15T09:00:00Z", "2024-01-15T02:00:04Z")
        assert machine["last_sync"]
        await eventually(hr, lambda _: ingest.bus.events(MachineChanged)[-1].reported_until == nine)
        words = len(ingest.bus.events(MachineChanged))
        for second in range(20):
            ingest.driver.says.put_nowait(batch(1, start=datetime(2024, 1, 15, 10, 0, second)))
            ingest.driver.says.put_nowait(batch(0, complete_until=nine + timedelta(seconds=second)))
        await told(ingest, ScanReceived, 25)
        assert len(ingest.bus.events(MachineChanged)) == words


async def test_a_machine_that_is_no_longer_wanted_is_let_go(hr: httpx.AsyncClient, ingest: Ingest) -> None:
    async with ingest.running():
        await hr.post(MACHINES, json=GATE)
        await eventually(hr, lambda machine: machine["is_connected"])
        await hr.patch(f"{MACHINES}gate/", json={"status": "inactive"})
        machine = await eventually(hr, lambda machine: not machine["is_connected"])
        assert (machine["status"], ingest.driver.open) == ("inactive", 0)
        await hr.patch(f"{MACHINES}gate/", json={"status": "active"})
        await eventually(hr, lambda machine: machine["is_connected"])
        await hr.delete(f"{MACHINES}gate/")
        await until(lambda: not ingest.driver.open)


async def test_a_changed_machine_is_connected_to_anew_without_a_word(hr: httpx.AsyncClient, ingest: Ingest) -> None:
    async with ingest.running():
        await hr.post(MACHINES, json=GATE)
        await eventually(hr, lambda machine: machine["is_connected"])
        await hr.patch(f"{MACHINES}gate/", json={"ip_address": "10.0.0.8"})
        await until(lambda: ingest.driver.sessions == 2)
        await eventually(hr, lambda machine: machine["is_connected"])
        assert not ingest.bus.events(MachineDisconnected)


async def test_what_cannot_be_read_is_kept_before_the_machine_is_acknowledged(
    hr: httpx.AsyncClient, ingest: Ingest
) -> None:
    broken = Unreadable(reason="30 February", raw=b"\x00\x46\x1e\x32", position=7)
    async with ingest.running():
        await hr.post(MACHINES, json=GATE)
        said = Batch(readings=(), mode=Mode.REPLAY, received_at=datetime.now(UTC), unreadable=[broken])
        ingest.driver.says.put_nowait(said)
        await until(lambda: ingest.driver.acknowledged)
        async with ingest.parts.database.fast() as pg:
            row = await pg.fetchrow("SELECT reason, raw, position, source FROM unreadable")
        assert dict(row) == {"reason": "30 February", "raw": b"\x00\x46\x1e\x32", "position": 7, "source": "session"}


async def test_after_a_restart_nobody_is_taken_to_be_connected(hr: httpx.AsyncClient, ingest: Ingest) -> None:
    async with ingest.running():
        await hr.post(MACHINES, json=GATE)
        await eventually(hr, lambda machine: machine["is_connected"])
    ingest.driver.refuses = [Unreachable("nobody answers") for _ in range(100_000)]
    assert (await shown(hr))["is_connected"]
    async with ingest.running():
        machine = await eventually(hr, lambda machine: not machine["is_connected"])
        assert machine["status"] == "active"


async def test_how_far_its_log_was_read_is_kept_and_shown_to_nobody(hr: httpx.AsyncClient, ingest: Ingest) -> None:
    nine = datetime(2024, 1, 15, 9, tzinfo=UTC)
    async with ingest.running():
        await hr.post(MACHINES, json=GATE)
        ingest.driver.says.put_nowait(batch(3, mode=Mode.REPLAY))
        ingest.driver.says.put_nowait(replace(batch(0, complete_until=nine), read_mark="up to the third"))
        machine = await eventually(hr, lambda machine: machine["reported_until"])
        assert "read_mark" not in machine
    (kept,) = await ingest.parts.registry.all()
    assert kept.read_mark == "up to the third"


async def test_nobody_is_told_that_all_is_here_while_scans_wait_in_the_spool(
    hr: httpx.AsyncClient, ingest: Ingest
) -> None:
    nine, ten = (datetime(2024, 1, 15, hour, tzinfo=UTC) for hour in (9, 10))
    async with ingest.running():
        await hr.post(MACHINES, json=GATE)
        await eventually(hr, lambda machine: machine["is_connected"])
        ingest.bus.away = True
        ingest.driver.says.put_nowait(batch(3))
        ingest.driver.says.put_nowait(batch(0, complete_until=nine))
        machine = await eventually(hr, lambda machine: machine["last_sync"])
        assert (machine["last_scan_at"], machine["reported_until"]) == ("2024-01-15T02:00:02Z", None)
        ingest.bus.away = False
        await until(lambda: ingest.parts.publisher.all_published)
        ingest.driver.says.put_nowait(batch(0, complete_until=ten))
        await until(lambda: len(ingest.driver.acknowledged) == 3)
        ingest.driver.contact.warn("a turn", "it is told at once")
        machine = await eventually(hr, lambda machine: machine["reported_until"])
        await until(lambda: any(event.reported_until for event in ingest.bus.events(MachineChanged)))
        types = [(m.type, b'"reported_until":"2024' in m.body) for m in ingest.bus.published]
        assert types.index((ScanReceived.wire_type, False)) < types.index((MachineChanged.wire_type, True))


async def test_evidence_is_kept_once(ingest: Ingest) -> None:
    evidence = PostgresEvidence(ingest.parts.database)
    records = [(b"digest-1", Unreadable(reason="no date", raw=b"x", position=1))]
    now = datetime.now(UTC)
    assert await evidence.keep(1, records, source="file", at=now) == 1
    assert await evidence.keep(1, records, source="file", at=now) == 0
    assert await evidence.keep(2, records, source="file", at=now) == 1
