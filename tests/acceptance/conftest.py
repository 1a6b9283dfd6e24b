"""The two shapes as fixtures, and their logs beside what failed."""

from collections.abc import Generator, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from tests.acceptance.shapes import Compose, Embedded, System
from tests.servers import PostgresServer, PrivatePostgres, PrivateRabbit, RabbitServer, start_private_rabbit
from tests.servers.ports import open_folder

ZONE = "Asia/Dhaka"
"""Of the systems that tests share."""

SHAPES = [pytest.param("embedded"), pytest.param("compose", marks=pytest.mark.rabbit)]


class Starting:
    """Starts systems, and ends them and all they stand on when it is left."""

    def __init__(self, request: pytest.FixtureRequest, stack: ExitStack) -> None:
        self._request = request
        self._stack = stack
        self.systems: list[System] = []

    def __call__(self, shape: str, **settings: Any) -> System:
        """A running system; `settings` are those of the shape."""
        folder = self._stack.enter_context(open_folder(shape))
        system: System
        if shape == "embedded":
            system = Embedded(folder, **settings)
        else:
            if "database_url" not in settings:
                settings |= self._of_its_own()
            system = Compose(folder, **settings)
        self.systems.append(system)
        return self._stack.enter_context(system)

    def _of_its_own(self) -> dict[str, str]:
        """A database and a virtual host in the servers that tests share."""
        postgres: PostgresServer = self._request.getfixturevalue("postgres_server")
        rabbit: RabbitServer = self._request.getfixturevalue("rabbit_server")
        database, vhost = postgres.create("acceptance"), rabbit.create()
        self._stack.callback(postgres.drop, database)
        self._stack.callback(rabbit.delete, vhost)
        return {"database_url": postgres.url_of(database), "bus_url": rabbit.url_of(vhost)}

    def postgres(self) -> PrivatePostgres:
        """A PostgreSQL that may be killed."""
        server = PrivatePostgres(self._stack.enter_context(open_folder("postgres")) / "data")
        server.start()
        self._stack.callback(server.stop)
        return server

    def rabbit(self) -> PrivateRabbit:
        """A RabbitMQ that may be killed."""
        from tests.conftest import NO_RABBIT

        node = self._stack.enter_context(start_private_rabbit(self._request.getfixturevalue("worker")))
        if node is None:
            pytest.skip(NO_RABBIT)
        return node


@pytest.fixture(scope="session", params=SHAPES)
def system(request: pytest.FixtureRequest) -> Iterator[System]:
    """A system in each shape, shared: a test brings its own people, badges and machines, and breaks nothing."""
    with ExitStack() as stack:
        yield Starting(request, stack)(request.param, timezone=ZONE)


@pytest.fixture
def start(request: pytest.FixtureRequest) -> Iterator[Starting]:
    """Systems of the test's own, to be broken at will."""
    with ExitStack() as stack:
        yield Starting(request, stack)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Beside a failure stands what the system said meanwhile."""
    report = yield
    if report.failed:
        used = getattr(item, "funcargs", {}).values()
        systems = [one for one in used if isinstance(one, System)]
        systems += [one for used_one in used if isinstance(used_one, Starting) for one in used_one.systems]
        for one in systems:
            report.sections.append((f"Log of {one}", one.logs))
    return report
