"""The user table, for machines whose log has only their internal number of a user. Pure.

Passwords, cards and names in it are passed over: nothing here keeps them. Source: PROTOCOLS §1.10.
"""

import struct
from collections.abc import Mapping
from typing import Final

from services.ingest.vendors.zkteco.records import text_of

_OLD: Final = struct.Struct("<H22xI")
_NEW: Final = struct.Struct("<H46x24s")
OLD_SIZE: Final = 28
NEW_SIZE: Final = 72


def user_ids(data: bytes, *, count: int) -> Mapping[int, str]:
    """User ids by internal number. The size of a row is found by content, for `count` may be off by one."""
    new, old = _read_new(data), _read_old(data)
    if new is not None and old is not None:
        return new if count and len(data) // count >= NEW_SIZE else old
    return new or old or {}


def _read_new(data: bytes) -> Mapping[int, str] | None:
    if len(data) % NEW_SIZE:
        return None
    rows = {uid: text_of(padded) for uid, padded in _NEW.iter_unpack(data)}
    return rows if all(rows.values()) else None


def _read_old(data: bytes) -> Mapping[int, str] | None:
    if len(data) % OLD_SIZE:
        return None
    rows = {uid: str(number) for uid, number in _OLD.iter_unpack(data)}
    return rows if "0" not in rows.values() and 0 not in rows else None
