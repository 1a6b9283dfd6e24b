"""What ingest asks of a driver: by capability, never by name.

    Unavailable
    └── MachineTrouble       contact with a machine failed; the message says why in a sentence
        ├── Unreachable        nobody answers: try again, more and more rarely
        │   └── HasNotCome       it comes to us, and has not yet: wait on
        ├── WrongCredentials   it answers and refuses us: a person must look (some machines lock us out)
        ├── OtherMachine       another machine than the registered one answers
        ├── NotSetUp           the registry lacks what contact needs
        ├── Garbled            it was understood, and then was not: try again
        ├── ProtocolBroken     what it says cannot be understood
        └── NotOffered         it answers, and does not have what was asked for

A driver translates its library's and its protocol's errors into these, once, where they arise.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Hashable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any, ClassVar, Final, Protocol, runtime_checkable

from services.ingest.domain.machine import Machine
from services.ingest.domain.machine_user import MachineUser
from services.ingest.domain.reading import Batch, Reading
from services.ingest.domain.reconciliation import Counted, Numbered
from shared.kernel.errors import Unavailable

PUSH_KEY: Final = "push_key"
"""The member of a config that a machine shows when it calls us. It is compared, and never sent to anybody."""


READ_LOG: Final = "read_log"
COUNT_LOG: Final = "count_log"
SET_CLOCK: Final = "set_clock"
"""The member of a config, of drivers whose machines can have their clock set, that allows to do so unasked; and the
command to one that calls us."""
MISSING: Final = "missing records"
"""What warnings are about of records that have not come, as their numbers show."""


class MachineTrouble(Unavailable):
    """Contact with a machine failed."""

    lasting: ClassVar[bool] = True
    """Whether trying again is unlikely to help before a person has looked."""

    def __init__(self, message: str, *, evidence: bytes = b"") -> None:
        """`evidence` is what the machine said and nobody understands, as far as it is worth keeping."""
        super().__init__(message)
        self.evidence = evidence


class Unreachable(MachineTrouble):
    """Nobody answers at its address, or what was there has gone."""

    lasting = False


class HasNotCome(Unreachable):
    """It is for the machine to come to us, and it has not: waiting for it on disturbs nobody, so pauses do not grow."""


class WrongCredentials(MachineTrouble):
    """It refuses our password or key."""


class OtherMachine(MachineTrouble):
    """Another machine answers at its address."""


class NotSetUp(MachineTrouble):
    """The registry lacks what contact needs, such as an address."""


class Garbled(MachineTrouble):
    """It was understood, and then was not: a bad line, or a machine that stumbled, rather than a wrong one."""

    lasting = False


class ProtocolBroken(MachineTrouble):
    """It answers in a way that cannot be understood."""


class NotOffered(MachineTrouble):
    """It answers, and does not have what was asked for: its firmware has no such thing, or it is not set up for it."""


class Capability(StrEnum):
    """What a driver can do with its machines."""

    STREAMS = "streams"
    """Holds a connection over which the log and then live scans come (`Streams`)."""
    PULLS = "pulls"
    """As `streams`, but its sessions end once everything is read, and are opened again after `poll_every`."""
    IS_PUSHED_TO = "is pushed to"
    """Its machines call us (`IsPushedTo`)."""
    REPORTS_CLOCK = "reports its clock"
    REPORTS_COUNTS = "reports its counts"
    READS_SAMPLES = "reads samples"
    """Its machines speak as their config says; a config can be tried on some bytes (`ReadsSamples`)."""
    TAKES_COMMANDS = "takes commands"
    """Its machines can be asked to do something when they call (`TakesCommands`)."""
    READS_LOG = "reads its log"
    """Its sessions read what was recorded before, and can be made to begin from the start (`ReadsLog`)."""
    READS_SINCE = "reads its log from a time on"
    """As `reads its log`; of some machines no more than what is of a time on can be read again (`ReadsSince`)."""
    SETS_CLOCK = "sets its clock"
    """Its machines' clocks can be set, and their config takes `set_clock` (`SetsClock`)."""
    MAKES_HISTORY = "makes history"
    """Invents the past (`MakesHistory`): a simulator."""
    LISTS_USERS = "lists users"
    """Those of its machines that we go to tell who their users are (`ListsUsers`)."""


