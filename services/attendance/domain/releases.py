"""What a person rules about a quarantined scan: that it counts after all, and when it was."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

from shared.kernel.errors import Invalid

EARLIEST: Final = datetime(2001, 1, 1, tzinfo=UTC)
"""What lies before is a clock that began again, never a scan."""
AHEAD: Final = timedelta(days=1)
"""How far beyond now a released scan may lie: as far as two time zones can."""


class Quarantined(NamedTuple):
    """What a ruling needs to know of a scan."""

    id: UUID
    local_at: datetime
    """The machine's wall clock, as it said."""
    at: datetime
    badge: str
    type: str
    machine_id: int
    zone: str


class Release(NamedTuple):
    """A ruling in force."""

    scan_id: UUID
    badge: str
    local_at: datetime
    """The machine's wall clock, as it said."""
    at: datetime
    """When the scan counts, to the second."""
    wall_time: datetime
    """The same in the zone of the scan, without a zone."""
    reason: str
    by: int
    by_name: str
    released_at: datetime
    machine_id: int

    @property
    def corrected(self) -> bool:
        """Whether the scan counts at another time than the machine said."""
        return self.wall_time != self.local_at.replace(microsecond=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Correction:
    """How the machine's time is set right: one of these, or none where it was right."""

    at: datetime | None = None
    """The instant, with its zone."""
    local_time: datetime | None = None
    """The wall clock in the machine's zone, without a zone. Of an hour that comes twice it is the first."""
    offset: timedelta | None = None
    """How far the machine's wall clock was behind."""


AS_SAID: Final = Correction()


class Moment(NamedTuple):
    """When a released scan counts, to the second."""

    at: datetime
    wall_time: datetime


def moment_of(scan: Quarantined, correction: Correction, *, now: datetime) -> Moment:
    """When the scan counts by this ruling.

    Raises:
        Invalid: that is too long ago or ahead to be true, or an hour that the clocks skipped.
    """
    zone = ZoneInfo(scan.zone)
    if correction.at is not None:
        name, at = "at", correction.at
    elif correction.local_time is not None:
        name, at = "local_time", correction.local_time.replace(tzinfo=zone)
    elif correction.offset is not None:
        name, at = "offset_seconds", _moved(scan.local_at, correction.offset).replace(tzinfo=zone)
    else:
        name, at = "at", scan.at
    if not EARLIEST <= at <= now + AHEAD:
        raise _invalid(name, _why_not(at, correction))
    instant = at.astimezone(UTC).replace(microsecond=0)
    wall_time = instant.astimezone(zone).replace(tzinfo=None)
    if at.tzinfo is zone and wall_time != at.replace(microsecond=0, tzinfo=None):
        raise _invalid(name, f"{_clock(at)} does not exist in {scan.zone}: the clocks skipped it")
    return Moment(instant, wall_time)


def words_of(release: Release, *, here: bool) -> str:
    """Who released a scan, how and why; `here` says that it is the day on which the scan counts."""
    why = f"(reason: {release.reason})"
    if not release.corrected:
        return f"released by {release.by_name} at the time that the machine said {why}"
    if here:
        return f"corrected by {release.by_name} from {_clock(release.local_at)}, which the machine said {why}"
    return f"corrected by {release.by_name} to {_clock(release.wall_time)}, where it counts {why}"


def _moved(local_at: datetime, offset: timedelta) -> datetime:
    try:
        return local_at + offset
    except OverflowError as error:
        raise _invalid("offset_seconds", f"leads from {_clock(local_at)} out of the calendar") from error


def _why_not(at: datetime, correction: Correction) -> str:
    what = f"{_clock(at)} lies before {EARLIEST.year}" if at < EARLIEST else f"{_clock(at)} lies in the future"
    return f"{what}; say when the scan really was" if correction == AS_SAID else what


def _clock(moment: datetime) -> str:
    return moment.replace(tzinfo=None).isoformat(" ", "seconds")


def _invalid(name: str, detail: str) -> Invalid:
    return Invalid(f"{name}: {detail}", fields={name: detail})
