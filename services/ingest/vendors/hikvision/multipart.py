"""The endless multipart of an alert stream, taken apart as it comes. Pure. Source: PROTOCOLS §4.6.

The parser learns the boundary from the stream itself, because what the header says of it is quoted, wrong or missing on
some. A part ends after its `Content-Length`, or at the next boundary if that comes first; a JSON part without a length
ends with its last brace, so that an event need not wait for the next one. Pictures are let go as they come. Whatever is
malformed costs its own part and no more.
"""

import re
from collections.abc import Iterator
from enum import Enum, auto
from typing import Final

LARGEST_DOCUMENT: Final = 1 << 18
"""Bytes. Events have about a thousand."""
LARGEST_HEADER: Final = 8_192
LARGEST_PICTURE: Final = 1 << 24
"""A part that claims more is searched for the next boundary instead of being skipped."""
_LONGEST_BOUNDARY: Final = 200
_PIECE: Final = 1 << 16
_LENGTH: Final = re.compile(rb"content-length\s*:\s*(\d{1,18})\s*$", re.IGNORECASE)
_TYPE: Final = re.compile(rb"content-type\s*:\s*([a-z]+)/", re.IGNORECASE)
_BINARY: Final = frozenset({b"image", b"video", b"audio"})
_BLANK: Final = b" \t\r\n\xef\xbb\xbf\0"
_OPENS: Final = (b"{", b"<")
_MARKS: Final = re.compile(rb'[{}"\\]')


class _At(Enum):
    BOUNDARY = auto()
    HEADER = auto()
    START = auto()
    """Of a body: what it is, its first byte that is not blank says."""
    DOCUMENT = auto()
    SKIPPED = auto()


