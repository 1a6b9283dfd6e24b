"""Overtime by the week: which minutes of which day lie above the hours of a week (RULES §5)."""

from bisect import bisect_left
from collections.abc import Callable, Iterable
from datetime import date, timedelta
from functools import lru_cache
from itertools import accumulate
from typing import NamedTuple

from services.attendance.domain.case import duration
from services.attendance.domain.figures import Figure
from services.attendance.domain.hours import hours
from services.attendance.domain.settings import DaySettings, OvertimeBy, settings_values


class Hours(NamedTuple):
    """What a week needs of a day, in minutes."""

    date: date
    working: int
    by_day: int
    """Overtime by the day, extra overtime included."""


def week_of(day: date, settings: DaySettings) -> date:
    """The first date of the week that a date belongs to."""
    return _first_of_week(day, settings.week_starts_on)


@lru_cache(maxsize=4096)
def _first_of_week(day: date, starts_on: int) -> date:
    return day - timedelta(days=(day.isoweekday() - starts_on) % 7)


def threshold_of_week(settings: DaySettings) -> int | None:
    """The minutes of a week above which there is overtime; None where nothing is overtime by the week.

    Where overtime is entered by a person, it is entered of days.
    """
    if settings.overtime_by is OvertimeBy.NONE or not settings.auto_overtime:
        return None
    return settings.overtime_week


def overtime_by_week(days: Iterable[Hours], settings_on: Callable[[date], DaySettings | None]) -> dict[date, int]:
    """The minutes of each date that are overtime by the week alone, for the days of one person.

    Each date goes by its own settings, None where nothing is asked of it, and by what was worked before it in its
    week: so it has the same figure in whatever period it is asked for, as long as the days of its week before it are
    there. What is overtime by the day as well is counted there and not here again: a day's overtime is its last
    minutes, and so is what it has above the hours of the week.
    """
    ordered = sorted(days)
    dates = [day.date for day in ordered]
    before = [0, *accumulate(day.working for day in ordered)]
    found: dict[date, int] = {}
    last, threshold = None, None
    for number, (on, working, by_day) in enumerate(ordered):
        settings = settings_on(on)
        if settings is None:
            continue
        if settings is not last:
            last, threshold = settings, threshold_of_week(settings)
        if threshold is not None:
            up_to = before[number + 1] - before[bisect_left(dates, week_of(on, settings))]
            found[on] = max(0, min(working, up_to - threshold) - by_day)
    return found


def figure_of_week(days: Iterable[Hours], on: date, settings: DaySettings) -> Figure | None:
    """The overtime by the week of one date, and why; None where nothing is overtime by the week."""
    threshold, first = threshold_of_week(settings), week_of(on, settings)
    if threshold is None:
        return None
    its = [day for day in days if first <= day.date <= on]
    minutes = overtime_by_week(its, lambda day: settings if day == on else None).get(on, 0)
    total = sum(day.working for day in its)
    why = f"{duration(total)} were worked from {first.isoformat()}, the first date of the week, to this date"
    if total <= threshold:
        why += f", which are not above {duration(threshold)}"
    else:
        working = sum(day.working for day in its if day.date == on)
        above = min(working, total - threshold)
        why += f"; of this date's {duration(working)}, {duration(above)} lie above {duration(threshold)}"
        if above > minutes:
            why += f", and {duration(above - minutes)} of these are overtime by the day already"
    values = settings_values(settings)
    named = {name: values[name] for name in ("overtime_week_hours", "week_starts_on")}
    return Figure(name="week_overtime", value=hours(minutes), why=why, settings=named)
