"""Where the calls of one machine come from. Whoever knows a serial number can call in its name."""

from datetime import datetime, timedelta

IN_TURN_WITHIN = timedelta(minutes=10)
"""An address that comes back within this, after another one, is not that of a machine that was moved."""
MOVED = "address"
CLONED = "clone"


class Sources:
    """The addresses of one machine, as it calls."""

    __slots__ = ("_last", "_seen")

    def __init__(self) -> None:
        self._seen: dict[str, datetime] = {}
        self._last: str | None = None

    def note(self, address: str, at: datetime) -> tuple[str, str] | None:
        """It called; `MOVED` or `CLONED` and a sentence, where somebody should know of it.

        Two addresses in turn are two machines with one serial number; another address for good is a move.
        """
        before, self._last = self._last, address
        seen = self._seen.pop(address, None)
        self._seen = {other: when for other, when in self._seen.items() if at - when <= IN_TURN_WITHIN}
        others = list(self._seen)
        self._seen[address] = at
        if before is None or not others or before == address:
            return None
        if seen is not None and at - seen <= IN_TURN_WITHIN:
            both = " and ".join(sorted([address, before]))
            return CLONED, f"it calls from {both} in turn: two machines have its serial number, or somebody uses it"
        return MOVED, f"it calls from {address} now, and called from {before} before"

    def settled(self, at: datetime) -> bool:
        """Whether all calls of the last while came from one address."""
        return all(at - when > IN_TURN_WITHIN for address, when in self._seen.items() if address != self._last)
