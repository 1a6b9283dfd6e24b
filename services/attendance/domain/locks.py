"""Locked months: a day in one keeps its figures, and what would change them is an adjustment in the next open month."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date, timedelta
from typing import Final, NamedTuple

KINDS: Final = ("worked", "overtime", "extra_overtime", "late", "early_departure", "shortfall")
"""The amounts of a day, in minutes."""

Figures = Mapping[str, object]
"""Of a day: its `status` and the amounts of `KINDS`."""


class Adjustment(NamedTuple):
    """What a locked day would be by what is known now, beside what it was taken for when its period was closed."""

    period: date
    """The first of the open month in which it is booked."""
    before: Figures
    after: Figures
    reason: str
    cancelled: bool = False
    """It came out as before again."""


def month_of(day: date) -> date:
    """The first of the month."""
    return day.replace(day=1)


def month_after(month: date) -> date:
    """The first of the next month."""
    return month_of(month + timedelta(days=31))


def next_open(month: date, locked: Collection[date]) -> date:
    """The first month after this one that is not locked."""
    month = month_after(month)
    while month in locked:
        month = month_after(month)
    return month


def essential(figures: Figures) -> dict[str, object]:
    """What of a day makes an adjustment."""
    return {name: figures[name] for name in ("status", *KINDS)}


def adjusted(
    day: date,
    stored: Figures,
    now: Figures,
    earlier: Sequence[Adjustment],
    *,
    locked: Collection[date],
    reason: str,
) -> Adjustment | None:
    """The adjustment that follows when a locked day would now be so; None where there is nothing to say.

    `earlier` are those of the same day. Each follows from the one booked before it, so only the last may be made anew,
    and only in an open month: the others stand, also where their month was unlocked since.
    """
    chain = sorted(earlier, key=lambda each: each.period)
    last = chain.pop() if chain and chain[-1].period not in locked else None
    booked = [each for each in chain if not each.cancelled]
    taken_for = essential(booked[-1].after if booked else stored)
    after = essential(now)
    if after == taken_for:
        if last is None or last.cancelled:
            return None
        return Adjustment(last.period, taken_for, after, reason, cancelled=True)
    if last is not None and (dict(last.after), last.cancelled) == (after, False):
        return None
    if last is not None:
        return Adjustment(last.period, taken_for, after, reason)
    return Adjustment(
        next_open(max([month_of(day), *(each.period for each in chain)]), locked), taken_for, after, reason
    )


def difference(adjustment: Adjustment) -> dict[str, int]:
    """The minutes to be booked, by kind: positive where there were more than was taken for."""
    return {kind: _minutes(adjustment.after[kind]) - _minutes(adjustment.before[kind]) for kind in KINDS}


def _minutes(value: object) -> int:
    assert isinstance(value, int)  # noqa: S101 - amounts are
    return value
