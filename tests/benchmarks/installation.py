"""A database, a virtual host and real service processes, for one measurement."""

import asyncio
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple

import httpx

from shared.kernel.clock import SystemClock
from shared.web.scope import Caller
from shared.web.tokens import Tokens
from tests.servers import PostgresServer, RabbitServer
from tests.servers.ports import free_port

SECRET = "a secret for benchmarks, and only for those"
MUSTER = Path(sys.executable).with_name("muster")


@contextmanager
def fresh(postgres: PostgresServer, rabbit: RabbitServer) -> Iterator[tuple[str, str]]:
    """The URLs of a migrated database and of an empty virtual host."""
    from deploy.catalogue import histories

    database, vhost = postgres.migrated(histories()), rabbit.create()
    try:
        yield postgres.url_of(database), rabbit.url_of(vhost)
    finally:
        rabbit.delete(vhost)
        postgres.drop(database)


def administrator() -> dict[str, str]:
    """The headers of a caller who may do everything, for asking a service past the gateway."""
    caller = Caller(user=1, username="bench", roles=frozenset({"super_admin"}))
    token = Tokens(SECRET).sign(caller, now=SystemClock().now(), lasts=timedelta(hours=1))
    return {"Authorization": f"Bearer {token}"}


class Service(NamedTuple):
    """A service that answers."""

    url: str
    pid: int


@asynccontextmanager
async def service(name: str, database_url: str, bus_url: str, **more: str) -> AsyncIterator[Service]:
    """`muster serve NAME`, as in production, once it is ready."""
    port = free_port()
    environment = {
        **os.environ,
        "MUSTER_DATABASE_URL": database_url,
        "MUSTER_BUS_URL": bus_url,
        "MUSTER_SECRET": SECRET,
        "MUSTER_HTTP_PORT": str(port),
        "MUSTER_LOG_LEVEL": "WARNING",
        **more,
    }
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(  # noqa: ASYNC220 - it takes a millisecond, and nothing is being measured yet
            [MUSTER, "serve", name], env=environment, stdout=log, stderr=log
        )
        try:
            url = f"http://127.0.0.1:{port}"
            await _ready(url, process)
            yield Service(url, process.pid)
        except BaseException:
            log.seek(0)
            sys.stderr.write(log.read().decode(errors="replace")[-4000:])
            raise
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()


@contextmanager
def standing_still(services: Sequence[Service]) -> Iterator[None]:
    """These services do nothing meanwhile; keep it well under a heartbeat of the broker."""
    for each in services:
        os.kill(each.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for each in services:
            os.kill(each.pid, signal.SIGCONT)


async def _ready(url: str, process: "subprocess.Popen[bytes]") -> None:
    async with httpx.AsyncClient(trust_env=False) as client, asyncio.timeout(60):
        while True:
            if process.poll() is not None:
                raise RuntimeError("the service ended")
            try:
                if (await client.get(f"{url}/health/ready")).status_code == 200:
                    return
            except httpx.TransportError:
                pass
            await asyncio.sleep(0.1)
