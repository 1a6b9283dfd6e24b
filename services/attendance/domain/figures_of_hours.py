"""Why a day has its hours, overtime and shortfall: spans, breaks, rounding, tiers and thresholds in words."""

from collections.abc import Iterator, Sequence

from services.attendance.domain.case import Case, duration
from services.attendance.domain.frame import Frame
from services.attendance.domain.overtime import by_amount, granted, minutes_of, threshold
from services.attendance.domain.resolve import Stretch
from services.attendance.domain.settings import OvertimeBy, Rounding
from services.attendance.domain.shift import DeductedBreak, PunchedBreak
from services.attendance.domain.terms import Level
from services.attendance.domain.work import break_minutes, counted, rounded_ends, with_paid_breaks, without_windows


def working(case: Case) -> str:
    """From presence to hours, each step that changed something."""
    day, frame = case.day, case.frame
    if not case.stretches:
        if not day.present:
            return "there is no scan that counts"
        missing = "departure" if case.reading.no_check_out else "arrival"
        return f"the {missing} is not known, and hours are never guessed"
    stretches = counted(rounded_ends(case.stretches, frame), frame)
    spans = " and ".join(f"from {frame.clock(start)} to {frame.clock(end)}" for start, end in stretches)
    present = sum(end - start for start, end in stretches)
    steps = "".join(_steps(case, stretches))
    open_end = ""
    if case.reading.no_check_out:
        open_end = "; what followed the last arrival is not counted, as no departure is known"
    return f"{spans or 'nothing'}, {duration(present)}{steps}{open_end}"


def overtime(case: Case) -> str:
    """The rule behind the overtime, and what of it was not granted."""
    if case.level is not Level.WORKER:
        return "staff have no overtime"
    if not case.frame.settings.auto_overtime:
        return "it is not calculated but entered by a person"
    return f"{_rule(case)}{_granted(case)}"


def extra_overtime(case: Case) -> str:
    """Likewise."""
    frame, settings = case.frame, case.frame.settings
    if case.level is not Level.WORKER:
        return "staff have no overtime"
    if not settings.auto_extra_overtime:
        return "it is not calculated but entered by a person"
    if _by_day(frame):
        second = settings.extra_overtime_after
        return "there is no second tier" if second is None else f"time worked above {duration(second)} a day"
    if settings.overtime_by is not OvertimeBy.CLOCK:
        return "there is none by the day"
    return f"time worked after {frame.clock(frame.extra_start)}"


def shortfall(case: Case) -> str:
    """What was expected against what was worked."""
    if case.terms.rest:
        return "nothing is expected on a day of rest"
    half = " (half the standard, as the other half is leave)" if case.leave is not None else ""
    regular, settings = case.regular, case.frame.settings
    counts = ""
    if not settings.shortfall_counts:
        counts = "; what is missing is not counted"
    elif 0 < case.terms.expected - regular <= settings.shortfall_tolerance:
        counts = f"; up to {duration(settings.shortfall_tolerance)} are tolerated"
    return (
        f"{duration(case.terms.expected)} are expected{half}, {duration(regular)} were worked without overtime{counts}"
    )


def settings_of_working(case: Case) -> Iterator[str]:
    """What the hours depend on."""
    rules, shift = case.frame.settings, case.frame.shift
    if shift is None or shift.breaks is None:
        yield from ("lunch_start", "lunch_break_duration")
    yield "resolver"
    for name, way in (
        ("arrival", rules.arrival_rounding),
        ("departure", rules.departure_rounding),
        ("total", rules.total_rounding),
    ):
        if way is not Rounding.NONE:
            yield from (f"{name}_rounding", f"{name}_rounding_minutes")
    if not rules.early_arrival_counts:
        yield "early_arrival_counts"


def settings_of_overtime(case: Case) -> Iterator[str]:
    """What the overtime depends on."""
    rules = case.frame.settings
    if rules.overtime_by is not OvertimeBy.CLOCK:
        yield "overtime_by"
    if _by_day(case.frame):
        yield from ("overtime_after_hours", "extra_overtime_after_hours")
    elif rules.overtime_by is OvertimeBy.CLOCK:
        yield from ("overtime_start_time", "extra_overtime_start_time")
    yield from ("auto_calculate_overtime", "rest_day_overtime")
    if rules.overtime_tolerance:
        yield "overtime_tolerance_minutes"
    if rules.overtime_block > 1:
        yield "overtime_block_minutes"
    if rules.overtime_cap is not None:
        yield "overtime_cap_hours"


