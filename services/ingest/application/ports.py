"""What the use cases need from the outside: storage and files. The bus is `shared.bus.port`."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import date, datetime, tzinfo
from typing import Any, Protocol, TypeAlias
from uuid import UUID

from services.ingest.application.file_form import FileForm
from services.ingest.domain.log_reading import LogReading
from services.ingest.domain.machine import Machine
from services.ingest.domain.pending import PendingMachine
from services.ingest.domain.reading import Reading, Unreadable
from shared.bus.port import Message
from shared.contracts.event import Event
from shared.web.idempotency import Answer, Key
from shared.web.scope import Scope


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which machines a list shall hold. None asks for all."""

    machine_type: str | None = None
    status: str | None = None
    is_connected: bool | None = None
    department: str | None = None
    """An id or a name."""
    search: str | None = None
    order: str = "machine_id"
    descending: bool = False
    limit: int = 100
    offset: int | None = None
    after: tuple[Any, ...] | None = None
    """The sort value and id of the last machine that the caller has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A part of a list."""

    machines: Sequence[Machine]
    total: int
    next_after: tuple[Any, ...] | None
    """Where it goes on, if it does."""


class Work(Protocol):
    """One transaction on the registry. Committed on leaving, with its events, or not at all."""

    async def machine(self, key: str, scope: Scope, *, removed: bool = False) -> Machine | None:
        """By id or by its own code; locked until the end. `removed` finds those that were taken out, too."""

    async def by_id(self, id: int) -> Machine | None:  # noqa: A002 - its name
        """By its id, if it was not removed; locked until the end."""

    async def by_serial(self, serial: str) -> Machine | None:
        """The machine with this serial number."""

    async def at(self, machine_type: str, address: str) -> Sequence[Machine]:
        """Those of this type that are said to be at this address, in any case of its letters."""

    async def add(self, machine: Machine) -> Machine:
        """Insert it; the answer has its id."""

    async def save(self, machine: Machine) -> Machine:
        """Write all of it, with its version raised by one."""

    async def announce(self, *events: Event) -> None:
        """Publish these when the transaction has committed. `MachineChanged` gets the machine's version."""

    async def epoch(self) -> int:
        """Rises when a backup has been restored; the first part of every version."""

    async def earlier_answer(self, key: Key) -> Answer | None:
        """What this request was answered before. Raises as `shared.web.idempotency.earlier` does."""

    async def keep_answer(self, key: Key, answer: Answer) -> None:
        """Keep what this request is answered."""


class Registry(Protocol):
    """The machines."""

    def work(self) -> AbstractAsyncContextManager[Work]:
        """A transaction. Raises `Unavailable` where storage is away."""

    async def find(self, wanted: Wanted, scope: Scope) -> Found:
        """A part of the list."""

    async def one(self, key: str, scope: Scope) -> Machine | None:
        """By id or by its own code."""

    async def all(self) -> Sequence[Machine]:
        """Every machine that was not removed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A scan that cannot be lost any more."""

    machine_id: int
    scan_id: UUID
    day: date
    """On the machine's clock."""
    quarantined: bool
    hour: datetime | None
    """The hour in which it came from its machine; None where it was in a file."""


class Ledger(Protocol):
    """Which scans of a machine cannot be lost any more."""

    async def known(self, machine_id: int, scans: Sequence[UUID]) -> set[UUID]:
        """Those of them that are in the ledger."""

    async def enter(self, entries: Sequence[Entry]) -> None:
        """Enter them, and count them; those that are there already stay, and count once."""

    async def has_uncounted(self, machine_id: int) -> bool:
        """Whether scans of this machine may be in the ledger that were entered before days were counted."""

    async def count(self, entries: Sequence[Entry]) -> None:
        """Count those of them by day that are in the ledger and were not counted yet; `hour` is of no matter."""

    async def handed_over(self, entries: Sequence[Entry]) -> None:
        """The machine handed these over itself: note so of those that are in the ledger, and came by files before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DayReceived:
    """How many scans of a machine are of a day on its clock."""

    day: date
    scans: int
    quarantined: int
    """Of those."""
    from_machine: int = 0
    """Of the scans, those that the machine is known to have handed over itself; files brought the others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """What of a machine is here."""

    scans: int = 0
    """All of them."""
    quarantined: int = 0
    """Of those."""
    from_machine: int = 0
    """Of the scans, those that the machine is known to have handed over itself; files brought the others."""
    first_day: date | None = None
    last_day: date | None = None
    unreadable: int = 0
    """Records that nobody understands, kept as evidence."""
    unreadable_from_machine: int = 0
    """Of those, as many as were handed over as records by the machine itself."""
    uncounted: int = 0
    """Of the scans, those that were entered before days were counted, and did not come again: of what day they are,
    and whether they are quarantined, nobody can say."""
    counted_since: datetime | None = None
    """When it began that days are counted; None where all scans are."""


class Counts(Protocol):
    """How many scans are here. What is entered in the ledger is counted a moment later."""

    async def received(self, machines: Sequence[int]) -> Mapping[int, Received]:
        """What is here of each; of whom there is nothing, nothing is said."""

    async def days(
        self, machine_id: int, *, first: date | None = None, last: date | None = None
    ) -> Sequence[DayReceived]:
        """By day, in order, both ends included."""

    async def arrivals(self, hours: Sequence[datetime], *, machine_id: int) -> Mapping[datetime, int]:
        """How many came in each of these hours."""

    async def arrivals_at_site(self, hours: Sequence[datetime], *, site_id: int) -> Mapping[datetime, int]:
        """How many came in each of these hours from all machines of a site."""

    async def forget_arrivals(self, *, before: datetime) -> None:
        """Those are long ago."""