class Phase(StrEnum):
    """What a session is doing."""

    CATCHING_UP = "catching_up"
    """Reading what was recorded before."""
    LIVE = "live"
    """Everything was read; what comes is made now."""


class Contact(Protocol):
    """What a session tells about its machine, while it lasts and while it connects.

    Nothing of it waits or fails; it is written down, and told to people, soon after.
    """

    def alive(self) -> None:
        """The machine was heard of just now."""

    def clock(self, offset: timedelta) -> None:
        """Machine clock minus ours, measured now. Warns by itself where that is too much."""

    def clock_is_to_be_set(self, offset: timedelta) -> bool:
        """Whether the session is to set the clock now, which it just measured and reported.

        Asked by drivers with `SETS_CLOCK`, where nothing of the log is half read. After True comes `clock_set`, and
        then another measurement.
        """

    def clock_set(self, why_not: str = "") -> None:
        """The clock was set just now; or why that could not be, in a sentence about the machine."""

    def counts(self, *, records: int, capacity: int | None = None, received: int | None = None) -> None:
        """How many records the machine says it holds, and could; how many of those it holds were handed over.

        What is None stays what it was.
        """

    def phase(self, phase: Phase) -> None:
        """What the session does from now on.

        A session that never says it is catching up until its first batch that is live or says `complete_until`.
        """

    def warn(self, about: str, sentence: str) -> None:
        """Something about the machine needs a person, and does not end the contact: "its log is 85 % full".

        Shown while the contact lasts, or until `settled`; published once, however often it is said again, with
        other figures, in this contact or the next. `about` names the matter, the same each time: "log full".
        What has happened, such as a log that was cleared, is a matter of its own and needs no settling.
        """

    def settled(self, about: str) -> None:
        """The matter is well again, or was all the time. If it comes back, that is news."""


class Steps(Protocol):
    """Takes down the steps of a connection test."""

    def step(self, name: str) -> AbstractContextManager[Callable[[str], None]]:
        """Times what happens inside, and notes how it ended; what it gives takes a word on the result."""


class Session(Protocol):
    """One contact with a machine."""

    def batches(self) -> AsyncIterator[Batch]:
        """Its scans, in the machine's order, for as long as there are any: the log first, then live.

        A batch may be empty: then it only says `complete_until`.

        Raises:
            MachineTrouble: the contact is over.
        """

    async def acknowledge(self, batch: Batch) -> None:
        """Called once the scans of `batch` cannot be lost any more, never before. Moves a cursor, answers a peer."""


class Driver(Protocol):
    """What every driver has. `services/ingest/vendors/table.py` lists them."""

    @property
    def kind(self) -> str:
        """The `machine_type` of its machines."""

    @property
    def capabilities(self) -> frozenset[Capability]:
        """What may be asked of it."""

    @property
    def secrets(self) -> frozenset[str]:
        """Members of the config that are never shown again."""

    def lacks(self, machine: Machine) -> str:
        """Why nobody can be in contact with this machine as it is set up, in a sentence; else nothing.

        Such a machine is no mistake: files of it may be imported.
        """

    def validated(self, config: Mapping[str, Any]) -> Mapping[str, Any]:
        """The config as it is kept, with defaults left out.

        Raises:
            Invalid: names each member that is wrong.
        """

    async def probe(self, machine: Machine, steps: Steps) -> None:
        """Connect, really, step by step, and let go again.

        Raises:
            MachineTrouble: in the step that failed.
        """


@runtime_checkable
class Streams(Protocol):
    """A driver that goes to its machines."""

    @property
    def poll_every(self) -> timedelta:
        """Pause after a session that ended by itself."""

    def session(self, machine: Machine, contact: Contact) -> AbstractAsyncContextManager[Session]:
        """A contact with the machine; entering connects, within a minute, and leaves reading the log to `batches`.

        Raises:
            MachineTrouble: it could not be made.
        """


@runtime_checkable
class ReadsLog(Protocol):
    """A driver whose machines keep a log that can be read as often as one likes.

    Its sessions say with an empty batch that they have read it.
    """

    def reads_whole(self, machine: Machine) -> bool:
        """Whether the next session reads all of it, not only what is new since an earlier one."""

    def read_again(self, machine: Machine) -> None:
        """Forget how far it was read: the next session reads all of it."""


