"""Overtime by the week: which minutes of which day lie above the hours of a week (RULES §5)."""

from collections.abc import Iterable
from datetime import date, timedelta

from services.attendance.domain.day import Day
from services.attendance.domain.settings import DaySettings


def week_of(day: date, settings: DaySettings) -> date:
    """The first date of the week that a date belongs to."""
    return day - timedelta(days=(day.isoweekday() - settings.week_starts_on) % 7)


def overtime_of_week(days: Iterable[Day], settings: DaySettings) -> dict[date, int]:
    """The minutes of each date that are overtime by the week alone, for the days of one worker in one week.

    Time counts in the order of dates. What is overtime by the day as well is counted there and not here again: a day's
    overtime is its last minutes, and so is what it has above the hours of the week.

    Raises:
        ValueError: the days are not of one week, or two are of one date.
    """
    ordered = sorted(days, key=lambda day: day.date)
    dates = [day.date for day in ordered]
    if len({week_of(on, settings) for on in dates}) > 1 or len(set(dates)) < len(dates):
        raise ValueError("the days must be of one week, and each date must come once")
    so_far = 0
    by_week: dict[date, int] = {}
    for day in ordered:
        so_far += day.working
        above = 0 if settings.overtime_week is None else min(day.working, max(0, so_far - settings.overtime_week))
        by_week[day.date] = max(0, above - day.overtime - day.extra_overtime)
    return by_week
