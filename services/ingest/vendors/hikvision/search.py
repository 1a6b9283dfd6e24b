"""Asking a terminal for its log: what is asked, and what comes back. Pure. Source: PROTOCOLS §4.4."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from services.ingest.vendors.hikvision.clock import wall_of
from services.ingest.vendors.hikvision.events import AccessEvent, found
from services.ingest.vendors.hikvision.methods import ACCESS
from services.ingest.vendors.hikvision.tree import Tree, inner, number, text

PATH: Final = "/ISAPI/AccessControl/AcsEvent?format=json"
CAPABILITIES: Final = "/ISAPI/AccessControl/AcsEvent/capabilities?format=json"
USUAL_PAGE: Final = 30
LARGEST_PAGE: Final = 100
LAST_SERIAL: Final = 0xFFFFFFFF
SMALLER_LAST_SERIAL: Final = 0x7FFFFFFF
EARLIEST: Final = "1970-01-01T00:00:00"
LATEST: Final = "2037-12-31T23:59:59"


class Way(StrEnum):
    """How a firmware lets its log be asked for, best first."""

    SERIAL = "by number"
    SMALL_SERIAL = "by number up to 2^31"
    TIME = "by time"
    BARE_TIME = "by time without an offset"
    WHOLE = "as a whole"


BY_SERIAL: Final = (Way.SERIAL, Way.SMALL_SERIAL)
BY_TIME: Final = (Way.TIME, Way.BARE_TIME)


def by_serial(first: int, *, way: Way) -> Mapping[str, Any]:
    """All that have this number or a higher one. Both ends are mandatory on some."""
    return {"beginSerialNo": first, "endSerialNo": LAST_SERIAL if way is Way.SERIAL else SMALLER_LAST_SERIAL}


def by_time(since: datetime | None, *, offset: str) -> Mapping[str, Any]:
    """All from a wall time on; `offset` stands behind it as in `+05:30`, or is empty."""
    first = EARLIEST if since is None else since.isoformat(timespec="seconds")
    return {"startTime": first + offset, "endTime": LATEST + offset}


def question(condition: Mapping[str, Any], *, search: str, position: int, most: int) -> Mapping[str, Any]:
    """The body of a request. `search` stays the same from page to page."""
    return {
        "AcsEventCond": {
            "searchID": search,
            "searchResultPosition": position,
            "maxResults": most,
            "major": ACCESS,
            "minor": 0,
            "picEnable": False,
            **condition,
        }
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A part of the log, in order of time."""

    events: Sequence[AccessEvent]
    size: int
    """How far the next page is."""
    more: bool
    total: int | None


def page_of(tree: Tree, *, position: int) -> Page | None:
    """A reply read; None where it is none."""
    reply = inner(tree, "AcsEvent")
    if not reply:
        return None
    listed = reply.get("InfoList")
    rows = [row for row in listed if isinstance(row, Mapping)] if isinstance(listed, list) else []
    counted = number(reply, "numOfMatches") or 0
    size = counted if len(rows) <= counted <= LARGEST_PAGE else len(rows)
    total = number(reply, "totalMatches")
    status = text(reply, "responseStatusStrg").upper()
    more = status == "MORE" or (not status and total is not None and position + size < total)
    return Page(events=[found(row) for row in rows], size=size, more=more and bool(rows), total=total)


def page_limit(tree: Tree) -> int:
    """The largest page, by the document of capabilities."""
    limit = inner(tree, "AcsEvent", "AcsEventCond", "maxResults") or inner(tree, "AcsEvent", "maxResults")
    return min(number(limit, "@max") or USUAL_PAGE, LARGEST_PAGE)


def latest_of(events: Sequence[AccessEvent], before: datetime | None) -> datetime | None:
    """The latest wall time among them and `before`; times that cannot be read are left out."""
    latest = before
    for event in events:
        try:
            local = wall_of(event.time).local
        except ValueError:
            continue
        latest = local if latest is None else max(latest, local)
    return latest
