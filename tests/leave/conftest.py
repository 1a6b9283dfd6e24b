"""Leave as it is wired, on a migrated database of the test's own."""

from collections.abc import AsyncIterator, Callable

import pytest

from services.leave.settings import Settings
from services.leave.wiring import build
from shared.runtime.peers import connect_peers
from shared.runtime.service import Service
from shared.storage.database import Database
from shared.web.tokens import Tokens
from tests.fakes.bus import FakeBus
from tests.fakes.clock import FakeClock

SECRET = "a secret of the installation, for tests alone"


@pytest.fixture
async def db(migrated: Callable[..., str]) -> AsyncIterator[Database]:
    database = Database(migrated("leave"), schema="leave")
    yield database
    await database.close()


@pytest.fixture
async def service(db: Database) -> AsyncIterator[Service]:
    async with connect_peers({}, {}) as peers:
        yield build(Settings(), database=db, bus=FakeBus(), peers=peers, clock=FakeClock(), tokens=Tokens(SECRET))
