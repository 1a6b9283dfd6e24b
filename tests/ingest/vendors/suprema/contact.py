"""What tests of contact with a simulated BioStar server share."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from services.ingest.application.drivers import MachineTrouble, Phase
from services.ingest.domain.machine import Machine
from services.ingest.domain.reading import Batch, Mode, Reading, Unreadable
from services.ingest.domain.scan import scan_id
from services.ingest.vendors.suprema.driver import Suprema
from services.ingest.vendors.suprema.simulator import Faults, Running, Store
from services.ingest.vendors.suprema.simulator.faults import NONE
from shared.kernel.clock import SystemClock
from tests.ingest.fakes import FakeContact, until

START = datetime(2026, 1, 5, 8)
DEVICE = "538150641"
PASSWORD = "simulated-1"
QUICK = {
    "device_id": DEVICE,
    "password": PASSWORD,
    "https": False,
    "look_every": 0.3,
    "answer_within": 0.5,
    "connect_within": 1,
    "silent_after": 5,
    "page_size": 50,
}


def store(records: int = 120, *, people: int = 20, **how: Any) -> Store:
    made = Store(**how)
    for number in range(records):
        key = "1" if number % 2 == 0 else "2"
        made.record_at(str(1000 + number % people), START + timedelta(minutes=number), key=key)
    return made


def machine(port: int, *, config: dict[str, Any] | None = None, **more: Any) -> Machine:
    now = datetime.now(UTC)
    known = {
        "id": 1,
        "machine_id": "gate-1",
        "name": "Gate 1",
        "machine_type": "suprema",
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
    def looks(self) -> int:
        return sum(not batch.readings and not batch.unreadable for batch in self.batches)

    async def follow(self, driver: Suprema, of: Machine) -> None:
        try:
            async with driver.session(of, self.contact) as session:
                async for batch in session.batches():
                    self.batches.append(batch)
                    await session.acknowledge(batch)
        except MachineTrouble as trouble:
            self.trouble = trouble


@asynccontextmanager
async def following(of: Machine, driver: Suprema | None = None) -> AsyncIterator[Following]:
    what = Following()
    task = asyncio.create_task(what.follow(driver or Suprema(SystemClock()), of))
    try:
        yield what
    finally:
        task.cancel()
        results = await asyncio.gather(task, return_exceptions=True)
        unexpected = [result for result in results if isinstance(result, Exception)]
        assert not unexpected, unexpected


async def trouble_of(running: Running, driver: Suprema | None = None, **of: Any) -> MachineTrouble:
    """What ends the contact."""
    async with following(machine(running.port, **of), driver) as what:
        await until(lambda: what.trouble, within=60)
        assert what.trouble is not None
        return what.trouble


def named(faults: Faults) -> str:
    """Those faults that there are, in short."""
    there = {name: value for name, value in asdict(faults).items() if value != getattr(NONE, name)}
    return ",".join(name if value is True else f"{name}={value}" for name, value in there.items()) or "none"


def ids_of(held: Store, *, machine: int = 1, device: str = DEVICE) -> set[UUID]:
    """The scans that a server holds of a machine."""
    return {
        scan_id(machine, row.user, held.local(row), row.key) for row in held.scans if row.device == device and row.user
    }