@runtime_checkable
class ReadsSince(Protocol):
    """A driver that `ReadsLog`, and need not read all of it again where somebody wants a part."""

    def can_read_since(self, machine: Machine) -> bool:
        """Whether that goes with this machine, as far as anybody knows before it is asked."""

    def read_since(self, machine: Machine, since: datetime) -> None:
        """Have the next session read again what is of `since` on, a wall time of the machine, beside what is new.

        How far the log was read stays as it is: a part that is read again moves no mark and is no whole reading. Where
        a machine turns out not to be able to, all of it is read.
        """


@runtime_checkable
class IsPushedTo(Protocol):
    """A driver whose machines call us. Some of them we may go to as well."""

    def pushes(self, machine: Machine) -> bool | None:
        """Whether it is set up to call us. None where nobody has said: it may, and if it does it counts as set up."""

    def set_up_to_push(self, config: Mapping[str, Any]) -> Mapping[str, Any]:
        """The config of a machine that calls us."""

    def goes_out(self, machine: Machine) -> bool:
        """Whether we go to this machine, too."""

    def push_secret(self, machine: Machine) -> str:
        """What it must show when it calls; empty where its serial number is enough."""

    def silent_for(self, machine: Machine) -> timedelta:
        """How long it may say nothing before it is away."""


@runtime_checkable
class IsKnownByKey(Protocol):
    """A driver whose machines say by a key alone who they are when they call: they have no serial number."""

    def key(self, machine: Machine) -> str:
        """The key of this machine; empty where it has none, and cannot call. Never raises."""


@runtime_checkable
class TakesCommands(Protocol):
    """A driver whose machines can be asked to do something, the next time they call. Nothing destructive.

    Each knows `READ_LOG` and `COUNT_LOG` of a span.
    """

    def command(self, name: str, first: datetime | None, last: datetime | None) -> str:
        """The command as the machine reads it. `first` and `last` are wall times of the machine.

        Raises:
            Invalid: there is none of this name, or it cannot be with these times.
        """

    def counted(self, text: str, result: str) -> Counted | None:
        """What a machine answered to `COUNT_LOG`, whose text this was; None where it did not say."""


@runtime_checkable
class SaysHowSecretsGo(Protocol):
    """A driver that knows what of a config decides who can read its secrets on their way.

    Where such a member changes, people say the secrets again. Without this, they do after any change of the config.
    """

    def how_secrets_go(self, config: Mapping[str, Any]) -> Mapping[str, object]:
        """Those members and what they mean, defaults included; equal where the way is the same. Never raises."""


@runtime_checkable
class KnowsPlaces(Protocol):
    """A driver that goes to its machines, and knows where no two of them can be."""

    def place(self, machine: Machine) -> Hashable | None:
        """Equal for what would be the same machine twice; None where we do not go to it. Never raises."""


@runtime_checkable
class SetsClock(Protocol):
    """A driver whose sessions set the clock of their machine where `Contact.clock_is_to_be_set` says so.

    They ask as they begin, before they read the log, and whenever they measure it later. One of machines that call us
    may know `SET_CLOCK` as a command.
    """

    def cannot_set_clock(self, machine: Machine) -> str:
        """Why nobody can set the clock of this machine, as it is set up, in a sentence; else nothing."""


@runtime_checkable
class MakesHistory(Protocol):
    """A driver whose machines can be asked for any day."""

    def history(self, machine: Machine, first: date, last: date) -> Iterator[Reading]:
        """What the machine recorded on these local dates, both included, in order; always the same."""


@runtime_checkable
class NumbersRecords(Protocol):
    """A driver whose machines number their records, so that it shows where one has not come."""

    def numbered(self, machine: Machine) -> Numbered:
        """What the numbers say, as far as its `read_mark` knows; nothing where it has none. Never raises."""


@runtime_checkable
class ListsUsers(Protocol):
    """A driver whose machines tell who their users are, where we go to them."""

    def users(self, machine: Machine) -> AsyncGenerator[MachineUser, None]:
        """Its users, in its order, each as they come: no more of them are held than it tells at once.

        Connects by itself, beside a contact that there may be, and lets go when it is closed or has ended. Passwords,
        templates and photos are dropped where the machine's bytes are read.

        Raises:
            NotOffered: it does not tell.
            MachineTrouble: it could not be asked.
        """
