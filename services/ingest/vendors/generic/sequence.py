"""The numbers of a machine's records: which are new, which come again, which are missing. Pure."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from services.ingest.vendors.generic.settings import Sequence

NEAR: Final = 1_000
"""So far back a number is one that comes again; farther, it is a counter that has begun anew."""
FAR: Final = 100_000
"""So far ahead a number tells of missing ones; farther, it is another counter."""
MOST: Final = 64
"""Gaps that are remembered."""


class Turn(StrEnum):
    """What a number is."""

    NEXT = "next"
    GAP = "gap"
    """Others are missing before it."""
    LATE = "late"
    """It was missing."""
    AGAIN = "again"
    ANEW = "anew"
    """The counter has begun again, at this one."""


@dataclass(frozen=True, slots=True)
class Position:
    """How far a machine's records have come."""

    latest: int | None = None
    missing: tuple[tuple[int, int], ...] = ()
    """First and last of each gap, oldest first."""


def step(position: Position, number: int, settings: Sequence) -> tuple[Position, Turn]:
    """The position after a record of this number, and what the number is."""
    if position.latest is None:
        return Position(number), Turn.NEXT
    span = settings.last - settings.first + 1 if settings.last is not None else None
    ahead = number - position.latest
    if span is not None and -span < ahead < span:
        ahead = (ahead + span // 2) % span - span // 2
    if ahead == 1:
        return Position(number, position.missing), Turn.NEXT
    if 1 < ahead <= FAR:
        gaps = _between(position.latest, number, settings)
        return Position(number, (*position.missing, *gaps)[-MOST:]), Turn.GAP
    filled = _without(position.missing, number)
    if filled is not None:
        return Position(position.latest, filled), Turn.LATE
    restarts = number == settings.first and ahead < -10
    if -NEAR <= ahead <= 0 and not restarts:
        return position, Turn.AGAIN
    return Position(number), Turn.ANEW


def _between(latest: int, number: int, settings: Sequence) -> list[tuple[int, int]]:
    """What lies between two numbers: two stretches, where the counter went round meanwhile."""
    if number > latest:
        return [(latest + 1, number - 1)]
    assert settings.last is not None  # noqa: S101 - else a smaller number is not ahead
    gaps = [(latest + 1, settings.last), (settings.first, number - 1)]
    return [(first, last) for first, last in gaps if first <= last]


def _without(missing: tuple[tuple[int, int], ...], number: int) -> tuple[tuple[int, int], ...] | None:
    """The gaps once this number has come; None where it was not missing."""
    for place, (first, last) in enumerate(missing):
        if first <= number <= last:
            rest = [gap for gap in ((first, number - 1), (number + 1, last)) if gap[0] <= gap[1]]
            return (*missing[:place], *rest, *missing[place + 1 :])
    return None
