"""Which machine has which serial number or key, at hand for every call, although storage may be away."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from hashlib import sha256

from services.ingest.application.ports import Registry
from services.ingest.domain.machine import Machine
from shared.kernel.errors import Unavailable

AGAIN_AFTER = 1.0
"""Seconds for which an unknown serial number or key stays unknown without another look into the registry."""


class Roster:
    """A copy of the registry, by serial number and alias, and by key."""

    def __init__(self, registry: Registry, *, key_of: Callable[[Machine], str] = lambda _: "") -> None:
        """`key_of` says by which key a machine is known; empty where by none."""
        self._registry = registry
        self._key_of = key_of
        self._machines: Mapping[str, Machine] = {}
        self._holders: Mapping[bytes, Sequence[Machine]] = {}
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
        await self._look_again()
        return self._machines.get(serial)

    async def holders(self, key: str) -> Sequence[Machine]:
        """The machines with this key; more than one where somebody gave the same to two.

        Raises: as `find` does.
        """
        digest = _digest(key)
        if known := self._holders.get(digest):
            return known
        await self._look_again()
        return self._holders.get(digest, ())

    async def _look_again(self) -> None:
        async with self._reading:
            if self._read_at is None or asyncio.get_running_loop().time() - self._read_at > AGAIN_AFTER:
                await self._read()

    async def _read(self) -> Sequence[Machine]:
        try:
            machines = await self._registry.all()
        except Unavailable as error:
            raise Unavailable(f"the registry cannot be read: {error.message}", retry_after=5) from error
        aliases = {alias: machine for machine in machines for alias in machine.aliases}
        self._machines = aliases | {machine.serial: machine for machine in machines if machine.serial}
        holders: dict[bytes, list[Machine]] = {}
        for machine in machines:
            if key := self._key_of(machine):
                holders.setdefault(_digest(key), []).append(machine)
        self._holders = holders
        self._read_at = asyncio.get_running_loop().time()
        return machines


def _digest(key: str) -> bytes:
    """What keys are looked up by: how long that takes says nothing of the keys that there are."""
    return sha256(key.encode(errors="surrogateescape")).digest()
