"""Fakes of ingest's ports, for tests."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID

from services.ingest.application.drivers import Capability, Contact, MachineTrouble, Phase, Session, Steps
from services.ingest.application.ports import Entry, Spooled
from services.ingest.domain.clock_line import Measurement
from services.ingest.domain.machine import Machine
from services.ingest.domain.reading import Batch, Mode, Reading, ScanType, Unreadable
from services.ingest.domain.scan import Naming, Scan
from shared.bus.port import BusStatus, BusUnavailable, Message
from shared.contracts.cloudevents import decode
from shared.contracts.event import Event
from shared.kernel.errors import Unavailable

E = TypeVar("E", bound=Event)

NOON = datetime(2024, 1, 15, 12, tzinfo=UTC)


class FakeClock:
    """Stands still until it is told."""

    def __init__(self, now: datetime = NOON) -> None:
        self.present = now

    def now(self) -> datetime:
        return self.present

    def forward(self, by: timedelta) -> None:
        self.present += by


@dataclass
class FakeContact:
    """Takes down what a session tells."""

    alive_times: int = 0
    offsets: list[timedelta] = field(default_factory=list)
    records: list[int] = field(default_factory=list)
    received: list[int | None] = field(default_factory=list)
    phases: list[Phase] = field(default_factory=list)
    warnings: dict[str, str] = field(default_factory=dict)
    wants_clock_set: bool = False
    """Once."""
    clock_sets: list[str] = field(default_factory=list)
    """What became of that: why not, or nothing."""

    def alive(self) -> None:
        self.alive_times += 1

    def clock(self, offset: timedelta) -> None:
        self.offsets.append(offset)

    def clock_is_to_be_set(self, offset: timedelta) -> bool:
        return self.wants_clock_set and not self.clock_sets

    def clock_set(self, why_not: str = "") -> None:
        self.clock_sets.append(why_not)

    def counts(self, *, records: int, capacity: int | None = None, received: int | None = None) -> None:
        self.records.append(records)
        self.received.append(received)

    def phase(self, phase: Phase) -> None:
        self.phases.append(phase)

    def warn(self, about: str, sentence: str) -> None:
        self.warnings[about] = sentence

    def settled(self, about: str) -> None:
        self.warnings.pop(about, None)


class FakeSteps:
    def __init__(self) -> None:
        self.names: list[str] = []

    @contextmanager
    def step(self, name: str) -> Iterator[Callable[[str], None]]:
        self.names.append(name)
        yield lambda _: None


class FakeDriver:
    """A driver whose machines do what the test says: put batches or troubles into `says`."""

    secrets = frozenset({"password"})

    def __init__(self, kind: str = "fake", *, pulls: bool = False) -> None:
        self.kind = kind
        self.capabilities = frozenset({
            Capability.PULLS if pulls else Capability.STREAMS,
            Capability.READS_LOG,
            Capability.READS_SINCE,
        })  # fmt: skip
        self.narrows = False
        """Its machines can be asked from a time on; then only what is new and what is wanted is read."""
        self.read_again_of: list[str] = []
        """Machines whose log is to be read again, once for each contact that was begun with that."""
        self.read_since_of: list[tuple[str, datetime]] = []
        """The same for those of whose log a part is."""
        self.says: asyncio.Queue[Batch | MachineTrouble | None] = asyncio.Queue()
        self.refuses: list[MachineTrouble] = []
        self.hangs = False
        self.lets_go: asyncio.Event | None = None
        """A session lets go only then, however often it is cancelled."""
        self.acknowledged: list[Batch] = []
        self.sessions = 0
        self.open = 0
        self.contact: Contact = FakeContact()
        """That of the session that was begun last."""
        self.poll_every = timedelta(0)

    def validated(self, config: Mapping[str, Any]) -> Mapping[str, Any]:
        return dict(config)

    def lacks(self, machine: Machine) -> str:
        return ""

    def how_secrets_go(self, config: Mapping[str, Any]) -> Mapping[str, object]:
        return {"tls": config.get("tls", False)}

    async def probe(self, machine: Machine, steps: Steps) -> None:
        with steps.step("connect") as note:
            if self.refuses:
                raise self.refuses.pop(0)
            note("ok")

    def reads_whole(self, machine: Machine) -> bool:
        return not self.narrows

    def read_again(self, machine: Machine) -> None:
        self.read_again_of.append(machine.machine_id)

    def can_read_since(self, machine: Machine) -> bool:
        return self.narrows

    def read_since(self, machine: Machine, since: datetime) -> None:
        self.read_since_of.append((machine.machine_id, since))

    @asynccontextmanager
    async def session(self, machine: Machine, contact: Contact) -> AsyncIterator[Session]:
        self.sessions += 1
        self.contact = contact
        if self.hangs:
            await asyncio.Event().wait()
        if self.refuses:
            raise self.refuses.pop(0)
        self.open += 1
        try:
            yield _FakeSession(self)
        finally:
            if self.lets_go is not None:
                await self.lets_go.wait()
            self.open -= 1


class _FakeSession:
    def __init__(self, driver: FakeDriver) -> None:
        self._driver = driver

    async def batches(self) -> AsyncIterator[Batch]:
        while (said := await self._driver.says.get()) is not None:
            if isinstance(said, MachineTrouble):
                raise said
            yield said

    async def acknowledge(self, batch: Batch) -> None:
        self._driver.acknowledged.append(batch)


class FakePushedDriver:
    """A driver whose machines call us, and that never goes to them."""

    secrets = frozenset({"secret"})
    capabilities = frozenset({Capability.IS_PUSHED_TO})
    kind = "caller"

    def __init__(self) -> None:
        self.silence = timedelta(minutes=3)

    def validated(self, config: Mapping[str, Any]) -> Mapping[str, Any]:
        return dict(config)

    def lacks(self, machine: Machine) -> str:
        return "" if self.pushes(machine) else "it does not push: files of it can be imported"

    async def probe(self, machine: Machine, steps: Steps) -> None: ...

    def pushes(self, machine: Machine) -> bool | None:
        return machine.config.get("push")

    def set_up_to_push(self, config: Mapping[str, Any]) -> Mapping[str, Any]:
        return {**config, "push": True}

    def goes_out(self, machine: Machine) -> bool:
        return False

    def push_secret(self, machine: Machine) -> str:
        return machine.config.get("secret", "")

    def silent_for(self, machine: Machine) -> timedelta:
        return self.silence


class FakeBus:
    """Takes down what is published. `away` refuses; `silent` never confirms; `blocked` only says that it would not."""

    def __init__(self) -> None:
        self.published: list[Message] = []
        self.away = False
        self.silent = False
        self.blocked = False
        self.gate: asyncio.Event | None = None
        self.calls = 0

    async def publish(self, message: Message, *, timeout: float = 10.0) -> None:  # noqa: ASYNC109 - the port
        self.calls += 1
        if self.silent:
            await asyncio.sleep(timeout)
            raise BusUnavailable("no confirm")
        if self.away:
            raise BusUnavailable("the bus is away")
        if self.gate is not None:
            await self.gate.wait()
        self.published.append(message)

    def status(self) -> BusStatus:
        return BusStatus(connected=not self.away, takes=not self.away and not self.blocked, blocked=self.blocked)

    def events(self, of: type[E]) -> list[E]:
        """The events of a type, in the order in which they were published."""
        return [
            envelope.data
            for message in self.published
            if message.type == of.wire_type
            for envelope in decode(message.body, message.content_type, of)
        ]

    async def declare(self, subscriptions: Any) -> None: ...
    def consume(self, subscription: Any) -> Any: ...
    def listen(self, patterns: Any, hear: Any) -> Any: ...
    async def depths(self) -> Any: ...
    async def dead_letters(self, queue: str, *, limit: int = 100) -> Any: ...
    async def replay_dead(self, queue: str, *, ids: Any = None) -> int:
        return 0

    async def close(self) -> None: ...


class FakeSpool:
    def __init__(self) -> None:
        self.messages: list[Spooled] = []
        self.away = False
        self.gate: asyncio.Event | None = None
        self.putting = 0
        self._place = 0

    def _check(self) -> None:
        if self.away:
            raise Unavailable("the database is away")

    async def put(self, machine_id: int, message: Message, entries: Sequence[Entry]) -> None:
        self._check()
        self._place += 1
        self.putting += 1
        if self.gate is not None:
            await self.gate.wait()
        self.messages.append(Spooled(self._place, message))

    async def first(self, limit: int) -> Sequence[Spooled]:
        self._check()
        await asyncio.sleep(0)
        return self.messages[:limit]

    async def done(self, places: Sequence[int]) -> None:
        self._check()
        self.messages = [spooled for spooled in self.messages if spooled.place not in places]

    async def size(self) -> int:
        self._check()
        return len(self.messages)


class FakeLedger:
    def __init__(self) -> None:
        self.entries: set[tuple[int, UUID]] = set()
        self.away = False

    async def known(self, machine_id: int, scans: Sequence[UUID]) -> set[UUID]:
        if self.away:
            raise Unavailable("the database is away")
        return {scan for scan in scans if (machine_id, scan) in self.entries}

    async def enter(self, entries: Sequence[Entry]) -> None:
        if self.away:
            raise Unavailable("the database is away")
        self.entries.update((entry.machine_id, entry.scan_id) for entry in entries)

    async def has_uncounted(self, machine_id: int) -> bool:
        return False

    async def count(self, entries: Sequence[Entry]) -> None: ...

    async def handed_over(self, entries: Sequence[Entry]) -> None: ...


class FakeClockMeasurements:
    def __init__(self) -> None:
        self.kept: list[Measurement] = []

    async def keep(self, machine_id: int, measurements: Sequence[Measurement]) -> None:
        self.kept += measurements

    async def of(self, machine_id: int) -> Sequence[Measurement]:
        return self.kept

    async def forget(self, *, before: datetime) -> None: ...


class FakeEvidence:
    def __init__(self) -> None:
        self.kept: dict[tuple[int, bytes], Unreadable] = {}
        self.away = False

    async def keep(
        self, machine_id: int, records: Sequence[tuple[bytes, Unreadable]], *, source: str, at: datetime
    ) -> int:
        if self.away:
            raise Unavailable("the database is away")
        before = len(self.kept)
        self.kept.update({(machine_id, digest): record for digest, record in records})
        return len(self.kept) - before

    async def find(self, wanted: Any) -> Any: ...


def readings(number: int, *, badge: str = "7", start: datetime = datetime(2024, 1, 15, 8)) -> list[Reading]:
    """So many readings of one person, a second apart."""
    moments = [start + timedelta(seconds=second) for second in range(number)]
    return [
        Reading(badge=badge, device_time=moment.isoformat(" "), local_time=moment, state="0", type=ScanType.IN)
        for moment in moments
    ]


def scans(number: int, *, machine: Machine, badge: str = "7") -> list[Scan]:
    """The same as scans of a machine."""
    batch = Batch(readings=readings(number, badge=badge), mode=Mode.LIVE, received_at=NOON)
    return list(Naming(machine).scans(batch))


def machine(id_: int = 1, **values: Any) -> Machine:
    """A machine."""
    given = {"machine_id": f"gate-{id_}", "name": f"Gate {id_}", "machine_type": "fake", "zone": "UTC", **values}
    return Machine(id=id_, created_at=NOON, updated_at=NOON, **given)


async def until(condition: Callable[[], object], *, within: float = 30.0) -> None:
    """Wait for a condition, with a deadline."""
    async with asyncio.timeout(within):
        while not condition():  # noqa: ASYNC110 - the condition is anything
            await asyncio.sleep(0.005)
