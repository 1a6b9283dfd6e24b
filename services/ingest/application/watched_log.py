"""Following how the log of one machine is read: what a whole reading brought, and whether one that is wanted was.

A part that is read again, from a time on, is no whole reading: nothing is counted by it.
"""

from services.ingest.application.conditions import Conditions
from services.ingest.application.drivers import ReadsLog, ReadsSince, Streams
from services.ingest.application.ports import LogReadings
from services.ingest.application.read_marks import ReadMarks
from services.ingest.application.standing import Standing
from services.ingest.domain.log_reading import Tally
from services.ingest.domain.machine import Machine
from services.ingest.domain.reading import Batch, Mode
from shared.kernel.clock import Clock


class WatchedLog:
    """Of one watch. Where the driver reads no log it follows only the marks that it gives."""

    def __init__(
        self,
        machine: Machine,
        driver: Streams,
        *,
        standing: Standing,
        conditions: Conditions,
        readings: LogReadings,
        marks: ReadMarks,
        clock: Clock,
    ) -> None:
        self._machine = machine
        self._driver = driver if isinstance(driver, ReadsLog) else None
        self._standing = standing
        self._conditions = conditions
        self._readings = readings
        self._marks = marks
        self._clock = clock
        self._wanted = machine.sync_asked_at is not None
        """Somebody wants its log to be read again, and it was not yet."""
        self._tally: Tally | None = None
        self._reading = False
        """Its log is being read, and has not come to its end in this contact."""

    def begin(self) -> None:
        """A contact is attempted."""
        self._tally = None
        if self._driver is None:
            return
        self._reading = True
        if self._wanted:
            self._have_read_again(self._driver)
        if self._driver.reads_whole(self._machine):
            self._tally = Tally(self._machine.id, self._clock.now())

    def tally(self, batch: Batch) -> Tally | None:
        """What counts this batch, where it is a part of the log."""
        return self._tally if batch.mode is Mode.REPLAY and batch.of_log else None

    def taken(self, batch: Batch) -> None:
        """This batch cannot be lost any more; an empty one ends the reading of the log."""
        if batch.read_mark is not None:
            self._marks.put(self._machine, batch.read_mark)
        if not self._reading or batch.readings or batch.unreadable:
            return
        self._reading = False
        if self._tally is not None:
            reading = self._tally.ended(self._clock.now(), on_machine=self._standing.records)
            self._tally = None
            self._standing.also(lambda: self._readings.keep(reading))
        if self._wanted:
            self._wanted = False
            self._standing.also(lambda: self._conditions.read_again(self._machine))

    def _have_read_again(self, driver: ReadsLog) -> None:
        """As much as is wanted, or all of it, where the driver cannot have a part."""
        machine = self._machine
        if machine.sync_since is not None and isinstance(driver, ReadsSince) and driver.can_read_since(machine):
            driver.read_since(machine, machine.sync_since)
        else:
            driver.read_again(machine)
