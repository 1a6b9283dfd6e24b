"""What a terminal says of itself, of its clock, and of why it refuses. Pure. Source: PROTOCOLS §4.1–4.3."""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from services.ingest.vendors.hikvision.clock import NoSuchTime, Wall, offset_of_zone, wall_of
from services.ingest.vendors.hikvision.tree import NoDocument, Tree, inner, number, text, tree_of

MANUAL: Final = "manual"
"""The mode of a clock that is set by hand; in every other one somebody else keeps it."""
_LOCAL_TIME: Final = re.compile(rb"(<localTime>\s*)(\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d)(?:\.\d+)?([^<]*</localTime>)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """Which machine this is."""

    serial: str
    mac: str
    model: str
    firmware: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Why something is refused, in the machine's words."""

    status: int
    code: str
    """Its `subStatusCode`: notSupport, badJsonContent, deviceBusy …"""
    about: str
    """Which part of the question it means, where it says so."""

    def __str__(self) -> str:
        said = self.code or f"HTTP status {self.status}"
        return f"{said} ({self.about})" if self.about else said


@dataclass(frozen=True, slots=True)
class Lock:
    """What a machine says beside a refused password."""

    locked: bool
    seconds: int | None
    """Until it lets anybody try again."""
    tries: int | None
    """That are left."""


def device_of(body: bytes) -> Device | None:
    """What `deviceInfo` says; None where that is something else."""
    tree = _tree(body)
    told = inner(tree, "DeviceInfo") or inner(tree, "deviceInfo")
    if not told:
        return None
    return Device(
        serial=text(told, "serialNumber"),
        mac=text(told, "macAddress").lower(),
        model=text(told, "model") or text(told, "deviceType"),
        firmware=text(told, "firmwareVersion"),
    )


def time_of(body: bytes) -> Wall | None:
    """What its clock shows; the offset is from its zone where the time has none. None where it cannot be read."""
    told = inner(_tree(body), "Time")
    try:
        wall = wall_of(text(told, "localTime"))
    except NoSuchTime:
        return None
    return wall if wall.offset is not None else Wall(wall.local, offset_of_zone(text(told, "timeZone")))


def time_mode(body: bytes) -> str:
    """How its clock is kept: `manual`, `NTP` …; empty where it does not say."""
    return text(inner(_tree(body), "Time"), "timeMode")


def showing(body: bytes, wall: datetime) -> bytes | None:
    """The same document of its time, with this one in it: its zone and its mode stay. None where it holds no time."""
    changed, found = _LOCAL_TIME.subn(rb"\g<1>%s\g<3>" % wall.isoformat(timespec="seconds").encode(), body)
    return changed if found == 1 else None


def refusal_of(status: int, body: bytes) -> Refusal | None:
    """Why it refuses; None where it does not. Some refuse with HTTP status 200."""
    tree = _tree(body)
    said = inner(tree, "ResponseStatus") or inner(tree, "responseStatus") or tree
    code = text(said, "subStatusCode")
    about = text(said, "errorMsg") or text(said, "description")
    if 200 <= status < 300:
        refused = bool(code) and code.casefold() != "ok" and number(said, "statusCode") != 1
        return Refusal(status=status, code=code, about=about) if refused else None
    return Refusal(status=status, code=code, about=about)


def lock_of(body: bytes) -> Lock:
    """Whether it has locked our user out."""
    tree = _tree(body)
    said = inner(tree, "userCheck") or inner(tree, "ResponseStatus") or tree
    locked = text(said, "lockStatus").casefold() == "locked"
    return Lock(locked, number(said, "unlockTime") if locked else None, number(said, "retryLoginTime"))


def _tree(body: bytes) -> Tree:
    try:
        return tree_of(body)
    except NoDocument:
        return {}
