"""A broker for all tests of a module, and one of a test's own."""

from collections.abc import Iterator

import pytest

from tests.conftest import NO_MOSQUITTO
from tests.servers.mosquitto import Mosquitto, start_mosquitto


@pytest.fixture(scope="module")
def broker() -> Iterator[Mosquitto]:
    """Running, and nobody's own: each test has topics and machines of its own."""
    with start_mosquitto() as started:
        if started is None:
            pytest.skip(NO_MOSQUITTO)
        yield started


@pytest.fixture
def own_broker() -> Iterator[Mosquitto]:
    """Running, to be stopped and set otherwise at will."""
    with start_mosquitto() as started:
        if started is None:
            pytest.skip(NO_MOSQUITTO)
        yield started
