"""A gateway to test."""

from collections.abc import AsyncIterator, Callable

import pytest

from services.gateway.wiring import HISTORY
from tests.gateway.fakes import Gateway, running_gateway


@pytest.fixture
async def gateway(migrated: Callable[..., str]) -> AsyncIterator[Gateway]:
    """One that runs, with fake services behind it."""
    async with running_gateway(migrated(HISTORY)) as running:
        yield running
