"""Events, the same as rows of a search and as messages of the socket, and what of them is a scan. Pure.

A scan is an event of a person who was recognised, under duress too. Who was refused, and what administrators and doors
do, is none.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from zoneinfo import ZoneInfo

from services.ingest.domain.reading import Reading, ScanType, Unreadable
from services.ingest.vendors.suprema.codes import DURESS, Outcome, family, method, outcome
from services.ingest.vendors.suprema.documents import Document, inner, named, text, whole
from services.ingest.vendors.suprema.keys import NO_KEY, scan_type
from services.ingest.vendors.suprema.times import Meaning, NoSuchTime, placed, stamp_of, zone_told

_NOBODY: Final = ("", "0")
_LONGEST_BADGE: Final = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One event, as it was told."""

    number: int | None
    """The server's number of it. Not unique by itself: counters begin again with a new table."""
    device: str
    code: int | None
    name: str
    user: str
    key: str
    time: str
    """By the machine."""
    arrived: str
    """When it reached the server, by the server."""
    index: str
    """The machine's own number of it."""
    zone: timedelta | None
    """The machine's offset, as the server has it."""

    @property
    def identity(self) -> tuple[int | None, str, str, int | None, str]:
        """Equal for the same event, however often it is told."""
        return self.number, self.device, self.time, self.code, self.user

    @property
    def outcome(self) -> Outcome:
        return outcome(self.code, self.name)

    @property
    def family(self) -> int:
        return family(self.code) if self.code is not None else 0


def event_of(row: Document) -> Event:
    """The event of a row, or of what stands under `Event` in a message. Whatever is missing or odd is left empty."""
    zone = inner(row, "timezone")
    user = named(row, "user_id", "user_id")
    return Event(
        number=whole(text(row, "id")) or None,
        device=named(row, "device_id", "id"),
        code=whole(named(row, "event_type_id", "code")),
        name=text(inner(row, "event_type_id"), "name"),
        user="" if user in _NOBODY else user,
        key=text(row, "tna_key") or NO_KEY,
        time=text(row, "datetime"),
        arrived=text(row, "server_datetime"),
        index=text(row, "index"),
        zone=zone_told(text(zone, "half"), text(zone, "hour"), text(zone, "negative")),
    )


def told_in(message: Document) -> Event | None:
    """The event of a message of the socket; None where it tells of something else."""
    row = inner(message, "Event")
    return event_of(row) if row else None


def reading_of(
    event: Event, *, zone: ZoneInfo, meaning: Meaning, keys: Mapping[str, ScanType]
) -> Reading | Unreadable | None:
    """The scan that an event is, on the clock of `zone`; None where it is none."""
    result = event.outcome
    if result in (Outcome.NOBODY, Outcome.DENIED) or (result is Outcome.UNKNOWN and not event.user):
        return None
    if result is Outcome.UNKNOWN:
        return _unreadable(event, f"it names somebody in an event of no known kind ({event.code})")
    if not event.user:
        return _unreadable(event, "somebody was recognised, and the event does not say who")
    if len(event.user) > _LONGEST_BADGE or "\ufffd" in event.user or len(event.key) > 8:
        return _unreadable(event, "the event names a person or a key in a way that cannot be kept")
    try:
        where = placed(stamp_of(event.time), zone, meaning)
    except NoSuchTime as error:
        return _unreadable(event, str(error))
    raw = {"code": event.code, "server_datetime": event.arrived, "index": event.index, "device": event.device}
    if event.family in DURESS or "DURESS" in event.name.upper():
        raw["duress"] = True
    return Reading(
        badge=event.user,
        device_time=event.time,
        local_time=where.local,
        offset=where.offset,
        state=event.key,
        type=scan_type(event.key, keys),
        verify=method(event.code),
        record_no=None if event.number is None else str(event.number),
        raw={name: value for name, value in raw.items() if value not in ("", None)},
    )


def _unreadable(event: Event, reason: str) -> Unreadable:
    said = f"event {event.code} number {event.number} of device {event.device} at {event.time}: {event.user or '–'}"
    return Unreadable(reason=reason, raw=said.encode(), position=event.number)
