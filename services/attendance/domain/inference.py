"""Which shift somebody worked who has no schedule: the one of several that the scans of the days around fit best.

It looks at the date, the one before and the one after together, as a scan is the arrival or departure of one shift
only: a scan in the morning may be the departure of the night before or the arrival of the day. What lies further away
plays no part, so that a scan changes the shifts of the few dates around it, and never a whole history.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, timedelta
from functools import lru_cache
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from services.attendance.domain.clocks import instant
from services.attendance.domain.scans import Scan
from services.attendance.domain.settings import DaySettings
from services.attendance.domain.shift import DATE, Shift
from services.attendance.domain.window import Slot

SURE: Final = 0.5
"""What is less sure than this is not taken for a shift: the day is then computed as one without a schedule."""
REACH: Final = 180
"""A scan speaks for the start or the end of a shift up to so many minutes away, and the less the further it is."""
# With one of its ends a fit is worth less than half of that with both. What lies within it raises its worth: who scans
# all night is not there by day, however well the ends of two nights would make a day.
_ONE_END: Final = 0.4
_COVERED: Final = 2.0


class Inferred(NamedTuple):
    """What a date's scans say."""

    shift: Shift | None
    """None where they fit no shift, or none is needed to explain them."""
    confidence: float
    """From 0 to 1: how well it fits, and how much better than anything else. Two decimals."""

    def slot(self, settings: DaySettings) -> Slot:
        """The slot of the date, marked as inferred; where no shift is sure enough, one without a schedule."""
        if self.shift is None or self.confidence < SURE:
            return Slot(settings)
        return Slot(settings, self.shift, scheduled=True, confidence=self.confidence)


class Candidate(NamedTuple):
    """A shift laid over scans; none, where these are the scans of other dates."""

    shift: Shift | None
    likeness: float
    """Of its ends to the scans next to them, from 0 to 1."""
    worth: float
    """That of the dates around included, as they would be beside it."""
    first: int
    """The scan that it begins with, in minutes since 1970; `last` is the one that it ends with."""
    last: int


Beside = tuple[Sequence[Shift], Sequence[Shift]]
"""The shifts that the date before and the date after may have: the one that somebody said, or those to choose from."""


@lru_cache(maxsize=4_096)
def evidence_of(day: date, zone: str) -> tuple[int, int]:
    """The seconds since 1970 from which and before which scans have a say in the shift of a date.

    Three dates, and the morning in which a night of the last of them ends.
    """
    tz = ZoneInfo(zone)
    return instant(day, -DATE, tz), instant(day, 2 * DATE + DATE // 2, tz)


def infer(
    scans: Iterable[Scan], day: date, zone: str, shifts: Sequence[Shift], beside: Beside | None = None
) -> Inferred:
    """The shift of a date that the scans fit best; of equal ones the first. No shift is as good an answer as any."""
    found = candidates(scans, day, zone, shifts, beside)
    if not found:
        return Inferred(None, 1.0)
    best, *others = found
    margin = best.worth - (others[0].worth if others else 0.0)
    surety = (1 + min(1.0, margin)) / 2
    return Inferred(best.shift, round(best.likeness * surety, 2))


def candidates(
    scans: Iterable[Scan], day: date, zone: str, shifts: Sequence[Shift], beside: Beside | None = None
) -> list[Candidate]:
    """What a date may have been, the best first: a shift, or none where the dates around explain all scans.

    Scans may be in any order and repeat. Others than those of `evidence_of` have no say, and neither have those that do
    not count; without any there is nothing to be said. `beside` are the shifts that the date before and the date after
    may have, where these are others.
    """
    start, end = evidence_of(day, zone)
    minutes = sorted({scan.at // 60 for scan in scans if start <= scan.at < end and scan.quality.counts})
    if not minutes:
        return []
    earlier, later = beside or (shifts, shifts)
    choices = ((-1, earlier), (0, shifts), (1, later))
    before, own, after = (list(_fits(minutes, day + timedelta(days=step), zone, some)) for step, some in choices)
    found = [
        fit._replace(
            worth=fit.worth
            + _best(one for one in before if one.last < fit.first)
            + _best(one for one in after if one.first > fit.last)
        )
        for fit in own
    ]
    around = [*(one.worth for one in before), *(one.worth for one in after)]
    around += [one.worth + other.worth for one in before for other in after if one.last < other.first]
    found.append(Candidate(None, 1.0, max(around, default=0.0), minutes[0], minutes[-1]))
    return sorted(found, key=lambda one: -one.worth)


def _best(fits: Iterable[Candidate]) -> float:
    return max((fit.worth for fit in fits), default=0.0)


def _fits(minutes: Sequence[int], day: date, zone: str, shifts: Sequence[Shift]) -> Iterator[Candidate]:
    """Each shift of a date that has a scan at one of its ends at least."""
    for shift in shifts:
        start, end = _ends(day, zone, shift)
        arrival, departure = _nearest(minutes, start), _nearest(minutes, end)
        of_arrival, of_departure = _likeness(arrival, start), _likeness(departure, end)
        if arrival is not None and departure is not None and arrival < departure:
            likeness, first, last = (of_arrival + of_departure) / 2, arrival, departure
        else:
            # One end only; a scan that is near to both speaks for one of them.
            arrives = departure is None or (arrival is not None and of_arrival >= of_departure)
            end_seen = arrival if arrives else departure
            if end_seen is None:
                continue
            likeness, first, last = max(of_arrival, of_departure) * _ONE_END, end_seen, end_seen
        covered = bisect_right(minutes, last) - bisect_left(minutes, first)
        yield Candidate(shift, likeness, likeness * (1 + _COVERED * covered / len(minutes)), first, last)


@lru_cache(maxsize=16_384)
def _ends(day: date, zone: str, shift: Shift) -> tuple[int, int]:
    tz = ZoneInfo(zone)
    return instant(day, shift.start, tz) // 60, instant(day, shift.end, tz) // 60


def _nearest(minutes: Sequence[int], moment: int) -> int | None:
    """The scan nearest to a moment, of two the earlier; None where there is none within reach."""
    place = bisect_left(minutes, moment)
    before = minutes[place - 1] if place else moment - REACH
    after = minutes[place] if place < len(minutes) else moment + REACH
    nearest = before if moment - before <= after - moment else after
    return nearest if abs(nearest - moment) < REACH else None


def _likeness(scan: int | None, moment: int) -> float:
    return 0.0 if scan is None else 1 - abs(scan - moment) / REACH