class LogReadings(Protocol):
    """The last whole reading of each machine's log."""

    async def keep(self, reading: LogReading) -> None:
        """In place of the one before."""

    async def of(self, machines: Sequence[int]) -> Mapping[int, LogReading]:
        """Those of these machines whose log was ever read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A record that could not be understood, as it is shown."""

    position: int | None
    """Line of the file or index in the log where it was first seen."""
    reason: str
    raw: bytes
    """Its first bytes, as many as were asked for."""
    size: int
    """Of all of it."""
    source: str
    """file or session"""
    received_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptWanted:
    """Which of a machine's unreadable records a list shall hold."""

    machine_id: int
    search: str | None = None
    """Text that the reason holds."""
    order: str = "received_at"
    descending: bool = True
    limit: int = 100
    offset: int | None = None
    after: tuple[Any, ...] | None = None
    raw: int = 2048
    """Bytes of each that are wanted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptFound:
    """A part of them."""

    records: Sequence[Kept]
    total: int
    next_after: tuple[Any, ...] | None


class Evidence(Protocol):
    """Records that cannot be understood."""

    async def keep(
        self, machine_id: int, records: Sequence[tuple[bytes, Unreadable]], *, source: str, at: datetime
    ) -> int:
        """Keep (digest, record) pairs, and say how many were new."""

    async def find(self, wanted: KeptWanted) -> KeptFound:
        """A part of the list of those of a machine."""


class PendingMachines(Protocol):
    """Machines that called us and that nobody has registered."""

    async def note(self, machine: PendingMachine) -> None:
        """It called again, or for the first time. Of too many those that have not called for longest are forgotten."""

    async def all(self) -> Sequence[PendingMachine]:
        """All of them, those first that called last."""

    async def one(self, kind: str, serial: str) -> PendingMachine | None:
        """That one."""

    async def refuse(self, kind: str, serial: str) -> None:
        """Note that it is not wanted; it stays, so that it does not ask again."""

    async def forget(self, kind: str, serial: str) -> bool:
        """Whether it was there; if it calls again, it asks again."""


Place: TypeAlias = tuple[str, str]
"""A serial number, and which of that machine's logs."""


class BookmarkStore(Protocol):
    """How far machines that call us were taken, in their own words."""

    async def all(self) -> Mapping[Place, str]:
        """All of them."""

    async def keep(self, marks: Mapping[Place, str]) -> None:
        """Keep these in place of what was known of those logs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """Something that a machine which calls us is asked to do."""

    id: int
    machine_id: int
    name: str
    """What people call it."""
    text: str
    """As the machine reads it."""
    by: int
    """The user who wants it."""
    queued_at: datetime
    sent_at: datetime | None
    """When it was last sent."""
    sends: int
    answered_at: datetime | None
    code: int | None
    """As the machine answered, or None where nobody knows what became of it."""
    result: str


class Commands(Protocol):
    """The commands of all machines."""

    async def add(self, machine_id: int, name: str, text: str, *, by: int, at: datetime) -> Command:
        """Queue one."""

    async def waiting(self) -> Sequence[Command]:
        """Those of all machines that are not answered, in the order in which they were queued."""

    async def sent(self, id: int, at: datetime) -> None:  # noqa: A002 - its name
        """It was sent, once more."""

    async def answered(self, id: int, *, code: int | None, result: str, at: datetime) -> None:  # noqa: A002 - its name
        """The machine has answered, or is not asked any more."""

    async def of(self, machine_id: int, *, limit: int) -> Sequence[Command]:
        """The latest of a machine, newest first."""

    async def one(self, machine_id: int, id: int) -> Command | None:  # noqa: A002 - its name
        """That one."""


@dataclass(frozen=True, slots=True)
class Spooled:
    """A message in the spool."""

    place: int
    message: Message


class Spool(Protocol):
    """Our own disk, for when the bus is away."""

    async def put(self, machine_id: int, message: Message, entries: Sequence[Entry]) -> None:
        """Keep a message after those that are there, and enter its scans in the ledger, in one transaction."""

    async def first(self, limit: int) -> Sequence[Spooled]:
        """The oldest messages."""

    async def done(self, places: Sequence[int]) -> None:
        """Forget these: they are on the bus."""

    async def size(self) -> int:
        """How many messages wait."""


class Records(Protocol):
    """A file of a machine, read as it comes."""

    @property
    def format(self) -> str | None:
        """Its format, once that is known."""

    def feed(self, chunk: bytes) -> Iterator[Reading | Unreadable]:
        """The records that these bytes complete.

        Raises:
            Malformed: this is no file of a machine.
        """

    @property
    def recognised(self) -> Mapping[str, Any] | None:
        """How a table is read, for people; None where there is nothing to say, or not yet."""

    def finish(self) -> Iterator[Reading | Unreadable]:
        """Those that waited for the end. May take its time, so that it is read in a thread. Raises as `feed` does."""

    def close(self) -> None:
        """Give up: whoever reads it in a thread comes to an end soon."""


class OpenFile(Protocol):
    """Starts reading a file."""

    def __call__(self, form: FileForm, zone: tzinfo) -> Records:
        """`form` is what a person says of it; `zone` that of the machine's clock.

        Raises:
            Malformed: something in `form` is wrong.
        """
