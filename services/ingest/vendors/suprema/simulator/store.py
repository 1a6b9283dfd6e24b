"""What a BioStar server holds: its machines, their events, who may log in, sessions. No I/O."""

import re
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from services.ingest.vendors.suprema.times import LATEST
from shared.kernel.clock import Clock, SystemClock

FACE: Final = 4867
FINGERPRINT: Final = 4865
CARD: Final = 4102
DURESS: Final = 5377
FACE_FAILED: Final = 5125
TIMED_OUT: Final = 6147
NOT_ALLOWED: Final = 6401
USER_UPDATED: Final = 8704
STARTED: Final = 12544
CLOCK_SET: Final = 12800
ZONE_SET: Final = 12801
LINK_UP: Final = 13056
LINK_DOWN: Final = 13312
LOG_CLEARED: Final = 16896
NAMES: Final[Mapping[int, str]] = {
    FACE: "IDENTIFY_SUCCESS_FACE",
    FINGERPRINT: "IDENTIFY_SUCCESS_FINGERPRINT",
    CARD: "VERIFY_SUCCESS_CARD",
    DURESS: "IDENTIFY_DURESS_FINGERPRINT",
    FACE_FAILED: "IDENTIFY_FAIL_FACE",
    TIMED_OUT: "AUTH_FAILED_TIMEOUT",
    NOT_ALLOWED: "ACCESS_DENIED_ACCESS_GROUP",
    USER_UPDATED: "UPDATE_SUCCESS",
    STARTED: "DEVICE_STARTED",
    CLOCK_SET: "TIME_SET",
    ZONE_SET: "TIMEZONE_SET",
    LINK_UP: "LINK_CONNECTED",
    LINK_DOWN: "LINK_DISCONNECTED",
    LOG_CLEARED: "DEVICE_CLEARED_LOG",
}
SCANS: Final = frozenset({FACE, FINGERPRINT, CARD, DURESS})
LOGINS: Final = 5
"""Wrong passwords after which a user is locked."""
_NUMBER: Final = re.compile("[0-9]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One event."""

    number: int
    index: int
    device: str
    code: int
    user: str
    key: str
    at: datetime
    """UTC, by the machine's clock."""
    arrived: datetime
    """UTC, by the server's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody who may scan. `number` is what is called a badge."""

    number: str
    name: str
    admin: bool = False
    pin: str = ""
    cards: tuple[str, ...] = ()


class Store:
    """The state of one server. `zone` is where its machines hang; `clock_offset` their clocks minus the true one."""

    def __init__(
        self,
        *,
        clock: Clock | None = None,
        zone: str = "UTC",
        devices: Iterable[str] = ("538150641",),
        username: str = "admin",
        password: str = "simulated-1",  # noqa: S107 - of a server that is not there
        clock_offset: timedelta = timedelta(0),
        labels_local: bool = False,
        noise: bool = False,
    ) -> None:
        """`labels_local` writes local time with a Z behind; `noise` adds an event that is no scan after each scan."""
        self.devices = tuple(devices)
        self.username = username
        self.password = password
        self.zone = zone
        self.told_zone = zone
        """Where the server takes the machines to be."""
        self.clock_offset = clock_offset
        self.labels_local = labels_local
        self.noise = noise
        self.locked = False
        self.wrong_passwords = 0
        self.logins = 0
        self.sessions: set[str] = set()
        self.rows: list[Row] = []
        self.people: dict[str, Person] = {"1": Person(number="1", name="Administrator", admin=True)}
        """By number; whoever scans is one of them."""
        self._clock = clock or SystemClock()
        self._number = 0
        self._index = 0

    # Its clock

    def now(self) -> datetime:
        """The server's own time, UTC, in whole seconds."""
        return self._clock.now().astimezone(UTC).replace(microsecond=0)

    def wall(self) -> datetime:
        """What its machines' clocks show: naive."""
        return (self.now() + self.clock_offset).astimezone(ZoneInfo(self.zone)).replace(tzinfo=None)

    # Sessions

    def login(self, username: object, password: object) -> str | None:
        """A new session; None where it is refused."""
        if self.locked or username != self.username or password != self.password:
            self.wrong_passwords += 1
            self.locked = self.locked or self.wrong_passwords >= LOGINS
            return None
        self.logins += 1
        session = secrets.token_hex(16)
        self.sessions.add(session)
        return session

    def expire(self) -> None:
        """All sessions end."""
        self.sessions.clear()

    # People

    def enrol(self, person: str | Person) -> Person:
        """Let somebody scan; who is there already stays as they are, unless more than a number is said of them."""
        if isinstance(person, str):
            return self.people.setdefault(person, Person(number=person, name=f"User {person}"))
        self.people[person.number] = person
        return person

    def shown_people(self, *, offset: int, limit: int) -> Sequence[Mapping[str, Any]]:
        """A part of them by number, as it is sent; a `limit` of 0 is all. What nobody should know is among it."""
        ordered = sorted(self.people.values(), key=lambda person: _sortable(person.number))
        return [
            {
                "user_id": person.number,
                "name": person.name,
                "gender": "0",
                "photo_exists": "false",
                "pin_exists": "true" if person.pin else "false",
                "pin": person.pin,
                "password_exists": "true" if person.admin else "false",
                "disabled": "false",
                "user_group_id": {"id": "1", "name": "All Users"},
                "fingerprint_template_count": "1",
                "face_count": "0",
                "card_count": str(len(person.cards)),
                "cards": [{"id": str(place), "card_id": card} for place, card in enumerate(person.cards, 1)],
                **({"permission": {"id": "1", "name": "Administrator"}} if person.admin else {}),
            }
            for person in ordered[offset : offset + limit if limit else None]
        ]

    # Events

    @property
    def scans(self) -> Sequence[Row]:
        """Those that are scans."""
        return [row for row in self.rows if row.code in SCANS and row.user]

    def scan(self, user: str, *, key: str = "1", code: int = FACE, device: str | None = None) -> list[Row]:
        """Somebody scans, now; what is written of it, the scan first."""
        return self._write(user, self.now() + self.clock_offset, self.now(), key=key, code=code, device=device)

    def record_at(
        self, user: str, wall: datetime, *, key: str = "1", code: int = FACE, device: str | None = None
    ) -> list[Row]:
        """Write an event of a given wall time, which arrived at once."""
        at = wall.replace(tzinfo=ZoneInfo(self.zone)).astimezone(UTC)
        return self._write(user, at, at - self.clock_offset, key=key, code=code, device=device)

    def upload_at(self, user: str, wall: datetime, *, key: str = "1", code: int = FACE) -> list[Row]:
        """Write an event of a given wall time, which arrives only now: its machine was out of touch."""
        at = wall.replace(tzinfo=ZoneInfo(self.zone)).astimezone(UTC)
        return self._write(user, at, self.now(), key=key, code=code, device=None)

    def begin_numbers_again(self) -> None:
        """A new table: the next event is number 1."""
        self._number = 0

    def delete_all(self) -> None:
        """Somebody deletes all events; numbers go on."""
        self.rows.clear()

    def local(self, row: Row) -> datetime:
        """The wall time of an event where its machine hangs."""
        return row.at.astimezone(ZoneInfo(self.zone)).replace(tzinfo=None)

    def find(self, query: Mapping[str, Any], *, ignores: Iterable[str] = ()) -> list[Row]:
        """The rows that a search finds; conditions on columns that it `ignores` are taken and not honoured."""
        found = list(self.rows)
        left_out = set(ignores)
        for condition in _objects(query.get("conditions")):
            column = str(condition.get("column"))
            if column not in left_out:
                found = [row for row in found if _holds(self.columns(row).get(column, ""), condition)]
        for order in reversed(_objects(query.get("orders"))):
            column = str(order.get("column"))
            reverse = order.get("descending") in (True, "true")
            found.sort(key=lambda row, column=column: _sortable(self.columns(row).get(column, "")), reverse=reverse)  # type: ignore[misc]  # bound now
        return found[: int(query.get("limit", 100))]

    def columns(self, row: Row) -> Mapping[str, str]:
        """What can be asked for."""
        return {
            "id": str(row.number),
            "datetime": self.written(row),
            "server_datetime": f"{row.arrived:%Y-%m-%dT%H:%M:%S}.00Z",
            "device_id.id": row.device,
            "user_id.user_id": row.user,
            "event_type_id.code": str(row.code),
            "tna_key": row.key,
        }

    def written(self, row: Row) -> str:
        """The time of an event as the server writes it: with two digits behind the second."""
        at = self.local(row) if self.labels_local else row.at
        return f"{at:%Y-%m-%dT%H:%M:%S}.00Z"

    def shown(self, row: Row) -> Mapping[str, Any]:
        """A row as it is sent: numbers and truths are texts."""
        ahead = row.at.astimezone(ZoneInfo(self.told_zone)).utcoffset() or timedelta(0)
        minutes = round(ahead.total_seconds() / 60)
        return {
            "id": str(row.number),
            "server_datetime": self.columns(row)["server_datetime"],
            "datetime": self.written(row),
            "index": str(row.index),
            "user_id_name": row.user,
            "user_id": {"user_id": row.user or "0", "name": f"User {row.user}", "photo_exists": "false"},
            "device_id": {"id": row.device, "name": f"Door {row.device}"},
            "event_type_id": {"code": str(row.code), "name": NAMES.get(row.code, "")},
            "tna_key": row.key,
            "is_dst": "0",
            "timezone": {
                "half": "1" if minutes % 60 else "0",
                "hour": str(abs(minutes) // 60),
                "negative": "1" if minutes < 0 else "0",
            },
            "user_update_by_device": "false",
            "hint": f"{row.arrived:%Y%m%d%H%M%S}{row.number:08}",
        }

    def _write(
        self, user: str, at: datetime, arrived: datetime, *, key: str, code: int, device: str | None
    ) -> list[Row]:
        codes = [(code, user)]
        if self.noise and code in SCANS:
            codes += [((FACE_FAILED, ""), (TIMED_OUT, ""), (NOT_ALLOWED, user), (USER_UPDATED, user))[self._number % 4]]
        if user:
            self.enrol(user)
        written = []
        for one, who in codes:
            self._number += 1
            self._index += 1
            row = Row(
                number=self._number,
                index=self._index,
                device=device or self.devices[0],
                code=one,
                user=who,
                key=key,
                at=at.replace(microsecond=0),
                arrived=arrived.replace(microsecond=0),
            )
            self.rows.append(row)
            written.append(row)
        return written


def _objects(given: object) -> Sequence[Mapping[str, Any]]:
    return [one for one in given if isinstance(one, Mapping)] if isinstance(given, list) else []


def _sortable(text: str) -> tuple[int, str]:
    """Numbers by their size, and times, which all have one form, as they are written."""
    return (int(text), "") if _NUMBER.fullmatch(text) else (0, text[:19])


def _holds(value: str, condition: Mapping[str, Any]) -> bool:  # noqa: PLR0911 - as many as there are operators
    values = [str(one) for one in condition.get("values", [])] or [""]
    first, last = _sortable(values[0]), _sortable(values[-1] if len(values) > 1 else LATEST)
    match condition.get("operator"):
        case 0:
            return value == values[0]
        case 1:
            return value != values[0]
        case 2:
            return value in values
        case 3:
            return first <= _sortable(value) <= last
        case 5:
            return _sortable(value) > first
        case 6:
            return _sortable(value) < first
        case _:
            return True
