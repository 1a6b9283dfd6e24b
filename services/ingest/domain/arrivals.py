"""How wrong a machine's clock is, by nothing but when its scans arrive.

A scan that is sent as it is made arrives a moment after the time that it says. One that waited arrives later, by
any amount: waiting looks like a clock that is behind. So one scan proves nothing, and of several the clock is at
least as far ahead as the one that says so most; that is believed where others agree.
"""

from collections import deque
from datetime import datetime, timedelta

LOOKED_AT = 8
AGREEING = 3
AGREE_WITHIN = timedelta(seconds=5)
BEHIND_FOR = timedelta(minutes=1)
"""Scans that waited are sent in one go, so that those of one moment agree. Over this span they no longer do."""
FEW = 5
"""More scans than this in one batch have waited."""


class Arrivals:
    """The last small batches of one machine."""

    __slots__ = ("_seen",)

    def __init__(self) -> None:
        self._seen: deque[tuple[datetime, timedelta]] = deque(maxlen=LOOKED_AT)

    def note(self, dated: datetime, arrived: datetime) -> timedelta | None:
        """A scan that is dated so arrived then; the machine's clock minus ours, where that shows by now."""
        self._seen.append((arrived, dated - arrived))
        most = max(lead for _, lead in self._seen)
        agreeing = [at for at, lead in self._seen if most - lead <= AGREE_WITHIN]
        if len(agreeing) < AGREEING:
            return None
        # Nothing makes a scan look early but the clock; waiting makes it look late.
        if most > timedelta(0) or max(agreeing) - min(agreeing) >= BEHIND_FOR:
            return most
        return None
