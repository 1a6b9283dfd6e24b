"""From scans to presence: which count, which arrive, which leave (RULES §3)."""

from collections.abc import Iterable
from typing import Final, NamedTuple

from services.attendance.domain.scans import ARRIVING, LEAVING, Scan, ScanType
from services.attendance.domain.settings import Resolver


class Mark(NamedTuple):
    """A counted scan with the direction that it was taken for."""

    minute: int
    """Since 1970."""
    type: ScanType


class Stretch(NamedTuple):
    """Presence from one minute to another, both since 1970."""

    start: int
    end: int


class Reading(NamedTuple):
    """What a day's scans say."""

    kept: list[Scan]
    merged: list[Scan]
    quarantined: list[Scan]
    marks: list[Mark]
    """One for each kept scan."""
    stretches: list[Stretch]
    arrival: int | None
    departure: int | None
    no_check_in: bool
    """Somebody left without having arrived."""
    no_check_out: bool
    """Somebody arrived and was not seen to leave."""


def read(scans: Iterable[Scan], resolver: Resolver, merge_seconds: int) -> Reading:
    """Sort, set aside and resolve. Neither the order of the scans nor their repetition matters."""
    kept, merged, quarantined = _sift(sorted(scans), resolver, merge_seconds)
    if resolver is Resolver.FIRST_LAST:
        return _first_last(kept, merged, quarantined)
    return _in_turn(kept, merged, quarantined, resolver)


def direction_of(scan: Scan, resolver: Resolver) -> int:
    """The direction that the resolver trusts in a scan, 0 where there is none."""
    if resolver is Resolver.BY_KEY:
        return scan.type.direction
    if resolver is Resolver.BY_MACHINE:
        return scan.role.direction
    return 0


def _sift(ordered: list[Scan], resolver: Resolver, merge_seconds: int) -> tuple[list[Scan], list[Scan], list[Scan]]:
    kept: list[Scan] = []
    merged: list[Scan] = []
    quarantined: list[Scan] = []
    directed = resolver is Resolver.BY_KEY or resolver is Resolver.BY_MACHINE
    previous: Scan | None = None
    until = -1 << 62  # the last second that merges into the last kept scan
    for scan in ordered:
        if scan == previous:
            continue
        previous = scan
        at, _, _, quality, _ = scan
        if not quality.counts:
            quarantined.append(scan)
        elif at > until or (directed and direction_of(scan, resolver) * direction_of(kept[-1], resolver) < 0):
            kept.append(scan)
            until = at + merge_seconds
        else:
            merged.append(scan)
    return kept, merged, quarantined


def _first_last(kept: list[Scan], merged: list[Scan], quarantined: list[Scan]) -> Reading:
    if not kept:
        return Reading(kept, merged, quarantined, [], [], None, None, False, False)
    first = kept[0]
    arrival = first.at // 60
    marks = [Mark(arrival, first.type if first.type.direction > 0 else _IN)]
    if len(kept) == 1:
        return Reading(kept, merged, quarantined, marks, [], arrival, None, False, True)
    for scan in kept[1:-1]:
        # Scans between change nothing; they are shown as reported, or as the opposite of the one before.
        shown = scan.type if scan.type.direction else _OUT if marks[-1].type.direction > 0 else _IN
        marks.append(Mark(scan.at // 60, shown))
    last = kept[-1]
    departure = last.at // 60
    marks.append(Mark(departure, last.type if last.type.direction < 0 else _OUT))
    return Reading(kept, merged, quarantined, marks, [Stretch(arrival, departure)], arrival, departure, False, False)


def _in_turn(kept: list[Scan], merged: list[Scan], quarantined: list[Scan], resolver: Resolver) -> Reading:
    """Arrivals and departures in turn. A scan without a trusted direction takes the one whose turn it is.

    Arriving twice in a row changes nothing: the presence began with the first. Leaving twice moves the last departure,
    but adds no presence: when the person came back nobody knows.
    """
    marks: list[Mark] = []
    stretches: list[Stretch] = []
    arrival: int | None = None
    departure: int | None = None
    since: int | None = None
    no_check_in = False
    for scan in kept:
        minute = scan.at // 60
        direction = direction_of(scan, resolver) or (ARRIVING if since is None else LEAVING)
        shown = scan.type if scan.type.direction == direction else _IN if direction > 0 else _OUT
        marks.append(Mark(minute, shown))
        if direction > 0:
            if since is None:
                since = minute
            if arrival is None:
                arrival = minute
        else:
            if since is None:
                no_check_in = True
            else:
                stretches.append(Stretch(since, minute))
                since = None
            departure = minute
    return Reading(
        kept, merged, quarantined, marks, stretches, arrival, departure, no_check_in, no_check_out=since is not None
    )


_IN: Final = ScanType.IN
_OUT: Final = ScanType.OUT
