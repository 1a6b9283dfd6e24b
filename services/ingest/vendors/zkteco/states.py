"""What ZKTeco's state codes mean, over the wire and in its files alike."""

from collections.abc import Mapping

from services.ingest.domain.reading import ScanType

STATES: Mapping[str, ScanType] = {
    "0": ScanType.IN,
    "1": ScanType.OUT,
    "2": ScanType.BREAK_IN,  # its key says "break out": out of the work, into the break
    "3": ScanType.BREAK_OUT,
    "4": ScanType.OVERTIME_IN,
    "5": ScanType.OVERTIME_OUT,
    "255": ScanType.UNKNOWN,  # no key was pressed
}


def scan_type(state: str) -> ScanType:
    """The type that a code stands for; codes that a site made up are unknown."""
    return STATES.get(state, ScanType.UNKNOWN)
