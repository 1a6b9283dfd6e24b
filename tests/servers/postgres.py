"""A PostgreSQL for tests: databases of their own in one that is there, or a server of their own."""

import asyncio
import contextlib
import hashlib
import os
import signal
import uuid
from collections.abc import Callable, Coroutine, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit, urlunsplit

import asyncpg

from deploy.postgres import Postgres
from shared.kernel.errors import MusterError
from shared.storage.migrations import History, upgrade
from tests.servers.docker import docker_answers
from tests.servers.ports import open_folder, signal_family

T = TypeVar("T")


def blocking(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end, also from where a loop is running or will be: in a thread with a loop of its own."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, coroutine).result()


@dataclass(kw_only=True)
class PostgresServer:
    """A server that a run makes databases in, and drops all of them again."""

    url: str
    """Of a user that may create databases."""
    how: str
    """Where it was found, for the report."""
    worker: str = "main"
    copies_files: bool = False
    """It makes a database fastest by copying files, as nothing waits for the disk."""
    _templates: dict[str, str] = field(default_factory=dict)

    def url_of(self, database: str) -> str:
        return urlunsplit(urlsplit(self.url)._replace(path=f"/{database}"))

    def create(self, purpose: str = "test", *, template: str | None = None) -> str:
        """Make a database and return its name."""
        name = f"muster_{purpose}_{self.worker}_{uuid.uuid4().hex[:8]}"
        how = f' TEMPLATE "{template}"' + (" STRATEGY FILE_COPY" if self.copies_files else "") if template else ""
        self.execute(f'CREATE DATABASE "{name}"{how}')
        return name

    def drop(self, name: str) -> None:
        """Remove a database, whoever is still connected to it."""
        self.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')

    def migrated(self, histories: Sequence[History]) -> str:
        """Make a database with these schemas in it. Only the first of a run is migrated, the others are copies."""
        key = hashlib.sha256("|".join(sorted(str(history.folder) for history in histories)).encode()).hexdigest()[:8]
        if key not in self._templates:
            name = self.create(f"template_{key}")
            self._templates[key] = name

            async def migrate() -> None:
                for history in histories:
                    await upgrade(self.url_of(name), history)

            blocking(migrate())
        return self.create(template=self._templates[key])

    def drop_templates(self) -> None:
        while self._templates:
            self.drop(self._templates.popitem()[1])

    @property
    def version(self) -> int:
        """The major one."""
        return int(self.execute("SHOW server_version_num")) // 10_000

    def execute(self, sql: str) -> str:
        """Run one statement, and say what it answers, if anything."""

        async def once() -> str:
            connection = await asyncpg.connect(self.url, timeout=5)
            try:
                return str(await connection.fetchval(sql))
            finally:
                await connection.close()

        return blocking(once())


@contextmanager
def quick_postgres(worker: str = "main") -> Iterator[PostgresServer]:
    """A server of the run's own that never waits for the disk, unless the environment names one.

    It forgets everything when the machine goes down, which no test is about: those that kill a server have a
    `PrivatePostgres`. Where it cannot be had, the first that `find_postgres` finds.

    Raises:
        MusterError: there is none.
    """
    if os.environ.get("MUSTER_TEST_DATABASE_URL"):
        with find_postgres(worker) as server:
            yield server
        return
    with ExitStack() as stack:
        try:
            url, how = stack.enter_context(_of_our_own())
        except MusterError:
            server = stack.enter_context(find_postgres(worker))
        else:
            server = PostgresServer(url=url, how=how, worker=worker)
            for setting in ("fsync = off", "full_page_writes = off", "max_wal_size = '2GB'"):
                server.execute(f"ALTER SYSTEM SET {setting}")
            server.execute("SELECT pg_reload_conf()")
            server.copies_files = server.version >= 15
        yield server


@contextmanager
def find_postgres(worker: str = "main") -> Iterator[PostgresServer]:
    """The first of: the environment, localhost, Docker, programs of the system, the wheel.

    Raises:
        MusterError: there is none of them.
    """
    for place in (_from_environment, _on_localhost, _in_docker, _of_our_own):
        with place() as found:
            if found:
                server = PostgresServer(url=found[0], how=found[1], worker=worker)
                try:
                    yield server
                finally:
                    server.drop_templates()
                return


class PrivatePostgres:
    """A server that a test may stop, kill and freeze, with the database that `url` names."""

    def __init__(self, folder: Path) -> None:
        self.server = Postgres(folder)

    @property
    def url(self) -> str:
        return self.server.url

    def start(self) -> None:
        self.server.start()

    def stop(self) -> None:
        """As an administrator stops it: what is open is broken off, everything is written."""
        self.server.stop()

    def kill(self) -> None:
        """`kill -9`; `start` brings it back."""
        os.kill(self.server.pid, signal.SIGKILL)
        _until(lambda: not self.server.running)

    def restart(self) -> None:
        self.stop()
        self.start()

    def freeze(self) -> None:
        """It keeps its connections and answers nothing."""
        signal_family(self.server.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        signal_family(self.server.pid, signal.SIGCONT)


@contextmanager
def _from_environment() -> Iterator[tuple[str, str] | None]:
    url = os.environ.get("MUSTER_TEST_DATABASE_URL")
    yield (url, "MUSTER_TEST_DATABASE_URL") if url else None


@contextmanager
def _on_localhost() -> Iterator[tuple[str, str] | None]:
    for user in dict.fromkeys(["postgres", "root", os.environ.get("USER", "postgres")]):
        url = f"postgresql://{user}@localhost:5432/postgres"
        if blocking(_may_create_databases(url)):
            yield url, f"localhost:5432 as {user}"
            return
    yield None


async def _may_create_databases(url: str) -> bool:
    with contextlib.suppress(OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
        connection = await asyncpg.connect(url, timeout=2)
        try:
            sql = "SELECT rolsuper OR rolcreatedb FROM pg_roles WHERE rolname = current_user"
            return bool(await connection.fetchval(sql))
        finally:
            await connection.close()
    return False


@contextmanager
def _in_docker() -> Iterator[tuple[str, str] | None]:
    if not docker_answers():
        yield None
        return
    from testcontainers.postgres import PostgresContainer

    with PostgresContainer("postgres:17-alpine", driver=None) as container:
        yield container.get_connection_url(), "Docker"


@contextmanager
def _of_our_own() -> Iterator[tuple[str, str]]:
    with open_folder("postgres") as folder:
        try:
            with Postgres(folder / "data") as server:
                yield server.url, "a private server"
        except MusterError as error:
            raise MusterError(f"No PostgreSQL for the tests: {error.message}") from error


def _until(true: Callable[[], bool]) -> None:
    import time

    deadline = time.monotonic() + 10
    while not true():
        assert time.monotonic() < deadline, "the server did not end"
        time.sleep(0.01)
