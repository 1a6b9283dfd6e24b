"""From presence to minutes of work: the part of a day that is about breaks and rounding (RULES §4–5)."""

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from services.attendance.domain.frame import Frame, Span
from services.attendance.domain.resolve import Reading, Stretch
from services.attendance.domain.settings import Rounding
from services.attendance.domain.shift import DeductedBreak, PunchedBreak


class Worked(NamedTuple):
    """Minutes worked in all, and which of them are overtime and extra overtime."""

    working: int
    overtime: int
    extra: int


def presence(reading: Reading, *, counting_time_away: bool) -> Sequence[Stretch]:
    """The stretches that are paid: those seen or, where time away counts, all from first arrival to last departure."""
    arrival, departure = reading.arrival, reading.departure
    if counting_time_away and arrival is not None and departure is not None and arrival < departure:
        return (Stretch(arrival, departure),)
    return reading.stretches


def amounts(stretches: Sequence[Stretch], frame: Frame) -> tuple[int, int, int]:
    """The short way to what `Worked` has, for a plain frame. Lunch is nobody's work."""
    working = overtime = extra = 0
    for start, end in stretches:
        working += without_lunch(start, end, frame)
        if end > frame.overtime_start:
            overtime += without_lunch(max(start, frame.overtime_start), min(end, frame.extra_start), frame)
            extra += without_lunch(max(start, frame.extra_start), end, frame)
    return working, overtime, extra


def without_lunch(start: int, end: int, frame: Frame) -> int:
    """Minutes from start to end that are not lunch; 0 where the end comes first."""
    if end <= start:
        return 0
    if start < frame.lunch_end and end > frame.lunch_start:
        return end - start - (min(end, frame.lunch_end) - max(start, frame.lunch_start))
    return end - start


def worked(reading: Reading, frame: Frame) -> tuple[int, Worked]:
    """The long way: minutes worked before any rounding, and what counts after it."""
    stretches = presence(reading, counting_time_away=frame.settings.time_away_counts)
    raw = _less_breaks(counted(stretches, frame), reading, frame)
    rounded = _less_breaks(counted(rounded_ends(stretches, frame), frame), reading, frame)
    return raw.working, _rounded_total(rounded, frame)


def counted(stretches: Sequence[Stretch], frame: Frame) -> Sequence[Stretch]:
    """The stretches from the moment on at which time starts to count."""
    if frame.settings.early_arrival_counts:
        return stretches
    return [Stretch(max(start, frame.begins), end) for start, end in stretches if end > frame.begins]


def rounded_ends(stretches: Sequence[Stretch], frame: Frame) -> Sequence[Stretch]:
    """The stretches with their first arrival and last departure on the grids of the wall clock."""
    rules = frame.settings
    if not stretches or rules.arrival_rounding is rules.departure_rounding is Rounding.NONE:
        return stretches
    ends = list(stretches)
    arrival = _to_clock_grid(ends[0].start, rules.arrival_rounding, rules.arrival_grid, frame)
    ends[0] = Stretch(min(arrival, ends[0].end) if len(ends) > 1 else arrival, ends[0].end)
    departure = _to_clock_grid(ends[-1].end, rules.departure_rounding, rules.departure_grid, frame)
    ends[-1] = Stretch(ends[-1].start, max(departure, ends[-1].start))
    return ends


def with_paid_breaks(stretches: Sequence[Stretch], frame: Frame) -> Sequence[Stretch]:
    """The stretches with those times away that lie in a paid break."""
    if not frame.paid or len(stretches) < 2:
        return stretches
    pieces = list(stretches)
    for one, other in pairwise(stretches):
        for paid in frame.paid:
            start, end = max(one.end, paid.start), min(other.start, paid.end)
            if start < end:
                pieces.append(Stretch(start, end))
    return pieces


def break_minutes(reading: Reading, frame: Frame, gross: int) -> tuple[int, int]:
    """Minutes that breaks by amount take off and add, where `gross` minutes were worked without them."""
    off = added = 0
    taken = _time_away(reading, frame)
    for one in frame.shift.breaks or () if frame.shift is not None else ():
        if isinstance(one, DeductedBreak) and gross > one.after:
            off += one.minutes
        elif isinstance(one, PunchedBreak):
            most = taken if one.at_most is None else min(taken, one.at_most)
            if one.paid:
                added += 0 if frame.settings.time_away_counts else most
                continue
            least = one.at_least if gross > one.after else 0
            # Where time away counts it is among the hours, and what of it is break comes off; else none of it is.
            off += max(most, least) if frame.settings.time_away_counts else max(0, least - taken)
    return off, added


def on_grid(minutes: int, way: Rounding, grid: int) -> int:
    """A number of minutes on a grid; half of it goes up."""
    if way is Rounding.DOWN:
        return minutes // grid * grid
    if way is Rounding.UP:
        return -(minutes // -grid) * grid
    if way is Rounding.NEAREST:
        return (2 * minutes + grid) // (2 * grid) * grid
    return minutes


def without_windows(start: int, end: int, windows: Sequence[Span]) -> int:
    """Minutes from start to end that lie in none of the windows; 0 where the end comes first."""
    if end <= start:
        return 0
    return end - start - sum(max(0, min(end, one.end) - max(start, one.start)) for one in windows)


def cut_to(total: int, minutes: Worked) -> Worked:
    """Less, taken from the end of the day: from extra overtime, then overtime, then the rest."""
    over = max(0, minutes.working - total)
    extra = max(0, minutes.extra - over)
    over -= minutes.extra - extra
    return Worked(total, max(0, minutes.overtime - over), extra)


def _less_breaks(stretches: Sequence[Stretch], reading: Reading, frame: Frame) -> Worked:
    pieces = with_paid_breaks(stretches, frame)
    working = overtime = extra = 0
    for start, end in pieces:
        working += without_windows(start, end, frame.unpaid)
        overtime += without_windows(max(start, frame.overtime_start), min(end, frame.extra_start), frame.unpaid)
        extra += without_windows(max(start, frame.extra_start), end, frame.unpaid)
    if not working:
        return Worked(0, 0, 0)
    off, added = break_minutes(reading, frame, working)
    # A break by amount lies within the regular time, as far as there is any.
    total = max(0, min(working + added - off, frame.end // 60 - frame.start // 60))
    extra = min(extra, total)
    return Worked(total, min(overtime, total - extra), extra)


def _time_away(reading: Reading, frame: Frame) -> int:
    """Minutes between leaving and coming back, without those that fixed breaks have dealt with."""
    away = 0
    for one, other in pairwise(reading.stretches):
        away += without_windows(one.end, other.start, (*frame.unpaid, *frame.paid))
    return away


def _to_clock_grid(minute: int, way: Rounding, grid: int, frame: Frame) -> int:
    ahead = frame.offset if minute < frame.turn else frame.offset_after
    rounded = on_grid(minute + ahead, way, grid) - ahead
    return min(max(rounded, frame.start // 60), frame.end // 60)


def _rounded_total(minutes: Worked, frame: Frame) -> Worked:
    rules = frame.settings
    total = min(on_grid(minutes.working, rules.total_rounding, rules.total_grid), frame.end // 60 - frame.start // 60)
    more = total - minutes.working
    if more <= 0:
        return cut_to(total, minutes)
    # What is added follows the last minute of work.
    if minutes.extra:
        return Worked(total, minutes.overtime, minutes.extra + more)
    return Worked(total, minutes.overtime + more if minutes.overtime else 0, 0)
