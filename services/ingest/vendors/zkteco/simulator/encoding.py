"""What a terminal holds, as it writes it: records, users, events and counts. Pure.

Written from PROTOCOLS §1.7 and §1.9–1.11 alone and not from what reads it, so that a mistake on one side shows.
"""

import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """Somebody who may scan. `uid` is the terminal's own number of them, `user_id` what people call a badge."""

    uid: int
    user_id: str
    name: str = ""
    privilege: int = 0
    password: str = ""
    card: int = 0
    group: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One record of the log. `time` is the 32 bits, because not all of them are a time."""

    uid: int
    user_id: str
    time: int
    verify: int = 1
    state: int = 0
    work_code: int = 0


class CannotHold(ValueError):
    """A terminal of this kind has no way to write that, such as a badge with letters in a record of 16 bytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """How a kind of terminal writes. What its records are decides what the rest usually is."""

    name: str
    record: Callable[[Entry], bytes]
    record_size: int
    user_size: int = 72
    event_size: int = 32
    sizes_size: int = 92

    def user(self, user: User) -> bytes:
        """A row of the user table.

        Raises:
            CannotHold: its user id is no number where it has to be one.
        """
        return _old_user(user) if self.user_size == OLD_USER else _new_user(user)

    def event(self, entry: Entry, wall: datetime) -> bytes:
        """A live event's data.

        Raises:
            CannotHold: as for a record.
        """
        return event(entry, wall, self.event_size)


OLD_USER: Final = 28
NEW_USER: Final = 72


def _eight_a(entry: Entry) -> bytes:
    return struct.pack("<HBIB", entry.uid, entry.verify, entry.time, entry.state)


def _eight_b(entry: Entry) -> bytes:
    return struct.pack("<HBBI", entry.uid, entry.verify, entry.state, entry.time)


def _sixteen(entry: Entry) -> bytes:
    number = _number(entry.user_id, 32)
    return struct.pack("<IIBBHI", number, entry.time, entry.verify, entry.state, 0, entry.work_code)


def _forty(entry: Entry) -> bytes:
    user = _text(entry.user_id)
    return struct.pack(
        "<H24sBIBII", entry.uid, user, entry.verify, entry.time, entry.state, entry.work_code, 0x000000FF
    )


def _forty_nine(entry: Entry) -> bytes:
    return _forty(entry) + bytes.fromhex("00ff00000000000000")  # seen on units that also look for masks


def _strange(entry: Entry, size: int) -> bytes:
    """A form that nobody knows: no user id, no time where one would look for it."""
    return struct.pack(">HI", entry.uid ^ 0xA5A5, entry.time ^ 0xFFFFFFFF).ljust(size, b"\xee")[:size]


LAYOUTS: Final[Mapping[str, Layout]] = {
    layout.name: layout
    for layout in (
        Layout(name="8", record=_eight_a, record_size=8, user_size=28, event_size=12, sizes_size=80),
        Layout(name="8b", record=_eight_b, record_size=8, user_size=28, event_size=10, sizes_size=80),
        Layout(name="16", record=_sixteen, record_size=16, user_size=28, event_size=12, sizes_size=80),
        Layout(name="40", record=_forty, record_size=40),
        Layout(name="49", record=_forty_nine, record_size=49, event_size=52),
    )
}
"""By what `--record-size` calls them. `8b` has the state before the time."""


def strange_layout(size: int) -> Layout:
    """Records of a form that no client knows."""
    return Layout(name=f"unknown, {size}", record=lambda entry: _strange(entry, size), record_size=size)


EVENT_SIZES: Final = (10, 12, 14, 32, 36, 37, 52)


def event(entry: Entry, wall: datetime, size: int) -> bytes:
    """An event's data in one of `EVENT_SIZES`."""
    rest = bytes(
        [entry.verify, entry.state, wall.year - 2000, wall.month, wall.day, wall.hour, wall.minute, wall.second]
    )
    match size:
        case 10 | 14:
            return struct.pack("<H", _number(entry.user_id, 16)) + rest + bytes(size - 10)
        case 12:
            return struct.pack("<I", _number(entry.user_id, 32)) + rest
        case 32 | 36 | 37 | 52:
            return _text(entry.user_id).ljust(24, b"\0") + rest + bytes(size - 32)
        case _:
            raise CannotHold(f"no event has {size} bytes; those that exist have {', '.join(map(str, EVENT_SIZES))}")


def _old_user(user: User) -> bytes:
    return struct.pack(
        "<HB5s8sIxBhI",
        user.uid,
        user.privilege,
        user.password.encode("ascii", "replace")[:5],
        user.name.encode("ascii", "replace")[:8],
        user.card,
        user.group,
        0,
        _number(user.user_id, 32),
    )


def _new_user(user: User) -> bytes:
    return struct.pack(
        "<HB8s24sIB8x24s",
        user.uid,
        user.privilege,
        user.password.encode("ascii", "replace")[:8],
        user.name.encode()[:24],
        user.card,
        user.group,
        _text(user.user_id),
    )


OPERATION: Final = 16


def operation_record(operation: int, time: int) -> bytes:
    """What was done at it, without whom it was done to."""
    return struct.pack("<HBBI8x", 0, operation, 0, time)


def sizes(
    *,
    users: int,
    records: int,
    operations: int = 0,
    user_capacity: int,
    record_capacity: int,
    finger_capacity: int = 3_000,
    size: int = 92,
) -> bytes:
    """Counts and capacities, in 80 bytes or in 92 with those of faces, of which it knows none."""
    fields = [0] * 23
    fields[4], fields[8] = users, records
    fields[10] = operations
    fields[14], fields[15], fields[16] = finger_capacity, user_capacity, record_capacity
    fields[17], fields[18], fields[19] = finger_capacity, user_capacity - users, record_capacity - records
    return struct.pack("<23i", *fields)[:size]


def _number(user_id: str, bits: int) -> int:
    number = int(user_id) if user_id.isascii() and user_id.isdigit() else 0
    if not 0 < number < 1 << bits:
        raise CannotHold(
            f"the badge {user_id!r} is no number from 1 to {(1 << bits) - 1:,}, and this form has no other"
        )
    return number


def _text(user_id: str) -> bytes:
    if not user_id.isascii() or not 0 < len(user_id) <= 24:
        raise CannotHold(f"the badge {user_id!r} does not fit into 24 characters of ASCII")
    return user_id.encode("ascii")
