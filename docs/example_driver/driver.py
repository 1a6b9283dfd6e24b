"""The smallest driver that is worth having: it reads a log, and says when it has read all of it.

Its machines are asked `LOG` over TCP, answer a line a scan, `badge time`, and then `END`.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any

from services.ingest.application.drivers import (
    Capability,
    Contact,
    NotSetUp,
    ProtocolBroken,
    Session,
    Steps,
    Unreachable,
)
from services.ingest.domain.machine import Machine
from services.ingest.domain.reading import Batch, Mode, Reading, ScanType
from shared.kernel.clock import Clock
from shared.kernel.errors import Invalid

MOST = 500
"""Scans in a batch."""
ANSWERS_WITHIN = 10.0
"""Seconds for a line."""


def reading_of(line: bytes) -> Reading:
    """A line as a scan. Pure, so that it can be tried on recorded lines."""
    try:
        badge, time = line.decode().split(maxsplit=1)
        wall = datetime.strptime(time.strip(), "%Y-%m-%d %H:%M:%S")  # noqa: DTZ007 - on the machine's own clock
    except ValueError as error:
        raise ProtocolBroken(f"it sent {line[:80]!r}, which is no scan", evidence=line) from error
    return Reading(badge=badge, device_time=time.strip(), local_time=wall, state="", type=ScanType.UNKNOWN)


class Example:
    """Asks its machines for their whole log, again and again: what is known already changes nothing."""

    kind = "example"
    capabilities = frozenset({Capability.PULLS, Capability.READS_LOG})
    secrets: frozenset[str] = frozenset()
    poll_every = timedelta(seconds=30)

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def lacks(self, machine: Machine) -> str:
        return "" if machine.ip_address and machine.port else "it has no address and port"

    def validated(self, config: Mapping[str, Any]) -> Mapping[str, Any]:
        if config:
            raise Invalid(f"there is nothing to set: {', '.join(config)}", fields=dict.fromkeys(config, "unknown"))
        return {}

    async def probe(self, machine: Machine, steps: Steps) -> None:
        with steps.step("connect"):
            _, writer = await _connected(machine)
        writer.close()

    def reads_whole(self, machine: Machine) -> bool:
        return True

    def read_again(self, machine: Machine) -> None:
        """Each session does so anyway."""

    @asynccontextmanager
    async def session(self, machine: Machine, contact: Contact) -> AsyncIterator[Session]:
        reader, writer = await _connected(machine)
        try:
            yield _Log(reader, writer, self._clock)
        finally:
            writer.close()


class _Log:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, clock: Clock) -> None:
        self._reader, self._writer, self._clock = reader, writer, clock

    async def batches(self) -> AsyncIterator[Batch]:
        began = self._clock.now()
        self._writer.write(b"LOG\n")
        readings: list[Reading] = []
        while (line := await self._line()) != b"END\n":
            readings.append(reading_of(line))
            if len(readings) == MOST:
                yield Batch(readings=readings, mode=Mode.REPLAY, received_at=self._clock.now())
                readings = []
        if readings:
            yield Batch(readings=readings, mode=Mode.REPLAY, received_at=self._clock.now())
        # Empty, and only after END: by this days become final. Somebody who hangs up has said no such thing.
        yield Batch(readings=(), mode=Mode.REPLAY, received_at=began, complete_until=began)

    async def acknowledge(self, batch: Batch) -> None:
        """Nothing to move: the log is read whole."""

    async def _line(self) -> bytes:
        try:
            async with asyncio.timeout(ANSWERS_WITHIN):
                line = await self._reader.readline()
        except TimeoutError as error:
            raise Unreachable(f"it does not answer within {ANSWERS_WITHIN:g} s") from error
        except OSError as error:
            raise Unreachable("the connection broke") from error
        except ValueError as error:
            raise ProtocolBroken("it sends a line that never ends") from error
        if not line.endswith(b"\n"):
            raise Unreachable("it closed the connection before its log had ended")
        return line


async def _connected(machine: Machine) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    if not machine.ip_address or not machine.port:
        raise NotSetUp("it has no address and port")
    try:
        async with asyncio.timeout(ANSWERS_WITHIN):
            return await asyncio.open_connection(machine.ip_address, machine.port)
    except OSError as error:  # a timeout is one, too
        raise Unreachable(f"nobody answers at {machine.ip_address}:{machine.port}") from error
