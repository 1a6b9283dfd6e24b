"""Machines that called and that nobody knows: a person says which they are, or that they are none of ours."""

from collections.abc import Mapping, Sequence
from typing import Any, cast

from services.ingest.application.drivers import IsPushedTo
from services.ingest.application.machines import Changes, Machines
from services.ingest.application.ports import PendingMachines, Work
from services.ingest.domain.machine import Machine
from services.ingest.domain.pending import PendingMachine
from shared.kernel.errors import Conflict, NotFound
from shared.web.scope import Scope


class Accepting:
    """The use cases of the machines that wait."""

    def __init__(self, pending: PendingMachines, machines: Machines) -> None:
        self._pending = pending
        self._machines = machines

    async def all(self) -> Sequence[PendingMachine]:
        """Those that wait, and those that were refused."""
        return await self._pending.all()

    async def one(self, kind: str, serial: str) -> PendingMachine:
        """That one.

        Raises:
            NotFound: none that waits is of this type and has this serial number.
        """
        found = await self._pending.one(kind, serial)
        if found is None:
            raise NotFound(f"no machine of the type {kind!r} with the serial number {serial!r} waits")
        return found

    async def accept(self, kind: str, serial: str, changes: Changes) -> Machine:
        """It is a machine of ours, a new one. It hands over what it has kept when it calls next.

        Raises:
            NotFound: it does not wait.
            Conflict: there is a machine with this code or serial number.
            Invalid: a value cannot be.
        """
        await self.one(kind, serial)
        async with self._machines.work() as work:
            given = {"machine_id": serial, **changes, "machine_type": kind, "serial": serial}
            config = self._set_up(kind, changes.get("config") or {})
            machine = await self._machines.register(work, cast("Changes", {**given, "config": config}))
        await self._pending.forget(kind, serial)
        return machine

    async def accept_as(self, kind: str, serial: str, key: str) -> Machine:
        """It is a machine that is registered already, known by another way, or by another serial number until now.

        Its scans are those of that machine from now on, which cannot be taken back.

        Raises:
            NotFound: it does not wait, or there is no such machine.
            Conflict: that machine is of another type, and somebody is in contact with it.
        """
        await self.one(kind, serial)
        async with self._machines.work() as work:
            machine = await self._same(work, kind, serial, key)
        await self._pending.forget(kind, serial)
        return machine

    async def refuse(self, kind: str, serial: str) -> None:
        """It is none of ours: it stays refused without asking again, until it is forgotten.

        Raises:
            NotFound: it does not wait.
        """
        await self.one(kind, serial)
        await self._pending.refuse(kind, serial)

    async def forget(self, kind: str, serial: str) -> None:
        """If it calls again, it asks again.

        Raises:
            NotFound: there is nothing to forget.
        """
        if not await self._pending.forget(kind, serial):
            raise NotFound(f"no machine of the type {kind!r} with the serial number {serial!r} waits")

    async def _same(self, work: Work, kind: str, serial: str, key: str) -> Machine:
        machine = await work.machine(key, Scope.everything())
        if machine is None:
            raise NotFound(f"there is no machine {key!r}")
        changes = Changes()
        config = machine.config
        if machine.machine_type != kind:
            if self._machines.reports_by_itself(machine):
                raise Conflict(
                    f"{machine.machine_id} is of the type {machine.machine_type}, and the one that called is not",
                    fields={"same_as": "is of another type"},
                )
            # Its files were imported so far. What was set for its old type means nothing for the new one.
            changes["machine_type"], config = kind, {}
        if machine.serial is None:
            changes["serial"] = serial
        elif serial not in (machine.serial, *machine.aliases):
            changes["aliases"] = (*machine.aliases, serial)
        changes["config"] = self._set_up(kind, config)
        return await self._machines.change(work, machine.machine_id, changes, Scope.everything())

    def _set_up(self, kind: str, config: Mapping[str, Any]) -> Mapping[str, Any]:
        driver = self._machines.driver_for(kind)
        if driver is None:
            return config
        return driver.set_up_to_push(config) if isinstance(driver, IsPushedTo) else config
