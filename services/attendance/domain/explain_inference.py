"""Why a date has the shift that nobody said, in plain sentences and as data."""

from collections.abc import Iterator, Sequence
from datetime import date, datetime
from typing import Final
from zoneinfo import ZoneInfo

from services.attendance.domain.inference import SURE, Candidate, Inferred, evidence_of

_MOST_SHOWN: Final = 5


def inference_in_words(inferred: Inferred, found: Sequence[Candidate], day: date, zone: str) -> Iterator[str]:
    """Which shift the scans of the dates around speak for, how surely, and what comes next to it."""
    start, end = (_moment(at // 60, day, zone) for at in evidence_of(day, zone))
    if not found:
        yield f"Nobody said a shift for this date, and there are no scans from {start} to {end} that could tell one."
        return
    best = found[0]
    if best.shift is None:
        yield (
            f"Nobody said a shift for this date, and the scans from {start} to {end} speak for none: "
            f"those of the dates around explain them (confidence {inferred.confidence})."
        )
    else:
        ends = f"{_moment(best.first, day, zone)} and {_moment(best.last, day, zone)} lie at its ends"
        if best.first == best.last:
            ends = f"{_moment(best.first, day, zone)} lies at one of its ends, and nothing at the other"
        sure = "" if inferred.confidence >= SURE else f", which is less than {SURE}: the date has no shift"
        yield (
            f"Nobody said a shift for this date; the scans from {start} to {end} fit {best.shift.title} best, "
            f"as {ends} (confidence {inferred.confidence}{sure})."
        )
    if len(found) > 1:
        yield f"Next to it comes {_title(found[1])}."


def inference_as_data(inferred: Inferred, found: Sequence[Candidate], day: date, zone: str) -> dict[str, object]:
    """The same as JSON can carry it; the candidates are in their order, the best first."""
    start, end = evidence_of(day, zone)
    sure = inferred.shift is not None and inferred.confidence >= SURE
    return {
        "shift": inferred.shift.title if inferred.shift is not None and sure else None,
        "confidence": inferred.confidence,
        "needed": SURE,
        "scans_from": _local(start, zone).isoformat(),
        "scans_until": _local(end, zone).isoformat(),
        "candidates": [
            {
                "shift": None if one.shift is None else one.shift.title,
                "likeness": round(one.likeness, 2),
                "worth": round(one.worth, 2),
            }
            for one in found[:_MOST_SHOWN]
        ],
    }


def _title(candidate: Candidate) -> str:
    if candidate.shift is None:
        return "no shift, as the dates around explain the scans, too"
    return f"{candidate.shift.title}, whose ends are as like them as {candidate.likeness:.2f} of 1"


def _moment(minute: int, day: date, zone: str) -> str:
    local = _local(minute * 60, zone)
    return local.strftime("%H:%M") if local.date() == day else local.strftime("%H:%M of %Y-%m-%d")


def _local(at: int, zone: str) -> datetime:
    return datetime.fromtimestamp(at, ZoneInfo(zone))
