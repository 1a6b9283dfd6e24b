"""What one reading of a machine's whole log brought, counted as it went."""

from collections import Counter, deque
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final
from uuid import UUID

from services.ingest.domain.scan import Scan

REPEATS_WITHIN: Final = 500
"""Machines write a scan twice within moments. So many records back the same scan is known to be that; further back it
counts as another, so that a long log needs no more memory than a short one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LogReading:
    """A reading of a whole log that came to its end."""

    machine_id: int
    began_at: datetime
    ended_at: datetime
    on_machine: int | None
    """Records, as it said itself; None where it says nothing."""
    read: int
    """Records: all of those below, and those that were here before."""
    new: int
    repeated: int
    """The same scan as one shortly before."""
    quarantined: int
    unreadable: int
    days: Mapping[date, int]
    """Different scans of each day on the machine's clock."""

    @property
    def known(self) -> int:
        """Records whose scans were here before."""
        return self.read - self.new - self.repeated - self.unreadable


class Tally:
    """Counts one reading."""

    def __init__(self, machine_id: int, began_at: datetime) -> None:
        self._machine_id = machine_id
        self._began_at = began_at
        self._read = self._new = self._repeated = self._quarantined = self._unreadable = 0
        self._days: Counter[date] = Counter()
        self._recent: set[UUID] = set()
        self._order: deque[UUID] = deque()

    def scans(self, scans: Sequence[Scan], *, new: Collection[UUID]) -> None:
        """These were read; `new` are those that were not here before."""
        for scan in scans:
            self._read += 1
            if scan.id in self._recent:
                self._repeated += 1
                continue
            self._remember(scan.id)
            self._new += scan.id in new
            self._quarantined += scan.quality.quarantined
            self._days[scan.reading.local_time.date()] += 1

    def unreadable(self, number: int) -> None:
        """So many records were read that nobody understands."""
        self._read += number
        self._unreadable += number

    def ended(self, at: datetime, *, on_machine: int | None) -> LogReading:
        """All of it was read; `on_machine` is how many records it counts."""
        return LogReading(
            machine_id=self._machine_id,
            began_at=self._began_at,
            ended_at=at,
            on_machine=on_machine,
            read=self._read,
            new=self._new,
            repeated=self._repeated,
            quarantined=self._quarantined,
            unreadable=self._unreadable,
            days=dict(sorted(self._days.items())),
        )

    def _remember(self, id_: UUID) -> None:
        self._recent.add(id_)
        self._order.append(id_)
        if len(self._order) > REPEATS_WITHIN:
            self._recent.discard(self._order.popleft())
