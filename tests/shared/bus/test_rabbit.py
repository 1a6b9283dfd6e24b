"""RabbitMQ keeps the contract, and what is its own."""

from collections.abc import Iterator

import pytest

from tests.conftest import NO_RABBIT
from tests.servers import PrivateRabbit, start_private_rabbit
from tests.shared.bus.contract import BusContract, RestartContract

pytestmark = pytest.mark.rabbit


@pytest.fixture(scope="module")
def server(worker: str) -> Iterator[PrivateRabbit]:
    """One node for all that is done to a server here: it takes six seconds to boot."""
    with start_private_rabbit(worker) as node:
        if node is None:
            pytest.skip(NO_RABBIT)
        yield node


class TestRabbitBus(BusContract):
    @pytest.fixture
    def place(self, vhost: str) -> str:
        return vhost


class TestRabbitBusRestarted(RestartContract):
    @pytest.fixture
    def address(self, server: PrivateRabbit) -> str:
        return server.url
