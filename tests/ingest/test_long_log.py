"""A long log through all of ingest: a hundred thousand records that were never read before, and then once more."""

import asyncio
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psutil
import pytest

from deploy.running import settle_memory
from services.ingest.settings import Settings
from services.ingest.wiring import assemble
from shared.bus.port import Message
from shared.kernel.clock import SystemClock
from shared.runtime.hosting import hosted
from shared.storage.database import Database
from shared.web.scope import Scope
from shared.web.tokens import Tokens
from tests.benchmarks.reading import Pulse
from tests.ingest.conftest import SECRET
from tests.ingest.fakes import FakeBus, until
from tests.servers.ports import free_port

pytestmark = pytest.mark.slow

RECORDS = 100_000


class CountingBus(FakeBus):
    """Counts scans and lets go of them, so that memory is ingest's own."""

    def __init__(self) -> None:
        super().__init__()
        self.scans = 0

    async def publish(self, message: Message, *, timeout: float = 10.0) -> None:  # noqa: ASYNC109 - the port
        self.scans += message.body.count(b'"scan_id"')


@contextmanager
def a_terminal_with_a_long_log() -> Iterator[int]:
    """A process of its own; yields its port."""
    port = free_port()
    with subprocess.Popen(
        [sys.executable, "-m", "tests.benchmarks.terminal", str(port), str(RECORDS)], stdout=subprocess.PIPE
    ) as terminal:
        assert terminal.stdout is not None
        terminal.stdout.readline()
        try:
            yield port
        finally:
            terminal.kill()


async def test_a_hundred_thousand_records_hold_nobody_up_fit_in_memory_and_are_no_news_when_they_come_again(
    migrated: Callable[..., str],
) -> None:
    bus, pulse = CountingBus(), Pulse()
    service, parts = assemble(
        Settings(timezone="UTC"),
        database=Database(migrated("ingest"), schema="ingest"),
        tokens=Tokens(SECRET),
        bus=bus,
        clock=SystemClock(),
    )
    settle_memory()
    with a_terminal_with_a_long_log() as port:
        async with hosted([service], bus):
            await until(lambda: not parts.publisher.spooling)
            before = psutil.Process().memory_info().rss
            most = before
            beating = asyncio.create_task(pulse.beat())
            async with parts.machines.work() as work:
                await parts.machines.register(
                    work,
                    {
                        "machine_id": "gate",
                        "machine_type": "zkteco",
                        "ip_address": "127.0.0.1",
                        "port": port,
                        "zone": "UTC",
                    },
                )
            while bus.scans < RECORDS:
                await asyncio.sleep(0.05)
                most = max(most, psutil.Process().memory_info().rss)
            changed = SystemClock().now()
            async with parts.machines.work() as work:  # a machine that was changed is read anew
                await parts.machines.change(work, "gate", {"name": "Gate"}, Scope.everything())
            while True:
                machine = await parts.registry.one("gate", Scope.everything())
                assert machine is not None
                if machine.reported_until is not None and machine.reported_until > changed:
                    break
                await asyncio.sleep(0.05)
                most = max(most, psutil.Process().memory_info().rss)
            beating.cancel()
            assert machine.is_connected
            assert machine.records_received == RECORDS
    assert bus.scans == RECORDS
    assert most - before < 150_000_000
    # In the processor time of the loop's thread, so that a busy machine does not count.
    assert pulse.longest < 0.05
