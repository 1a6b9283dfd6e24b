"""A terminal: who scans at it, its log and counter, its clock and zone, its users and their lock. No I/O."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from shared.kernel.clock import Clock, SystemClock

CARD: Final = 1
FINGERPRINT: Final = 38
FACE: Final = 75
FACE_FAILED: Final = 76
DOOR_UNLOCKED: Final = 21
RESET: Final = datetime(1970, 1, 1)  # noqa: DTZ001 - a machine's wall time has no zone
TRIES: Final = 5
LOCKED_FOR: Final = timedelta(minutes=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One event of its log."""

    serial: int
    minor: int
    wall: datetime
    offset: timedelta
    """Ahead of UTC, by the zone that it had then."""
    person: str = ""
    status: str = "undefined"
    card: str = ""
    major: int = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody who may scan. `number` is what is called a badge."""

    number: str
    name: str
    admin: bool = False
    password: str = ""
    cards: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """Where it pushes to: one slot of its httpHosts."""

    host: str
    port: int
    path: str


class Device:
    """The state of one terminal. `zone` is what it is set to; `clock_offset` its clock minus the true one."""

    def __init__(
        self,
        *,
        clock: Clock | None = None,
        zone: str = "UTC",
        serial: str = "DS-K1T341AMF20260101V030300ENMUSTER001",
        mac: str = "a4:d5:c2:00:00:01",
        model: str = "DS-K1T341AMF",
        firmware: str = "V3.3.0",
        username: str = "admin",
        password: str = "simulated-1",  # noqa: S107 - of a machine that is not there
        capacity: int = 100_000,
        clock_offset: timedelta = timedelta(0),
        doors: bool = False,
        ntp: bool = False,
    ) -> None:
        """`doors`: after each scan that lets somebody in, the door tells that it was unlocked.

        `ntp`: its clock is kept by a server of that kind, and may be wrong all the same.
        """
        self.serial = serial
        self.mac = mac
        self.model = model
        self.firmware = firmware
        self.username = username
        self.password = password
        self.capacity = capacity
        self.doors = doors
        self.ntp = ntp
        self.zone = zone
        self.hosts: dict[int, Host] = {}
        self.people: dict[str, Person] = {}
        """By number; whoever scans is one of them."""
        self._clock = clock or SystemClock()
        self._offset = clock_offset
        self._entries: list[Entry] = []
        self._counter = 0
        self._wrong = 0
        self._locked_until: datetime | None = None

    def enrol(self, person: str | Person) -> Person:
        """Let somebody scan; who is there already stays as they are, unless more than a number is said of them."""
        if isinstance(person, str):
            return self.people.setdefault(person, Person(number=person, name=f"User {person}"))
        self.people[person.number] = person
        return person

    # The log

    @property
    def entries(self) -> Sequence[Entry]:
        """In the order of their numbers."""
        return self._entries

    @property
    def scans(self) -> Sequence[Entry]:
        """Those that let a person in."""
        return [entry for entry in self._entries if entry.person and entry.minor in (CARD, FINGERPRINT, FACE)]

    def scan(self, person: str, *, status: str = "checkIn", minor: int = FACE) -> Sequence[Entry]:
        """Somebody scans now; what is written for it, the scan first."""
        written = [self.record_at(person, self.wall(), status=status, minor=minor)]
        if self.doors:
            written.append(self.note(DOOR_UNLOCKED))
        return written

    def record_at(
        self, person: str, wall: datetime, *, status: str = "checkIn", minor: int = FACE, card: str = ""
    ) -> Entry:
        """Write an event of a given wall time."""
        return self._write(person=person, wall=wall, status=status, minor=minor, card=card)

    def note(self, minor: int, *, major: int = 5) -> Entry:
        """Write an event that is about no person, now."""
        return self._write(person="", wall=self.wall(), status="undefined", minor=minor, card="", major=major)

    def clear_log(self) -> None:
        """Delete all events; the counter goes on."""
        self._entries.clear()

    def restart_counter(self) -> None:
        """A factory reset: the log is empty, and the counter begins again at 1."""
        self._entries.clear()
        self._counter = 0

    def _write(self, *, person: str, wall: datetime, status: str, minor: int, card: str, major: int = 5) -> Entry:
        if person:
            self.enrol(person)
        self._counter += 1
        entry = Entry(
            serial=self._counter,
            major=major,
            minor=minor,
            wall=wall,
            offset=self.offset(),
            person=person,
            status=status,
            card=card,
        )
        self._entries.append(entry)
        del self._entries[: max(0, len(self._entries) - self.capacity)]
        return entry

    # Its clock

    def wall(self) -> datetime:
        """What its clock shows: naive, in whole seconds."""
        local = self._clock.now().astimezone(ZoneInfo(self.zone)).replace(tzinfo=None)
        return (local + self._offset).replace(microsecond=0)

    def offset(self) -> timedelta:
        """How far ahead of UTC its zone is now."""
        return self._clock.now().astimezone(ZoneInfo(self.zone)).utcoffset() or timedelta(0)

    def shift_clock(self, by: timedelta) -> None:
        """Put it forward, or back."""
        self._offset += by

    def set_clock(self, wall: datetime) -> None:
        """Set it to this wall time, by hand or by somebody who may."""
        local = self._clock.now().astimezone(ZoneInfo(self.zone)).replace(tzinfo=None)
        self._offset = wall - local

    def reset_clock(self) -> None:
        """The battery was flat: it begins again in 1970."""
        self._offset += RESET - self.wall()

    # Its lock

    @property
    def locked_for(self) -> timedelta | None:
        """How long nobody may come in yet."""
        left = (self._locked_until or self._clock.now()) - self._clock.now()
        return left if left > timedelta(0) else None

    @property
    def tries_left(self) -> int:
        return TRIES - self._wrong

    @property
    def wrong_passwords(self) -> int:
        """That it has counted since the last right one."""
        return self._wrong

    def wrong_password(self) -> None:
        """Count one; the last that it bears locks it."""
        self._wrong += 1
        if self._wrong >= TRIES:
            self._locked_until = self._clock.now() + LOCKED_FOR
            self._wrong = 0

    def right_password(self) -> None:
        self._wrong = 0

    def lock(self) -> None:
        """As after too many wrong passwords."""
        self._locked_until = self._clock.now() + LOCKED_FOR


STATES: Final[Mapping[str, str]] = {"0": "checkIn", "1": "checkOut", "2": "breakOut", "3": "breakIn"}
"""The keys of simulated people as this vendor names them."""
