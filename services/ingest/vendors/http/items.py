"""From the body of a call to readings. Pure.

An item is JSON: `{"badge": "0042", "time": "2026-10-05T08:01:22+06:00", "state": "IN"}`. It is read by itself: one
that cannot be read takes nothing from the others, and its bytes are kept as they came.
"""

from collections.abc import Mapping, Sequence
from datetime import tzinfo
from typing import Any, Final

import msgspec

from services.ingest.domain.reading import Reading, ScanType
from services.ingest.vendors.files.cells import NotReadable, badge_of, shown
from services.ingest.vendors.generic.times import local_time
from shared.kernel.errors import Invalid, Malformed

MOST: Final = 500
"""Items in a call."""
LONGEST_ITEM: Final = 4096
"""Bytes."""
LONGEST: Final = 64
"""Characters of a state and the like."""
KNOWN: Final = frozenset({"badge", "time", "state", "type", "verify", "work_code", "record_no"})
"""Members that are understood. An item that has others goes with its scan as it came."""

_WORDS: Final = {kind.value: kind for kind in ScanType}
_BOM: Final = b"\xef\xbb\xbf"
_UNREADABLE: Final = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)


class _Envelope(msgspec.Struct):
    scans: list[msgspec.Raw]


_list = msgspec.json.Decoder(list[msgspec.Raw])
_envelope = msgspec.json.Decoder(_Envelope)
_item = msgspec.json.Decoder()


def items(body: bytes) -> Sequence[bytes]:
    """The items of a call, each as it came.

    Raises:
        Malformed: it is neither a list nor `{"scans": [...]}`.
        Invalid: it holds too many.
    """
    body = body.removeprefix(_BOM)
    if not body.strip():
        raise Malformed('send a JSON list of scans, or {"scans": [...]}: the body is empty')
    try:
        found = _envelope.decode(body).scans if body.lstrip().startswith(b"{") else _list.decode(body)
    except _UNREADABLE as error:
        why = "it is nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise Malformed(f'send a JSON list of scans, or {{"scans": [...]}}: {why}') from error
    if len(found) > MOST:
        raise Invalid(f"there are {len(found):,} scans in one call; send at most {MOST}")
    return [bytes(each) for each in found]


def reading(
    item: bytes, zone: tzinfo, directions: Mapping[str, ScanType], *, position: int
) -> tuple[Reading, str | None]:
    """The reading that an item is, and what is odd about it. A time without an offset is one of `zone`.

    Raises:
        NotReadable: says in a few words why it is none.
    """
    told = _members(item)
    badge = _text(told, "badge")
    if badge is None:
        raise NotReadable("it has no badge")
    badge = badge_of(badge)
    time = told.get("time")
    if not isinstance(time, str):
        raise NotReadable(
            "it has no time" if time is None else "its time is no text, such as 2026-10-05T08:01:22+06:00"
        )
    wall, offset = local_time(time, ("iso",), zone)
    said, called = _label(told, "state"), _label(told, "type")
    state, kind = _state(said, called, directions)
    read = Reading(
        badge=badge,
        device_time=time.strip(),
        local_time=wall,
        offset=offset,
        state=state,
        type=kind,
        verify=_label(told, "verify"),
        work_code=_label(told, "work_code"),
        record_no=_label(told, "record_no"),
        raw={"item": item.decode()} if told.keys() - KNOWN else None,
        position=position,
    )
    return read, _odd(said, called, kind)


def _members(item: bytes) -> Mapping[str, Any]:
    if len(item) > LONGEST_ITEM:
        raise NotReadable(f"it has {len(item):,} bytes; at most {LONGEST_ITEM:,} are read")
    try:
        told = _item.decode(item)
    except _UNREADABLE as error:
        raise NotReadable(f"it is no JSON: {error}") from error
    if not isinstance(told, dict):
        raise NotReadable('it is no object, such as {"badge": "0042", "time": "2026-10-05T08:01:22"}')
    return told


def _text(told: Mapping[str, Any], name: str) -> str | None:
    """A member as text: whole numbers are taken as they are written."""
    value = told.get(name)
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    raise NotReadable(f"its {name} is neither a text nor a whole number")


def _label(told: Mapping[str, Any], name: str) -> str | None:
    text = (_text(told, name) or "").strip()
    if len(text) > LONGEST or not text.isprintable():
        raise NotReadable(f"its {name} cannot be {shown(text)}")
    return text or None


def _state(state: str | None, kind: str | None, directions: Mapping[str, ScanType]) -> tuple[str, ScanType]:
    """The state in its one spelling, which is part of a scan's identity, and what it means.

    A type that is told counts before what a state means; where only one of them is told, it is both.
    """
    code = state or kind or ""
    word = _word(code)
    meant = (_word(kind) if kind else None) or directions.get(code) or word or ScanType.UNKNOWN
    return (word.value if word is not None else code), meant


def _odd(state: str | None, kind: str | None, meant: ScanType) -> str | None:
    """What is told of a type that is not taken as it was sent."""
    if kind is None:
        return None
    word, stated = _word(kind), _word(state or "")
    if word is None and (state is not None or meant is ScanType.UNKNOWN):
        return f"its type {shown(kind)} is none of {', '.join(_WORDS)}: it is taken as {meant.value}"
    if word is not None and stated is not None and word is not stated:
        return f"its state says {stated.value} and its type {word.value}: the type counts"
    return None


def _word(text: str) -> ScanType | None:
    return _WORDS.get(text.upper().replace("-", "_").replace(" ", "_"))
