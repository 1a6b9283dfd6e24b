"""What T&A keys mean. Pure. Source: PROTOCOLS §3.3."""

from collections.abc import Mapping
from typing import Final

from services.ingest.domain.reading import ScanType

NO_KEY: Final = "0"
KEYS: Final[Mapping[str, ScanType]] = {
    NO_KEY: ScanType.UNKNOWN,
    "1": ScanType.IN,
    "2": ScanType.OUT,
    "3": ScanType.BREAK_IN,  # its label says "break start": into the break
    "4": ScanType.BREAK_OUT,
}


def scan_type(key: str, ours: Mapping[str, ScanType]) -> ScanType:
    """The type that a key stands for; `ours` are the keys of the site, which come first. From 5 on only they say."""
    return ours.get(key) or KEYS.get(key, ScanType.UNKNOWN)
