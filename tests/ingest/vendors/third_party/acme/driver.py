"""A driver as somebody else would write one: machines that send a line a scan, `badge time`."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any

from services.ingest.application.drivers import Capability, Contact, Garbled, Phase, Session, Steps, Unreachable
from services.ingest.domain.machine import Machine
from services.ingest.domain.reading import Batch, Mode, Reading, ScanType
from shared.kernel.clock import Clock
from shared.kernel.errors import Invalid


def reading_of(line: bytes) -> Reading:
    """A line as a scan."""
    try:
        badge, time = line.decode().split(" ", 1)
        local = datetime.strptime(time.strip(), "%Y-%m-%d %H:%M:%S")
    except ValueError as error:
        raise Garbled(f"it sent {line[:80]!r}, which is no scan", evidence=line) from error
    return Reading(badge=badge, device_time=time.strip(), local_time=local, state="", type=ScanType.UNKNOWN)


class Acme:
    """Listens to its machines."""

    kind = "acme"
    capabilities = frozenset({Capability.STREAMS})
    secrets: frozenset[str] = frozenset()
    poll_every = timedelta(seconds=5)

    def __init__(self, clock: Clock) -> None:
        self.clock = clock

    def lacks(self, machine: Machine) -> str:
        return "" if machine.ip_address and machine.port else "it has no address"

    def validated(self, config: Mapping[str, Any]) -> Mapping[str, Any]:
        if config:
            raise Invalid(f"there is nothing to set: {', '.join(config)}", fields=dict.fromkeys(config, "unknown"))
        return {}

    async def probe(self, machine: Machine, steps: Steps) -> None:
        with steps.step("connect"):
            _, writer = await self._connected(machine)
            writer.close()

    @asynccontextmanager
    async def session(self, machine: Machine, contact: Contact) -> AsyncIterator[Session]:
        reader, writer = await self._connected(machine)
        contact.phase(Phase.LIVE)
        try:
            yield _Lines(reader, self.clock)
        finally:
            writer.close()

    async def _connected(self, machine: Machine) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        try:
            async with asyncio.timeout(5):
                return await asyncio.open_connection(machine.ip_address, machine.port)
        except OSError as error:
            raise Unreachable(f"nobody answers at {machine.ip_address}:{machine.port}") from error


class _Lines:
    def __init__(self, reader: asyncio.StreamReader, clock: Clock) -> None:
        self._reader = reader
        self._clock = clock

    async def batches(self) -> AsyncIterator[Batch]:
        while True:
            try:
                line = await self._reader.readline()
            except (OSError, ValueError) as error:
                raise Garbled("the line broke, or never ended") from error
            if not line.endswith(b"\n"):
                raise Unreachable("it closed the connection")
            yield Batch(readings=(reading_of(line),), mode=Mode.LIVE, received_at=self._clock.now())

    async def acknowledge(self, batch: Batch) -> None:
        pass
