"""What contact with machines shows, written into the registry and told to everybody."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from services.ingest.application.announce import connected, disconnected, error_occurred
from services.ingest.application.machines import Machines
from services.ingest.application.ports import Registry
from services.ingest.domain.machine import Machine, Status
from shared.contracts.event import Event
from shared.kernel.clock import Clock


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far contact with a machine has come."""

    last_sync: datetime | None = None
    last_scan_at: datetime | None = None
    reported_until: datetime | None = None


class Conditions:
    """Each is one transaction, with its events. A machine that was removed meanwhile is left alone.

    Raises:
        Unavailable: storage is away; nothing was told.
    """

    def __init__(self, registry: Registry, machines: Machines, clock: Clock) -> None:
        self._registry = registry
        self._machines = machines
        self._clock = clock

    async def back(self, machine: Machine) -> None:
        """It is in contact."""
        event = connected(machine, self._clock.now())
        await self._record(machine, Progress(), is_connected=True, turn=event)

    async def away(self, machine: Machine, reason: str, *, lasting: bool) -> None:
        """It is away, for a reason; `lasting` where a person must look."""
        now = self._clock.now()
        await self._record(
            machine,
            Progress(),
            is_connected=False,
            reason=reason,
            lasting=lasting,
            turn=disconnected(machine, now, reason),
            events=[error_occurred(machine, now, f"{machine.name}: {reason}")],
        )

    async def released(self, machine: Machine) -> None:
        """Nobody is wanted to be in contact with it any more."""
        event = disconnected(machine, self._clock.now(), "contact is not wanted any more")
        await self._record(machine, Progress(), is_connected=False, turn=event)

    async def progressed(self, machine: Machine, progress: Progress) -> None:
        """It is in contact, and everything until then is here."""
        await self._record(machine, progress, is_connected=True)

    async def forgotten(self) -> None:
        """Nobody is in contact with anything: we have just started."""
        for machine in await self._registry.all():
            if machine.is_connected:
                await self._record(machine, Progress(), is_connected=False)

    async def _record(
        self,
        known: Machine,
        progress: Progress,
        *,
        is_connected: bool,
        turn: Event | None = None,
        events: Sequence[Event] = (),
        reason: str = "",
        lasting: bool = False,
    ) -> None:
        """`turn` is told where this is a turn from away to connected, or back; `events` always."""
        async with self._registry.work() as work:
            machine = await work.by_id(known.id)
            if machine is None:
                return
            status = machine.status
            if status.wanted and (is_connected or lasting):
                status = Status.ACTIVE if is_connected else Status.ERROR
            saved = await work.save(
                replace(
                    machine,
                    status=status,
                    status_text=reason or self._machines.driver_of(machine).notice,
                    is_connected=is_connected,
                    last_sync=progress.last_sync or machine.last_sync,
                    last_scan_at=_later(progress.last_scan_at, machine.last_scan_at),
                    reported_until=_later(progress.reported_until, machine.reported_until),
                )
            )
            if turn is not None and machine.is_connected != is_connected:
                await work.announce(turn)
            await work.announce(*events)
            await self._machines.announce(work, saved)


def _later(one: datetime | None, other: datetime | None) -> datetime | None:
    return max(one, other) if one and other else one or other
