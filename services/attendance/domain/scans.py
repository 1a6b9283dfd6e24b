"""A scan as the rules see it: when, which way, and whether it may be counted."""

from datetime import UTC, datetime
from enum import StrEnum
from typing import Final, NamedTuple, Self
from uuid import UUID

ARRIVING: Final = 1
LEAVING: Final = -1


class _Directed(StrEnum):
    direction: int
    code: int
    """A small number that stands for the member in digests: its place, so new members are added at the end."""

    def __new__(cls, value: str, direction: int) -> Self:
        member = str.__new__(cls, value)
        member._value_ = value
        member.direction = direction
        member.code = len(cls.__members__)
        return member


class ScanType(_Directed):
    """What the machine reported. `direction` is `ARRIVING`, `LEAVING` or 0 where it did not say.

    Coming out of a break is coming back to work, so `BREAK_OUT` arrives and `BREAK_IN` leaves.
    """

    IN = "IN", ARRIVING
    OUT = "OUT", LEAVING
    BREAK_IN = "BREAK_IN", LEAVING
    BREAK_OUT = "BREAK_OUT", ARRIVING
    OVERTIME_IN = "OVERTIME_IN", ARRIVING
    OVERTIME_OUT = "OVERTIME_OUT", LEAVING
    UNKNOWN = "UNKNOWN", 0

    @property
    def arrives(self) -> bool:
        return self.direction > 0

    @property
    def leaves(self) -> bool:
        return self.direction < 0


class Quality(StrEnum):
    """How far the time of a scan can be believed. What does not count is quarantined."""

    counts: bool
    code: int

    def __new__(cls, value: str, counts: bool) -> Self:
        member = str.__new__(cls, value)
        member._value_ = value
        member.counts = counts
        member.code = len(cls.__members__)
        return member

    OK = "ok", True
    AMBIGUOUS_DST = "ambiguous_dst", True
    NONEXISTENT_DST = "nonexistent_dst", True
    IMPLAUSIBLE_PAST = "implausible_past", False
    FUTURE = "future", False


class MachineRole(_Directed):
    """Where the machine stands, for the resolver `by_machine`."""

    ENTRY = "entry", ARRIVING
    EXIT = "exit", LEAVING
    BOTH = "both", 0


# From the text of a row to its member: a dictionary costs a third of calling the enum.
SCAN_TYPES: Final[dict[str, ScanType]] = {member.value: member for member in ScanType}
QUALITIES: Final[dict[str, Quality]] = {member.value: member for member in Quality}
MACHINE_ROLES: Final[dict[str, MachineRole]] = {member.value: member for member in MachineRole}


class Scan(NamedTuple):
    """One scan of one person.

    A tuple and not a dataclass, because workers make tens of thousands a second and a tuple costs a quarter.
    The instant stands first, so that scans sort by time.
    """

    at: int
    """Seconds since 1970 in UTC."""
    id: UUID
    type: ScanType = ScanType.UNKNOWN
    quality: Quality = Quality.OK
    role: MachineRole = MachineRole.BOTH

    @property
    def instant(self) -> datetime:
        return datetime.fromtimestamp(self.at, UTC)


def scan_at(
    at: datetime,
    id: UUID,  # noqa: A002 -- the name that the field has
    type: ScanType = ScanType.UNKNOWN,  # noqa: A002 -- likewise
    *,
    quality: Quality = Quality.OK,
    role: MachineRole = MachineRole.BOTH,
) -> Scan:
    """A scan from an aware instant; fractions of a second are dropped.

    Raises:
        ValueError: `at` has no zone.
    """
    if at.tzinfo is None:
        raise ValueError("the instant of a scan needs a zone")
    return Scan(int(at.timestamp() // 1), id, type, quality, role)
