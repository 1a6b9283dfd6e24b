"""Whose a scan is where badges are bound to machines: there a bound one wins over the general one of its number."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import NamedTuple

from services.attendance.application.holders import Claim, Span


class Held(NamedTuple):
    """A badge of somebody."""

    badge: str
    span: Span
    machine_id: int | None = None
    """The machine that it is bound to; None: it is one on every machine."""


Bound = Mapping[str, Sequence[tuple[int, Span]]]
"""For each number the machines on which it is bound to anybody, and when."""


def claims_of(held: Iterable[Held], bound: Bound) -> list[tuple[Claim, Span]]:
    """The scans that these badges make their holder's, over time.

    A general badge is cut at the dates from or until which its number is bound anywhere.
    """
    found: list[tuple[Claim, Span]] = []
    for badge, span, machine_id in held:
        elsewhere = bound.get(badge) if machine_id is None else None
        if elsewhere:
            found += _cut(badge, span, elsewhere)
        else:
            found.append((Claim(badge, machine_id), span))
    return found


def _cut(badge: str, whole: Span, bound: Sequence[tuple[int, Span]]) -> list[tuple[Claim, Span]]:
    edges = {edge for _, span in bound for edge in span if edge is not None and _within(edge, whole)}
    starts = [whole.since, *sorted(edges)]
    pieces: list[tuple[Claim, Span]] = []
    for since, until in zip(starts, [*starts[1:], whole.until], strict=True):
        machines = {machine_id for machine_id, span in bound if _begun(span, since) and not _over(span, since)}
        claim = Claim(badge, None, tuple(sorted(machines)))
        begun = pieces.pop()[1].since if pieces and pieces[-1][0] == claim else since
        pieces.append((claim, Span(begun, until)))
    return pieces


def _within(edge: date, whole: Span) -> bool:
    return (whole.since is None or whole.since < edge) and (whole.until is None or edge < whole.until)


def _begun(span: Span, day: date | None) -> bool:
    return span.since is None or (day is not None and span.since <= day)


def _over(span: Span, day: date | None) -> bool:
    return day is not None and span.until is not None and span.until <= day
