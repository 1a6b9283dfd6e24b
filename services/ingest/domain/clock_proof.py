"""What a machine's clock was off by at some time, so that scans of then can be set right.

The time may be ours, or what the machine showed: a scan that says 2000-01-01 00:10 was made while its clock said so.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from services.ingest.domain.clock_line import Line

BELIEVED = timedelta(weeks=12)
"""For which a clock that is measured for the first time is taken to have been so before."""
SOON = timedelta(minutes=1)
"""Beyond now: clocks are not measured to the second."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """An offset that held, or may have."""

    at: datetime
    """When that was, by our clock."""
    offset: timedelta
    correction: int
    """Seconds to be added to what its clock showed."""
    proven: bool
    """Whether it was measured before and after; else it was so before the clock was first, or after it was last
    measured, or before or after it was set."""
    since: datetime
    until: datetime
    """First and last measurement of that line."""


def held_at(lines: Sequence[Line], at: datetime, zone: ZoneInfo, *, now: datetime) -> Sequence[Held]:
    """What may have held at an instant: one, or two where the clock jumped about then."""
    return [
        _held(line, at, zone)
        for line, after, before in _spans(lines)
        if _within(at, after, before) and at <= now + SOON
    ]


def held_when_shown(lines: Sequence[Line], shown: datetime, zone: ZoneInfo, *, now: datetime) -> Sequence[Held]:
    """What may have held while its clock showed this wall time: none where it never can have shown it.

    More than one where it can have shown it more than once.
    """
    instants = {shown.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1)}
    found: dict[tuple[datetime, int], Held] = {}
    for line, after, before in _spans(lines):
        for instant in sorted(instants):
            at = _when(line, instant)
            if _within(at, after, before) and at <= now + SOON:
                held = _held(line, at, zone)
                found.setdefault((line.since, held.correction), held)
    return list(found.values())


def _spans(lines: Sequence[Line]) -> Iterator[tuple[Line, datetime, datetime | None]]:
    """Each line, and the times between which the clock can have gone along it; None is until now."""
    for number, line in enumerate(lines):
        after = lines[number - 1].until if number else line.since - BELIEVED
        before = lines[number + 1].since if number + 1 < len(lines) else None
        yield line, after, before


def _within(at: datetime, after: datetime, before: datetime | None) -> bool:
    return after <= at and (before is None or at <= before)


def _when(line: Line, shown: datetime) -> datetime:
    """Our time at which a clock on this line showed this instant. Drift is slow, so that twice is enough."""
    at = shown - line.points[-1].offset
    for _ in range(2):
        at = shown - line.offset_at(at)
    return at


def _held(line: Line, at: datetime, zone: ZoneInfo) -> Held:
    offset = line.offset_at(at)
    true, shown = (moment.astimezone(zone).replace(tzinfo=None) for moment in (at, at + offset))
    return Held(
        at=at,
        offset=offset,
        correction=round((true - shown).total_seconds()),
        proven=line.since <= at <= line.until,
        since=line.since,
        until=line.until,
    )
