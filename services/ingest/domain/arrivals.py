"""How wrong a machine's clock is, by nothing but when its scans arrive.

A scan that is sent as it is made arrives a moment after the time that it says. One that waited arrives later, by
any amount: waiting looks like a clock that is behind. So one scan proves nothing, and of several the clock is at
least as far ahead as the one that says so most; that is believed where others agree.
"""

from collections import deque
from datetime import timedelta

LOOKED_AT = 8
AGREEING = 3
AGREE_WITHIN = timedelta(seconds=5)


class Arrivals:
    """The last live scans of one machine."""

    __slots__ = ("_leads",)

    def __init__(self) -> None:
        self._leads: deque[timedelta] = deque(maxlen=LOOKED_AT)

    def note(self, lead: timedelta) -> timedelta | None:
        """A scan arrived that is dated `lead` after its arrival; the machine's clock minus ours, where that shows."""
        self._leads.append(lead)
        most = max(self._leads)
        agreeing = [one for one in self._leads if most - one <= AGREE_WITHIN]
        return most if len(agreeing) >= AGREEING else None
