"""What the measured offsets of a machine's clock say together: lines along which it drifts, and the jumps between them.

An offset is the machine's clock minus ours. A clock gains or loses a little each day, so that its offsets lie on a
line; a reset, somebody who sets it or a step to summer time ends that line and begins another. Measurements may come in
any order, and the same more than once.
"""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cached_property
from itertools import pairwise
from statistics import median

JUMP = timedelta(seconds=10)
"""What two measurements may differ by and be of one line. Clocks show whole seconds, and some are known only by when
scans arrive, within 5 s."""
WANDERS = 20.0
"""Seconds that a clock may gain or lose in a day beside: more than that is no drift."""
LONG_ENOUGH = timedelta(days=1)
"""For which a line must have been measured until it says how a clock drifts: half a second is little then."""
FEWEST = 3
LOOKED_AT = 60
"""Measurements of a line, spread over it, from which its drift is taken."""
EVERY = timedelta(hours=1)
"""A measurement of a clock that does what it did is kept so often."""
WRONG = timedelta(seconds=60)

_DAY = timedelta(days=1)


class Kind(StrEnum):
    """What a row of the measurements is."""

    MEASURED = "measured"
    SET = "set"
    """The clock was set by us just then; the offset is what it was before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """What a machine's clock was off by, at an instant of ours."""

    at: datetime
    offset: timedelta
    kind: Kind = Kind.MEASURED
    by: str = ""
    """Of a clock that was set: who wanted it, empty where nobody had to."""


@dataclass(frozen=True)
class Line:
    """A time in which a clock went on by itself: at least one measurement, in order."""

    points: Sequence[Measurement]

    @property
    def since(self) -> datetime:
        return self.points[0].at

    @property
    def until(self) -> datetime:
        return self.points[-1].at

    @cached_property
    def drift(self) -> float | None:
        """Seconds that it gains in a day; negative where it loses. None where that does not show yet.

        The median over pairs of measurements (Theil-Sen) that are far apart: no single wrong one matters, and what
        each may be off by counts for little.
        """
        span = self.until - self.since
        if len(self.points) < FEWEST or span < LONG_ENOUGH:
            return None
        some = _spread(self.points)
        return median(
            (later.offset - earlier.offset).total_seconds() / ((later.at - earlier.at) / _DAY)
            for number, earlier in enumerate(some)
            for later in some[number + 1 :]
            if later.at - earlier.at >= span / 2
        )

    def offset_at(self, at: datetime) -> timedelta:
        """What it was off by: between two measurements by those, before and after all of them along the line."""
        place = bisect_right(self.points, at, key=lambda point: point.at)
        if 0 < place < len(self.points):
            before, after = self.points[place - 1], self.points[place]
            return before.offset + (after.offset - before.offset) * ((at - before.at) / (after.at - before.at))
        if self.drift is None:
            return self.points[max(0, place - 1)].offset
        return timedelta(seconds=self._level + self.drift * ((at - self.since) / _DAY))

    @cached_property
    def _level(self) -> float:
        """Seconds, at its beginning."""
        drift = self.drift or 0.0
        return median(
            point.offset.total_seconds() - drift * ((point.at - self.since) / _DAY) for point in _spread(self.points)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Jump:
    """A clock was set, by whomever, began again, or stepped over to summer time or back."""

    after: datetime
    """It still went on as before."""
    before: datetime
    """It was first seen to be another."""
    by: timedelta
    """How much further ahead it is since."""
    to: timedelta
    """What it was off by then."""
    set_by: str | None
    """Who had us set it, empty where nobody had to; None where it was none of our doing."""


def lines_of(measurements: Iterable[Measurement]) -> Sequence[Line]:
    """The lines, in order of time; none where nothing was measured."""
    lines: list[list[Measurement]] = []
    previous: Measurement | None = None
    for point in sorted(set(measurements), key=_order):
        if previous is None or is_jump(previous, point):
            lines.append([])
        lines[-1].append(point)
        previous = point
    return [Line(tuple(points)) for points in lines]


def jumps_of(lines: Sequence[Line]) -> Sequence[Jump]:
    """What lies between each two of them."""
    return [
        Jump(
            after=old.until,
            before=new.since,
            by=new.points[0].offset - old.points[-1].offset,
            to=new.points[0].offset,
            set_by=old.points[-1].by if old.points[-1].kind is Kind.SET else None,
        )
        for old, new in pairwise(lines)
    ]


def is_jump(earlier: Measurement, later: Measurement) -> bool:
    """Whether a clock cannot have come from the one to the other by itself."""
    if earlier.kind is Kind.SET:
        return True
    may = JUMP.total_seconds() + WANDERS * ((later.at - earlier.at) / _DAY)
    return abs((later.offset - earlier.offset).total_seconds()) > may


def minute_wrong_at(line: Line, now: datetime) -> datetime | None:
    """When its clock will be a minute wrong, if it goes on so; None where it is, never will be, or nobody can say."""
    offset = line.offset_at(now)
    if not line.drift or abs(offset) >= WRONG:
        return None
    days = ((WRONG if line.drift > 0 else -WRONG) - offset).total_seconds() / line.drift
    return now + timedelta(days=days) if days < 100 * 365 else None


class Thinned:
    """Which measurements of one clock are worth keeping: some, and both sides of each jump."""

    __slots__ = ("_kept_at", "_last")

    def __init__(self) -> None:
        self._last: Measurement | None = None
        self._kept_at: datetime | None = None

    def note(self, point: Measurement) -> Sequence[Measurement]:
        """Those to be kept now, oldest first."""
        last, self._last = self._last, point
        if last is not None and is_jump(last, point):
            kept = (point,) if last.at == self._kept_at else (last, point)
        elif self._kept_at is None or point.kind is Kind.SET or point.at - self._kept_at >= EVERY:
            kept = (point,)
        else:
            return ()
        self._kept_at = point.at
        return kept


def _order(point: Measurement) -> tuple[datetime, bool, timedelta, str]:
    return point.at, point.kind is Kind.SET, point.offset, point.by


def _spread(points: Sequence[Measurement]) -> Sequence[Measurement]:
    """So many of them as are looked at, the first and the last included."""
    if len(points) <= LOOKED_AT:
        return points
    step = (len(points) - 1) / (LOOKED_AT - 1)
    return [points[round(number * step)] for number in range(LOOKED_AT)]
