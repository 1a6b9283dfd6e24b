"""The scans of one contact that were handed over lately: socket and search tell each of them. Pure."""

from datetime import datetime
from typing import Final

from services.ingest.domain.reading import Reading

KEPT: Final = 2_000
"""More than a machine records between two searches."""

_Key = tuple[str, datetime, str]


class Recent:
    """The last of them. A scan that is forgotten here is recognised later, by its id."""

    __slots__ = ("_seen",)

    def __init__(self) -> None:
        self._seen: dict[_Key, None] = {}

    def __contains__(self, reading: Reading) -> bool:
        return _key(reading) in self._seen

    def add(self, reading: Reading) -> bool:
        """Whether it was not there."""
        key = _key(reading)
        if key in self._seen:
            return False
        self._seen[key] = None
        if len(self._seen) > KEPT:
            del self._seen[next(iter(self._seen))]
        return True


def _key(reading: Reading) -> _Key:
    return reading.badge, reading.local_time, reading.state
