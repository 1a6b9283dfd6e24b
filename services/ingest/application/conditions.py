"""What contact with machines shows, written into the registry and told to everybody."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from services.ingest.application.announce import connected, disconnected, error_occurred
from services.ingest.application.machines import Machines
from services.ingest.application.ports import Registry
from services.ingest.domain.machine import Machine, State, Status, pause_in_words
from shared.contracts.event import Event
from shared.kernel.clock import Clock


class Way(StrEnum):
    """How there is contact with a machine. One that is lost while the other stands does not make the machine away."""

    LINE = "line"
    """We went to it."""
    PUSH = "push"
    """It calls us."""


AT_ONCE = 4
"""Words that are written down at the same time. A thousand machines that come at once wait for each other here, not
for the last connection to storage, which scans and people need."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far contact with a machine has come. What is None stays as it is known."""

    state: State | None = None
    warnings: tuple[str, ...] = ()
    """What is the matter although it is in contact."""
    last_contact_at: datetime | None = None
    last_sync: datetime | None = None
    last_scan_at: datetime | None = None
    reported_until: datetime | None = None
    clock_offset_seconds: float | None = None
    clock_measured_at: datetime | None = None
    records_on_machine: int | None = None
    record_capacity: int | None = None
    records_received: int | None = None
    log_cleared_at: datetime | None = None
    records_cleared: int = 0


_LATEST = (
    "state",
    "last_contact_at",
    "last_sync",
    "clock_offset_seconds",
    "clock_measured_at",
    "records_on_machine",
    "record_capacity",
    "records_received",
)
"""Members of which the latest is true; the others only ever rise."""


class Conditions:
    """Each is one transaction, with its events. A machine that was removed meanwhile is left alone.

    Raises:
        Unavailable: storage is away; nothing was told.
    """

    def __init__(
        self, registry: Registry, machines: Machines, clock: Clock, *, all_published: Callable[[], bool]
    ) -> None:
        """`all_published` is whether all that was taken of machines is on the bus; else `reported_until` stays."""
        self._all_published = all_published
        self._registry = registry
        self._machines = machines
        self._clock = clock
        self._writing = asyncio.Semaphore(AT_ONCE)
        self._ways: dict[int, dict[Way, str]] = {}
        """By machine: each way by which there is or was contact, and why there is none now."""

    def given_up(self, machine: int, way: Way) -> None:
        """Nobody is to be in contact with the machine this way any more."""
        self._ways.get(machine, {}).pop(way, None)

    async def back(self, machine: Machine, progress: Progress, *, way: Way = Way.LINE) -> None:
        """It is in contact."""
        self._ways.setdefault(machine.id, {})[way] = ""
        event = connected(machine, self._clock.now())
        await self._record(machine, self._seen(machine, progress, way), is_connected=True, turn=event)

    async def away(
        self, machine: Machine, reason: str, progress: Progress, *, lasting: bool, news: bool, way: Way = Way.LINE
    ) -> None:
        """It is away, for a reason; `lasting` where a person must look, `news` where this kind of reason is new."""
        now = self._clock.now()
        news = news and not machine.paused  # then nobody misses it
        ways = self._ways.setdefault(machine.id, {})
        ways[way] = reason
        if "" in ways.values():
            told = [error_occurred(machine, now, f"{machine.name}: {reason}")] if news else ()
            await self._record(machine, replace(progress, state=None), is_connected=True, events=told)
            return
        await self._record(
            machine,
            progress,
            is_connected=False,
            reason=reason,
            lasting=lasting,
            turn=disconnected(machine, now, reason),
            events=[error_occurred(machine, now, f"{machine.name}: {reason}")] if news else (),
        )

    async def warned(self, machine: Machine, sentence: str, progress: Progress, *, way: Way = Way.LINE) -> None:
        """It is in contact, and something needs a person."""
        event = error_occurred(machine, self._clock.now(), f"{machine.name}: {sentence}")
        await self._record(machine, self._seen(machine, progress, way), is_connected=True, events=[event])

    async def released(self, machine: Machine) -> None:
        """Nobody is wanted to be in contact with it any more."""
        self._ways.pop(machine.id, None)
        reason = pause_in_words(machine) or "contact is not wanted any more"
        event = disconnected(machine, self._clock.now(), reason)
        await self._record(machine, Progress(), is_connected=False, turn=event)

    async def progressed(self, machine: Machine, progress: Progress, *, way: Way = Way.LINE) -> None:
        """It is in contact, and has come so far."""
        await self._record(machine, self._seen(machine, progress, way), is_connected=True)

    async def read_again(self, machine: Machine) -> None:
        """Its log was read again, as was wanted when it was `machine`; a later wish stands."""
        async with self._registry.work() as work:
            present = await work.by_id(machine.id)
            if present is None:
                return
            if (present.sync_asked_at, present.sync_since) == (machine.sync_asked_at, machine.sync_since):
                await work.save(replace(present, sync_asked_at=None, sync_since=None))

    async def clock_tried(self, machine: Machine) -> None:
        """Its clock was set, or could not be, as was wanted when it was `machine`; a later wish stands."""
        async with self._registry.work() as work:
            present = await work.by_id(machine.id)
            if present is not None and present.clock_asked_at == machine.clock_asked_at:
                await work.save(replace(present, clock_asked_at=None, clock_asked_by=""))

    async def forgotten(self) -> None:
        """Nobody is in contact with any that we go to: this process has just begun to hold them.

        Those that call may be about to, and some of the others may have called.
        """
        for machine in await self._registry.all():
            called = "" in self._ways.get(machine.id, {}).values()
            if machine.is_connected and self._machines.goes_out(machine) and not called:
                await self._record(machine, Progress(state=State.CONNECTING), is_connected=False)

    def _seen(self, machine: Machine, progress: Progress, way: Way) -> Progress:
        """What of it counts. Where both ways stand, the one that we went says how far we are."""
        on_the_line = self._ways.get(machine.id, {}).get(Way.LINE) == ""
        return replace(progress, state=None) if way is Way.PUSH and on_the_line else progress

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
        async with self._writing, self._registry.work() as work:
            machine = await work.by_id(known.id)
            if machine is None:
                return
            if machine.revision != known.revision:
                # A person has changed it since, and contact is about to be tried anew: that is how it stands.
                progress = replace(progress, state=None)
            status = machine.status
            if status.wanted and (is_connected or lasting):
                status = Status.ACTIVE if is_connected else Status.ERROR
            until = machine.reported_until
            if self._all_published():
                until = _later(progress.reported_until, until)
            lacks = self._machines.driver_of(machine).lacks(machine)
            warnings = [*progress.warnings, *filter(None, self._ways.get(known.id, {}).values())]
            saved = await work.save(
                replace(
                    machine,
                    status=status,
                    status_text=reason or "; ".join(warnings) or lacks,
                    is_connected=is_connected,
                    last_scan_at=_later(progress.last_scan_at, machine.last_scan_at),
                    reported_until=until,
                    log_cleared_at=_later(progress.log_cleared_at, machine.log_cleared_at),
                    records_cleared=max(progress.records_cleared, machine.records_cleared),
                    **_known(progress),
                )
            )
            if turn is not None and machine.is_connected != is_connected:
                await work.announce(turn)
            await work.announce(*events)
            await self._machines.announce(work, saved)


def _known(progress: Progress) -> dict[str, Any]:
    values = {name: getattr(progress, name) for name in _LATEST}
    return {name: value for name, value in values.items() if value is not None}


def _later(one: datetime | None, other: datetime | None) -> datetime | None:
    return max(one, other) if one and other else one or other
