"""What a BioStar server sends: JSON objects in which numbers and truths are texts. Pure. Source: PROTOCOLS §3.1."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

Document = Mapping[str, Any]

GOOD: Final = "0"
LOGIN_REQUIRED: Final = "10"
EVENT_ROWS: Final = "EventCollection"
USER_ROWS: Final = "UserCollection"
_LONGEST: Final = 256
"""Characters that are read of a text. None that we want is longer; nothing longer is to travel on."""
_LARGEST: Final = 1 << 63
_UNHELD: Final = re.compile("[\0\ud800-\udfff]")


class NoDocument(ValueError):
    """These bytes are no JSON object."""


@dataclass(frozen=True, slots=True)
class Said:
    """The envelope of a reply."""

    code: str
    message: str

    def __str__(self) -> str:
        return f"{self.message or 'no reason given'} (code {self.code})"


def document_of(body: bytes | str) -> Document:
    """The object in `body`.

    Raises:
        NoDocument: with a sentence that says why.
    """
    try:
        text_of = body.decode("utf-8", "replace") if isinstance(body, bytes) else body
        read = json.loads(text_of.removeprefix("\ufeff").strip("\0 \r\n\t"))
    except (ValueError, RecursionError) as error:
        raise NoDocument(f"it is no JSON: {str(error)[:80]}") from error
    if not isinstance(read, dict):
        raise NoDocument("it is JSON, and no object")
    return read


def inner(document: Document, name: str) -> Document:
    """The object of a member; an empty one where there is none."""
    value = document.get(name)
    return value if isinstance(value, Mapping) else {}


def text(document: Document, name: str) -> str:
    """The text of a member: a number as it is written, nothing where it is missing or an object.

    What no database holds is replaced: a NUL, and half of a character that JSON can say and UTF-8 cannot.
    """
    value = document.get(name)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int) and abs(value) >= _LARGEST:  # Python refuses to write out the longest
        return ""
    if not isinstance(value, (str, int, float)):
        return ""
    return _UNHELD.sub("\ufffd", str(value)[:_LONGEST]).strip()


def named(document: Document, name: str, member: str) -> str:
    """The text of a member that is an object with its own, or, on old servers, just the text."""
    return text(inner(document, name), member) or text(document, name)


def whole(said: str) -> int | None:
    """The whole number that a text is; None where it is none that could be meant."""
    if not (said.isascii() and said.isdigit() and len(said) < 20):
        return None
    value = int(said)
    return value if value < _LARGEST else None


def said_in(document: Document) -> Said | None:
    """The envelope, if there is one."""
    reply = inner(document, "Response")
    code = text(reply, "code")
    return Said(code, text(reply, "message")) if code else None


def rows_of(document: Document, collection: str) -> Sequence[Document]:
    """The rows that a search found. Where it found none, the collection may be missing altogether."""
    rows = inner(document, collection).get("rows")
    return [row for row in rows if isinstance(row, Mapping)] if isinstance(rows, list) else []
