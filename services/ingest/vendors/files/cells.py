"""What the text formats have in common: the text of a cell, a badge, a wall time."""

import re
from collections.abc import Sequence
from datetime import datetime

LONGEST_BADGE = 64
"""Characters. Terminals hold up to 24."""

_TIME = re.compile(r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})[ T]+(\d{1,2}):(\d{1,2})(?::(\d{1,2}))?")


class NotReadable(ValueError):
    """Says in a few words why a line cannot be read."""


def text_of(raw: bytes) -> str:
    r"""The text of a line; bytes that are not UTF-8 stay visible as `\xNN`, the same each time."""
    return raw.decode("utf-8", errors="backslashreplace")


def badge_of(cell: str) -> str:
    """The badge in a cell: blanks around it go, zeros and letters stay.

    Raises:
        NotReadable: there is none, or it can be none.
    """
    badge = cell.strip()
    if not badge:
        raise NotReadable("no badge")
    if len(badge) > LONGEST_BADGE:
        raise NotReadable(f"a badge of {len(badge)} characters")
    if not badge.isprintable():
        raise NotReadable("the badge has characters that cannot be printed")
    return badge


def wall_time(text: str) -> datetime:
    """A wall time, year first, read strictly enough that a broken one is never taken for another.

    Raises:
        NotReadable: it is not a date and time that exists.
    """
    if len(text) == 19 and text[4] == text[7] == "-" and text[13] == text[16] == ":" and text[10] == " ":
        try:
            return datetime.fromisoformat(text)
        except ValueError:
            pass
    match = _TIME.fullmatch(text)
    if match is None:
        raise NotReadable(f"no date and time: {shown(text)}")
    year, month, day, hour, minute, second = (int(part or 0) for part in match.groups())
    return moment(text, (year, month, day), (hour, minute, second))


def moment(text: str, date: tuple[int, int, int], time: tuple[int, int, int]) -> datetime:
    """A wall time from (year, month, day) and (hour, minute, second); `text` is for the message.

    Raises:
        NotReadable: there is no such moment.
    """
    try:
        return datetime(*date, *time)  # noqa: DTZ001 - a machine's wall time has no zone
    except ValueError as error:
        raise NotReadable(f"{shown(text)} is no date and time: {error}") from error


def columns_of(cells: Sequence[str]) -> str:
    """How many there are, in words."""
    return "1 column" if len(cells) == 1 else f"{len(cells)} columns"


def shown(text: str) -> str:
    """A piece of somebody's file, short enough for a message."""
    return repr(text if len(text) <= 60 else text[:57] + "…")
