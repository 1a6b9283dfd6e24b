"""Asking machines that call us to do something: one thing at a time, the next time they call."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from services.ingest.application.drivers import IsPushedTo, TakesCommands
from services.ingest.application.machines import Machines
from services.ingest.application.ports import Command, Commands
from services.ingest.domain.machine import Machine
from shared.kernel.clock import Clock
from shared.kernel.errors import Conflict, Invalid, Unavailable

AGAIN_AFTER = timedelta(minutes=2)
"""A command that was not answered is sent again: its answer was lost, or it was. None of them does harm twice."""
MOST_SENDS = 5
MOST_WAITING = 50
"""For one machine."""


class Commanding:
    """The queue, of which what waits is kept in memory: machines ask every few seconds, and mostly for nothing."""

    def __init__(self, commands: Commands, machines: Machines, clock: Clock) -> None:
        self._commands = commands
        self._machines = machines
        self._clock = clock
        self._waiting: dict[int, list[Command]] | None = None
        self._reading = asyncio.Lock()

    async def ask(
        self, machine: Machine, name: str, first: datetime | None, last: datetime | None, *, by: int
    ) -> Command:
        """Queue a command.

        Raises:
            Invalid: this machine takes no commands, or not this one.
            Conflict: too many wait already.
        """
        driver = self._machines.driver_of(machine)
        if not isinstance(driver, TakesCommands) or not isinstance(driver, IsPushedTo) or not driver.pushes(machine):
            raise Invalid(f"{machine.machine_id} does not call us, so that it can be asked for nothing")
        text = driver.command(name, first, last)
        waiting = await self._queue_of(machine.id)
        if len(waiting) >= MOST_WAITING:
            raise Conflict(f"{len(waiting)} commands wait for {machine.machine_id} already")
        command = await self._commands.add(machine.id, name, text, by=by, at=self._clock.now())
        waiting.append(command)
        return command

    async def next(self, machine: Machine) -> Command | None:
        """What the machine is to do now, if anything; it counts as sent. Nothing while paused, or storage is away."""
        if machine.paused:
            return None
        try:
            waiting = await self._queue_of(machine.id)
            now = self._clock.now()
            while waiting and (first := waiting[0]).sends >= MOST_SENDS and _is_due(first, now):
                await self._commands.answered(first.id, code=None, result="it never answered", at=now)
                waiting.remove(first)
            if not waiting or not _is_due(waiting[0], now):
                return None
            await self._commands.sent(waiting[0].id, now)
            waiting[0] = replace(waiting[0], sent_at=now, sends=waiting[0].sends + 1)
            return waiting[0]
        except Unavailable:
            return None

    async def answered(self, machine: Machine, id: str, *, code: int | None, result: str) -> Command | None:  # noqa: A002 - its name
        """The machine has done it, or says why not. An answer to what nobody asked is passed over.

        Raises:
            Unavailable: storage is away.
        """
        waiting = await self._queue_of(machine.id)
        command = next((one for one in waiting if str(one.id) == id), None)
        if command is None:
            return None
        await self._commands.answered(command.id, code=code, result=result, at=self._clock.now())
        waiting.remove(command)
        return command

    async def of(self, machine: Machine, *, limit: int = 100) -> Sequence[Command]:
        """The latest of a machine, newest first."""
        return await self._commands.of(machine.id, limit=limit)

    async def one(self, machine: Machine, id: int) -> Command | None:  # noqa: A002 - its name
        """One of a machine."""
        return await self._commands.one(machine.id, id)

    async def _queue_of(self, machine: int) -> list[Command]:
        async with self._reading:
            if self._waiting is None:
                queues: dict[int, list[Command]] = {}
                for command in await self._commands.waiting():
                    queues.setdefault(command.machine_id, []).append(command)
                self._waiting = queues
        return self._waiting.setdefault(machine, [])


def _is_due(command: Command, now: datetime) -> bool:
    return command.sent_at is None or now - command.sent_at >= AGAIN_AFTER
