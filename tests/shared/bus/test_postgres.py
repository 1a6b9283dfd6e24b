"""The embedded bus keeps the contract, and what is its own."""

from collections.abc import Iterator

import pytest

from tests.servers import PrivatePostgres
from tests.servers.ports import open_folder
from tests.shared.bus.contract import BusContract, RestartContract


@pytest.fixture(scope="module")
def server() -> Iterator[PrivatePostgres]:
    """One server for all that is done to a server here."""
    with open_folder("postgres") as folder:
        server = PrivatePostgres(folder / "data")
        server.start()
        yield server
        server.stop()


class TestPostgresBus(BusContract):
    @pytest.fixture
    def place(self, database: str) -> str:
        return database


class TestPostgresBusRestarted(RestartContract):
    @pytest.fixture
    def address(self, server: PrivatePostgres) -> str:
        return server.url
