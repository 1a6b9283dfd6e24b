from collections.abc import AsyncIterator, Callable

import pytest

from tests.attendance.worker.company import Company, company


@pytest.fixture
async def firm(migrated: Callable[..., str]) -> AsyncIterator[Company]:
    """A company with five people, whose site has no zone yet."""
    made = company(migrated("attendance"))
    await made.hire(5)
    yield made
    await made.database.close()