def settings_of_extra(case: Case) -> Iterator[str]:
    """What the extra overtime depends on."""
    if _by_day(case.frame):
        yield "extra_overtime_after_hours"
    elif case.frame.settings.overtime_by is OvertimeBy.CLOCK:
        yield "extra_overtime_start_time"
    yield "auto_calculate_extra_overtime"


def settings_of_shortfall(case: Case) -> Iterator[str]:
    """What the shortfall depends on."""
    yield "standard_working_hours"
    if not case.frame.settings.shortfall_counts:
        yield "shortfall_counts"
    if case.frame.settings.shortfall_tolerance:
        yield "shortfall_tolerance_minutes"


def _rule(case: Case) -> str:
    frame, settings = case.frame, case.frame.settings
    start, extra = frame.clock(frame.overtime_start), frame.clock(frame.extra_start)
    second = settings.extra_overtime_after
    if settings.overtime_by is OvertimeBy.NONE:
        return "there is no overtime by the settings"
    if case.terms.rest and settings.rest_day_overtime:
        return f"all work on a day of rest counts, up to extra overtime{'' if _by_day(frame) else f' from {extra}'}"
    if settings.overtime_by is OvertimeBy.WEEK:
        return "overtime goes by the week, so a day has none by itself"
    if _by_day(frame):
        tier = f", up to {duration(second)}" if second is not None else ""
        return f"time worked above {duration(threshold(frame, case.terms))} a day{tier}"
    return f"time worked from {start} to {extra}"


def _by_day(frame: Frame) -> bool:
    rule = frame.settings.overtime_by
    return rule is OvertimeBy.DAY or (rule is OvertimeBy.CLOCK and by_amount(frame))


def _steps(case: Case, stretches: Sequence[Stretch]) -> Iterator[str]:
    frame, rules = case.frame, case.frame.settings
    for what, way, grid in (
        ("arrival", rules.arrival_rounding, rules.arrival_grid),
        ("departure", rules.departure_rounding, rules.departure_grid),
    ):
        if way is not Rounding.NONE:
            yield f" (the {what} {_rounded(way, grid)})"
    pieces = with_paid_breaks(stretches, frame)
    paid = sum(end - start for start, end in pieces) - sum(end - start for start, end in stretches)
    if paid:
        yield f", with {duration(paid)} away in a paid break"
    net = sum(without_windows(start, end, frame.unpaid) for start, end in pieces)
    unpaid = sum(end - start for start, end in pieces) - net
    lunch = frame.shift is None or frame.shift.breaks is None
    if unpaid:
        where = " and ".join(f"{frame.clock(start)}–{frame.clock(end)}" for start, end in frame.unpaid)
        gaps = frame.shift is not None and frame.shift.gaps
        what = "the lunch window" if lunch and not gaps else "the breaks"
        yield f" less {duration(unpaid)} in {what} {where}"
    elif lunch:
        yield ", none of it in the lunch window"
    if net and frame.shift is not None:
        yield from _breaks_by_amount(case, net)
    if rules.total_rounding is not Rounding.NONE:
        yield f", {_rounded(rules.total_rounding, rules.total_grid)}"


def _breaks_by_amount(case: Case, net: int) -> Iterator[str]:
    frame = case.frame
    off, added = break_minutes(case.reading, frame, net)
    breaks = (frame.shift.breaks or ()) if frame.shift is not None else ()
    for one in breaks:
        if isinstance(one, DeductedBreak) and net > one.after:
            yield f", less {duration(one.minutes)} as more than {duration(one.after)} were worked"
            off -= one.minutes
    if off:
        least = max((one.at_least for one in breaks if isinstance(one, PunchedBreak)), default=0)
        yield f", less {duration(off)} of break (at least {duration(least)}, scanned out or not)"
    if added:
        yield f", with {duration(added)} of paid break"


def _rounded(way: Rounding, grid: int) -> str:
    direction = "to the nearest" if way is Rounding.NEAREST else f"{way} to the"
    return f"rounded {direction} {grid} min"


def _granted(case: Case) -> str:
    """What the settings take off the overtime, where they take anything."""
    rules = case.frame.settings
    _, _, overtime, extra = minutes_of(case.reading, case.frame, case.terms, case.level)
    total = overtime + extra
    counts = sum(granted(overtime, extra, rules)) if not case.frame.plain else total
    if counts == total:
        return ""
    if total <= rules.overtime_tolerance:
        return f"; {duration(total)} are within the tolerance of {duration(rules.overtime_tolerance)}"
    limits = []
    if rules.overtime_block > 1:
        limits.append(f"in whole blocks of {duration(rules.overtime_block)}")
    if rules.overtime_cap is not None:
        limits.append(f"at most {duration(rules.overtime_cap)} a day")
    return f"; of {duration(total)} with extra overtime {' and '.join(limits)} count"
