"""How far a log was read and the like, as text that outlives us: only the driver that wrote it reads it."""

from typing import TypeVar

import msgspec

T = TypeVar("T")


def written(mark: object | None) -> str:
    """A mark as text; none is no text."""
    return msgspec.json.encode(mark).decode() if mark is not None else ""


def read(text: str, kind: type[T]) -> T | None:
    """The mark in it; None where there is none, or it is of another version of ours: then all is read again."""
    try:
        return msgspec.json.decode(text, type=kind) if text else None
    except msgspec.MsgspecError:
        return None
