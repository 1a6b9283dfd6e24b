"""From the text of a time, in one of the forms that a config names, to the machine's wall time. Pure."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Annotated, Final

from pydantic import AfterValidator

from services.ingest.vendors.files.cells import NotReadable, moment, shown, wall_time

LONGEST: Final = 64
"""Characters of a time."""
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_DIRECTIVES: Final = frozenset("YymdHIMSfpzb%")
_NEEDED: Final = ("Yy", "mb", "d", "HI", "M")
_NUMBER: Final = re.compile(r"-?[0-9]{1,13}(?:\.[0-9]{1,9})?")
_SHORT: Final = re.compile(
    r"([0-9]{1,2})[-/.]([0-9]{1,2})[-/.]([0-9]{4}|[0-9]{2})[ T]+([0-9]{1,2}):([0-9]{1,2})(?::([0-9]{1,2}))?"
)

NAMED: Final = {
    "iso": "2026-10-05T08:01:22+06:00; without an offset, or with a blank for the T, too",
    "year_first": "2026-10-05 08:01:22, also with / or . and without the seconds",
    "day_first": "05/10/2026 08:01:22",
    "month_first": "10/05/2026 08:01:22",
    "epoch_seconds": "since 1970 in UTC",
    "epoch_milliseconds": "since 1970 in UTC",
    "epoch_seconds_local": "since 1970 by its own wall clock, as some make them",
}
"""Forms that have a name; others are written as %Y%m%d%H%M%S is."""


def _form(text: str) -> str:
    """Each form says what is day and what is month: nothing is guessed."""
    if text in NAMED:
        return text
    directives = re.findall("%(.?)", text.replace("%%", ""))
    if not directives or len(text) > LONGEST:
        raise ValueError(f"a form of times is one of {', '.join(NAMED)}, or such as %Y%m%d%H%M%S")
    if unknown := [each for each in directives if each not in _DIRECTIVES]:
        raise ValueError(f"%{unknown[0]} is none of %{', %'.join(sorted(_DIRECTIVES - {'%'}))}")
    if len(set(directives)) < len(directives):
        raise ValueError("it has the same part twice")
    if missing := [each for each in _NEEDED if not set(each) & set(directives)]:
        raise ValueError(f"it lacks %{missing[0][0]}")
    if ("I" in directives) != ("p" in directives):
        raise ValueError("%I and %p go together")
    return text


TimeForm = Annotated[str, AfterValidator(_form)]


def local_time(text: str, forms: Sequence[str], zone: tzinfo) -> tuple[datetime, timedelta | None]:
    """The machine's wall time, naive, in whole seconds; and how far ahead of UTC that is, where the text says so.

    What tells an instant is told in the wall time of `zone`, as by the other ways that a scan may come.

    Raises:
        NotReadable: it fits none of the forms.
    """
    text = text.strip()
    if len(text) > LONGEST:
        raise NotReadable(f"a time of {len(text)} characters")
    reasons = []
    for form in forms:
        try:
            read = _read(text, form)
            if read.tzinfo is None:
                return read.replace(microsecond=0), None
            placed = read.astimezone(zone)
            return placed.replace(tzinfo=None, fold=0, microsecond=0), placed.utcoffset()
        except NotReadable as error:
            reasons.append(str(error))
        except (ValueError, OverflowError):
            reasons.append(f"{shown(text)} is no time {_such_as(form)}")
    raise NotReadable("; ".join(dict.fromkeys(reasons)) or "no form of times is set")


def _such_as(form: str) -> str:
    """The form in words."""
    if form.startswith("epoch"):
        return f"in {'milliseconds' if form == 'epoch_milliseconds' else 'seconds'} since 1970"
    return f"such as {NAMED[form].split(',')[0].split(';')[0]}" if form in NAMED else f"of the form {form}"


def _read(text: str, form: str) -> datetime:
    match form:
        case "iso":
            if text[8:9] not in ("T", " ") and text[10:11] not in ("T", "t", " "):
                raise ValueError(text)
            return datetime.fromisoformat(text)
        case "year_first":
            return wall_time(text)
        case "day_first" | "month_first":
            return _short(text, day_first=form == "day_first")
        case "epoch_seconds" | "epoch_milliseconds" | "epoch_seconds_local":
            if not _NUMBER.fullmatch(text):
                raise ValueError(text)
            unit = timedelta(milliseconds=1) if form == "epoch_milliseconds" else timedelta(seconds=1)
            at = EPOCH + float(text) * unit
            return at.replace(tzinfo=None) if form == "epoch_seconds_local" else at
        case _:
            return datetime.strptime(text, form)  # noqa: DTZ007 - it may have an offset


def _short(text: str, *, day_first: bool) -> datetime:
    match = _SHORT.fullmatch(text)
    if match is None:
        raise NotReadable(f"no date and time: {shown(text)}")
    first, second, year, hour, minute, seconds = (int(part or 0) for part in match.groups())
    day, month = (first, second) if day_first else (second, first)
    return moment(text, (year if year > 99 else 2000 + year, month, day), (hour, minute, seconds))
