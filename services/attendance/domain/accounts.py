"""What became of each scan of a day, and why: the half of an explanation that is about evidence."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final
from uuid import UUID

from services.attendance.domain.frame import Frame
from services.attendance.domain.releases import Release, words_of
from services.attendance.domain.resolve import Reading, direction_of
from services.attendance.domain.scans import Quality, Scan
from services.attendance.domain.settings import DaySettings, Resolver


class Part(StrEnum):
    """The part that a scan plays in a day."""

    ARRIVAL = "arrival"
    DEPARTURE = "departure"
    AWAY = "away"
    """Left and came back later."""
    BACK = "back"
    BETWEEN = "between"
    """Changes nothing: only the first and the last count."""
    AGAIN = "again"
    """Arrived while in already, or left while out already."""
    MERGED = "merged"
    QUARANTINED = "quarantined"
    SET_ASIDE = "set_aside"
    """By a correction."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """One scan and what became of it."""

    scan: Scan
    time: str
    """On the site's wall clock, with seconds."""
    part: Part
    why: str
    merged_into: UUID | None = None
    release: Release | None = None
    """The ruling by which it counts, here or on another day."""


def accounts_of(reading: Reading, frame: Frame, releases: Mapping[UUID, Release]) -> tuple[Account, ...]:
    """An account of every scan, in the order of time."""
    accounts = [*_kept(reading, frame), *_merged(reading, frame), *_quarantined(reading.quarantined, frame)]
    ruled = [_with_ruling(account, releases.get(account.scan.id)) for account in accounts]
    return tuple(sorted(ruled, key=lambda account: account.scan))


def clock_of(scan: Scan, frame: Frame) -> str:
    """The wall clock at a scan: "17:30:05", and "00:30:05 (next day)" past midnight."""
    text = f"{frame.clock(scan.at // 60)}:{scan.at % 60:02}"
    return f"{text} (next day)" if scan.at // 60 >= frame.midnight else text


def _with_ruling(account: Account, release: Release | None) -> Account:
    if release is None:
        return account
    words = words_of(release, here=account.part is not Part.QUARANTINED)
    return replace(account, why=f"{account.why}; {words}", release=release)


def _kept(reading: Reading, frame: Frame) -> Iterator[Account]:
    resolver = frame.settings.resolver
    if reading.no_check_in and len(reading.kept) == 1 and not direction_of(reading.kept[0], resolver):
        why = "the only scan lies in the last quarter of the shift or after it, so it is the departure"
        yield Account(scan=reading.kept[0], time=clock_of(reading.kept[0], frame), part=Part.DEPARTURE, why=why)
        return
    parts = _first_last_parts(reading) if resolver is Resolver.FIRST_LAST else _turn_parts(reading)
    for scan, (part, why) in zip(reading.kept, parts, strict=True):
        yield Account(scan=scan, time=clock_of(scan, frame), part=part, why=why + _direction(scan, frame.settings))


def _first_last_parts(reading: Reading) -> Iterator[tuple[Part, str]]:
    last = len(reading.kept) - 1
    for index in range(len(reading.kept)):
        if index == 0:
            yield Part.ARRIVAL, "the first scan of the day is the arrival"
        elif index == last:
            yield Part.DEPARTURE, "the last scan of the day is the departure"
        else:
            yield Part.BETWEEN, "between the first and the last, so it changes nothing"


def _turn_parts(reading: Reading) -> Iterator[tuple[Part, str]]:
    inside = arrived = False
    last_departure = max((i for i, mark in enumerate(reading.marks) if mark.type.leaves), default=-1)
    for index, mark in enumerate(reading.marks):
        if mark.type.arrives and inside:
            yield Part.AGAIN, "arrived again while in already, so it changes nothing"
        elif mark.type.arrives:
            yield (Part.BACK, "came back") if arrived else (Part.ARRIVAL, "the first to arrive is the arrival")
            inside = arrived = True
        elif index == last_departure:
            again = "nobody saw them come back" if arrived else "no arrival before it is known"
            came_in = "" if inside else f", though {again}"
            yield Part.DEPARTURE, f"the last to leave is the departure{came_in}"
            inside = False
        else:
            yield (Part.AWAY, "left") if inside else (Part.AGAIN, "left again while out already, so it adds no hours")
            inside = False


def _direction(scan: Scan, settings: DaySettings) -> str:
    """Where the direction came from."""
    resolver = settings.resolver
    if resolver is Resolver.FIRST_LAST:
        return ""
    if resolver is Resolver.ALTERNATE:
        return " (scans take turns)"
    if direction_of(scan, resolver) == 0:
        what = "key" if resolver is Resolver.BY_KEY else "machine"
        return f" (the {what} does not say which way, so it takes its turn)"
    return f" (key {scan.type})" if resolver is Resolver.BY_KEY else f" ({scan.role} reader)"


def _merged(reading: Reading, frame: Frame) -> Iterator[Account]:
    for scan in reading.merged:
        # A scan merges into the last one kept before it.
        kept = max(other for other in reading.kept if other <= scan)
        why = f"{scan.at - kept.at} s after {clock_of(kept, frame)}, so it is the same scan once more"
        yield Account(scan=scan, time=clock_of(scan, frame), part=Part.MERGED, why=why, merged_into=kept.id)


def _quarantined(scans: Iterable[Scan], frame: Frame) -> Iterator[Account]:
    for scan in scans:
        yield Account(scan=scan, time=clock_of(scan, frame), part=Part.QUARANTINED, why=_UNBELIEVABLE[scan.quality])


_UNBELIEVABLE: Final = {
    Quality.IMPLAUSIBLE_PAST: "its time lies before what is possible for the machine, so it is not counted",
    Quality.FUTURE: "its time lay in the future when it arrived, so it is not counted",
}
