"""A live event's data: one scan, or several, in forms that only their length tells apart. Pure.

An event that cannot be read is no loss: the log has its record, and is read again. Source: PROTOCOLS §1.11.
"""

import struct
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from services.ingest.domain.reading import Reading
from services.ingest.vendors.zkteco.clock import NoSuchTime, from_six
from services.ingest.vendors.zkteco.records import text_of
from services.ingest.vendors.zkteco.states import scan_type

_SHORT: Final = struct.Struct("<HBB6s")
_NUMBER: Final = struct.Struct("<IBB6s")
_TEXT: Final = struct.Struct("<24sBB6s")


class UnreadableEvent(ValueError):
    """The data is of a form that is not known, or says what cannot be."""


@dataclass(frozen=True, slots=True)
class _Form:
    layout: struct.Struct
    user: Callable[[bytes | int], str]


def _number(user: bytes | int) -> str:
    return str(user) if user else ""


def _text(user: bytes | int) -> str:
    return text_of(user) if isinstance(user, bytes) else ""


_BY_SHORT = _Form(_SHORT, _number)
_BY_NUMBER = _Form(_NUMBER, _number)
_BY_TEXT = _Form(_TEXT, _text)
_FORMS: Final = {10: _BY_SHORT, 12: _BY_NUMBER, 14: _BY_SHORT, 32: _BY_TEXT, 36: _BY_TEXT, 37: _BY_TEXT, 52: _BY_TEXT}
"""By length. What a longer form has behind its time is not known and kept in `raw`."""
_REPEATED: Final = (52, 36, 32, 12)
"""Lengths of which several may stand in one packet."""
_MOST: Final = 100
"""Scans in one packet. What claims more is no event, and would take long to read."""


def is_by_number(data: bytes) -> bool:
    """Whether an event tells its user as a number: then leading zeros are lost, and it may be the internal one."""
    size = _size(data)
    return size is not None and _FORMS[size].user is _number


def scans_of(data: bytes) -> Sequence[Reading]:
    """The scans in an ATTLOG event.

    Raises:
        UnreadableEvent: its form is not known; its record is in the log.
    """
    size = _size(data)
    if size is None:
        raise UnreadableEvent(f"an event of {len(data)} bytes is of no known form")
    return _scans(data, size)


def _size(data: bytes) -> int | None:
    """The size of one scan in it."""
    if len(data) in _FORMS:
        return len(data)
    for size in _REPEATED:
        if data and len(data) % size == 0 and len(data) <= _MOST * size:
            with suppress(UnreadableEvent):
                _scans(data, size)
                return size
    return None


def _scans(data: bytes, size: int) -> Sequence[Reading]:
    return [_scan(data[start : start + size], _FORMS[size]) for start in range(0, len(data), size)]


def _scan(data: bytes, form: _Form) -> Reading:
    user, verify, state, six = form.layout.unpack_from(data)
    badge = form.user(user)
    if not badge:
        raise UnreadableEvent("the event names no user")
    try:
        wall = from_six(six)
    except NoSuchTime as error:
        raise UnreadableEvent(str(error)) from error
    return Reading(
        badge=badge,
        device_time=wall.isoformat(sep=" "),
        local_time=wall,
        state=str(state),
        type=scan_type(str(state)),
        verify=str(verify),
        raw={"event": data.hex()},
    )
