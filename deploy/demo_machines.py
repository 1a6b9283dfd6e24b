"""The machines of the demo company: one of every vendor, simulated, and reached over loopback.

Their logs outlive them in the data folder, as those of real machines outlive a Muster that was switched off.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AbstractContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Protocol, Self, TypeVar
from zoneinfo import ZoneInfo

from deploy.demo_log import KeptLog, KeptPort, kept_log
from services.ingest.domain.reading import Reading
from services.ingest.vendors.generic import simulator as generic
from services.ingest.vendors.hikvision import simulator as hikvision
from services.ingest.vendors.hikvision.simulator.device import STATES as STATUSES
from services.ingest.vendors.simulated.company import Scan, Wall, come_and_go
from services.ingest.vendors.simulated.people import STATES
from services.ingest.vendors.simulated.settings import SimulatedSettings
from services.ingest.vendors.suprema import simulator as suprema
from services.ingest.vendors.zkteco import simulator as zkteco
from services.ingest.vendors.zkteco.adms import simulator as adms
from services.ingest.vendors.zkteco.clock import unpacked

PEOPLE: Final = 40
PREFIX: Final = "D"
"""Before the number of a demo badge, so that they are told from real ones."""
HISTORY_DAYS: Final = 31
HOST: Final = "127.0.0.1"
_TA_KEYS: Final = {"0": "1", "1": "2", "2": "3", "3": "4"}
"""What a BioStar server calls the keys of simulated people."""

Body = Mapping[str, Any]
"""What its vendor adds to the registration of a machine."""


class Listens(Protocol):
    """A simulator that runs."""

    @property
    def port(self) -> int:
        """Where it is reached."""


T = TypeVar("T", bound=Listens)


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoMachine:
    """One that is there."""

    gate: int
    make: str
    body: Body


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """Where a machine hangs, and who comes by."""

    number: int
    zone: str
    people: SimulatedSettings
    folder: Path
    server: "asyncio.Future[int]"
    """The port at which machines that push find Muster, once that is known."""

    @property
    def serial(self) -> str:
        return f"DEMO{self.number:04}"

    @property
    def port(self) -> KeptPort:
        """Where its machine listens."""
        return KeptPort(self.folder / f"gate-{self.number}.port")

    def log(self) -> AbstractContextManager[KeptLog]:
        """That of its machine, with what people have scanned up to now."""
        now = datetime.now(UTC).astimezone(ZoneInfo(self.zone)).replace(tzinfo=None, microsecond=0)
        return kept_log(self.folder / f"gate-{self.number}.dat", self.people, now)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Make:
    name: str
    hang: Callable[[Gate], AbstractAsyncContextManager[Body]]
    rate: float
    """Scans a second at any hour, so that something happens whenever somebody looks; and nobody comes twice within a
    minute, as the second scan would be merged into the first."""


class DemoMachines(AbstractAsyncContextManager["DemoMachines"]):
    """All of them, while the context is open; their logs are kept in `folder`, their clocks set in `zone`.

    Each listens where it listened last, if that port is free.
    """

    def __init__(self, folder: Path, zone: str) -> None:
        self._folder = folder
        self._zone = zone
        self._stack = AsyncExitStack()
        self._server: asyncio.Future[int] | None = None
        self.there: Sequence[DemoMachine] = ()

    async def __aenter__(self) -> Self:
        self._folder.mkdir(parents=True, exist_ok=True)
        self._server = asyncio.get_running_loop().create_future()
        async with AsyncExitStack() as stack:
            self.there = [
                await stack.enter_async_context(self._hung(gate, make)) for gate, make in enumerate(MAKES, start=1)
            ]
            self._stack = stack.pop_all()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    def push_to(self, port: int) -> None:
        """From now on Muster takes what machines push, at this port of this machine."""
        if self._server is not None and not self._server.done():
            self._server.set_result(port)

    @asynccontextmanager
    async def _hung(self, gate: int, make: _Make) -> AsyncIterator[DemoMachine]:
        assert self._server is not None  # noqa: S101 - made on entering
        people = SimulatedSettings(
            people=PEOPLE, prefix=PREFIX, history_days=HISTORY_DAYS, gate=gate, gates=len(MAKES), rate=make.rate
        )
        hangs = Gate(number=gate, zone=self._zone, people=people, folder=self._folder, server=self._server)
        async with make.hang(hangs) as body:
            yield DemoMachine(gate=gate, make=make.name, body=body)


@asynccontextmanager
async def _zkteco(gate: Gate) -> AsyncIterator[Body]:
    with gate.log() as log:
        device = zkteco.Device(zone=gate.zone, serial=gate.serial, comm_key=2468, cyclic=1_000)
        for person in range(gate.people.count):
            device.enrol(gate.people.badge_of(person))
        for punch in log.punches:
            device.record_at(device.enrol(punch.badge).user_id, punch.at, state=int(punch.state))
        async with _listening(gate, lambda port: zkteco.simulator(device, pace=0, port=port)) as running:

            async def scan(reading: Reading) -> None:
                entry = await running.scan(reading.badge, state=int(reading.state))
                log.add(reading.badge, unpacked(entry.time), reading.state)

            async with _inhabited(gate, device.wall, scan):
                yield {
                    "machine_type": "zkteco",
                    **_at(running.port),
                    "serial": gate.serial,
                    "config": {"comm_key": 2468},
                }


@asynccontextmanager
async def _adms(gate: Gate) -> AsyncIterator[Body]:
    with gate.log() as log:
        unit = adms.Unit(gate.serial, zone=gate.zone)
        for punch in log.punches:
            unit.record(adms.Punch(badge=punch.badge, at=punch.at, state=int(punch.state)))
        unit.acknowledged = log.taken
        terminals: list[adms.PushingTerminal] = []

        async def scan(reading: Reading) -> None:
            at = (terminals[0] if terminals else unit).punch(reading.badge, state=int(reading.state)).at
            log.add(reading.badge, at, reading.state)

        async def push() -> None:
            port = await gate.server
            terminals.append(adms.PushingTerminal(unit, host=HOST, port=port, faults=adms.Faults(), error_delay=1.0))
            await terminals[0].run()

        async with _inhabited(gate, unit.wall, scan), asyncio.TaskGroup() as group:
            pushing = group.create_task(push())
            try:
                yield {"machine_type": "zkteco", **_nowhere(), "serial": gate.serial, "config": {"push": True}}
            finally:
                pushing.cancel()
                log.taken = unit.acknowledged


@asynccontextmanager
async def _hikvision(gate: Gate) -> AsyncIterator[Body]:
    with gate.log() as log:
        device = hikvision.Device(zone=gate.zone, serial=gate.serial)
        for punch in log.punches:
            device.record_at(punch.badge, punch.at, status=STATUSES[punch.state])
        async with _listening(gate, lambda port: hikvision.simulator(device, port=port)) as running:

            async def scan(reading: Reading) -> None:
                entry = await running.scan(reading.badge, status=STATUSES[reading.state])
                log.add(reading.badge, entry.wall, reading.state)

            async with _inhabited(gate, device.wall, scan):
                config = {"password": device.password}
                yield {"machine_type": "hikvision", **_at(running.port), "serial": gate.serial, "config": config}


@asynccontextmanager
async def _suprema(gate: Gate) -> AsyncIterator[Body]:
    with gate.log() as log:
        store = suprema.Store(zone=gate.zone)
        for punch in log.punches:
            store.record_at(punch.badge, punch.at, key=_TA_KEYS[punch.state])
        async with _listening(gate, lambda port: suprema.simulator(store, port=port)) as running:

            async def scan(reading: Reading) -> None:
                row = await running.scan(reading.badge, key=_TA_KEYS[reading.state])
                log.add(reading.badge, store.local(row), reading.state)

            async with _inhabited(gate, store.wall, scan):
                config = {"device_id": store.devices[0], "password": store.password, "https": False}
                yield {"machine_type": "suprema", **_at(running.port), "serial": None, "config": config}


@asynccontextmanager
async def _generic(gate: Gate) -> AsyncIterator[Body]:
    with gate.log() as log:
        config = {"profile": "json-lines", "connection": {"side": "client"}}
        device = generic.Device(config, zone=gate.zone, serial=gate.serial)
        for punch in log.punches:
            device.record_at(punch.badge, punch.at, state=device.state_of(STATES[punch.state]))
        device.safe = set(range(log.taken))
        async with _listening(gate, lambda port: generic.simulator(device, port=port, window=8)) as running:

            async def scan(reading: Reading) -> None:
                entry = running.scan(reading.badge, state=device.state_of(reading.type))
                log.add(reading.badge, entry.wall, reading.state)

            async with _inhabited(gate, device.wall, scan):
                try:
                    yield {"machine_type": "generic", **_at(running.port), "serial": None, "config": config}
                finally:
                    waiting = device.waiting()
                    log.taken = waiting[0].place if waiting else len(device.entries)


@asynccontextmanager
async def _simulated(gate: Gate) -> AsyncIterator[Body]:
    """The one without a wire: its config is all of it, and its log always the same."""
    config = gate.people.model_dump(mode="json", exclude_defaults=True)
    yield {"machine_type": "simulated", **_nowhere(), "serial": None, "config": config}


MAKES: Final = (
    _Make(name="ZKTeco", hang=_zkteco, rate=0.1),
    _Make(name="ZKTeco, pushing", hang=_adms, rate=0.1),
    _Make(name="Hikvision", hang=_hikvision, rate=0.1),
    _Make(name="Suprema", hang=_suprema, rate=0.1),
    _Make(name="generic", hang=_generic, rate=0.08),
    _Make(name="simulated", hang=_simulated, rate=0.08),
)
"""At which gate hangs what. Of 40 people six or seven come by each at any hour."""


@asynccontextmanager
async def _listening(gate: Gate, simulator: Callable[[int], AbstractAsyncContextManager[T]]) -> AsyncIterator[T]:
    async with AsyncExitStack() as stack:
        try:
            running = await stack.enter_async_context(simulator(gate.port.number))
        except OSError:  # somebody else has it now
            running = await stack.enter_async_context(simulator(0))
        gate.port.number = running.port
        yield running


@asynccontextmanager
async def _inhabited(gate: Gate, wall: Wall, scan: Scan) -> AsyncIterator[None]:
    async with asyncio.TaskGroup() as group:
        coming = group.create_task(come_and_go(gate.people, wall, scan))
        try:
            yield
        finally:
            coming.cancel()


def _at(port: int) -> Body:
    return {"ip_address": HOST, "port": port}


def _nowhere() -> Body:
    return {"ip_address": None, "port": None}
