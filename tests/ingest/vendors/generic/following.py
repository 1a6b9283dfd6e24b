"""Following a session of a generic machine, as a watch does, and machines to follow."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from services.ingest.application.drivers import MachineTrouble
from services.ingest.domain.machine import Machine
from services.ingest.domain.reading import Batch, Reading, Unreadable
from services.ingest.domain.scan import scan_id
from services.ingest.vendors.generic.driver import Generic
from services.ingest.vendors.generic.simulator import Device
from shared.kernel.clock import SystemClock
from tests.ingest.fakes import FakeContact


def machine(port: int | None, config: Mapping[str, Any], **more: Any) -> Machine:
    now = datetime.now(UTC)
    known = {
        "id": 1,
        "machine_id": "gate-1",
        "name": "Gate 1",
        "machine_type": "generic",
        "zone": "UTC",
        "ip_address": "127.0.0.1",
        "port": port,
        "created_at": now,
        "updated_at": now,
        "config": config,
    }
    return Machine(**{**known, **more})


@dataclass
class Following:
    """Takes what a session yields until it ends; `held` keeps it from being safe."""

    contact: FakeContact = field(default_factory=FakeContact)
    batches: list[Batch] = field(default_factory=list)
    acknowledged: int = 0
    """How many of them."""
    trouble: MachineTrouble | None = None
    entered: bool = False
    held: asyncio.Event | None = None

    @property
    def readings(self) -> list[Reading]:
        return [reading for batch in self.batches for reading in batch.readings]

    @property
    def unreadable(self) -> list[Unreadable]:
        return [record for batch in self.batches for record in batch.unreadable]

    @property
    def ids(self) -> set[UUID]:
        return {scan_id(1, reading.badge, reading.local_time, reading.state) for reading in self.readings}

    async def follow(self, driver: Generic, of: Machine) -> None:
        try:
            async with driver.session(of, self.contact) as session:
                self.entered = True
                async for batch in session.batches():
                    self.batches.append(batch)
                    if self.held is not None:
                        await self.held.wait()
                    await session.acknowledge(batch)
                    self.acknowledged += 1
        except MachineTrouble as trouble:
            self.trouble = trouble


@asynccontextmanager
async def following(
    of: Machine, driver: Generic | None = None, *, held: asyncio.Event | None = None
) -> AsyncIterator[Following]:
    what = Following(held=held)
    task = asyncio.create_task(what.follow(driver or Generic(SystemClock()), of))
    try:
        yield what
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def ids_of(device: Device) -> set[UUID]:
    return {scan_id(1, entry.badge, entry.wall, entry.state) for entry in device.entries}
