"""A machine is asked for what it holds once more: from a time on, or all of it. What is here already stays as it is."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from services.ingest.application.commanding import Commanding
from services.ingest.application.drivers import (
    COUNT_LOG,
    READ_LOG,
    IsPushedTo,
    ReadsLog,
    ReadsSince,
    TakesCommands,
)
from services.ingest.application.machines import Machines
from services.ingest.application.ports import Registry
from services.ingest.domain.machine import Machine, pause_in_words, wants_again
from services.ingest.domain.reconciliation import ALL_SINCE
from shared.kernel.clock import Clock
from shared.kernel.errors import Conflict, Invalid, NotFound
from shared.web.scope import Scope

AHEAD: Final = timedelta(days=1)
"""Scans of a clock that is ahead are wanted, too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What follows from it."""

    machine: Machine
    since: datetime | None
    """A wall time of the machine; None is all."""
    will: str
    """What will happen, in a sentence."""
    commands: tuple[int, ...] = ()
    """Numbers of those that wait for the machine to call."""


class Syncing:
    """The use case."""

    def __init__(
        self,
        registry: Registry,
        machines: Machines,
        commanding: Commanding,
        clock: Clock,
        *,
        hurry: Callable[[int], None],
    ) -> None:
        """`hurry` has a machine that is away tried at once."""
        self._hurry = hurry
        self._registry = registry
        self._machines = machines
        self._commanding = commanding
        self._clock = clock

    async def ask(self, key: str, since: datetime | None, scope: Scope, *, by: int) -> Asked:
        """Want its log to be read again. `since` is a wall time of the machine, unless it has a zone.

        That holds until it was done, however long it is away and whatever happens to us. Of two wishes the wider does.

        Raises:
            NotFound: there is no such machine.
            Conflict: nobody is to be in contact with it.
            Invalid: it cannot be asked, or nothing can have been recorded since then.
        """
        machine = await self._registry.one(key, scope)
        if machine is None:
            raise NotFound(f"there is no machine {key!r}")
        self._check(machine)
        now = self._clock.now()
        since = _wall_time(since, machine, now)
        driver = self._machines.driver_of(machine)
        reads, takes = reads_again(self._machines, machine), takes_commands(self._machines, machine)
        if not reads and not takes:
            raise Invalid("it tells what it has when it will, and cannot be asked for it again")
        queued = await self._queue(machine, since, now, by=by) if takes else ()
        will = []
        if reads:
            narrows = isinstance(driver, ReadsSince) and driver.can_read_since(machine)
            before, wanted = await self._note(machine, since if narrows else None, now)
            will.append(_read(before, wanted, cannot_narrow=since is not None and not narrows))
            self._hurry(machine.id)
        if queued:
            will.append(f"it is asked for {_span(since)} when it calls next, and to count what it holds")
        return Asked(machine=machine, since=since, will="; ".join(will), commands=queued)

    async def _note(self, machine: Machine, since: datetime | None, now: datetime) -> tuple[Machine, Machine]:
        """Have the wish kept; the machine as it was, and as it is with what is wanted of it now."""
        async with self._machines.work() as work:
            present = await work.by_id(machine.id)
            if present is None:
                raise NotFound(f"there is no machine {machine.machine_id!r} any more")
            wanted = wants_again(present, since, now)
            if wanted is not present:
                await work.save(wanted)
        return present, wanted

    def _check(self, machine: Machine) -> None:
        if not self._machines.reports_by_itself(machine):
            raise Conflict(f"nobody can be in contact with {machine.machine_id}: import a file of it again")
        if not machine.status.wanted:
            raise Conflict(f"{machine.machine_id} is {machine.status.value}: nobody is in contact with it")
        if machine.paused:
            raise Conflict(f"{machine.machine_id} is {pause_in_words(machine)}; resume it first")

    async def _queue(self, machine: Machine, since: datetime | None, at: datetime, *, by: int) -> tuple[int, ...]:
        """The log, and then how much of it there is: of days that are over, which no scan is added to."""
        now = at.astimezone(ZoneInfo(machine.zone)).replace(tzinfo=None, microsecond=0)
        first = since or ALL_SINCE
        read = await self._commanding.ask(machine, READ_LOG, first, now + AHEAD, by=by)
        midnight = datetime.combine(now, datetime.min.time())
        day = datetime.combine(first, datetime.min.time())
        if day >= midnight:
            return (read.id,)
        last = midnight - timedelta(seconds=1)
        count = await self._commanding.ask(machine, COUNT_LOG, day, last, by=by)
        return read.id, count.id


def reads_again(machines: Machines, machine: Machine) -> bool:
    """Whether we can go to it and read its log once more."""
    return isinstance(machines.driver_of(machine), ReadsLog) and machines.goes_out(machine)


def takes_commands(machines: Machines, machine: Machine) -> bool:
    """Whether it calls us, and can be asked for its log then."""
    driver = machines.driver_of(machine)
    return isinstance(driver, IsPushedTo) and bool(driver.pushes(machine)) and isinstance(driver, TakesCommands)


def _wall_time(since: datetime | None, machine: Machine, now: datetime) -> datetime | None:
    """A time that somebody gave, as the machine's wall time in whole seconds; without a zone it is that already."""
    if since is None:
        return None
    zone = ZoneInfo(machine.zone)
    wall = since if since.tzinfo is None else since.astimezone(zone).replace(tzinfo=None)
    if wall > now.astimezone(zone).replace(tzinfo=None) + AHEAD:
        raise Invalid(f"since: {wall} is in the future", fields={"since": "is in the future"})
    return wall.replace(microsecond=0)


def _read(before: Machine, wanted: Machine, *, cannot_narrow: bool) -> str:
    when = "as soon as there is contact with it"
    if wanted.is_connected:
        when = "already" if wanted is before else "now"
    whole = ": all of it, because it cannot be asked from a time on" if cannot_narrow else ""
    return f"its log{_from(wanted.sync_since)} is read again {when}{whole}"


def _span(since: datetime | None) -> str:
    return "all of its log" if since is None else f"its log{_from(since)}"


def _from(since: datetime | None) -> str:
    return "" if since is None else f" since {since:%Y-%m-%d %H:%M:%S}"
