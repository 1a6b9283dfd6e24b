"""Fakes of ingest's ports, for tests."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from services.ingest.application.drivers import Capability, Contact, MachineTrouble, Session, Steps
from services.ingest.domain.machine import Machine
from services.ingest.domain.reading import Batch

NOON = datetime(2024, 1, 15, 12, tzinfo=UTC)


class FakeClock:
    """Stands still until it is told."""

    def __init__(self, now: datetime = NOON) -> None:
        self.present = now

    def now(self) -> datetime:
        return self.present

    def forward(self, by: timedelta) -> None:
        self.present += by


@dataclass
class FakeContact:
    """Takes down what a session tells."""

    alive_times: int = 0
    offsets: list[timedelta] = field(default_factory=list)
    records: list[int] = field(default_factory=list)

    def alive(self) -> None:
        self.alive_times += 1

    def clock(self, offset: timedelta) -> None:
        self.offsets.append(offset)

    def counts(self, *, records: int, capacity: int | None = None) -> None:
        self.records.append(records)


class FakeSteps:
    def __init__(self) -> None:
        self.names: list[str] = []

    @contextmanager
    def step(self, name: str) -> Iterator[Callable[[str], None]]:
        self.names.append(name)
        yield lambda _: None


class FakeDriver:
    """A driver whose machines do what the test says: put batches or troubles into `says`."""

    kind = "fake"
    capabilities = frozenset({Capability.STREAMS})
    secrets = frozenset({"password"})
    notice = ""

    def __init__(self) -> None:
        self.says: asyncio.Queue[Batch | MachineTrouble | None] = asyncio.Queue()
        self.refuses: list[MachineTrouble] = []
        self.acknowledged: list[Batch] = []
        self.sessions = 0
        self.open = 0
        self.poll_every = timedelta(0)

    def validated(self, config: Mapping[str, Any]) -> Mapping[str, Any]:
        return dict(config)

    async def probe(self, machine: Machine, steps: Steps) -> None:
        with steps.step("connect") as note:
            if self.refuses:
                raise self.refuses.pop(0)
            note("ok")

    @asynccontextmanager
    async def session(self, machine: Machine, contact: Contact) -> AsyncIterator[Session]:
        self.sessions += 1
        if self.refuses:
            raise self.refuses.pop(0)
        self.open += 1
        try:
            yield _FakeSession(self)
        finally:
            self.open -= 1


class _FakeSession:
    def __init__(self, driver: FakeDriver) -> None:
        self._driver = driver

    async def batches(self) -> AsyncIterator[Batch]:
        while (said := await self._driver.says.get()) is not None:
            if isinstance(said, MachineTrouble):
                raise said
            yield said

    async def acknowledge(self, batch: Batch) -> None:
        self._driver.acknowledged.append(batch)
