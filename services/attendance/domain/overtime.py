"""What of the time worked is overtime, and how much of that is granted (RULES §4–5)."""

from services.attendance.domain.frame import Frame, Terms
from services.attendance.domain.resolve import Reading
from services.attendance.domain.settings import DaySettings, OvertimeBy
from services.attendance.domain.terms import Level
from services.attendance.domain.work import Worked, amounts, cut_to, presence, worked


def minutes_of(reading: Reading, frame: Frame, terms: Terms, level: Level) -> tuple[int, int, int, int]:
    """Minutes worked before any rounding and after it, and the overtime and extra overtime that lie in them."""
    settings = frame.settings
    if frame.plain:
        stretches = presence(reading, counting_time_away=True) if settings.time_away_counts else reading.stretches
        working, overtime, extra = amounts(stretches, frame)
        raw = working
    else:
        raw, minutes = worked(reading, frame)
        working, overtime, extra = by_its_rule(minutes, frame, terms)
    if level is not Level.WORKER:
        return raw, working, 0, 0
    if terms.rest and settings.rest_day_overtime and settings.overtime_by is not OvertimeBy.NONE:
        overtime = working - extra
    return raw, working, overtime, extra


def by_its_rule(minutes: Worked, frame: Frame, terms: Terms) -> Worked:
    """The same time with the overtime that the settings measure: by the clock, by the day, or none by the day."""
    rule = frame.settings.overtime_by
    if rule is OvertimeBy.DAY or (rule is OvertimeBy.CLOCK and by_amount(frame)):
        return _by_day(minutes.working, frame, terms)
    if rule is OvertimeBy.CLOCK:
        return minutes
    return Worked(minutes.working, 0, 0)


def by_amount(frame: Frame) -> bool:
    """Whether overtime by the clock goes by amount here: a flexible shift has no end after which it could start."""
    return frame.shift is not None and frame.shift.flexible


def threshold(frame: Frame, terms: Terms) -> int:
    """What is worked above it in a day is overtime by the day."""
    after = frame.settings.overtime_after
    # A day of rest expects nothing; whether all of it is overtime is a setting of its own.
    return (frame.norm if terms.rest else terms.expected) if after is None else after


def granted(overtime: int, extra: int, settings: DaySettings) -> tuple[int, int]:
    """What of a day's overtime and extra overtime counts: tolerance, whole blocks, the cap, in this order."""
    total = overtime + extra
    counts = 0 if total <= settings.overtime_tolerance else total // settings.overtime_block * settings.overtime_block
    if settings.overtime_cap is not None:
        counts = min(counts, settings.overtime_cap)
    _, overtime, extra = cut_to(counts, Worked(total, overtime, extra))
    return overtime, extra


def _by_day(working: int, frame: Frame, terms: Terms) -> Worked:
    above = threshold(frame, terms)
    second = frame.settings.extra_overtime_after
    extra = 0 if second is None else max(0, working - max(above, second))
    return Worked(working, max(0, working - above - extra), extra)
