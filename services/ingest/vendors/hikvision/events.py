"""Access events: the same in a stream, in a push and in what a search finds, under other names. Pure. §4.4, 4.6.

What counts as a scan is an event of the door that let somebody in. Events without a person are about the door; events
that let nobody in are no scans. An event that names no person although somebody was let in is kept: a card of nobody
becomes the unknown badge `card:…`, to be linked by a person.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from services.ingest.domain.reading import Reading, Unreadable
from services.ingest.vendors.hikvision.clock import NoSuchTime, wall_of
from services.ingest.vendors.hikvision.methods import ACCESS, GRANTED, Outcome, outcome
from services.ingest.vendors.hikvision.states import state_of
from services.ingest.vendors.hikvision.tree import Tree, inner, number, text

KIND: Final = "AccessControllerEvent"
_NOBODY: Final = ("", "0")
_LONGEST_BADGE: Final = 64
_KEPT: Final = (
    "cardReaderNo",
    "doorNo",
    "deviceName",
    "currentVerifyMode",
    "label",
    "mask",
    "verifyNo",
    "frontSerialNo",
)
"""What travels on with a scan. Names, cards and pictures do not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessEvent:
    """One event, as it was told."""

    major: int
    minor: int | None
    time: str
    badge: str
    card: str
    status: str
    serial: int | None
    """The machine's number of it; the same whatever way it comes."""
    stored: bool = False
    """It was told again from memory (`currentEvent` false)."""
    rest: Mapping[str, Any] = field(default_factory=dict)

    @property
    def outcome(self) -> Outcome:
        return outcome(self.major, self.minor)

    @property
    def is_new_kind(self) -> bool:
        """Somebody is named in an event whose code we do not know."""
        return self.outcome is Outcome.UNKNOWN and bool(self.badge)


def told(tree: Tree) -> AccessEvent | None:
    """The event of a document from the stream or the push; None where it tells of something else, as heartbeats do."""
    outer = inner(tree, "EventNotificationAlert") or tree
    if text(outer, "eventType").casefold() != KIND.casefold():
        return None
    event = inner(outer, KIND)
    return AccessEvent(
        major=_or(number(event, "majorEventType"), ACCESS if "majorEventType" not in event else -1),
        minor=number(event, "subEventType"),
        time=text(outer, "dateTime"),
        badge=_person(event),
        card=_card(event),
        status=text(event, "attendanceStatus"),
        serial=number(event, "serialNo"),
        stored=text(event, "currentEvent").casefold() == "false",
        rest=_rest(event),
    )


def is_heartbeat(tree: Tree) -> bool:
    """Whether a document says only that the machine is there."""
    outer = inner(tree, "EventNotificationAlert") or tree
    kind = text(outer, "eventType").casefold()
    return kind == "heartbeat" or (kind == "videoloss" and text(outer, "eventState").casefold() == "inactive")


def found(row: Tree) -> AccessEvent:
    """The event of a row that a search for access events gave; some firmware leaves out what kind it is."""
    return AccessEvent(
        major=_or(number(row, "major"), ACCESS if "major" not in row else -1),
        minor=number(row, "minor"),
        time=text(row, "time"),
        badge=_person(row),
        card=_card(row),
        status=text(row, "attendanceStatus"),
        serial=number(row, "serialNo"),
        rest=_rest(row),
    )


def reading_of(event: AccessEvent, *, believe_offset: bool) -> Reading | Unreadable | None:
    """The scan that an event is; None where it is none.

    `believe_offset` places it by the offset that its time carries.
    """
    result = event.outcome
    if result in (Outcome.NOBODY, Outcome.DENIED) or (result is Outcome.UNKNOWN and not event.badge):
        return None
    badge = event.badge or (f"card:{event.card}" if event.card else "")
    if not badge:
        return _unreadable(event, "somebody was let in, and the event names neither a person nor a card")
    if len(badge) > _LONGEST_BADGE or "\ufffd" in badge:
        return _unreadable(event, "the event names a person in a way that cannot be kept")
    try:
        wall = wall_of(event.time)
    except NoSuchTime as error:
        return _unreadable(event, str(error))
    state, kind = state_of(event.status)
    return Reading(
        badge=badge,
        device_time=event.time,
        local_time=wall.local,
        offset=wall.offset if believe_offset else None,
        state=state,
        type=kind,
        verify=GRANTED.get(event.minor or 0, f"event {event.minor}"),
        record_no=None if event.serial is None else str(event.serial),
        raw={
            "major": event.major,
            "minor": event.minor,
            "result": "granted" if result is Outcome.GRANTED else "unknown",
            **event.rest,
        },
    )


def _person(event: Tree) -> str:
    name = text(event, "employeeNoString")
    return "" if name in _NOBODY else name


def _card(event: Tree) -> str:
    card = text(event, "cardNo")
    return "" if card in _NOBODY else card


def _rest(event: Tree) -> Mapping[str, Any]:
    said = ((name, text(event, name)) for name in _KEPT)
    return {name: value for name, value in said if value}


def _or(value: int | None, instead: int) -> int:
    return instead if value is None else value


def _unreadable(event: AccessEvent, reason: str) -> Unreadable:
    said = f"event {event.major}/{event.minor} number {event.serial} at {event.time}: {event.badge or '–'}"
    return Unreadable(reason=reason, raw=said.encode(), position=event.serial)
