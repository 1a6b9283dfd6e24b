"""Two processes of ingest on one database: one goes to the machines, the other stands by and takes over."""

import asyncio
import itertools
import signal
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import httpx
import pytest

from services.ingest.application.contact_ports import LEASE_LASTS
from services.ingest.vendors.zkteco import simulator as zkteco
from shared.bus.opening import open_bus
from shared.bus.port import Delivery, Refusal, Subscription
from shared.contracts.cloudevents import decode
from shared.contracts.scans import ScanReceived
from shared.kernel.clock import SystemClock
from shared.web.scope import Caller
from shared.web.tokens import Tokens
from tests.acceptance.processes import MUSTER, Process
from tests.ingest.application.watched import MACHINES
from tests.ingest.conftest import SECRET
from tests.ingest.fakes import until
from tests.ingest.test_reconciliation import terminal
from tests.ingest.vendors.zkteco.contact import ids_of
from tests.servers.ports import free_port

pytestmark = pytest.mark.timeout(240)


@dataclass
class One:
    """A process, and a client of its API."""

    process: Process
    client: httpx.AsyncClient

    async def says(self, said: str) -> None:
        """Wait until it tells so of the machines."""
        async with asyncio.timeout(60):
            while True:
                try:
                    answer = (await self.client.get("/health/ready")).json()
                    if answer["status"] == "ok" and answer["machines"] == said:
                        return
                except httpx.TransportError:
                    pass
                await asyncio.sleep(0.05)


@dataclass
class Two:
    """Both, a terminal that they could go to, and what of it has come to the bus."""

    holder: One
    other: One
    gate: zkteco.Running
    most: list[int]
    """How many connections the terminal had, each time that somebody came."""
    received: set[UUID]

    async def all_is_here(self) -> None:
        machine = (await self.other.client.get(f"{MACHINES}gate/")).json()["id"]
        await until(lambda: self.received == ids_of(self.gate.device, machine=machine), within=60)


@asynccontextmanager
async def two(url: str, folder: Path, *, registered_at: str = "holder") -> AsyncIterator[Two]:
    received: set[UUID] = set()
    most: list[int] = []

    async def take(deliveries: Sequence[Delivery]) -> Sequence[Refusal]:
        for delivery in deliveries:
            message = delivery.message
            received.update(each.data.scan_id for each in decode(message.body, message.content_type, ScanReceived))
        return ()

    queue = Subscription(queue="test.two", patterns=(ScanReceived.wire_type,), handle=take, most=50)
    async with AsyncExitStack() as stack:
        bus = await stack.enter_async_context(open_bus(url))
        await bus.declare([queue])
        await stack.enter_async_context(bus.consume(queue))
        gate = await stack.enter_async_context(
            zkteco.simulator(terminal(), pace=0, notice=lambda _: most.append(gate.connections))
        )
        holder = await stack.enter_async_context(one("holder", url, folder))
        await holder.says("held by this process")
        other = await stack.enter_async_context(one("other", url, folder))
        await other.says("this process stands by")
        body = {"machine_id": "gate", "machine_type": "zkteco", "ip_address": "127.0.0.1", "port": gate.port}
        config = {"answer_within": 0.5, "look_every": 0.2}
        at = holder if registered_at == "holder" else other
        answer = await at.client.post(MACHINES, json={**body, "zone": "UTC", "config": config})
        assert answer.status_code == 201, answer.text
        both = Two(holder, other, gate, most, received)
        await both.all_is_here()
        yield both


@asynccontextmanager
async def one(name: str, url: str, folder: Path) -> AsyncIterator[One]:
    port = free_port()
    environment = {"MUSTER_DATABASE_URL": url, "MUSTER_BUS_URL": url, "MUSTER_SECRET": SECRET}
    process = Process(name, [MUSTER, "serve", "ingest", "--http-port", str(port)], environment, folder)
    caller = Caller(user=1, username="anna", roles=frozenset({"hr"}), units=())
    token = Tokens(SECRET).sign(caller, now=SystemClock().now(), lasts=timedelta(hours=1))
    process.start()
    try:
        async with httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{port}", headers={"Authorization": f"Bearer {token}"}, timeout=30
        ) as client:
            yield One(process, client)
    finally:
        process.stop(20)
        print(process.said())


@asynccontextmanager
async def people_scan(gate: zkteco.Running) -> AsyncIterator[None]:
    """All the time."""

    async def scan() -> None:
        for turn in itertools.count():
            await gate.scan(f"100{1 + turn % 3}")
            await asyncio.sleep(0.05)

    scanning = asyncio.create_task(scan())
    try:
        yield
    finally:
        scanning.cancel()
        await asyncio.gather(scanning, return_exceptions=True)


async def test_when_the_holder_is_killed_the_other_takes_over_and_no_scan_is_lost(
    migrated: Callable[..., str], tmp_path: Path
) -> None:
    async with two(migrated("ingest"), tmp_path) as both:
        async with people_scan(both.gate):
            assert (both.gate.accepted, both.gate.listeners) == (1, 1)
            both.holder.process.kill(signal.SIGKILL)
            killed_at = asyncio.get_running_loop().time()
            await until(lambda: both.gate.listeners == 1 and both.gate.accepted == 2, within=60)
            took = asyncio.get_running_loop().time() - killed_at
            print(f"the other is live {took:.2f} s after the holder was killed")
            assert took < LEASE_LASTS
            await both.other.says("held by this process")
        await both.all_is_here()
        # And who comes back stands by.
        both.holder.process.start()
        await both.holder.says("this process stands by")
        assert both.gate.accepted == 2
        assert max(both.most) == 1


async def test_when_the_holder_is_stopped_the_other_is_there_at_once(
    migrated: Callable[..., str], tmp_path: Path
) -> None:
    async with two(migrated("ingest"), tmp_path, registered_at="other") as both:
        async with people_scan(both.gate):
            assert both.gate.accepted == 1
            await asyncio.to_thread(both.holder.process.stop, 20)
            await until(lambda: both.gate.listeners == 1 and both.gate.accepted == 2, within=60)
        await both.all_is_here()
        assert max(both.most) == 1


async def test_a_holder_that_hangs_is_followed_and_lets_go_when_it_wakes(
    migrated: Callable[..., str], tmp_path: Path
) -> None:
    async with two(migrated("ingest"), tmp_path) as both:
        async with people_scan(both.gate):
            both.holder.process.kill(signal.SIGSTOP)
            await both.other.says("held by this process")
            # On a slow machine the other's first contact may fail, and it tries again.
            await until(lambda: both.gate.accepted >= 2, within=60)
            both.holder.process.kill(signal.SIGCONT)
            await both.holder.says("this process stands by")
            await until(lambda: both.gate.connections == 1, within=60)
            accepted = both.gate.accepted
        await both.all_is_here()
        assert both.gate.accepted == accepted


async def test_a_clock_that_is_wanted_set_at_the_one_that_stands_by_is_set_by_the_other_once(
    migrated: Callable[..., str], tmp_path: Path
) -> None:
    async with two(migrated("ingest"), tmp_path) as both:
        answer = await both.other.client.post(f"{MACHINES}gate/clock/")
        assert answer.status_code == 202, answer.text
        assert "is set by the process that goes to the machines" in answer.json()["sentence"]
        async with asyncio.timeout(60):
            while True:
                found = (await both.other.client.get(f"{MACHINES}gate/clock/")).json()["measurements"]
                set_by = [one["by"] for one in found if one["kind"] == "set"]
                if set_by:
                    break
                await asyncio.sleep(0.05)
        assert set_by == ["anna"]
