"""Machines that call us: which of them it is that calls, and whether it may."""

import asyncio
import contextlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace

from services.ingest.application.conditions import Conditions, Way
from services.ingest.application.desk import Desk
from services.ingest.application.drivers import IsPushedTo
from services.ingest.application.machines import Machines
from services.ingest.application.ports import PendingMachines, Registry
from services.ingest.application.roster import Roster
from services.ingest.domain.machine import Machine
from services.ingest.domain.pending import PendingMachine
from shared.kernel.clock import Clock
from shared.kernel.errors import Denied, Unauthenticated, Unavailable, sentence
from shared.observability.logs import get_logger
from shared.observability.metrics import Counter

WITHIN = 5.0
"""Seconds in which what a machine hands over is durable, or it is told to come back."""
LOOK_EVERY = 1.0
READ_EVERY = 10.0
"""Seconds between looks at the registry without being told."""
NOTED_EVERY = 10.0
"""Seconds between two notes on one machine that waits to be accepted; it may call much more often."""
NOTED_AT_ONCE = 1000
LONGEST_SERIAL = 64

REFUSED = Counter("muster_ingest_pushes_refused_total", "Calls of machines of which nothing was taken", ["why"])

log = get_logger(__name__)


class NotAccepted(Denied):
    """Nothing is taken of whoever calls: what it has, it is to keep."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """Who calls, as they say."""

    kind: str
    """The `machine_type` whose way of calling this is."""
    serial: str | None
    """None where its secret alone says who it is."""
    source: str
    """Address that it comes from."""
    secret: str | None = None
    """What it shows to prove that it is that machine, if anything."""
    about: Mapping[str, str] = field(default_factory=dict)
    """What it says of itself, for the person who is to accept it."""


class Pushing:
    """The desks of the machines that call us; whoever has none is noted as pending."""

    def __init__(
        self,
        registry: Registry,
        machines: Machines,
        conditions: Conditions,
        *,
        pending: PendingMachines,
        open_desk: Callable[[Machine, IsPushedTo], Desk],
        clock: Clock,
        told: asyncio.Event,
    ) -> None:
        """`told` is set where the registry may have changed."""
        self._registry = registry
        self._machines = machines
        self._conditions = conditions
        self._pending = pending
        self._open_desk = open_desk
        self._clock = clock
        self._told = told
        self._roster = Roster(registry, key_of=machines.key_of)
        self._desks: dict[int, Desk] = {}
        self._opened = asyncio.Event()
        self._noted: dict[tuple[str, str], float] = {}

    async def desk(self, call: Call) -> Desk:
        """The desk of the machine that calls.

        Raises:
            NotAccepted: nothing is to be taken of it; if nobody knows its serial number, it is pending now.
            Unauthenticated: it has no serial number, and nobody has its key.
            Unavailable: storage is away, and without it nobody can tell.
        """
        if call.serial is None:
            machine, driver = await self._by_key(call)
        else:
            machine, driver = await self._by_serial(call, call.serial)
        if not machine.status.wanted:
            raise self._refused("unwanted", f"{machine.machine_id} is {machine.status.value}: it keeps its scans")
        if driver.pushes(machine) is False:
            raise self._refused("unwanted", f"{machine.machine_id} is set up not to push: it keeps its scans")
        desk = self._desk_of(machine, driver)
        if not desk.admits(call.source, call.secret):
            raise self._refused("secret", f"{machine.machine_id} has a secret, and the caller does not show it")
        if driver.pushes(machine) is None:
            with contextlib.suppress(Unavailable):
                await self._set_up(machine, driver)
        desk.heard(call.source)
        return desk

    def desk_of(self, machine: int) -> Desk | None:
        """The desk of a machine, if it has one."""
        return self._desks.get(machine)

    async def run(self) -> None:
        """Tell how machines are, and notice those that are silent, until cancelled."""
        telling: dict[Desk, asyncio.Task[None]] = {}
        loop = asyncio.get_running_loop()
        read_at: float | None = None
        try:
            while True:
                if self._told.is_set() or read_at is None or loop.time() - read_at > READ_EVERY:
                    self._told.clear()
                    read_at = loop.time()
                    await self._read()
                self._opened.clear()
                for desk in list(self._desks.values()):
                    if desk not in telling:
                        name = f"telling of {desk.machine.machine_id}"
                        telling[desk] = asyncio.create_task(desk.standing.tell(), name=name)
                    desk.look()
                for desk in telling.keys() - set(self._desks.values()):
                    telling.pop(desk).cancel()
                await self._something()
        finally:
            for task in telling.values():
                task.cancel()

    async def _something(self) -> None:
        """Wait until there is something to do, or a second has gone by."""
        waits = [asyncio.create_task(event.wait()) for event in (self._told, self._opened)]
        try:
            await asyncio.wait(waits, timeout=LOOK_EVERY, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()

    async def _read(self) -> None:
        """Bring the desks in step with the registry: one for each machine that is set up to call."""
        try:
            machines = {machine.id: machine for machine in await self._roster.read()}
        except Unavailable as error:
            log.warning("pushing.registry_away", reason=error.message)
            return
        for id_, desk in list(self._desks.items()):
            present = machines.get(id_)
            if present is None or present.revision != desk.machine.revision or not present.status.wanted:
                self._close(id_)
            else:
                desk.heard_elsewhere(present.last_contact_at)
        for machine in machines.values():
            driver = self._machines.called_by(machine)
            if driver is not None and machine.status.wanted and driver.pushes(machine):
                self._desk_of(machine, driver)

    def _desk_of(self, machine: Machine, driver: IsPushedTo) -> Desk:
        desk = self._desks.get(machine.id)
        if desk is None or desk.machine.revision != machine.revision:
            desk = self._desks[machine.id] = self._open_desk(machine, driver)
            self._opened.set()
        return desk

    def _close(self, id_: int) -> None:
        del self._desks[id_]
        self._conditions.given_up(id_, Way.PUSH)

    async def _by_serial(self, call: Call, serial: str) -> tuple[Machine, IsPushedTo]:
        machine = await self._roster.find(serial)
        driver = self._machines.called_by(machine) if machine is not None else None
        if machine is None or driver is None or machine.machine_type != call.kind:
            raise await self._unknown(call, serial, machine)
        return machine, driver

    async def _by_key(self, call: Call) -> tuple[Machine, IsPushedTo]:
        found = [
            machine for machine in await self._roster.holders(call.secret or "") if machine.machine_type == call.kind
        ]
        if len(found) > 1:
            raise self._refused("secret", f"{sentence([each.machine_id for each in found])} have the same key")
        driver = self._machines.called_by(found[0]) if found else None
        if driver is None:
            REFUSED.labels("secret").inc()
            raise Unauthenticated("no machine has this key")
        return found[0], driver

    async def _set_up(self, machine: Machine, driver: IsPushedTo) -> None:
        """It calls, and nobody has said that it would: from now on it is known to."""
        async with self._registry.work() as work:
            present = await work.by_id(machine.id)
            if present is not None and driver.pushes(present) is None:
                config = driver.set_up_to_push(present.config)
                await self._machines.announce(work, await work.save(replace(present, config=config)))
        self._told.set()

    async def _unknown(self, call: Call, serial: str, other: Machine | None) -> NotAccepted:
        """Note it for a person to accept, and say so."""
        key, now = (call.kind, serial), asyncio.get_running_loop().time()
        self._noted = {known: at for known, at in self._noted.items() if now - at < NOTED_EVERY}
        if key not in self._noted and len(self._noted) < NOTED_AT_ONCE and may_be_a_serial(serial):
            self._noted[key] = now
            await self._note(call, serial)
        whose = f" ({other.machine_id} has it, and does not call this way)" if other is not None else ""
        said = f"the serial number {serial[:LONGEST_SERIAL]!r} waits to be accepted{whose}"
        return self._refused("unknown", said)

    async def _note(self, call: Call, serial: str) -> None:
        at = self._clock.now()
        seen = PendingMachine(
            kind=call.kind,
            serial=serial,
            source=call.source,
            about=dict(_short(call.about.items())),
            first_seen_at=at,
            last_seen_at=at,
        )
        await self._pending.note(seen)
        log.info("machine.pending", serial=serial, source=call.source)

    def _refused(self, why: str, sentence: str) -> NotAccepted:
        REFUSED.labels(why).inc()
        return NotAccepted(sentence)


def may_be_a_serial(text: str) -> bool:
    """Whether a machine can have this serial number; those of real ones are letters and digits."""
    return 0 < len(text) <= LONGEST_SERIAL and text.isascii() and text.isprintable() and "/" not in text


def _short(about: Iterable[tuple[str, str]]) -> Iterable[tuple[str, str]]:
    for name, value in list(about)[:20]:
        printable = "".join(letter for letter in value if letter.isprintable())
        yield name[:40], printable[:200]
