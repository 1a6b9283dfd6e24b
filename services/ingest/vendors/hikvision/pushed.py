"""The body of a push: one event as JSON or XML, or a multipart with pictures in it. Pure. Source: PROTOCOLS §4.7.

What it is, its first bytes say: the header is wrong on some. Pictures are let go as they come.
"""

from collections.abc import Sequence
from typing import Final

from services.ingest.vendors.hikvision.events import AccessEvent, told
from services.ingest.vendors.hikvision.multipart import LARGEST_DOCUMENT, Multipart
from services.ingest.vendors.hikvision.tree import NoDocument, tree_of

MOST: Final = 1 << 25
"""Bytes, pictures and all. Terminals send a picture or two of up to a few hundred kilobytes."""
KEPT: Final = 2_048
"""Bytes of what cannot be read: enough to see why, and too few to hold a face."""
_BLANK: Final = b" \t\r\n\xef\xbb\xbf\0"


class TooLarge(ValueError):
    """No machine sends so much."""


class Push:
    """Bytes in, events out, with no more held than a document may have."""

    def __init__(self) -> None:
        self._parts: Multipart | None = None
        self._document = bytearray()
        self._begun = False
        self._size = 0
        self.events: list[AccessEvent] = []
        self.unreadable: list[tuple[bytes, str]] = []
        """Documents that are none, with the reason."""

    def feed(self, some: bytes) -> None:
        """A piece of the body.

        Raises:
            TooLarge: there is no end to it.
        """
        self._size += len(some)
        if self._size > MOST:
            raise TooLarge(f"the body has more than {MOST:,} bytes")
        if not self._begun:
            some = some.lstrip(_BLANK)
            if not some:
                return
            self._begun = True
            self._parts = Multipart() if some.startswith(b"-") else None
        if self._parts is not None:
            for document in self._parts.feed(some):
                self._read(document)
        elif len(self._document) <= LARGEST_DOCUMENT:
            self._document += some

    def finish(self) -> Sequence[AccessEvent]:
        """The events, in their order; that was all."""
        last = self._parts.finish() if self._parts is not None else bytes(self._document)
        if last:
            self._read(last)
        return self.events

    def _read(self, document: bytes) -> None:
        try:
            event = told(tree_of(document))
        except NoDocument as error:
            self.unreadable.append((document[:KEPT], str(error)))
            return
        if event is not None:
            self.events.append(event)
