"""A scan: a reading of a known machine, named and placed in time."""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from services.ingest.domain.instants import Chronology, Plausible, Quality
from services.ingest.domain.machine import Machine
from services.ingest.domain.reading import Batch, Mode, Reading

NAMESPACE = uuid.UUID("4c5d3b0e-6f0a-5e7c-9d51-2a7f1c0b8e46")
"""Fixed for ever: another namespace would make every scan that is replayed a new one."""


def scan_id(machine: int, badge: str, local_time: datetime, state: str) -> uuid.UUID:
    """What a scan is: this machine, this badge text, this second on the machine's clock, this state.

    The same record has the same id by whatever way it comes, so that reading a log again changes nothing.
    The name is `MACHINE YYYY-MM-DDTHH:MM:SS LENGTH STATE BADGE`: the length keeps a blank inside a state or
    a badge from making two names alike. UUID version 5 (SHA-1).
    """
    second = local_time.isoformat(timespec="seconds")
    return uuid.uuid5(NAMESPACE, f"{machine} {second} {len(state)} {state} {badge}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Scan:
    """A reading with its identity and its instant."""

    id: uuid.UUID
    machine: Machine
    reading: Reading
    at: datetime
    """UTC, by the machine's own clock: a drifting clock is noted, not corrected here."""
    quality: Quality
    received_at: datetime
    mode: Mode


class Naming:
    """Turns the batches of one machine, in order, into scans."""

    def __init__(self, machine: Machine, plausible: Plausible | None = None) -> None:
        self._machine = machine
        self._chronology = Chronology(ZoneInfo(machine.zone), plausible or Plausible(installed_on=machine.installed_on))

    def scans(self, batch: Batch, *, clock_offset: timedelta = timedelta(0)) -> Iterator[Scan]:
        """One scan a reading, in the order of the machine. Two readings may have the same id.

        `clock_offset` is the machine's clock minus ours, as last measured; zero where it never was.
        """
        machine, live = self._machine, batch.mode is Mode.LIVE
        for reading in batch.readings:
            at, quality = self._chronology.place(
                reading.local_time,
                ahead=reading.offset,
                received_at=batch.received_at,
                offset=clock_offset,
                live=live,
            )
            yield Scan(
                id=scan_id(machine.id, reading.badge, reading.local_time, reading.state),
                machine=machine,
                reading=reading,
                at=at,
                quality=quality,
                received_at=batch.received_at,
                mode=batch.mode,
            )
