"""How wrong the clock of a machine is, in words."""

from datetime import timedelta

TOLERATED = timedelta(seconds=60)
WELL_AGAIN = timedelta(seconds=50)
"""What was too much is well again below this, so that a clock at the edge is not news each time it is measured."""

_UNITS = (("days", 86_400), ("hours", 3_600), ("minutes", 60))
_HALF_AN_HOUR = 1_800
_ZONES_LIE_APART = 14 * 3_600
"""Seconds, at most, by which a clock is off that is right in another zone."""


def clock_warning(offset: timedelta, *, warned: bool) -> str | None:
    """A sentence where a clock that is `offset` ahead of ours is too wrong; `warned` where that was said before."""
    if abs(offset) <= (WELL_AGAIN if warned else TOLERATED):
        return None
    said = f"its clock is {in_words(offset)}"
    return f"{said}: is its zone right?" if _another_zone(offset) else said


def in_words(offset: timedelta) -> str:
    """Such as "7 hours behind": in the largest unit of which there are two or more."""
    return f"{span_in_words(offset)} {'ahead' if offset > timedelta(0) else 'behind'}"


def span_in_words(span: timedelta) -> str:
    """The same without which way: "7 hours"."""
    seconds = round(abs(span.total_seconds()))
    for unit, length in _UNITS:
        if seconds >= 2 * length:
            return f"{round(seconds / length):,} {unit}"
    return f"{seconds} s"


def _another_zone(offset: timedelta) -> bool:
    """Whether the clock would be right, or nearly, in another zone: zones lie whole half hours apart."""
    seconds = abs(offset.total_seconds())
    halves = round(seconds / _HALF_AN_HOUR)
    return halves >= 1 and seconds < _ZONES_LIE_APART and abs(seconds - halves * _HALF_AN_HOUR) <= 90
