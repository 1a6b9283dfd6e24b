"""The acknowledgement of DESIGN §4 on a real broker that is frozen, killed, stopped and alarmed while scans come."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

import httpx
import pytest

from services.ingest.application.machines import Changes
from services.ingest.settings import Settings
from services.ingest.wiring import assemble
from shared.bus.opening import open_bus
from shared.bus.port import Delivery, Refusal, Subscription
from shared.contracts.cloudevents import decode
from shared.contracts.scans import ScanReceived
from shared.kernel.clock import SystemClock
from shared.runtime.hosting import hosted
from shared.storage.database import Database
from shared.web.tokens import Tokens
from tests.ingest.conftest import SECRET
from tests.ingest.fakes import machine, scans, until
from tests.ingest.vendors.zkteco.adms.test_routes import until_known
from tests.servers import PrivateRabbit
from tests.shared.bus.contract_restarts import grown_old

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


async def test_scans_published_through_a_frozen_and_a_killed_broker_all_arrive(
    private_rabbit: PrivateRabbit, migrated: Callable[..., str]
) -> None:
    received: set[UUID] = set()

    async def take(deliveries: Sequence[Delivery]) -> Sequence[Refusal]:
        for delivery in deliveries:
            message = delivery.message
            received.update(e.data.scan_id for e in decode(message.body, message.content_type, ScanReceived))
        return ()

    queue = Subscription(queue="test.scans", patterns=(ScanReceived.wire_type,), handle=take, most=10)
    async with open_bus(private_rabbit.url) as bus:
        await until(lambda: bus.status().connected, within=60)
        await bus.declare([queue])
        _, parts = assemble(
            Settings(confirm_within=0.5),
            database=Database(migrated("ingest"), schema="ingest"),
            tokens=Tokens(SECRET),
            bus=bus,
            clock=SystemClock(),
        )
        publisher = parts.publisher
        await publisher.drain()
        # Who holds the machines empties the spool; there are none of them.
        draining = asyncio.gather(publisher.run(), parts.holding.run())
        sent = scans(600, machine=machine())
        async with bus.consume(queue):
            await publisher.publish(sent[:200])
            assert not publisher.spooling

            await asyncio.to_thread(private_rabbit.freeze)
            async with asyncio.timeout(2):
                await publisher.publish(sent[200:300])
            assert publisher.spooling
            await asyncio.to_thread(private_rabbit.thaw)
            await until(lambda: not publisher.spooling, within=30)

            await grown_old()
            await asyncio.to_thread(private_rabbit.kill)
            for start in range(300, 600, 50):
                async with asyncio.timeout(2):
                    await publisher.publish(sent[start : start + 50])
            await asyncio.to_thread(private_rabbit.restart)
            await until(lambda: received == {scan.id for scan in sent}, within=120)
        draining.cancel()
        await asyncio.gather(draining, return_exceptions=True)
        await parts.database.close()


@dataclass
class Terminal:
    """Pushes scans one after the other, and goes on only once each is acknowledged."""

    serial: str
    acknowledged: list[str] = field(default_factory=list)
    took: list[float] = field(default_factory=list)

    async def push(self, client: httpx.AsyncClient, until_told: asyncio.Event, *, every: float) -> None:
        loop = asyncio.get_running_loop()
        moment = datetime(2026, 1, 5, 8)
        while not until_told.is_set():
            time = str(moment + timedelta(seconds=len(self.acknowledged)))
            began = loop.time()
            answer = await client.post(
                f"/iclock/cdata?SN={self.serial}&table=ATTLOG&Stamp=9999", content=f"7\t{time}\t0\t1\t0\t0\n"
            )
            if answer.status_code != 503:  # which says: keep it, and come again
                self.took.append(loop.time() - began)
                assert (answer.status_code, answer.text) == (200, "OK:1")
                self.acknowledged.append(time)
            await asyncio.sleep(every)


@pytest.mark.parametrize(
    ("away", "machines", "most"),
    [
        (3.0, 5, 1500),  # ms; the slowest of some 75, on a machine that has other things to do
        pytest.param(60.0, 20, 300, marks=[pytest.mark.long, pytest.mark.timeout(600)]),
    ],
)
async def test_machines_that_push_are_answered_while_the_broker_is_stopped_and_while_it_is_alarmed(
    private_rabbit: PrivateRabbit, migrated: Callable[..., str], away: float, machines: int, most: int
) -> None:
    received: dict[str, list[str]] = {}

    async def take(deliveries: Sequence[Delivery]) -> Sequence[Refusal]:
        for delivery in deliveries:
            message = delivery.message
            for envelope in decode(message.body, message.content_type, ScanReceived):
                received.setdefault(envelope.data.machine, []).append(envelope.data.device_time)
        return ()

    queue = Subscription(queue="test.order", patterns=(ScanReceived.wire_type,), handle=take, most=50)
    terminals = [Terminal(f"T{number}") for number in range(machines)]
    over = asyncio.Event()
    async with open_bus(private_rabbit.url) as bus:
        await until(lambda: bus.status().connected)
        await bus.declare([queue])
        service, parts = assemble(
            Settings(timezone="UTC"),
            database=Database(migrated("ingest"), schema="ingest"),
            tokens=Tokens(SECRET),
            bus=bus,
            clock=SystemClock(),
        )
        async with parts.machines.work() as work:
            for terminal in terminals:
                changes: Changes = {"machine_id": terminal.serial, "machine_type": "zkteco", "serial": terminal.serial}
                await parts.machines.register(work, {**changes, "zone": "UTC"})
        transport = httpx.ASGITransport(service.app)
        client = httpx.AsyncClient(transport=transport, base_url="http://ingest", timeout=60)
        async with hosted([service], bus), bus.consume(queue), client, asyncio.TaskGroup() as pushing:
            for terminal in terminals:
                await until_known(client, terminal.serial)
            for terminal in terminals:
                pushing.create_task(terminal.push(client, over, every=0.2))

            def all_are_here() -> bool:
                return all(received.get(each.serial, [])[-1:] == each.acknowledged[-1:] != [] for each in terminals)

            async def through(trouble: Callable[[], object], end: Callable[[], object], name: str) -> None:
                await until(lambda: not parts.publisher.spooling)
                for terminal in terminals:
                    terminal.took.clear()
                await asyncio.to_thread(trouble)
                await asyncio.sleep(away)
                await until(lambda: sum(len(terminal.took) for terminal in terminals) >= machines)
                took = sorted(seconds for terminal in terminals for seconds in terminal.took)
                await asyncio.to_thread(end)
                ended = asyncio.get_running_loop().time()
                await until(lambda: not parts.publisher.spooling, within=60)
                drained = asyncio.get_running_loop().time() - ended
                p99 = took[int(len(took) * 0.99)] * 1000
                assert p99 < most, name
                print(f"{name} for {away:g} s: {len(took)} answered, p99 {p99:.0f} ms, drained {drained:.1f} s after")

            await asyncio.sleep(1)  # a second without trouble first
            await through(private_rabbit.stop, private_rabbit.start, "stopped")
            await through(
                lambda: private_rabbit.erlang.evaluate("vm_memory_monitor:set_vm_memory_high_watermark(0.00001)."),
                lambda: private_rabbit.erlang.evaluate("vm_memory_monitor:set_vm_memory_high_watermark(0.4)."),
                "alarmed",
            )
            over.set()
            await until(all_are_here, within=60)
    for terminal in terminals:
        assert in_order(received[terminal.serial]) == terminal.acknowledged
    await parts.database.close()


def in_order(times: Sequence[str]) -> list[str]:
    """Each once, where it came first: what was unconfirmed may come again."""
    return list(dict.fromkeys(times))
