"""The numbers of a machine's records: which are new, which come again, which are missing. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from services.ingest.domain.reconciliation import Numbered
from services.ingest.vendors.generic.settings import Sequence

NEAR: Final = 1_000
"""So far back a number is one that comes again; farther, it is a counter that has begun anew."""
FAR: Final = 100_000
"""So far ahead a number tells of missing ones; farther, it is another counter."""
MOST: Final = 64
"""Gaps that are remembered. Of older ones only how many records lay in them: nobody can say any more which."""


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
    forgotten: int = 0
    """Records of older gaps, which are missing as far as anybody knows until the counter begins anew."""

    @property
    def lacking(self) -> int:
        """How many records have not come."""
        return self.forgotten + _many(self.missing)


def step(position: Position, number: int, settings: Sequence) -> tuple[Position, Turn]:
    """The position after a record of this number, and what the number is."""
    if position.latest is None:
        return Position(number), Turn.NEXT
    span = settings.last - settings.first + 1 if settings.last is not None else None
    ahead = number - position.latest
    if span is not None and -span < ahead < span:
        ahead = (ahead + span // 2) % span - span // 2
    if ahead == 1:
        return replace(position, latest=number), Turn.NEXT
    if 1 < ahead <= FAR:
        gaps = (*position.missing, *_between(position.latest, number, settings))
        forgotten = position.forgotten + _many(gaps[:-MOST])
        return Position(number, gaps[-MOST:], forgotten), Turn.GAP
    filled = _without(position.missing, number)
    if filled is not None:
        return replace(position, missing=filled), Turn.LATE
    restarts = number == settings.first and ahead < -10
    if -NEAR <= ahead <= 0 and not restarts:
        return position, Turn.AGAIN
    return Position(number), Turn.ANEW


def gaps_in_words(position: Position) -> str:
    """What has not come, in a sentence; nothing where all has."""
    lacking, missing = position.lacking, position.missing
    if not lacking:
        return ""
    if not missing:
        return f"{lacking:,} of its records have not come, so long ago that it is not known any more which"
    first, last = missing[0][0], missing[-1][1]
    if lacking == 1:
        return f"its record {first} has not come"
    known = "the first" if not position.forgotten else "the first of which it is known"
    return f"{lacking:,} of its records have not come, {known} is {first}, the last {last}"


def numbered(position: Position) -> Numbered:
    """Whether all has come, as far as the numbers were followed; of the last ones nobody can know."""
    if position.latest is None:
        return Numbered()
    if gaps := gaps_in_words(position):
        return Numbered(gaps=gaps)
    return Numbered(
        whole=f"of the records whose numbers were followed none is left out, up to number {position.latest}"
    )


def _many(gaps: Iterable[tuple[int, int]]) -> int:
    return sum(last - first + 1 for first, last in gaps)


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
