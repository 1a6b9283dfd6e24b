"""Asking a server for events: what is asked, by which key, and what key an event has. Pure. Source: PROTOCOLS §3.1."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from services.ingest.vendors.suprema.events import Event
from services.ingest.vendors.suprema.times import LATEST, NoSuchTime, queried, stamp_of

EQUAL: Final = 0
BETWEEN: Final = 3
GREATER: Final = 5

Key = int | datetime


class Way(StrEnum):
    """By which column a server's events are asked for, best first."""

    NUMBER = "by number"
    ARRIVAL = "by time of arrival"
    RECORDING = "by the machine's time"
    """Tells what is of a span, and never what is new: machines hand over late."""


COLUMNS: Final[Mapping[Way, str]] = {
    Way.NUMBER: "id",
    Way.ARRIVAL: "server_datetime",
    Way.RECORDING: "datetime",
}


def key_of(event: Event, way: Way) -> Key | None:
    """What an event is found by."""
    match way:
        case Way.NUMBER:
            return event.number
        case Way.ARRIVAL:
            return arrival(event)
        case Way.RECORDING:
            return _written(event.time)


def arrival(event: Event) -> datetime | None:
    """When it reached the server, as the server writes it."""
    return _written(event.arrived)


def from_key(key: Key, way: Way) -> Mapping[str, Any]:
    """All that have this key or a later one: servers know "greater", and no "or equal"."""
    if isinstance(key, int):
        return {"column": COLUMNS[Way.NUMBER], "operator": GREATER, "values": [str(key - 1)]}
    return {"column": COLUMNS[way], "operator": BETWEEN, "values": [queried(key), LATEST]}


def arrived_from(since: datetime) -> Mapping[str, Any]:
    """All that reached the server then or later."""
    return from_key(since, Way.ARRIVAL)


def of_device(device: str) -> Mapping[str, Any]:
    """All of one machine."""
    return {"column": "device_id.id", "operator": EQUAL, "values": [device]}


def question(
    conditions: Sequence[Mapping[str, Any]], *, order: Way, newest_first: bool, most: int
) -> Mapping[str, Any]:
    """The body of a search."""
    return {
        "Query": {
            "limit": most,
            "conditions": list(conditions),
            "orders": [{"column": COLUMNS[order], "descending": newest_first}],
        }
    }


def _written(text: str) -> datetime | None:
    try:
        return stamp_of(text).written
    except NoSuchTime:
        return None
