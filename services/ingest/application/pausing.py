"""Contact with a machine is paused for a while, and resumed: by a person, or by itself when the while is over."""

import contextlib
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import TypedDict
from zoneinfo import ZoneInfo

from services.ingest.application.machines import Machines
from services.ingest.application.ports import Work
from services.ingest.domain.machine import Machine
from shared.kernel.clock import Clock
from shared.kernel.errors import Conflict, Invalid, NotFound, Unavailable
from shared.observability.logs import get_logger
from shared.web.scope import Scope

log = get_logger(__name__)


class Pause(TypedDict, total=False):
    """What is said of a pause; what is left out is as it was, or as it is usual."""

    until: datetime | None
    """When it ends by itself, with a zone or as a wall time of the machine; None, as usual, leaves that to a person."""
    reason: str


class Pausing:
    """The use cases. A pause ends what we do: nothing that a machine brings by itself is refused meanwhile."""

    def __init__(self, machines: Machines, clock: Clock) -> None:
        self._machines = machines
        self._clock = clock

    async def pause(self, key: str, said: Pause, scope: Scope, *, by: str) -> Machine:
        """Pause it, or change the pause that it is in.

        Raises:
            NotFound: there is no such machine.
            Conflict: nobody is to be in contact with it anyway.
            Invalid: `until` has gone by.
        """
        now = self._clock.now()
        async with self._machines.work() as work:
            machine = await _found(work, key, scope)
            if not self._machines.reports_by_itself(machine) or not machine.status.wanted:
                state = self._machines.state_of(machine).value
                raise Conflict(f"{machine.machine_id} is {state}: there is no contact to be paused")
            until = said.get("until", machine.paused_until)
            if said.get("until") is not None and until is not None:
                given = until.isoformat(" ") if until.tzinfo else f"{until.isoformat(' ', 'minutes')} ({machine.zone})"
                until = (until if until.tzinfo else until.replace(tzinfo=ZoneInfo(machine.zone))).astimezone(UTC)
                if until <= now:
                    raise Invalid(f"until: {given} has gone by", fields={"until": "has gone by"})
            return await self._save(
                work,
                replace(
                    machine,
                    paused_at=machine.paused_at or now,
                    paused_until=until,
                    paused_by=by,
                    pause_reason=said.get("reason", machine.pause_reason),
                ),
            )

    async def resume(self, key: str, scope: Scope) -> Machine:
        """Resume it at once. Where it is not paused, nothing changes.

        Raises:
            NotFound: there is no such machine.
        """
        async with self._machines.work() as work:
            machine = await _found(work, key, scope)
            return await self._save(work, _resumed(machine)) if machine.paused else machine

    async def end(self, machines: Sequence[Machine]) -> None:
        """Resume those of them whose while is over. With storage away, the next call does it."""
        now = self._clock.now()
        for machine in machines:
            if machine.paused_until is None or machine.paused_until > now:
                continue
            with contextlib.suppress(Unavailable):
                async with self._machines.work() as work:
                    present = await work.by_id(machine.id)
                    if present is not None and present.paused_until is not None and present.paused_until <= now:
                        await self._save(work, _resumed(present))
                        log.info("machine.resumed", machine=machine.machine_id)

    async def _save(self, work: Work, machine: Machine) -> Machine:
        changed = replace(
            machine,
            revision=machine.revision + 1,
            updated_at=self._clock.now(),
            state=self._machines.anew(machine, machine),
        )
        saved = await work.save(changed)
        await self._machines.announce(work, saved)
        return saved


async def _found(work: Work, key: str, scope: Scope) -> Machine:
    machine = await work.machine(key, scope)
    if machine is None:
        raise NotFound(f"there is no machine {key!r}")
    return machine


def _resumed(machine: Machine) -> Machine:
    return replace(machine, paused_at=None, paused_until=None, paused_by="", pause_reason="")
