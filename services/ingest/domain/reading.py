"""What a driver or a file yields: one record of a machine, before its time was placed and its scan named."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any


class ScanType(StrEnum):
    """What the person said they did, by the key they pressed or the reader they used."""

    IN = "IN"
    OUT = "OUT"
    BREAK_IN = "BREAK_IN"
    """Leaves for the break ("into the break"); ZKTeco calls the key "break out"."""
    BREAK_OUT = "BREAK_OUT"
    """Comes back from the break."""
    OVERTIME_IN = "OVERTIME_IN"
    OVERTIME_OUT = "OVERTIME_OUT"
    UNKNOWN = "UNKNOWN"


class Mode(StrEnum):
    """How a reading reached us; it changes nothing but who is told at once."""

    LIVE = "live"
    REPLAY = "replay"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """One record of a machine. Texts are kept as the machine wrote them: a badge is never a number."""

    badge: str
    device_time: str
    """The machine's wall time exactly as received."""
    local_time: datetime
    """The same, read: naive, in whole seconds, in the machine's zone."""
    offset: timedelta | None = None
    """How far ahead of UTC that is, where the machine says so and is believed; None leaves it to the machine's zone.
    It places the scan, and is no part of its identity."""
    state: str
    """The vendor's own code for in, out and the rest; part of the scan's identity."""
    type: ScanType
    verify: str | None = None
    work_code: str | None = None
    record_no: str | None = None
    raw: Mapping[str, Any] | None = None
    position: int | None = None
    """Line of the file or index in the log, for messages to people."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unreadable:
    """A record whose time or form cannot be understood. Kept as evidence, never published."""

    reason: str
    raw: bytes
    position: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Readings that arrived together and are acknowledged together, in the order of the machine."""

    readings: Sequence[Reading]
    mode: Mode
    received_at: datetime
    unreadable: Sequence[Unreadable] = ()
    of_log: bool = True
    """Whether it is read from the machine's log, where its mode does not rule that out: what a stream tells beside that
    is no part of a reading, and is counted in none."""
    read_mark: str | None = None
    """How far the machine's log was read, or what else is to outlive us of it, in the driver's own words: kept with the
    machine once this batch is safe. None leaves what is kept."""
    complete_until: datetime | None = None
    """Everything that the machine recorded up to this instant is in this batch and those before it."""
