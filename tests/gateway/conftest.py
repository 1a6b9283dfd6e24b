"""A gateway to test."""

from collections.abc import AsyncIterator, Callable

import pytest
import pytest_asyncio
from playwright.async_api import Browser

from services.gateway.wiring import HISTORY
from tests.gateway.browsing import launched
from tests.gateway.fakes import Gateway, running_gateway


@pytest.fixture
async def gateway(migrated: Callable[..., str]) -> AsyncIterator[Gateway]:
    """One that runs, with fake services behind it."""
    async with running_gateway(migrated(HISTORY)) as running:
        yield running


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    """One for all tests of pages, which share its loop: it takes longer to start than most of them. See `visiting`."""
    async with launched() as browser:
        yield browser
