"""Which machine has which serial number, at hand for every call, although storage may be away."""

import asyncio
from collections.abc import Mapping, Sequence

from services.ingest.application.ports import Registry
from services.ingest.domain.machine import Machine
from shared.kernel.errors import Unavailable

AGAIN_AFTER = 1.0
"""Seconds for which an unknown serial number stays unknown without another look into the registry."""


class Roster:
    """A copy of the registry, by serial number and alias."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._machines: Mapping[str, Machine] = {}
        self._read_at: float | None = None
        self._reading = asyncio.Lock()

    async def read(self) -> Sequence[Machine]:
        """Read the registry again.

        Raises:
            Unavailable: storage is away; the copy stays what it was.
        """
        async with self._reading:
            return await self._read()

    async def find(self, serial: str) -> Machine | None:
        """The machine with this serial number, or with this alias.

        Raises:
            Unavailable: it is in no copy, and storage, which might know it, is away.
        """
        if (known := self._machines.get(serial)) is not None:
            return known
        async with self._reading:
            if self._read_at is None or asyncio.get_running_loop().time() - self._read_at > AGAIN_AFTER:
                await self._read()
        return self._machines.get(serial)

    async def _read(self) -> Sequence[Machine]:
        try:
            machines = await self._registry.all()
        except Unavailable as error:
            raise Unavailable(f"the registry cannot be read: {error.message}", retry_after=5) from error
        aliases = {alias: machine for machine in machines for alias in machine.aliases}
        self._machines = aliases | {machine.serial: machine for machine in machines if machine.serial}
        self._read_at = asyncio.get_running_loop().time()
        return machines
