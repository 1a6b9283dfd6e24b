"""A machine that speaks a profile: its log, its clock, what it has been told is safe. No I/O."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from services.ingest.domain.reading import ScanType
from services.ingest.vendors.generic.settings import read
from services.ingest.vendors.generic.simulator.encoding import encoded, framed, written_time
from shared.kernel.clock import Clock, SystemClock


@dataclass(frozen=True, slots=True)
class Entry:
    """A record of the log."""

    place: int
    badge: str
    wall: datetime
    state: str


class Device:
    """The state of one machine. `template` is what a record looks like where the profile has a pattern."""

    def __init__(
        self,
        config: Mapping[str, Any],
        *,
        zone: str = "UTC",
        serial: str = "GENERICSIM1",
        clock: Clock | None = None,
        clock_offset: timedelta = timedelta(0),
        template: str | None = None,
    ) -> None:
        """Raises Invalid where the config is none."""
        self.config = config
        self.settings = read(config)
        self.zone, self.serial, self.template = zone, serial, template
        self.clock_offset = clock_offset
        self._zone = ZoneInfo(zone)
        self._clock = clock or SystemClock()
        self._entries: list[Entry] = []
        self.safe: set[int] = set()
        """Places of records that it was told are safe; where the profile has no acknowledgement, that it sent."""

    @property
    def entries(self) -> Sequence[Entry]:
        return self._entries

    def waiting(self) -> list[Entry]:
        """Records that it has not been told are safe, in order."""
        return [entry for entry in self._entries if entry.place not in self.safe]

    def wall(self) -> datetime:
        """What its clock shows."""
        local = self._clock.now().astimezone(self._zone).replace(tzinfo=None)
        return (local + self.clock_offset).replace(microsecond=0)

    def scan(self, badge: str, *, state: str | None = None) -> Entry:
        """Somebody scans, now."""
        return self.record_at(badge, self.wall(), state=state)

    def record_at(self, badge: str, wall: datetime, *, state: str | None = None) -> Entry:
        """Write a record of a given wall time."""
        entry = Entry(len(self._entries), badge, wall, state if state is not None else self.state_of(ScanType.IN))
        self._entries.append(entry)
        return entry

    def state_of(self, type_: ScanType) -> str:
        """How it writes what somebody did."""
        known = (state for state, meant in self.settings.directions.items() if meant is type_)
        return next(known, "0")

    def number_of(self, entry: Entry) -> int:
        """The number that its record has."""
        counting = self.settings.sequence
        if counting is None:
            return entry.place + 1
        if counting.last is None:
            return counting.first + entry.place
        return counting.first + entry.place % (counting.last - counting.first + 1)

    def number_text(self, entry: Entry) -> str:
        """The same as it is written."""
        counting = self.settings.sequence
        number = self.number_of(entry)
        text = f"{number:X}" if counting is not None and counting.base == 16 else str(number)
        return text.zfill(counting.digits) if counting is not None else text

    def numbered(self, first: int, last: int) -> list[Entry]:
        """The newest records of these numbers."""
        newest = {self.number_of(entry): entry for entry in self._entries}
        return [entry for number, entry in sorted(newest.items()) if first <= number <= last]

    def frame(self, entry: Entry) -> bytes:
        """A record as it is sent.

        Raises:
            CannotSay: the profile has no way to.
        """
        settings = self.settings
        fields, trim = settings.fields, settings.badge
        values = {fields.badge: f"{trim.prefix}{entry.badge}{trim.suffix}"}
        if fields.time is not None:
            told = written_time(entry.wall, settings.times[0], self._zone)
            names = (fields.time,) if isinstance(fields.time, str) else fields.time
            parts = told.split(" ", len(names) - 1)
            values |= dict(zip(names, parts, strict=False))
        others = {
            fields.state: entry.state,
            fields.verify: "1",
            fields.sequence: self.number_text(entry),
            fields.serial: self.serial,
            fields.work_code: "0",
        }
        values |= {name: value for name, value in others.items() if name is not None}
        return framed(settings.framing, encoded(settings.decoding, values, template=self.template))
