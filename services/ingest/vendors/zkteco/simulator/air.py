"""What becomes of datagrams on their way, by the faults that only UDP has. Pure."""

from collections.abc import Sequence
from typing import Generic, TypeVar

from services.ingest.vendors.zkteco.simulator.faults import Faults

T = TypeVar("T")


class Air(Generic[T]):
    """One direction. Counts what passes, whoever sent it: every so manieth has the fault."""

    def __init__(self) -> None:
        self._passed = 0
        self._late: list[T] = []

    def arrives(self, one: T, faults: Faults) -> Sequence[T]:
        """What arrives when this is sent: it, nothing, it twice; or it and behind it one that was sent before."""
        self._passed += 1
        if self._is(faults.lost_datagram):
            return ()
        if self._is(faults.late_datagram):
            self._late.append(one)
            return ()
        before, self._late = self._late, []
        return (one, one, *before) if self._is(faults.doubled_datagram) else (one, *before)

    def _is(self, every: int) -> bool:
        return bool(every) and self._passed % every == 0
