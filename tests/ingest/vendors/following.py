"""A contact with a simulated machine, followed as ingest follows it: what the tests of drivers that go out share."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from services.ingest.application.drivers import MachineTrouble, Phase, Streams
from services.ingest.domain.machine import Machine
from services.ingest.domain.reading import Batch, Mode, Reading, Unreadable
from services.ingest.domain.scan import scan_id
from tests.ingest.fakes import FakeContact


def gate(machine_type: str, port: int, config: Mapping[str, Any], **more: Any) -> Machine:
    """A machine on this computer."""
    now = datetime.now(UTC)
    known = {
        "id": 1,
        "machine_id": "gate-1",
        "name": "Gate 1",
        "machine_type": machine_type,
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
    """Takes what a session yields, as the watch does, until it ends."""

    contact: FakeContact = field(default_factory=FakeContact)
    batches: list[Batch] = field(default_factory=list)
    trouble: MachineTrouble | None = None

    @property
    def readings(self) -> list[Reading]:
        return [reading for batch in self.batches for reading in batch.readings]

    @property
    def live(self) -> list[Reading]:
        return [reading for batch in self.batches for reading in batch.readings if batch.mode is Mode.LIVE]

    @property
    def unreadable(self) -> list[Unreadable]:
        return [record for batch in self.batches for record in batch.unreadable]

    @property
    def ids(self) -> set[UUID]:
        return {scan_id(1, reading.badge, reading.local_time, reading.state) for reading in self.readings}

    @property
    def caught_up(self) -> bool:
        return Phase.LIVE in self.contact.phases

    @property
    def completed(self) -> int:
        return sum(batch.complete_until is not None for batch in self.batches)

    @property
    def looks(self) -> int:
        return sum(not batch.readings and not batch.unreadable for batch in self.batches)

    async def follow(self, driver: Streams, of: Machine) -> None:
        try:
            async with driver.session(of, self.contact) as session:
                async for batch in session.batches():
                    self.batches.append(batch)
                    await session.acknowledge(batch)
        except MachineTrouble as trouble:
            self.trouble = trouble


@asynccontextmanager
async def followed(of: Machine, driver: Streams) -> AsyncIterator[Following]:
    """Follow it while the context is open."""
    what = Following()
    task = asyncio.create_task(what.follow(driver, of))
    try:
        yield what
    finally:
        task.cancel()
        (ended,) = await asyncio.gather(task, return_exceptions=True)
        if isinstance(ended, Exception):  # no trouble of a machine, which `follow` keeps, but a mistake of ours
            raise ended
