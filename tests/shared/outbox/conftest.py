"""A database with the probe's schema in it."""

from collections.abc import AsyncIterator, Callable

import pytest

from shared.storage.database import Database
from tests.fakes.bus import FakeBus
from tests.shared.probe import HISTORY


@pytest.fixture
async def db(migrated: Callable[..., str]) -> AsyncIterator[Database]:
    database = Database(migrated(HISTORY), schema="probe")
    yield database
    await database.close()


@pytest.fixture
def bus() -> FakeBus:
    return FakeBus()
