"""Months, each by its first."""

from datetime import date, timedelta
from typing import Final

from services.attendance.domain.locks import month_after, month_of

_ONE_DAY: Final = timedelta(days=1)


def month_later(month: date, n: int) -> date:
    """The month that comes `n` months later; earlier, where it is negative."""
    number = month.year * 12 + month.month - 1 + n
    return date(number // 12, number % 12 + 1, 1)


def last_of(month: date) -> date:
    """Its last date."""
    return month_after(month) - _ONE_DAY


def dates_of(month: date) -> list[date]:
    """All of its dates."""
    return [month + timedelta(days=n) for n in range(last_of(month).day)]


def months_between(first: date, last: date) -> list[date]:
    """The months of two dates and those between them; none where `last` lies before."""
    found = []
    month = month_of(first)
    while month <= last:
        found.append(month)
        month = month_after(month)
    return found
