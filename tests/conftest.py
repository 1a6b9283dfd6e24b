"""What all tests share: servers, what is left out without them, and a last word about what was left out."""

import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from shared.storage.migrations import History
from tests.servers import (
    PostgresServer,
    PrivatePostgres,
    PrivateRabbit,
    RabbitServer,
    find_rabbit,
    quick_postgres,
    start_private_rabbit,
)
from tests.servers.ports import open_folder

NO_RABBIT = "no RabbitMQ could be had"
NO_REAL_DATA = "MUSTER_REAL_DATA is not set"
NO_BROWSER = "no Chromium could be had"
NO_MOSQUITTO = "no Mosquitto could be had"
NO_NPM_CLIENTS = "the clients of npm could not be had"


@pytest.fixture(scope="session")
def worker() -> str:
    """Stands in every name that a run makes, so that parallel workers never meet."""
    return os.environ.get("PYTEST_XDIST_WORKER", "main")


@pytest.fixture(scope="session")
def postgres_server(worker: str) -> Iterator[PostgresServer]:
    """A server in which databases can be made."""
    with quick_postgres(worker) as server:
        yield server


@pytest.fixture
def database(postgres_server: PostgresServer) -> Iterator[str]:
    """The URL of an empty database of the test's own."""
    name = postgres_server.create()
    yield postgres_server.url_of(name)
    postgres_server.drop(name)


@pytest.fixture
def migrated(postgres_server: PostgresServer) -> Iterator[Callable[..., str]]:
    """`migrated("attendance", "gateway")` is the URL of a database of the test's own with those schemas in it."""
    made: list[str] = []

    def make(*services: str | History) -> str:
        histories = [_history_of(one) if isinstance(one, str) else one for one in services]
        made.append(postgres_server.migrated(histories))
        return postgres_server.url_of(made[-1])

    yield make
    for name in made:
        postgres_server.drop(name)


def _history_of(service: str) -> History:
    from deploy.catalogue import history_of

    return history_of(service)


@pytest.fixture
def private_postgres() -> Iterator[PrivatePostgres]:
    """A server of the test's own, running, to be killed and frozen at will."""
    with open_folder("postgres") as folder:
        server = PrivatePostgres(folder / "data")
        server.start()
        yield server
        server.stop()


@pytest.fixture(scope="session")
def rabbit_server(worker: str) -> Iterator[RabbitServer]:
    """A broker in which virtual hosts can be made; without one the test is left out."""
    with find_rabbit(worker) as server:
        if server is None:
            pytest.skip(NO_RABBIT)
        yield server


@pytest.fixture
def vhost(rabbit_server: RabbitServer) -> Iterator[str]:
    """The URL of a virtual host of the test's own."""
    name = rabbit_server.create()
    yield rabbit_server.url_of(name)
    rabbit_server.delete(name)


@pytest.fixture
def private_rabbit(worker: str) -> Iterator[PrivateRabbit]:
    """A node of the test's own, running, to be killed and frozen at will. It takes six seconds to boot."""
    with start_private_rabbit(worker) as node:
        if node is None:
            pytest.skip(NO_RABBIT)
        yield node


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real punch logs; mark what uses it with `real_data`."""
    return Path(os.environ["MUSTER_REAL_DATA"])


def pytest_collection_modifyitems(items: Sequence[pytest.Item]) -> None:
    """Leave out what needs real logs where there are none, and mark what needs a broker."""
    for item in items:
        if item.get_closest_marker("real_data") and not os.environ.get("MUSTER_REAL_DATA"):
            item.add_marker(pytest.mark.skip(reason=NO_REAL_DATA))
        if {"rabbit_server", "vhost", "private_rabbit"} & set(getattr(item, "fixturenames", ())):
            item.add_marker("rabbit")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what tests found out that a person wants to know (`record_property("figures", …)`)."""
    for report in terminalreporter.stats.get("passed", []):
        for name, value in report.user_properties:
            if name == "figures":
                terminalreporter.write_line(str(value))


def pytest_unconfigure(config: pytest.Config) -> None:
    """Say loudly, in the very last lines, what did not run for want of something."""
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    if reporter is None or hasattr(config, "workerinput"):
        return
    skipped = reporter.stats.get("skipped", [])
    remedies = {
        NO_RABBIT: "Install one (as root on Debian or Ubuntu: make services), or set MUSTER_TEST_BUS_URL.",
        NO_REAL_DATA: "Set it to the folder of real punch logs.",
        NO_MOSQUITTO: "Install one (as root on Debian or Ubuntu: make services).",
        NO_NPM_CLIENTS: "Install Node with npm, and run make clients, which says what else is missing.",
        NO_BROWSER: "Install one (Debian or Ubuntu: apt-get install chromium), or set MUSTER_CHROMIUM to its path.",
    }
    for reason, remedy in remedies.items():
        left_out = [report.nodeid for report in skipped if reason in str(report.longrepr)]
        if left_out:
            files = sorted({test.split("::")[0] for test in left_out})
            reporter.write_line("")
            reporter.write_line(f"!!! {len(left_out)} TESTS DID NOT RUN: {reason}. {remedy}", red=True, bold=True)
            for file in files:
                count = sum(test.startswith(f"{file}::") for test in left_out)
                reporter.write_line(f"!!!   {file} ({count})", red=True, bold=True)
