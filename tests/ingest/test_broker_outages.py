"""The acknowledgement of DESIGN §4 on a real broker that is frozen and killed while scans are published."""

import asyncio
from collections.abc import Callable, Sequence
from uuid import UUID

import pytest

from services.ingest.settings import Settings
from services.ingest.wiring import assemble
from shared.bus.opening import open_bus
from shared.bus.port import Delivery, Refusal, Subscription
from shared.contracts.cloudevents import decode
from shared.contracts.scans import ScanReceived
from shared.kernel.clock import SystemClock
from shared.storage.database import Database
from shared.web.tokens import Tokens
from tests.ingest.conftest import SECRET
from tests.ingest.fakes import machine, scans, until
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
        draining = asyncio.create_task(publisher.run())
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
