"""Bytes, in whatever pieces they come, to numbered lines."""

from collections.abc import Iterator
from dataclasses import dataclass

LONGEST = 64 * 1024
"""Bytes of a line. No terminal writes a hundredth of it; what is longer is not a record."""
KEPT = 1024
"""Bytes that are kept of a line that is too long."""

_BOM = b"\xef\xbb\xbf"
_PADDING = b"\0\r\x1a"  # flash is padded with NUL, DOS ended texts with 0x1A


@dataclass(frozen=True, slots=True)
class Line:
    """A line without its end; numbered from 1 as an editor would."""

    number: int
    raw: bytes
    cut: bool = False
    """The line was longer than `LONGEST`; this is its beginning."""


class Lines:
    """Cuts a stream into lines. The same bytes give the same lines, however they are split.

    Ends with LF or CRLF. Lines that hold nothing but blanks or padding are counted and left out. At most
    `LONGEST` bytes are held, whatever comes: NUL padding is counted rather than kept, and a line that is too
    long is skipped to its end.
    """

    def __init__(self) -> None:
        self._number = 0
        self._rest = b""
        self._nuls = 0
        self._skipping = False

    def feed(self, chunk: bytes) -> Iterator[Line]:
        """The lines that these bytes complete."""
        if self._skipping:
            end = chunk.find(b"\n")
            if end < 0:
                return
            yield from self._cut_line()
            chunk = chunk[end + 1 :]
        data = self._rest + b"\0" * self._nuls + chunk if self._nuls else self._rest + chunk
        *complete, rest = data.split(b"\n")
        for line in complete:
            yield from self._line(line)
        self._hold(rest)

    def finish(self) -> Iterator[Line]:
        """The last line, where the file does not end with a line end."""
        if self._skipping:
            yield from self._cut_line()
        else:
            yield from self._line(self._rest)
            self._rest, self._nuls = b"", 0

    def _hold(self, rest: bytes) -> None:
        kept = rest.rstrip(b"\0")
        self._nuls = min(len(rest) - len(kept), LONGEST + 1)
        self._rest = kept
        if len(kept.lstrip(_PADDING)) > LONGEST:
            self._rest, self._nuls, self._skipping = kept.lstrip(_PADDING)[:KEPT], 0, True
        elif not kept:
            self._nuls = 0

    def _cut_line(self) -> Iterator[Line]:
        self._number += 1
        yield Line(self._number, self._without_mark(self._rest)[:KEPT], cut=True)
        self._rest, self._skipping = b"", False

    def _line(self, raw: bytes) -> Iterator[Line]:
        self._number += 1
        raw = raw.strip(_PADDING)
        if len(raw) > LONGEST:
            yield Line(self._number, self._without_mark(raw[:KEPT]), cut=True)
        elif (raw := self._without_mark(raw)).strip():
            yield Line(self._number, raw)

    def _without_mark(self, raw: bytes) -> bytes:
        return raw.removeprefix(_BOM) if self._number == 1 else raw
