"""A terminal: who may scan at it, its log, its clock, what it says of itself. No I/O.

Its log is kept as the bytes that it sends, so that a download costs one copy.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from services.ingest.vendors.zkteco.clock import packed, packed_parts, unpacked
from services.ingest.vendors.zkteco.simulator.encoding import (
    LAYOUTS,
    OPERATION,
    CannotHold,
    Entry,
    Layout,
    User,
    operation_record,
    sizes,
)
from shared.kernel.clock import Clock, SystemClock

RESET: Final = datetime(2000, 1, 1)  # noqa: DTZ001 - a machine's wall time has no zone
"""What the clock says after the battery was flat."""
NO_DAY: Final = packed_parts(2026, 2, 30, 8, 0, 0)
"""A date that the 32 bits can say and that does not exist."""
MOST_USERS: Final = 65_535
SWITCHED_ON: Final = 0
CLOCK_SET: Final = 21
LOG_CLEARED: Final = 23


class NobodyThere(LookupError):
    """Who scans is not among the terminal's users."""


class LogFull(ValueError):
    """The terminal has no room, and does not delete what is old by itself."""


class Device:
    """The state of one terminal.

    `zone` is where it hangs: it knows of none, but its clock was set there. `clock_offset` is its clock minus that,
    and `drift` how much that grows in a second. Where `cyclic` is not zero, a full log loses so many of its oldest
    records to make room.
    """

    def __init__(
        self,
        *,
        clock: Clock | None = None,
        zone: str = "UTC",
        layout: Layout | str = "40",
        serial: str = "MUSTERSIM0001",
        comm_key: int = 0,
        version: str = "Ver 6.60 Apr 26 2016",
        users: Iterable[str | User] = (),
        record_capacity: int = 100_000,
        user_capacity: int = 10_000,
        cyclic: int = 0,
        clock_offset: timedelta = timedelta(0),
        drift: float = 0.0,
    ) -> None:
        self.layout = LAYOUTS[layout] if isinstance(layout, str) else layout
        self.comm_key = comm_key
        self.version = version
        self.record_capacity = record_capacity
        self.user_capacity = user_capacity
        self.cyclic = cyclic
        self.buffered = True
        """Whether it knows how to be read in chunks; old firmware does not."""
        self.state = 0
        """0 idle … 5, as STATE_RRQ tells it."""
        self.disabled = False
        self.options = _options(serial, self.layout)
        self.zone = zone
        self._zone = ZoneInfo(zone)
        self._clock = clock or SystemClock()
        self._offset, self._drift, self._set_at = clock_offset, drift, self._clock.now()
        self._users: dict[str, User] = {}
        self._highest_uid = 0
        self._entries: list[Entry] = []
        self._log = bytearray()
        self._operations = bytearray()
        for user in users:
            self.enrol(user)

    # Who may scan

    @property
    def serial(self) -> str:
        return self.options["~SerialNumber"]

    @property
    def users(self) -> Sequence[User]:
        return tuple(self._users.values())

    def enrol(self, user: str | User) -> User:
        """Let somebody scan; a user id alone gets the next free number. Who is there already stays as they are.

        Raises:
            CannotHold: the terminal is full, or has no way to write such a user id.
        """
        if isinstance(user, str):
            if user in self._users:
                return self._users[user]
            user = User(uid=self._highest_uid + 1, user_id=user, name=f"User {user}")
        if user.uid > MOST_USERS:
            raise CannotHold(f"no terminal has more than {MOST_USERS:,} users")
        self.layout.user(user)
        self._users[user.user_id] = user
        self._highest_uid = max(self._highest_uid, user.uid)
        return user

    def forget(self, user_id: str) -> None:
        """Delete a user. Their records stay, as on a real terminal.

        Raises:
            NobodyThere: there is no such user.
        """
        if self._users.pop(user_id, None) is None:
            raise NobodyThere(f"{user_id!r} is no user of the terminal")

    # The log

    @property
    def entries(self) -> Sequence[Entry]:
        return self._entries

    def scan(self, user_id: str, *, state: int = 0, verify: int = 1, work_code: int = 0) -> Entry:
        """Somebody scans, now.

        Raises:
            NobodyThere: the terminal does not know them, and would have beeped.
            LogFull: it has no room.
        """
        user = self._users.get(user_id)
        if user is None:
            raise NobodyThere(f"{user_id!r} is no user of the terminal")
        entry = Entry(
            uid=user.uid, user_id=user_id, time=packed(self.wall()), verify=verify, state=state, work_code=work_code
        )
        self.record(entry)
        return entry

    def event(self, entry: Entry) -> bytes:
        """The data of the live event about a record: of the second that the record has, although the next has begun."""
        return self.layout.event(entry, unpacked(entry.time))

    def record(self, entry: Entry) -> None:
        """Write a record of any time, whoever it is of.

        Raises:
            LogFull: there is no room.
            CannotHold: the terminal has no way to write it.
        """
        written = self.layout.record(entry)
        if len(self._entries) >= self.record_capacity:
            if not self.cyclic:
                raise LogFull(f"the log holds {self.record_capacity:,} records already")
            self.drop_oldest(self.cyclic)
        self._entries.append(entry)
        self._log += written

    def record_at(self, user_id: str, wall: datetime, *, state: int = 0, verify: int = 1, work_code: int = 0) -> Entry:
        """Write a record of a given wall time; a user who is not known is enrolled."""
        user = self.enrol(user_id)
        entry = Entry(uid=user.uid, user_id=user_id, time=packed(wall), verify=verify, state=state, work_code=work_code)
        self.record(entry)
        return entry

    def drop_oldest(self, number: int) -> None:
        """Delete the oldest records."""
        del self._entries[:number]
        del self._log[: number * self.layout.record_size]

    def clear_log(self) -> None:
        """Delete all records, as other software does."""
        self._entries.clear()
        self._log.clear()
        self.operate(LOG_CLEARED)

    def spoil_dates(self, number: int) -> None:
        """Make the dates of so many records, spread over the log, 30 February."""
        held = len(self._entries)
        for place in {turn * held // number for turn in range(number)} if held else ():
            spoilt = replace(self._entries[place], time=NO_DAY)
            size = self.layout.record_size
            self._entries[place] = spoilt
            self._log[place * size : (place + 1) * size] = self.layout.record(spoilt)

    def lay_out(self, layout: Layout) -> None:
        """Become a terminal of another kind, with the same people and records.

        Raises:
            CannotHold: it has no way to write one of them.
        """
        users = [layout.user(user) for user in self._users.values()]
        log = bytearray().join(layout.record(entry) for entry in self._entries)
        assert len(users) == len(self._users)  # noqa: S101 - they were only tried
        self.layout, self._log = layout, log

    # Its clock

    def wall(self) -> datetime:
        """What its clock shows: naive, in whole seconds."""
        now = self._clock.now()
        local = now.astimezone(self._zone).replace(tzinfo=None)
        drifted = (now - self._set_at) * self._drift
        return (local + self._offset + drifted).replace(microsecond=0)

    def set_clock(self, wall: datetime) -> None:
        """Set it by hand, or by SET_TIME."""
        self._show(wall)
        self.operate(CLOCK_SET)

    def _show(self, wall: datetime) -> None:
        self._set_at = self._clock.now()
        self._offset = wall - self._set_at.astimezone(self._zone).replace(tzinfo=None)

    def reset_clock(self) -> None:
        """The battery was flat: it begins again in 2000."""
        self._show(RESET)

    def shift_clock(self, by: timedelta) -> None:
        """Put it forward, or back."""
        self._offset += by

    def let_drift(self, drift: float) -> None:
        """Let it gain so many seconds a second from now on."""
        self._show(self.wall())
        self._drift = drift

    # What was done at it

    def operate(self, operation: int, *, at: int | None = None) -> None:
        """Write down an operation of now, or of the 32 bits `at`."""
        self._operations += operation_record(operation, packed(self.wall()) if at is None else at)

    # What it sends

    def operation_set(self) -> bytes:
        """What was done at it, as a data set."""
        return len(self._operations).to_bytes(4, "little") + self._operations

    def log_set(self) -> bytes:
        """The log as a data set: its length, then the records."""
        return len(self._log).to_bytes(4, "little") + self._log

    def user_set(self) -> bytes:
        """The user table as a data set."""
        rows = b"".join(self.layout.user(user) for user in self._users.values())
        return len(rows).to_bytes(4, "little") + rows

    def sizes(self, *, count_off: int = 0) -> bytes:
        """Counts and capacities; `count_off` is added to the records that it counts."""
        return sizes(
            users=len(self._users),
            records=len(self._entries) + count_off,
            operations=len(self._operations) // OPERATION,
            user_capacity=self.user_capacity,
            record_capacity=self.record_capacity,
            size=self.layout.sizes_size,
        )


def _options(serial: str, layout: Layout) -> dict[str, str]:
    return {
        "~SerialNumber": serial,
        "~DeviceName": "Simulated",
        "~Platform": "ZMM220_TFT" if layout.user_size == 72 else "ZEM510",
        "MAC": "00:17:61:00:00:01",
        "~OEMVendor": "Muster",
        "~ZKFPVersion": "10",
        "ZKFaceVersion": "7",
        "~PIN2Width": "24" if layout.user_size == 72 else "9",
        "IsSupportABCPin": "1" if layout.user_size == 72 else "0",
        "~ExtendFmt": "0",
        "~UserExtFmt": "0",
        "DeviceID": "1",
        "TCPPort": "4370",
        "UDPPort": "4370",
        "AlarmReRec": "1",
        "IPAddress": "127.0.0.1",
        "NetMask": "255.255.255.0",
        "GATEIPAddress": "127.0.0.1",
    }
