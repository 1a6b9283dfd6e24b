"""The catalogue says of each service what is so, without building it."""

import httpx
import pytest
from pydantic import SecretStr

from deploy.catalogue import SERVICES, Given
from deploy.settings import Installation
from shared.kernel.clock import SystemClock
from tests.fakes.bus import FakeBus


@pytest.mark.parametrize("name", SERVICES)
async def test_its_queues_are_those_that_it_subscribes_to(name: str) -> None:
    installation = Installation(database_url="postgresql://nobody@127.0.0.1:1/none", secret=SecretStr("x" * 32))
    async with httpx.AsyncClient() as peers:
        given = Given(installation=installation, bus=FakeBus(), peers=peers, clock=SystemClock())
        service = SERVICES[name].build(given)
    assert [subscription.queue for subscription in service.subscriptions] == list(SERVICES[name].queues)
