"""The user table. Pure.

Passwords in it are passed over: nothing here reads them. Source: PROTOCOLS §1.10.
"""

import codecs
import struct
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from services.ingest.domain.machine_user import MachineUser
from services.ingest.vendors.zkteco.records import text_of

_OLD: Final = struct.Struct("<HB5x8sI4xI")
_NEW: Final = struct.Struct("<HB8x24sI9x24s")
OLD_SIZE: Final = _OLD.size
NEW_SIZE: Final = _NEW.size
ADMINISTRATOR: Final = 3
"""The lowest level that may change the machine; 1 may only enrol, and 0 scans."""
CODE_PAGES: Final = ("utf-8", "gb18030")
"""Machines write names in that of their country, and do not say which: those that can be told from one another."""


class UnknownUsers(ValueError):
    """The table is laid out in no way that is known."""


class _Row(NamedTuple):
    """One user, cut but not judged."""

    uid: int
    permission: int
    name: bytes
    card: int
    badge: str


def user_ids(data: bytes, *, count: int) -> Mapping[int, str]:
    """User ids by internal number; none where the table is of no known form."""
    return {row.uid: row.badge for row in _rows(data, count=count) or ()}


def users_of(data: bytes, *, count: int) -> Iterator[MachineUser]:
    """The users in a table.

    Raises:
        UnknownUsers: it is none that can be read.
    """
    rows = _rows(data, count=count)
    if rows is None:
        raise UnknownUsers(f"its user table is of a form that is not known: {len(data):,} bytes for {count:,} users")
    for row in rows:
        yield MachineUser(
            badge=row.badge,
            uid=str(row.uid),
            name=_name(row.name),
            is_admin=row.permission >> 1 & 7 >= ADMINISTRATOR,
            card=str(row.card) if row.card else "",
        )


def _rows(data: bytes, *, count: int) -> Sequence[_Row] | None:
    """The rows of a table. Their size is found by content, for `count` may be off by one."""
    new, old = _read_new(data), _read_old(data)
    if new is not None and old is not None:
        return new if count and len(data) // count >= NEW_SIZE else old
    return new if new is not None else old


def _read_new(data: bytes) -> Sequence[_Row] | None:
    if len(data) % NEW_SIZE:
        return None
    rows = [_Row(uid, may, name, card, text_of(user)) for uid, may, name, card, user in _NEW.iter_unpack(data)]
    return rows if all(row.badge for row in rows) else None


def _read_old(data: bytes) -> Sequence[_Row] | None:
    if len(data) % OLD_SIZE:
        return None
    rows = [_Row(uid, may, name, card, str(user)) for uid, may, name, card, user in _OLD.iter_unpack(data)]
    return rows if all(row.uid and row.badge != "0" for row in rows) else None


def _name(padded: bytes) -> str:
    """The text before the first NUL; a character that was cut in two at its end goes."""
    raw = padded.partition(b"\0")[0]
    for page in CODE_PAGES:
        try:
            text = codecs.getincrementaldecoder(page)().decode(raw)
        except UnicodeDecodeError:
            continue
        return "".join(letter for letter in text if letter.isprintable()).strip()
    return raw.decode("ascii", "replace").strip()
