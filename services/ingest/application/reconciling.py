"""What machines hold against what of them is here."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from services.ingest.application.commanding import Commanding
from services.ingest.application.drivers import COUNT_LOG, MISSING, Capability, NumbersRecords, ReadsLog, TakesCommands
from services.ingest.application.machines import Machines
from services.ingest.application.ports import Counts, DayReceived, LogReadings, Received
from services.ingest.application.standing import Standing
from services.ingest.domain.log_reading import LogReading
from services.ingest.domain.machine import Machine, pause_in_words
from services.ingest.domain.reconciliation import (
    Counted,
    Figures,
    Numbered,
    Verdict,
    missing_of_day,
    of_any_day,
    verdict,
    why_unknown,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconciliation:
    """One machine."""

    machine: Machine
    figures: Figures
    verdict: Verdict
    received: Received
    counted_at: datetime | None
    """When the machine answered how many records it counts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DayReconciled:
    """One day on the machine's clock."""

    day: date
    on_machine: int | None
    """Different scans in its log when that was last read whole; None where it never was."""
    received: int
    quarantined: int
    missing: int | None
    """Of those on the machine, as many as are not here, at least; None where nobody can say."""
    was_over: bool
    """When its log was last read whole: of another day, more may be here than was in its log then."""


class Reconciling:
    """The queries."""

    def __init__(
        self,
        machines: Machines,
        counts: Counts,
        readings: LogReadings,
        commanding: Commanding,
        *,
        standing_of: Callable[[int], Standing | None],
    ) -> None:
        """`standing_of` is that of a machine that is in contact; None where none is."""
        self._machines = machines
        self._counts = counts
        self._readings = readings
        self._commanding = commanding
        self._standing_of = standing_of

    async def of(self, machines: Sequence[Machine]) -> Sequence[Reconciliation]:
        """Each of them, in their order."""
        ids = [machine.id for machine in machines]
        received = await self._counts.received(ids)
        readings = await self._readings.of(ids)
        return [await self._one(machine, received, readings) for machine in machines]

    async def days(self, one: Reconciliation) -> Sequence[DayReconciled]:
        """Each day of which there is a scan, in its log or here, the latest first."""
        received = {day.day: day for day in await self._counts.days(one.machine.id)}
        reading = one.figures.reading
        held = reading.days if reading is not None else {}
        read_on = _on_its_clock(reading.began_at, one.machine).date() if reading is not None else None

        def reconciled(day: date) -> DayReconciled:
            here = received.get(day, DayReceived(day=day, scans=0, quarantined=0))
            on_machine = held.get(day, 0) if reading is not None else None
            return DayReconciled(
                day=day,
                on_machine=on_machine,
                received=here.scans,
                quarantined=here.quarantined,
                missing=missing_of_day(on_machine, here.scans, uncounted=one.figures.uncounted),
                was_over=read_on is not None and day < read_on,
            )

        return [reconciled(day) for day in sorted({*received, *held}, reverse=True)]

    async def _one(
        self, machine: Machine, received: Mapping[int, Received], readings: Mapping[int, LogReading]
    ) -> Reconciliation:
        here = received.get(machine.id, Received())
        counted, at = await self._counted(machine)
        standing = self._standing_of(machine.id)
        reading = readings.get(machine.id)
        numbered = self._numbered(machine)
        uncounted = of_any_day(here.uncounted, here.counted_since, reading)
        goes_out = self._machines.goes_out(machine)
        on_machine = machine.records_on_machine
        if standing is not None and not goes_out:
            # What it said just now: what it has handed over since is counted from then on.
            on_machine = standing.records if standing.records is not None else on_machine
        days = await self._here(machine, counted)
        figures = Figures(
            on_machine=on_machine,
            handed_over=machine.records_received if goes_out else None,
            scans=here.scans,
            from_machine=here.from_machine,
            since_counted=standing.since_counted if standing is not None else 0,
            uncounted=uncounted,
            counted_since=_on_its_clock(here.counted_since, machine) if here.counted_since and uncounted else None,
            quarantined=here.quarantined,
            unreadable=here.unreadable,
            unreadable_from_machine=here.unreadable_from_machine,
            cleared=machine.records_cleared,
            cleared_at=_on_its_clock(machine.log_cleared_at, machine) if machine.log_cleared_at else None,
            reading=reading,
            read_at=_on_its_clock(reading.ended_at, machine) if reading is not None else None,
            counted=counted,
            counted_here=sum(day.scans for day in days),
            counted_from_machine=sum(day.from_machine for day in days),
            as_of=_on_its_clock(machine.last_contact_at, machine)
            if standing is None and machine.last_contact_at
            else None,
            # What a contact says is newer than what is kept, which another process may have written.
            gaps=(standing.said(MISSING) if standing is not None else "") or numbered.gaps,
            whole=numbered.whole,
            unknown=self._why_unknown(machine),
        )
        return Reconciliation(
            machine=machine, figures=figures, verdict=verdict(figures), received=here, counted_at=at
        )  # fmt: skip

    def _numbered(self, machine: Machine) -> Numbered:
        driver = self._machines.driver_of(machine)
        return driver.numbered(machine) if isinstance(driver, NumbersRecords) else Numbered()

    def _why_unknown(self, machine: Machine) -> str:
        driver, state = self._machines.driver_of(machine), self._machines.state_of(machine)
        goes_out = self._machines.goes_out(machine)
        return why_unknown(
            state,
            ever=machine.last_contact_at is not None,
            reason=pause_in_words(machine) or ("" if machine.is_connected else machine.status_text),
            reads_log=goes_out and isinstance(driver, ReadsLog),
            tells_counts=Capability.REPORTS_COUNTS in driver.capabilities,
            counts_when_asked=not goes_out and isinstance(driver, TakesCommands),
        )

    async def _counted(self, machine: Machine) -> tuple[Counted | None, datetime | None]:
        """What it answered last to how many records there are of some days, and of all of them if it ever was asked.

        What it counted before its log was cleared says nothing of what it holds.
        """
        driver = self._machines.driver_of(machine)
        if not isinstance(driver, TakesCommands):
            return None, None
        narrow: tuple[Counted | None, datetime | None] = None, None
        for command in await self._commanding.of(machine):
            if command.name == COUNT_LOG and command.code is not None and command.code >= 0:
                counted = driver.counted(command.text, command.result)
                if counted is None or not counted.is_of_whole_days or _is_stale(command.answered_at, machine):
                    continue
                if counted.is_of_all:
                    return counted, command.answered_at
                if narrow[0] is None:
                    narrow = counted, command.answered_at
        return narrow

    async def _here(self, machine: Machine, counted: Counted | None) -> Sequence[DayReceived]:
        if counted is None:
            return ()
        return await self._counts.days(machine.id, first=counted.first.date(), last=counted.last.date())


def _is_stale(answered_at: datetime | None, machine: Machine) -> bool:
    cleared_at = machine.log_cleared_at
    return answered_at is None or (cleared_at is not None and answered_at <= cleared_at)


def _on_its_clock(at: datetime, machine: Machine) -> datetime:
    return at.astimezone(ZoneInfo(machine.zone)).replace(tzinfo=None)
