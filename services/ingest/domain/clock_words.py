"""What is known of a machine's clock, in sentences. Times in them are those of its place."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from services.ingest.domain.clock_line import WRONG, Jump, Line, minute_wrong_at
from services.ingest.domain.clock_proof import Held
from services.ingest.domain.clocks import in_words, span_in_words
from services.ingest.domain.instants import EARLIEST

STEADY = 0.1
"""Seconds a day, below which a clock is right for years."""
FORESEEN = timedelta(days=365)
NEAR = timedelta(days=7)
"""When a clock will be a minute wrong so soon, somebody is told."""
STILL_NEAR = timedelta(days=10)
"""Measurements are not exact: what was near is so until it is this far."""
CLOSE = timedelta(hours=2)
"""Measurements this far apart say when something was."""


def clock_in_words(lines: Sequence[Line], zone: ZoneInfo, *, now: datetime) -> str:
    """How a clock is: "it is 3 s ahead and gains 2.1 s a day; it will be a minute wrong in about 27 days"."""
    if not lines:
        return "its clock was never measured"
    line = lines[-1]
    return f"it {_standing(line, now)}, as measured since {_shown(line.since, zone)}"


def foreseen(line: Line, *, now: datetime, warned: bool) -> str:
    """A sentence where its clock will be a minute wrong in a few days; `warned` where that was said before."""
    when = minute_wrong_at(line, now)
    if when is None or line.drift is None or when - now > (STILL_NEAR if warned else NEAR):
        return ""
    way = "gains" if line.drift > 0 else "loses"
    return f"its clock {way} {abs(line.drift):.1f} s a day, and will be a minute wrong in {_until(when - now)}"


def jump_in_words(jump: Jump, zone: ZoneInfo) -> str:
    """Such as "put back 60 minutes on 2026-10-25 at 03:10"."""
    when = f"on {jump.before.astimezone(zone):%Y-%m-%d at %H:%M}"
    if jump.before - jump.after > CLOSE:
        when = f"between {_shown(jump.after, zone)} and {_shown(jump.before, zone)}"
    way = f"put {'forward' if jump.by > timedelta(0) else 'back'} {span_in_words(jump.by)}"
    if jump.set_by is not None:
        return f"set by Muster{f' for {jump.set_by}' if jump.set_by else ''} {when}: {way}"
    stepped = _offset(zone, jump.before) - _offset(zone, jump.after)
    if stepped and abs(jump.by + stepped) < timedelta(minutes=2):
        return f"did not follow the change of time in {zone.key} {when}: {way} by that"
    began_again = (jump.before + jump.to).astimezone(zone).date() < EARLIEST
    return f"began again {when}: {way}" if began_again else f"{way} {when}"


def proof_in_words(held: Sequence[Held]) -> str:
    """What its clock was off by, and what has attendance set scans of then right."""
    if not held:
        return "nobody knows what its clock was off by then: it was not measured while it showed that"
    if len(held) > 1:
        said = " or ".join(f"{_was(one)} (add {one.correction:,} s)" for one in held)
        return f"its clock was {said}: look at who scanned, or at what they did before and after"
    (one,) = held
    said = _was(one)
    if not one.correction:
        return f"its clock was {said}: release its scans of then as they are, without offset_seconds"
    sure = "" if one.proven else ", as far as anybody can say: it was not measured both before and after"
    return (
        f"its clock was {said}{sure}. POST /api/attendance/scans/release/ with the ids of its scans of then and"
        f' "offset_seconds": {one.correction} sets them right'
    )


def _standing(line: Line, now: datetime) -> str:
    offset, drift = line.offset_at(now), line.drift
    is_ = f"is {in_words(offset)}" if abs(offset) >= timedelta(seconds=1) else "is right"
    if drift is None:
        return f"{is_}; whether it gains or loses shows after a day"
    if abs(drift) < STEADY:
        return f"{is_} and keeps its time"
    so = f"{is_} and {'gains' if drift > 0 else 'loses'} {abs(drift):.1f} s a day"
    if abs(offset) >= WRONG:
        return so
    when = minute_wrong_at(line, now)
    if when is None or when - now > FORESEEN:
        return f"{so}; it will not be a minute wrong within a year"
    return f"{so}; it will be a minute wrong in {_until(when - now)}"


def _until(span: timedelta) -> str:
    days = span / timedelta(days=1)
    return f"about {days:.0f} days" if days >= 2 else f"about {days * 24:.0f} hours"


def _was(held: Held) -> str:
    return in_words(held.offset) if abs(held.offset) >= timedelta(seconds=1) else "right"


def _offset(zone: ZoneInfo, at: datetime) -> timedelta:
    return at.astimezone(zone).utcoffset() or timedelta(0)


def _shown(at: datetime, zone: ZoneInfo) -> str:
    return f"{at.astimezone(zone):%Y-%m-%d %H:%M}"
