"""Changing what holds over time. No I/O."""

from collections.abc import Callable, Iterator
from datetime import date
from itertools import pairwise
from typing import TypeVar

from services.attendance.application.holders import Span, Timeline

T = TypeVar("T")


def changed(timeline: Timeline[T], span: Span, change: Callable[[T | None], T | None]) -> list[tuple[Span, T]]:
    """The timeline with `change` applied to whatever holds within `span`, None where nothing does or shall hold.

    Before and after it all stays as it is; what then follows without a gap and is the same, is one.
    """
    pieces: list[tuple[Span, T]] = []
    for piece, value in _pieces(timeline, span):
        inside = both(piece, span)
        new = value if inside is None else change(value)
        if new is None:
            continue
        if pieces and pieces[-1][1] == new and pieces[-1][0].until == piece.since:
            pieces[-1] = (Span(pieces[-1][0].since, piece.until), new)
        else:
            pieces.append((piece, new))
    return pieces


def _pieces(timeline: Timeline[T], span: Span) -> Iterator[tuple[Span, T | None]]:
    """All of time, cut wherever anything begins or ends."""
    ends = {edge for one, _ in timeline for edge in one} | set(span)
    edges: list[date | None] = [None, *sorted(edge for edge in ends if edge is not None), None]
    for since, until in pairwise(edges):
        piece = Span(since, until)
        yield piece, next((value for one, value in timeline if both(one, piece) is not None), None)


def both(one: Span, other: Span) -> Span | None:
    """The dates that lie in both; None where there are none."""
    starts = [edge for edge in (one.since, other.since) if edge is not None]
    ends = [edge for edge in (one.until, other.until) if edge is not None]
    since, until = max(starts, default=None), min(ends, default=None)
    return None if since is not None and until is not None and until <= since else Span(since, until)
