"""What was done at a terminal: its log of operations, as far as it bears on the times of scans and on its log. Pure.

A record has 16 bytes: two zeros, u8 operation, u8 unknown, u32 time, four u16 parameters (PROTOCOLS §1.10). What the
numbers of operations mean is said of the same log in the other protocol alone (§2.3): they are taken to be the same,
and so nothing but a sentence is made of them.
"""

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from services.ingest.vendors.zkteco.clock import NoSuchTime, unpacked

SIZE: Final = 16
CLEARED: Final = "log cleared"
CLOCK_SET: Final = "clock set"
CLOCK_LOST: Final = "clock lost"
SWITCHED_ON: Final = 0
WORTH_TELLING: Final[Mapping[int, tuple[str, str]]] = {
    13: (CLEARED, "its data was cleared at the machine"),
    21: (CLOCK_SET, "its clock was set at the machine"),
    22: (CLEARED, "it was reset to how it left the factory"),
    23: (CLEARED, "its log was cleared at the machine"),
    43: (CLEARED, "its log was cleared after it had been copied to a USB stick"),
}
"""By operation: the matter, and a sentence."""
_RECORD: Final = struct.Struct("<HBBI8x")


@dataclass(frozen=True, slots=True)
class Done:
    """Something that was done at the machine, at its own wall time."""

    at: datetime
    about: str
    sentence: str


def operations_of(data: bytes) -> Sequence[tuple[int, datetime | None]] | None:
    """Operations with their wall times, oldest first; None where the bytes cannot be such a log.

    A time is None where it does not exist.
    """
    if len(data) % SIZE:
        return None
    read: list[tuple[int, datetime | None]] = []
    for zeros, operation, _, time in _RECORD.iter_unpack(data):
        if zeros:
            return None
        try:
            read.append((operation, unpacked(time)))
        except NoSuchTime:
            read.append((operation, None))
    return read


def worth_telling(operations: Sequence[tuple[int, datetime | None]], *, first: int = 0) -> Sequence[Done]:
    """What of them bears on scans, from number `first` on."""
    told = []
    before: datetime | None = None
    for number, (operation, at) in enumerate(operations):
        if at is not None and number >= first:
            done = _done(operation, at, before)
            if done is not None:
                told.append(done)
        before = at or before
    return told


def _done(operation: int, at: datetime, before: datetime | None) -> Done | None:
    if operation == SWITCHED_ON and before is not None and at < before:
        said = f"when it was switched on its clock had fallen behind what it had written last, at {before}"
        return Done(at, CLOCK_LOST, said)
    told = WORTH_TELLING.get(operation)
    return Done(at, *told) if told is not None else None
