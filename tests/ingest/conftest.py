"""Ingest as it is deployed, on a real PostgreSQL, with a bus that takes down what it is given."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta

import httpx
import pytest

from services.ingest.application.drivers import Driver
from services.ingest.domain.patience import Patience
from services.ingest.settings import Settings
from services.ingest.wiring import Parts, assemble
from shared.kernel.clock import SystemClock
from shared.runtime.hosting import hosted
from shared.runtime.service import Service
from shared.storage.database import Database
from shared.web.scope import Caller
from shared.web.tokens import Tokens
from tests.ingest.fakes import FakeBus, FakeDriver

SECRET = "a secret of at least thirty-two characters"


@dataclass
class Ingest:
    """The service under test."""

    service: Service
    parts: Parts
    bus: FakeBus
    driver: FakeDriver
    """Of machines of the type `fake`."""
    drivers: dict[str, Driver]
    """All of them; a test may add its own."""
    url: str

    def client(self, *roles: str, units: tuple[int, ...] = ()) -> httpx.AsyncClient:
        """A client with a token of these roles."""
        caller = Caller(user=1, username="anna", roles=frozenset(roles), units=units)
        token = Tokens(SECRET).sign(caller, now=SystemClock().now(), lasts=timedelta(hours=1))
        return httpx.AsyncClient(
            transport=httpx.ASGITransport(self.service.app),
            base_url="http://ingest",
            headers={"Authorization": f"Bearer {token}"},
        )

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Its loops run."""
        async with hosted([self.service], self.bus):
            yield


@pytest.fixture
def patience() -> Patience:
    """That of a test."""
    return Patience(
        shortest=timedelta(milliseconds=5),
        lasting=timedelta(milliseconds=20),
        longest_lasting=timedelta(milliseconds=40),
    )


@pytest.fixture
async def ingest(migrated: Callable[..., str], patience: Patience) -> AsyncIterator[Ingest]:
    from services.ingest.vendors.table import drivers

    url, bus, clock, driver = migrated("ingest"), FakeBus(), SystemClock(), FakeDriver()
    known: dict[str, Driver] = {**drivers(clock), "fake": driver}
    service, parts = assemble(
        Settings(timezone="Asia/Dhaka", confirm_within=0.2),
        database=Database(url, schema="ingest"),
        tokens=Tokens(SECRET),
        bus=bus,
        clock=clock,
        drivers=known,
        patience=patience,
    )
    await parts.publisher.drain()
    yield Ingest(service, parts, bus, driver, known, url)
    await parts.database.close()


@pytest.fixture
async def hr(ingest: Ingest) -> AsyncIterator[httpx.AsyncClient]:
    """A client of HR staff."""
    async with ingest.client("hr") as client:
        yield client