class Multipart:
    """Bytes in, documents out: the bodies of parts that hold JSON or XML, the same however the bytes are cut."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._at = _At.BOUNDARY
        self._boundary = b""
        self._header = 0
        self._blanks = 0
        self._length: int | None = None
        """What is left of the part, where it said so."""
        self._binary = False
        self._searched = 0
        self._json: _JsonEnd | None = None
        self.oversized = 0
        """Documents that were let go because they are larger than any event."""

    @property
    def held(self) -> int:
        """Bytes that wait for more; never more than a document may have, and a little."""
        return len(self._buffer)

    def feed(self, some: bytes) -> Iterator[bytes]:
        """The documents that these bytes complete. Exhaust it before the next call."""
        # In pieces, so that what is held stays small whatever is fed.
        for start in range(0, len(some), _PIECE):
            self._buffer += some[start : start + _PIECE]
            while (step := self._step()) is not None:
                if step:
                    yield step

    def finish(self) -> bytes:
        """The document that only the end of everything ends, if there is one."""
        return self._take(len(self._buffer)).strip(_BLANK) if self._at is _At.DOCUMENT else b""

    def _step(self) -> bytes | None:
        """Go on by one: a document, nothing to give (`b""`), or None where more bytes are needed."""
        match self._at:
            case _At.BOUNDARY:
                return self._find_boundary()
            case _At.HEADER:
                return self._read_header()
            case _At.START:
                return self._begin_body()
            case _At.DOCUMENT:
                return self._read_document()
            case _At.SKIPPED:
                return self._skip()

    def _find_boundary(self) -> bytes | None:
        """Lines up to a boundary are nobody's."""
        end = self._buffer.find(b"\n", self._searched)
        if end < 0:
            self._searched = len(self._buffer)
            if len(self._buffer) > _LONGEST_BOUNDARY:
                # No boundary is as long as this line; what is still to come of it is none either.
                self._buffer[:] = b"x"
                self._searched = 1
            return None
        line = self._take(end + 1).strip(b" \t\r\n")
        if end > _LONGEST_BOUNDARY:
            return b""
        if not self._boundary and line.startswith(b"--") and len(line) > 2:
            self._boundary = line
        if self._boundary and line == self._boundary:
            self._begin_part()
        return b""

    def _begin_part(self) -> None:
        self._at, self._header, self._length, self._binary = _At.HEADER, 0, None, False

    def _read_header(self) -> bytes | None:
        if self._buffer.startswith(_OPENS):  # a body without a blank line before it
            return self._start()
        end = self._buffer.find(b"\n", self._searched)
        read = end + 1 if end >= 0 else len(self._buffer)
        if self._header + read > LARGEST_HEADER:
            return self._look_for_next()
        if end < 0:
            self._searched = len(self._buffer)
            return None
        line = self._take(end + 1).strip(b" \t\r\n")
        self._header += read
        if line == self._boundary:
            self._begin_part()  # a part without anything
        elif not line:
            return self._start()
        elif found := _LENGTH.match(line):
            self._length = int(found[1])
        elif found := _TYPE.match(line):
            self._binary = found[1].lower() in _BINARY
        return b""

    def _start(self) -> bytes:
        self._at, self._blanks = (_At.SKIPPED if self._binary else _At.START), 0
        return b""

    def _begin_body(self) -> bytes | None:
        blank = len(self._buffer) - len(self._buffer.lstrip(_BLANK))
        if self._length is not None:
            blank = min(blank, self._length)
            self._length -= blank
        self._blanks += blank
        self._take(blank)
        if self._blanks > LARGEST_HEADER or self._length == 0:
            return self._look_for_next()
        if not self._buffer:
            return None
        self._json = None
        self._at = _At.DOCUMENT if self._buffer.startswith(_OPENS) else _At.SKIPPED
        return b""

    def _skip(self) -> bytes | None:
        """Let a part go that is no document; without a length, or one to believe, up to the next boundary."""
        if not self._length or self._length > LARGEST_PICTURE:
            return self._look_for_next()
        if not self._buffer:
            return None
        taken = min(self._length, len(self._buffer))
        self._take(taken)
        self._length -= taken
        return b""

    def _read_document(self) -> bytes | None:
        end = self._end()
        if end is None and len(self._buffer) <= LARGEST_DOCUMENT + len(self._boundary):
            return None
        if end is None or end > LARGEST_DOCUMENT:
            self.oversized += 1
            return self._look_for_next()
        body = self._take(end)
        self._look_for_next()
        return body.strip(_BLANK)

    def _end(self) -> int | None:
        """Where the document ends, as soon as that is known, and the same however late one asks."""
        wanted = b"\n" + self._boundary
        place: int | None = self._buffer.find(wanted, max(0, self._searched - len(wanted)))
        self._searched = len(self._buffer)
        if place is not None and place < 0:
            place = None
        if self._length is not None:
            if place is not None and place + len(wanted) <= self._length:
                return place
            return self._length if len(self._buffer) >= self._length else None
        if self._buffer[:1] == b"{":
            self._json = self._json or _JsonEnd()
            closed = self._json.find(self._buffer)
            if closed is not None and (place is None or closed <= place):
                return closed
        return place

    def _look_for_next(self) -> bytes:
        self._at, self._searched = _At.BOUNDARY, 0
        return b""

    def _take(self, number: int) -> bytes:
        taken = bytes(self._buffer[:number])
        del self._buffer[:number]
        self._searched = 0
        return taken


class _JsonEnd:
    """Finds the brace that closes an object, looking at each byte once."""

    def __init__(self) -> None:
        self._at = 0
        self._depth = 0
        self._in_text = False

    def find(self, buffer: bytearray) -> int | None:
        """The place behind it, once it is there. `buffer` has only grown since the last call."""
        while (mark := _MARKS.search(buffer, self._at)) is not None:
            sign = mark[0]
            if sign == b"\\":
                # What follows is of the text, whatever it is.
                self._at = mark.end() + 1
                if self._at > len(buffer):
                    self._at = mark.start()
                    return None
                continue
            self._at = mark.end()
            if sign == b'"':
                self._in_text = not self._in_text
            elif not self._in_text:
                self._depth += 1 if sign == b"{" else -1
                if self._depth <= 0:
                    return self._at
        self._at = len(buffer)
        return None
