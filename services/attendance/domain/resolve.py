"""From scans to presence: which count, which arrive, which leave (RULES §3)."""

from collections.abc import Iterable
from typing import Final, NamedTuple

from services.attendance.domain.scans import ARRIVING, LEAVING, Quality, Scan, ScanType
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
    check_ins: int
    """Marks that arrive; the others leave."""
    stretches: list[Stretch]
    arrival: int | None
    departure: int | None
    no_check_in: bool
    """Somebody left without having arrived."""
    no_check_out: bool
    """Somebody arrived and was not seen to leave."""


def read(scans: Iterable[Scan], resolver: Resolver, merge_seconds: int, leaving_from: int | None = None) -> Reading:
    """Sort, set aside and resolve. Neither the order of the scans nor their repetition matters.

    A single scan from the minute `leaving_from` on is a departure, unless its direction can be trusted.
    """
    return read_ordered(sorted(scans), resolver, merge_seconds, leaving_from)


def read_ordered(
    ordered: list[Scan], resolver: Resolver, merge_seconds: int, leaving_from: int | None = None
) -> Reading:
    """The same of scans that are sorted."""
    kept, merged, quarantined = _sift(ordered, resolver, merge_seconds)
    if leaving_from is not None and len(kept) == 1 and kept[0].at // 60 >= leaving_from:
        scan = kept[0]
        if not direction_of(scan, resolver):
            mark = Mark(scan.at // 60, scan.type if scan.type.leaves else _OUT)
            return Reading(kept, merged, quarantined, [mark], 0, [], None, mark.minute, True, False)
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
        if scan[0] > until and scan[3] is _OK:  # nearly all; plain positions, as names cost a call each
            kept.append(scan)
            until = scan[0] + merge_seconds
        elif scan == previous:
            continue
        elif not scan.quality.counts:
            quarantined.append(scan)
        elif scan.at > until or (directed and direction_of(scan, resolver) * direction_of(kept[-1], resolver) < 0):
            kept.append(scan)
            until = scan.at + merge_seconds
        else:
            merged.append(scan)
        previous = scan
    return kept, merged, quarantined


def _first_last(kept: list[Scan], merged: list[Scan], quarantined: list[Scan]) -> Reading:
    if not kept:
        return Reading(kept, merged, quarantined, [], 0, [], None, None, False, False)
    first, last = kept[0], kept[-1]
    arrival, departure = first.at // 60, last.at // 60
    shown = first.type if first.type.direction > 0 else _IN
    marks = [Mark(arrival, shown)]
    if first is last:
        return Reading(kept, merged, quarantined, marks, 1, [], arrival, None, False, True)
    check_ins = 1
    for scan in kept[1:-1]:
        # Scans between change nothing; they are shown as reported, or as the opposite of the one before.
        shown = scan.type if scan.type.direction else _OUT if shown.direction > 0 else _IN
        check_ins += shown.direction > 0
        marks.append(Mark(scan.at // 60, shown))
    marks.append(Mark(departure, last.type if last.type.direction < 0 else _OUT))
    stretches = [Stretch(arrival, departure)]
    return Reading(kept, merged, quarantined, marks, check_ins, stretches, arrival, departure, False, False)


def _in_turn(kept: list[Scan], merged: list[Scan], quarantined: list[Scan], resolver: Resolver) -> Reading:
    """Arrivals and departures in turn. A scan without a trusted direction takes the one whose turn it is.

    Arriving twice in a row changes nothing: the presence began with the first. Leaving twice moves the last departure,
    but adds no presence: when the person came back nobody knows. Of an arrival and a departure in one second, as lists
    kept to the minute have them, the one whose turn it is comes first.
    """
    marks: list[Mark] = []
    stretches: list[Stretch] = []
    arrival: int | None = None
    departure: int | None = None
    since: int | None = None
    no_check_in = False
    check_ins = 0
    for index, scan in enumerate(kept):
        minute = scan.at // 60
        turn = ARRIVING if since is None else LEAVING
        direction = direction_of(scan, resolver) or turn
        if direction != turn and index + 1 < len(kept):
            following = kept[index + 1]
            if following.at == scan.at and direction_of(following, resolver) == turn:
                kept[index], kept[index + 1] = following, scan
                scan, direction = following, turn  # noqa: PLW2901 -- they changed places
        shown = scan.type if scan.type.direction == direction else _IN if direction > 0 else _OUT
        marks.append(Mark(minute, shown))
        if direction > 0:
            check_ins += 1
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
    no_check_out = since is not None
    return Reading(
        kept, merged, quarantined, marks, check_ins, stretches, arrival, departure, no_check_in, no_check_out
    )


_IN: Final = ScanType.IN
_OUT: Final = ScanType.OUT
_OK: Final = Quality.OK
