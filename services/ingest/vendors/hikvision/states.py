"""What a terminal's attendance status means: the same whatever way it comes, for it is part of a scan's identity."""

from collections.abc import Mapping
from typing import Final

from services.ingest.domain.reading import ScanType

NONE: Final = "undefined"
"""What terminals say where no key was pressed, or where they have no keys."""

_STATES: Final[Mapping[str, tuple[str, ScanType]]] = {
    status.casefold(): (status, kind)
    for status, kind in {
        NONE: ScanType.UNKNOWN,
        "checkIn": ScanType.IN,
        "checkOut": ScanType.OUT,
        "breakOut": ScanType.BREAK_IN,  # out of the work, into the break
        "breakIn": ScanType.BREAK_OUT,
        "overtimeIn": ScanType.OVERTIME_IN,
        "overtimeOut": ScanType.OVERTIME_OUT,
    }.items()
}


def state_of(status: str) -> tuple[str, ScanType]:
    """A status in its one spelling, and its type. Firmware writes `checkin` and `overTimeIn`, too, or leaves it out."""
    return _STATES.get(status.casefold() or NONE, (status, ScanType.UNKNOWN))
