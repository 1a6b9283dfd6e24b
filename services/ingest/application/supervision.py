"""One owned task for each machine that is wanted and whose driver goes out to it."""

import asyncio
import contextlib
from collections.abc import Callable
from datetime import datetime

from services.ingest.application.conditions import Conditions, Way
from services.ingest.application.machines import Machines
from services.ingest.application.pausing import Pausing
from services.ingest.application.ports import Registry
from services.ingest.application.watching import MachineWatch
from services.ingest.domain.machine import Machine, State
from shared.kernel.clock import Clock
from shared.kernel.errors import Unavailable
from shared.observability.logs import get_logger
from shared.observability.metrics import Gauge

LOOK_EVERY = 10.0
"""Seconds between looks at the registry without being told."""
A_MOMENT = 0.2
"""Seconds after the end of a pause at which it is over for sure; and between attempts to end it."""
LET_GO_WITHIN = 5.0
"""Seconds that a watch has to let go of its machine, before another takes its place."""

_NOBODYS = (State.NOT_WANTED, State.IMPORTED_ONLY)

WATCHED = Gauge("muster_ingest_machines_watched", "Machines with a task of their own")
CONNECTED = Gauge("muster_ingest_machines_connected", "Machines that are in contact")

TOGETHER = 10
BEGUN_A_SECOND = 1_000
"""Contacts that are begun; all of a thousand at once would hold up those that are well, and one another."""

log = get_logger(__name__)


class Supervisor:
    """Starts, changes and stops the watches as the registry says. One machine never disturbs another."""

    def __init__(
        self,
        registry: Registry,
        machines: Machines,
        conditions: Conditions,
        *,
        watch: Callable[[Machine], MachineWatch],
        pausing: Pausing,
        told: asyncio.Event,
        clock: Clock,
    ) -> None:
        """`watch` makes one; its machine's driver streams. `told` is set where the registry may have changed."""
        self._registry = registry
        self._machines = machines
        self._conditions = conditions
        self._watch = watch
        self._pausing = pausing
        self._told = told
        self._clock = clock
        self._ends_at: datetime | None = None
        """When the next pause is over."""
        self._watched: dict[int, tuple[MachineWatch, asyncio.Task[None]]] = {}
        self._leaving: dict[int, asyncio.Task[None]] = {}
        self._stuck: set[asyncio.Task[None]] = set()
        """Watches that may still be in contact, although they were to let go long ago."""

    async def run(self) -> None:
        """Supervise until cancelled. It has ended once every machine was let go, however long that takes."""
        looking = asyncio.create_task(self._keep_looking(), name="supervisor")
        try:
            await asyncio.wait([looking])
            await looking
        finally:
            # The machines first: a look that waits for a frozen server takes its time to be cancelled.
            self._let_all_go()
            looking.cancel()
            await asyncio.gather(looking, return_exceptions=True)
            self._let_all_go()  # what it has begun meanwhile
            while left := [*self._leaving.values(), *self._stuck]:
                await asyncio.wait(left)

    async def _keep_looking(self) -> None:
        await self._conditions.forgotten()
        while True:
            self._told.clear()
            await self.look()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._until_next_look()):
                    await self._told.wait()

    async def look(self) -> None:
        """Bring the watches in step with the registry; with storage away they stay as they are."""
        try:
            machines = {machine.id: machine for machine in await self._registry.all()}
        except Unavailable as error:
            log.warning("registry.away", reason=error.message)
            self._ends_at = None
            return
        pauses = [machine for machine in machines.values() if machine.paused_until is not None]
        self._ends_at = min((until for one in pauses if (until := one.paused_until) is not None), default=None)
        await self._pausing.end(pauses)
        for id_, (watch, task) in list(self._watched.items()):
            present = machines.get(id_)
            if (
                present is None
                or not self._is_wanted(present)
                or present.revision != watch.machine.revision
                or _is_to_read_again(present, watch.machine)
                or task.done()
            ):
                self._let_go(id_)
        for id_, (watch, _) in self._watched.items():
            if watch.standing.clock_wanted(machines[id_]):
                watch.hurry()
        begun = 0
        for id_, machine in machines.items():
            if id_ in self._watched or id_ in self._leaving:
                continue
            if self._is_wanted(machine):
                self._begin(machine)
                begun += 1
                if begun % TOGETHER == 0:
                    await asyncio.sleep(TOGETHER / BEGUN_A_SECOND)
            elif machine.is_connected and self._is_nobodys(machine):
                with contextlib.suppress(Unavailable):
                    await self._conditions.released(machine)
        WATCHED.set(len(self._watched))
        CONNECTED.set(sum(watch.connected for watch, _ in self._watched.values()))

    def watch_of(self, machine: int) -> MachineWatch | None:
        """The watch over a machine, if there is one."""
        watched = self._watched.get(machine)
        return watched[0] if watched else None

    def answers(self, machine: int) -> None:
        """Somebody has just been in contact with it: its watch need not wait any longer."""
        if (watch := self.watch_of(machine)) is not None:
            watch.hurry()

    def _until_next_look(self) -> float:
        """Seconds."""
        if self._ends_at is None:
            return LOOK_EVERY
        remaining = (self._ends_at - self._clock.now()).total_seconds()
        return min(LOOK_EVERY, max(remaining, 0.0) + A_MOMENT)

    def _is_nobodys(self, machine: Machine) -> bool:
        """Whether nobody is to be in contact with it by any way; one that is paused may still call."""
        if self._machines.state_of(machine) is not State.PAUSED:
            return self._machines.state_of(machine) in _NOBODYS
        called = self._machines.called_by(machine)
        return called is None or not called.pushes(machine)

    def _is_wanted(self, machine: Machine) -> bool:
        if machine.paused or not machine.status.wanted:
            return False
        return self._machines.goes_out(machine) and not self._machines.driver_of(machine).lacks(machine)

    def _begin(self, machine: Machine) -> None:
        watch = self._watch(machine)
        watch.standing.clock_wanted(machine)
        self._watched[machine.id] = watch, asyncio.create_task(watch.run(), name=f"machine {machine.machine_id}")

    def _let_all_go(self) -> None:
        for id_ in list(self._watched):
            self._let_go(id_)

    def _let_go(self, id_: int) -> None:
        """Stop watching, without anybody waiting for it. What follows is for the next look to say."""
        _, task = self._watched.pop(id_)
        task.cancel()
        self._conditions.given_up(id_, Way.LINE)
        self._leaving[id_] = leaving = asyncio.create_task(self._leave(task), name=f"leaving {id_}")
        leaving.add_done_callback(lambda _: self._left(id_))

    async def _leave(self, task: asyncio.Task[None]) -> None:
        done, _ = await asyncio.wait([task], timeout=LET_GO_WITHIN)
        if not done:
            log.error("machine.stuck", task=task.get_name())
            self._stuck.add(task)
            task.add_done_callback(self._stuck.discard)
        elif not task.cancelled() and (error := task.exception()) is not None:
            log.error("machine.watch_failed", task=task.get_name(), exc_info=error)

    def _left(self, id_: int) -> None:
        del self._leaving[id_]
        self._told.set()


def _is_to_read_again(present: Machine, watched: Machine) -> bool:
    """Whether somebody has wanted that since the watch began: the next one begins with it."""
    wish = (present.sync_asked_at, present.sync_since)
    return present.sync_asked_at is not None and wish != (watched.sync_asked_at, watched.sync_since)
