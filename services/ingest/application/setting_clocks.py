"""A person has the clock of a machine set, once; and what is known of that clock.

It is set by the contact that there is, between two readings of its log, or by one that is begun for that. Where
another process holds the machines the wish is kept with the machine, and done by that one.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from services.ingest.application.clock_keeping import WISH_HOLDS, Outcome
from services.ingest.application.commanding import Commanding
from services.ingest.application.contact_ports import ClockMeasurements
from services.ingest.application.drivers import SET_CLOCK, SetsClock
from services.ingest.application.machines import Machines
from services.ingest.application.ports import Registry
from services.ingest.application.standing import Standing
from services.ingest.domain.clock_line import Line, Measurement, lines_of
from services.ingest.domain.clock_setting import RIGHT_ENOUGH, comes_twice
from services.ingest.domain.clocks import in_words
from services.ingest.domain.machine import Machine, pause_in_words
from shared.kernel.clock import Clock
from shared.kernel.errors import Conflict, NotFound
from shared.web.scope import Scope

WITHIN: Final = 8.0
"""Seconds for which a person waits; a caller waits no longer than ten."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What became of it, or will."""

    machine: Machine
    will: str
    """In a sentence."""
    outcome: Outcome | None = None
    """None where it is still to come."""
    command: int | None = None
    """The number of the command that waits for the machine to call."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """The clock of a machine."""

    machine: Machine
    measurements: Sequence[Measurement]
    lines: Sequence[Line]
    cannot_be_set: str
    """Why nobody can have it set now, in a sentence; else nothing."""
    now: datetime


class SettingClocks:
    """The use cases."""

    def __init__(
        self,
        registry: Registry,
        machines: Machines,
        clocks: ClockMeasurements,
        commanding: Commanding,
        clock: Clock,
        *,
        line_of: Callable[[int], Standing | None],
        hurry: Callable[[int], None],
    ) -> None:
        """`line_of` is the standing of a machine that we go to; `hurry` has one that is away tried at once."""
        self._registry = registry
        self._machines = machines
        self._clocks = clocks
        self._commanding = commanding
        self._clock = clock
        self._line_of = line_of
        self._hurry = hurry

    async def known(self, key: str, scope: Scope) -> Known:
        """What is known of a machine's clock.

        Raises:
            NotFound: there is no such machine.
        """
        machine = await self._found(key, scope)
        measurements = await self._clocks.of(machine.id)
        return Known(
            machine=machine,
            measurements=measurements,
            lines=lines_of(measurements),
            cannot_be_set=self._why_not(machine),
            now=self._clock.now(),
        )

    async def set(self, key: str, scope: Scope, *, by: int, by_name: str) -> Asked:
        """Have its clock set to the time of its place.

        Raises:
            NotFound: there is no such machine.
            Conflict: that cannot be, or the machine does not let us; the sentence says why.
        """
        machine = await self._found(key, scope)
        if why_not := self._why_not(machine):
            raise Conflict(f"the clock of {machine.machine_id} cannot be set: {why_not}")
        if not self._machines.goes_out(machine):
            command = await self._commanding.ask(machine, SET_CLOCK, None, None, by=by)
            will = "it reads its settings when it calls next, and sets its clock by them"
            return Asked(machine=machine, will=will, command=command.id)
        standing = self._line_of(machine.id)
        if standing is None:
            return await self._kept(machine, by_name)
        wish = standing.wish_clock_set(by_name)
        self._hurry(machine.id)
        await asyncio.wait([wish], timeout=WITHIN)
        if not wish.done():
            return self._later(machine, standing)
        if wish.cancelled():
            raise Conflict(f"the clock of {machine.machine_id} was not set: contact with it has ended; try again")
        outcome = wish.result()
        if outcome.after is None:
            raise Conflict(f"the clock of {machine.machine_id} was not set: {outcome.why_not}")
        if abs(outcome.after) > RIGHT_ENOUGH:
            still = _in_words(outcome.after)
            raise Conflict(f"the clock of {machine.machine_id} was set, as it says, and is {still} all the same")
        said = f"its clock was {_in_words(outcome.before)}, and is {_in_words(outcome.after)} now"
        return Asked(machine=machine, will=said, outcome=outcome)

    async def _kept(self, machine: Machine, by_name: str) -> Asked:
        """Leave it to the process that holds the machines, or to this one once it does."""
        async with self._machines.work() as work:
            present = await work.by_id(machine.id)
            if present is None:
                raise NotFound(f"there is no machine {machine.machine_id!r} any more")
            await work.save(replace(present, clock_asked_at=self._clock.now(), clock_asked_by=by_name))
        minutes = WISH_HOLDS // timedelta(minutes=1)
        will = (
            "its clock is set by the process that goes to the machines, which this one does not, as soon as that is in"
            f" contact with it; after {minutes} minutes not any more"
        )
        return Asked(machine=machine, will=will)

    def _later(self, machine: Machine, standing: Standing) -> Asked:
        if not standing.connected:
            standing.withdraw_wish()
            raise Conflict(f"the clock of {machine.machine_id} was not set: there is no contact with it")
        return Asked(machine=machine, will="its clock is set when it is looked at next, before its log is read again")

    async def _found(self, key: str, scope: Scope) -> Machine:
        machine = await self._registry.one(key, scope)
        if machine is None:
            raise NotFound(f"there is no machine {key!r}")
        return machine

    def _why_not(self, machine: Machine) -> str:
        driver = self._machines.driver_of(machine)
        if not isinstance(driver, SetsClock):
            return f"that is not possible with machines of the type {machine.machine_type}"
        if not self._machines.reports_by_itself(machine):
            return "nobody can be in contact with it"
        if not machine.status.wanted:
            return f"it is {machine.status.value}: nobody is in contact with it"
        if machine.paused:
            return f"it is {pause_in_words(machine)}; resume it first"
        return driver.cannot_set_clock(machine) or comes_twice(self._clock.now(), ZoneInfo(machine.zone))


def _in_words(offset: timedelta) -> str:
    return in_words(offset) if abs(offset) >= timedelta(seconds=1) else "right"
