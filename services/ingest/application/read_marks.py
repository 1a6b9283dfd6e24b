"""How far logs were read, written down a moment later, so that a start of ours goes on from there.

A mark that was not written in time only has a part of a log read again, or asked for again.
"""

import asyncio
import contextlib
from typing import Final

from services.ingest.application.contact_ports import KeptMark, ReadMarkStore
from services.ingest.domain.machine import Machine
from shared.kernel.errors import Unavailable

WRITTEN_EVERY: Final = 1.0
"""Seconds. A machine may give a new mark with each scan."""
LAST_WITHIN: Final = 2.0
"""Seconds, when we are stopped."""


class ReadMarks:
    """Those of all machines that changed since they were last written down."""

    def __init__(self, store: ReadMarkStore) -> None:
        self._store = store
        self._unwritten: dict[int, KeptMark] = {}

    def put(self, machine: Machine, mark: str) -> None:
        """All up to this mark cannot be lost any more."""
        self._unwritten[machine.id] = KeptMark(machine.id, machine.revision, mark)

    async def write(self) -> None:
        """Write down what is new.

        Raises:
            Unavailable: storage is away.
        """
        if not self._unwritten:
            return
        written, self._unwritten = self._unwritten, {}
        try:
            await self._store.keep(list(written.values()))
        except Unavailable:
            self._unwritten = written | self._unwritten
            raise

    async def run(self) -> None:
        """Write every second, until cancelled, and then once more."""
        try:
            while True:
                await asyncio.sleep(WRITTEN_EVERY)
                with contextlib.suppress(Unavailable):
                    await self.write()
        finally:
            with contextlib.suppress(TimeoutError, Unavailable):
                async with asyncio.timeout(LAST_WITHIN):
                    await self.write()
