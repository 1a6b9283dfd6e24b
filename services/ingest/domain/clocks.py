"""How wrong the clock of a machine is, in words."""

from datetime import timedelta

TOLERATED = timedelta(seconds=60)
WELL_AGAIN = timedelta(seconds=50)
"""What was too much is well again below this, so that a clock at the edge is not news each time it is measured."""

_UNITS = (("days", 86_400), ("hours", 3_600), ("minutes", 60))


def clock_warning(offset: timedelta, *, warned: bool) -> str | None:
    """A sentence where a clock that is `offset` ahead of ours is too wrong; `warned` where that was said before."""
    if abs(offset) <= (WELL_AGAIN if warned else TOLERATED):
        return None
    return f"its clock is {_amount(abs(offset))} {'ahead' if offset > timedelta(0) else 'behind'}"


def _amount(span: timedelta) -> str:
    """In the largest unit of which there are ten or more."""
    seconds = round(span.total_seconds())
    for unit, length in _UNITS:
        if seconds >= 10 * length:
            return f"{seconds // length:,} {unit}"
    return f"{seconds} s"
