"""A contact with a simulated terminal, followed as ingest follows it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from services.ingest.application.drivers import MachineTrouble, Phase
from services.ingest.domain.machine import Machine
from services.ingest.domain.reading import Batch, Reading, Unreadable
from services.ingest.domain.scan import scan_id
from services.ingest.vendors.zkteco.clock import unpacked
from services.ingest.vendors.zkteco.driver import Zkteco
from services.ingest.vendors.zkteco.simulator import Device, Running
from shared.kernel.clock import SystemClock
from tests.ingest.fakes import FakeContact, until

START = datetime(2026, 1, 5, 8)
STEPS = ["resolve", "connect", "authenticate", "serial", "clock", "counts", "options"]
"""Of a test of the connection."""
QUICK = {"look_every": 0.2, "answer_within": 0.5, "connect_within": 1}


def device(records: int = 300, *, people: int = 20, **how: Any) -> Device:
    made = Device(users=[str(1000 + number) for number in range(people)], **how)
    for number in range(records):
        made.record_at(str(1000 + number % people), START + timedelta(minutes=number), state=number % 2)
    return made


def machine(port: int, *, config: dict[str, Any] | None = None, **more: Any) -> Machine:
    now = datetime.now(UTC)
    known = {
        "id": 1,
        "machine_id": "gate-1",
        "name": "Gate 1",
        "machine_type": "zkteco",
        "zone": "UTC",
        "ip_address": "127.0.0.1",
        "port": port,
        "created_at": now,
        "updated_at": now,
        "config": {**QUICK, **(config or {})},
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

    async def follow(self, driver: Zkteco, of: Machine) -> None:
        try:
            async with driver.session(of, self.contact) as session:
                async for batch in session.batches():
                    self.batches.append(batch)
                    await session.acknowledge(batch)
        except MachineTrouble as trouble:
            self.trouble = trouble


@asynccontextmanager
async def following(of: Machine, driver: Zkteco | None = None) -> AsyncIterator[Following]:
    what = Following()
    task = asyncio.create_task(what.follow(driver or Zkteco(SystemClock()), of))
    try:
        yield what
    finally:
        task.cancel()
        (ended,) = await asyncio.gather(task, return_exceptions=True)
        if isinstance(ended, Exception):  # no trouble of a machine, which `follow` keeps, but a mistake of ours
            raise ended


async def trouble_of(running: Running, **of: Any) -> MachineTrouble:
    """What ends the contact."""
    async with following(machine(running.port, **of)) as what:
        await until(lambda: what.trouble, within=10)
        assert what.trouble is not None
        return what.trouble


def ids_of(terminal: Device) -> set[UUID]:
    return {scan_id(1, entry.user_id, unpacked(entry.time), str(entry.state)) for entry in terminal.entries}
