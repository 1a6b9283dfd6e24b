"""Whether a day is expected, provisional or final: a question about time, never stored with the day (RULES §4)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

GRACE: Final = timedelta(hours=24)
"""After this long past its window a day is final, whatever machines have not reported."""


class State(StrEnum):
    """How sure a day is."""

    EXPECTED = "expected"
    PROVISIONAL = "provisional"
    FINAL = "final"


@dataclass(frozen=True, slots=True, kw_only=True)
class Closure:
    """Whether the window of a date at a site is closed; one value serves everybody there."""

    final: bool
    window_over: bool
    waits_for: tuple[str, ...]
    """Machines that have not reported past the window, while that still matters."""
    final_at_latest: datetime


def closure(window_end: datetime, now: datetime, reported_until: Mapping[str, datetime | None]) -> Closure:
    """Judge a window by the machines of its site.

    `reported_until` has each active machine that reports by itself, with the instant up to which all that it knows has
    arrived; None where it never reported. Where there is no such machine, nothing but time can close the window.
    """
    latest = window_end + GRACE
    behind = tuple(sorted(name for name, until in reported_until.items() if until is None or until < window_end))
    over = now >= window_end
    final = now >= latest or (over and bool(reported_until) and not behind)
    return Closure(final=final, window_over=over, waits_for=() if final else behind, final_at_latest=latest)


def state_of(closed: Closure, now: datetime, due: datetime | None, *, seen: bool) -> State:
    """The state of one person's day.

    `due` is the first instant at which coming is late (`Terms.due`), None where nobody waits for the person; `seen`
    says that a scan counts already.
    """
    if closed.final:
        return State.FINAL
    if not seen and due is not None and now < due:
        return State.EXPECTED
    return State.PROVISIONAL
