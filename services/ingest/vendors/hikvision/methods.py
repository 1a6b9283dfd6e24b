"""What the minor code of an access event says: how somebody was recognised, or that nobody was let in. Source: §4.5.

The codes are those of the vendor's SDK. `currentVerifyMode`, which looks like an answer, is what the door is set to.
"""

from collections.abc import Mapping
from enum import Enum, auto
from typing import Final

ACCESS: Final = 5
"""The major code of access events; 1 is alarms, 2 exceptions, 3 operations."""

GRANTED: Final[Mapping[int, str]] = {
    1: "card",
    2: "card+password",
    16: "several",
    38: "fingerprint",
    40: "card+fingerprint",
    43: "card+fingerprint+password",
    46: "fingerprint+password",
    54: "face+fingerprint",
    57: "face+password",
    60: "face+card",
    63: "face+password+fingerprint",
    66: "face+card+fingerprint",
    69: "number+fingerprint",
    72: "number+fingerprint+password",
    75: "face",
    77: "number+face",
    101: "number+password",
    105: "identity card",
    153: "combined",
}
DENIED: Final = frozenset(
    {3, 4, 5, 6, 7, 8, 9, 10, 39, 41, 47, 49, 55, 58, 61, 76, 78, 80, 102, 112, 151, 152, 154, 155}
)
DOOR: Final = frozenset({21, 22, 23, 24, 25, 26, 27, 28, 37, 131})
"""Locks, buttons, doors, bells and heartbeats."""


class Outcome(Enum):
    """What became of somebody at the terminal."""

    GRANTED = auto()
    DENIED = auto()
    NOBODY = auto()
    """It is about the door or the terminal."""
    UNKNOWN = auto()
    """A code of newer firmware."""


def outcome(major: int, minor: int | None) -> Outcome:
    """What an event says."""
    if major != ACCESS or minor in DOOR:
        return Outcome.NOBODY
    if minor in GRANTED:
        return Outcome.GRANTED
    return Outcome.DENIED if minor in DENIED else Outcome.UNKNOWN
