"""What the codes of events mean. The upper byte is the family, the lower one how. Pure. Source: PROTOCOLS §3.3."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final


class Outcome(StrEnum):
    """What an event says about somebody who wanted to be recognised."""

    GRANTED = "granted"
    DENIED = "denied"
    """Not recognised, or recognised and not allowed."""
    NOBODY = "nobody"
    """It is about the machine, a door, or the administration of users."""
    UNKNOWN = "unknown"
    """A code of no family that is known."""


FAMILIES: Final[Mapping[int, Outcome]] = {
    0x1000: Outcome.GRANTED,  # 1:1 verified
    0x1100: Outcome.DENIED,
    0x1200: Outcome.GRANTED,  # the same under duress, which is told to nobody at the machine
    0x1300: Outcome.GRANTED,  # 1:N identified
    0x1400: Outcome.DENIED,
    0x1500: Outcome.GRANTED,  # the same under duress
    0x1600: Outcome.GRANTED,  # the second of two people
    0x1700: Outcome.DENIED,
    0x1800: Outcome.DENIED,
    0x1900: Outcome.DENIED,
}
DURESS: Final = (0x1200, 0x1500)
STARTED: Final = 0x3100
CLOCK_SET: Final = 0x3200
WHAT_WAS_SET: Final[Mapping[int, str]] = {0x3200: "its clock", 0x3201: "its zone", 0x3202: "its summer time"}
LINK_UP: Final = 0x3300
LINK_DOWN: Final = 0x3400
LOG_CLEARED: Final = 0x4200

_ONE_TO_ONE: Final[Mapping[int, str]] = {
    0x01: "id+pin",
    0x02: "id+fingerprint",
    0x04: "id+face",
    0x06: "card",
    0x07: "card+pin",
    0x08: "card+fingerprint",
    0x0A: "card+face",
    0x16: "mobile card",
    0x25: "qr",
}
_ONE_TO_MANY: Final[Mapping[int, str]] = {
    0x01: "fingerprint",
    0x02: "fingerprint+pin",
    0x03: "face",
    0x04: "face+pin",
    0x05: "face+fingerprint",
}
_LAST: Final = 0xFFFF


def family(code: int) -> int:
    """The code without its lower byte; 0 for a number that is no code of this kind."""
    return code & 0xFF00 if 0 <= code <= _LAST else 0


def outcome(code: int | None, name: str) -> Outcome:
    """By the family; by the name that the server gives, where the number is of an old server's own kind."""
    main = family(code) if code is not None else 0
    if main in FAMILIES:
        return FAMILIES[main]
    if main:
        return Outcome.NOBODY
    said = name.upper()
    if any(word in said for word in ("FAIL", "DENIED")):
        return Outcome.DENIED
    recognised = any(word in said for word in ("VERIFY", "IDENTIFY", "AUTH"))
    if recognised and any(word in said for word in ("SUCCESS", "DURESS")):
        return Outcome.GRANTED
    return Outcome.NOBODY if said else Outcome.UNKNOWN


def method(code: int | None) -> str:
    """How somebody was recognised."""
    if code is None:
        return "unknown"
    methods = _ONE_TO_ONE if family(code) in (0x1000, 0x1200) else _ONE_TO_MANY
    return methods.get(code & 0xFF, f"event {code}")
