"""From the bytes of a stream to its frames. Pure.

The same bytes give the same frames, however they are split: what is decided about a frame never depends on how much
of what follows has come. No more is held than the longest frame and the piece that was fed.
"""

import re
from collections.abc import Iterator
from typing import Final, assert_never

from services.ingest.vendors.generic.frames import (
    BLANK,
    KEPT,
    Cutting,
    Frame,
    Framer,
    NoFrame,
    Piece,
    sound,
    too_long,
    wrong_checksum,
)
from services.ingest.vendors.generic.framing import (
    Datagrams,
    Delimited,
    Enclosed,
    Fixed,
    Framing,
    Json,
    LengthPrefixed,
    Lines,
    Pauses,
)


def framer(framing: Framing) -> Framer:  # noqa: PLR0911 - one a kind
    """A new one, for one connection."""
    match framing:
        case Lines():
            return _Delimited(b"\n", framing.longest, padding=b"\r\0")
        case Delimited():
            return _Delimited(bytes.fromhex(framing.end), framing.longest, padding=b"")
        case Enclosed():
            return _Enclosed(framing)
        case Fixed():
            return _Fixed(framing)
        case LengthPrefixed():
            return _LengthPrefixed(framing)
        case Json():
            return _Json(framing.longest)
        case Datagrams():
            return _Whole(framing.longest)
        case Pauses():
            return _Whole(framing.longest, until_idle=True)
        case _:
            assert_never(framing)


class _Delimited(Cutting):
    def __init__(self, end: bytes, longest: int, *, padding: bytes) -> None:
        super().__init__()
        self._end, self._longest, self._padding = end, longest, padding
        self._skipping = False

    def _advance(self) -> bool:
        held, end = self._held, self._end
        if self._skipping:
            at = held.find(end)
            if at < 0:
                del held[: max(0, len(held) - len(end) + 1)]
                return False
            self._take(at + len(end))
            self._skipping = False
            return True
        window = self._longest + len(end)
        at = held.find(end, self._seen, window)
        if at < 0:
            if len(held) < window:
                self._seen = max(0, len(held) - len(end) + 1)
                return False
            self._cut = too_long(held, self._longest)
            self._seen, self._skipping = 0, True
            return True
        raw = self._take(at + len(end))
        body = raw[:at].strip(self._padding) if self._padding else raw[:at]
        if body:
            self._cut = Frame(raw, body)
        return True


class _Enclosed(Cutting):
    def __init__(self, framing: Enclosed) -> None:
        super().__init__()
        self._framing = framing
        self._start, self._end = bytes.fromhex(framing.start), bytes.fromhex(framing.end)
        self._escape = bytes.fromhex(framing.escape) if framing.escape else b""
        marks = [re.escape(self._start), re.escape(self._end)]
        if self._escape:
            marks.insert(0, re.escape(self._escape) + b".")
        self._marks = re.compile(b"|".join(marks), re.DOTALL)
        self._overlap = max(len(self._start), len(self._end)) - 1
        self._after_loss = False

    def _advance(self) -> bool:
        held, start = self._held, self._start
        if not held.startswith(start):
            return self._to_the_start()
        window = len(start) + self._framing.longest + len(self._end)
        at = max(len(start), self._seen)
        while (mark := self._marks.search(held, at, window)) is not None:
            if self._escape and mark[0].startswith(self._escape):
                self._seen = at = mark.end()
                continue
            if mark[0] == self._end:
                return self._whole(mark.start(), mark.end())
            self._cut = NoFrame("a frame without an end", self._take(mark.start())[:KEPT], damaged=True)
            return True
        if len(held) < window:
            if not self._escape:
                self._seen = max(0, len(held) - self._overlap)
            return False
        self._cut = too_long(held, self._framing.longest)
        self._take(len(start) + self._framing.longest)
        self._after_loss = True
        return True

    def _to_the_start(self) -> bool:
        window = self._framing.longest + len(self._start)
        at = self._held.find(self._start, 0, window)
        if at < 0:
            if len(self._held) < window:
                return False
            at = self._framing.longest
        self._pass_over(at, quietly=self._after_loss)
        return True

    def _whole(self, end: int, after: int) -> bool:
        checksum, held = self._framing.checksum, self._held
        needed = after + (checksum.size if checksum else 0)
        if len(held) < needed:
            self._seen = end
            return False
        self._after_loss = False
        raw = self._take(needed)
        body = raw[len(self._start) : end]
        if checksum is not None:
            covered = {"body": body, "body_and_end": raw[len(self._start) : after], "all": raw[:after]}
            if not checksum.fits(covered[self._framing.covers], raw[after:]):
                self._cut = wrong_checksum(raw)
                return True
        if self._escape:
            body = re.sub(re.escape(self._escape) + b"(.)", rb"\1", body, flags=re.DOTALL)
        self._cut = Frame(raw, body)
        return True


class _Started(Cutting):
    """Frames that may begin with known bytes."""

    def __init__(self, start: str | None, longest: int) -> None:
        super().__init__()
        self._start = bytes.fromhex(start) if start else b""
        self._longest = longest
        self._after_loss = False

    def _at_the_start(self) -> bool:
        """Whether what is held begins as a frame does; takes off what stands before."""
        if self._held.startswith(self._start):
            return True
        window = self._longest + len(self._start)
        at = self._held.find(self._start, 0, window)
        if at < 0 and len(self._held) >= window:
            at = self._longest
        if at > 0:
            self._pass_over(at, quietly=self._after_loss)
        return False

    def _resume(self) -> None:
        """What is held is no frame although it begins as one: the next may be inside."""
        self._after_loss = True
        self._take(1)


class _Fixed(_Started):
    def __init__(self, framing: Fixed) -> None:
        super().__init__(framing.start, max(framing.longest, framing.length))
        self._length, self._checksum = framing.length, framing.checksum

    def _advance(self) -> bool:
        before = len(self._held)
        if not self._at_the_start():
            return len(self._held) < before
        if len(self._held) < self._length:
            return False
        raw = bytes(self._held[: self._length])
        if self._checksum is not None and not sound(raw, self._checksum.size, self._checksum.fits):
            self._cut = wrong_checksum(raw)
            if self._start:
                self._resume()
                return True
        else:
            self._after_loss = False
            self._cut = Frame(raw, raw[: -self._checksum.size] if self._checksum else raw)
        self._take(self._length)
        return True


class _LengthPrefixed(_Started):
    def __init__(self, framing: LengthPrefixed) -> None:
        super().__init__(framing.start, framing.longest)
        self._framing = framing
        self._head = framing.offset + framing.size
        self._lost = False

    def _advance(self) -> bool:
        if self._lost:
            self._take(len(self._held))
            return False
        before = len(self._held)
        if not self._at_the_start():
            return len(self._held) < before
        if len(self._held) < self._head:
            return False
        size = self._size()
        if size is None:
            return True
        if len(self._held) < size:
            return False
        self._whole(size)
        return True

    def _size(self) -> int | None:
        """Of the frame at the front; None where it cannot be."""
        framing, head = self._framing, self._head
        told = int.from_bytes(self._held[framing.offset : head], framing.order)
        size = told + framing.adjust + (0 if framing.counts_itself else head)
        least = head + (framing.checksum.size if framing.checksum else 0)
        if least <= size <= framing.longest:
            return size
        reason = f"a frame that claims to have {told:,} bytes"
        self._cut = NoFrame(reason, bytes(self._held[:head]), damaged=True, lost=not self._start)
        if self._start:
            self._resume()
        else:
            self._lost = True
        return None

    def _whole(self, size: int) -> None:
        framing, raw = self._framing, bytes(self._held[:size])
        if framing.checksum is not None and not sound(raw, framing.checksum.size, framing.checksum.fits):
            self._cut = wrong_checksum(raw)
            if self._start:
                self._resume()
                return
        else:
            self._after_loss = False
            end = size - framing.checksum.size if framing.checksum else size
            self._cut = Frame(raw, raw[0 if framing.header else self._head : end])
        self._take(size)


class _Json(Cutting):
    """Counts brackets, those in strings not."""

    _OUTSIDE: Final = re.compile(rb"[{\[]")
    _INSIDE: Final = re.compile(rb'["{}\[\]]')
    _STRING: Final = re.compile(rb'\\.|"', re.DOTALL)

    def __init__(self, longest: int) -> None:
        super().__init__()
        self._longest = longest
        self._depth = 0
        self._in_string = False
        self._after_loss = False

    def _advance(self) -> bool:
        held = self._held
        if not self._depth:
            return self._to_the_start()
        while True:
            what = self._STRING if self._in_string else self._INSIDE
            mark = what.search(held, self._seen, self._longest)
            if mark is None:
                break
            self._seen = mark.end()
            byte = mark[0]
            if byte == b'"':
                self._in_string = not self._in_string
            elif byte in b"{[":
                self._depth += 1
            elif byte in b"}]":
                self._depth -= 1
                if not self._depth:
                    self._after_loss = False
                    raw = self._take(self._seen)
                    self._cut = Frame(raw, raw)
                    return True
        if len(held) < self._longest:
            if not self._in_string:
                self._seen = len(held)
            return False
        self._cut = too_long(held, self._longest)
        # What was taken for its begin may have been a stray bracket: the next is looked for behind it.
        self._take(self._longest)
        self._depth, self._in_string, self._after_loss = 0, False, True
        return True

    def _to_the_start(self) -> bool:
        mark = self._OUTSIDE.search(self._held, 0, self._longest)
        if mark is not None:
            if mark.start():
                self._pass_over(mark.start(), quietly=self._after_loss)
            self._depth, self._seen = 1, 1
            return True
        if len(self._held) < self._longest:
            return False
        self._pass_over(self._longest, quietly=self._after_loss)
        return True


class _Whole:
    """All that comes at once, or up to a pause, is one frame."""

    def __init__(self, longest: int, *, until_idle: bool = False) -> None:
        self._longest, self._until_idle = longest, until_idle
        self._held = bytearray()

    @property
    def pending(self) -> int:
        return len(self._held)

    def feed(self, some: bytes) -> Iterator[Piece]:
        self._held += some[: self._longest + 1 - len(self._held)]
        return iter(()) if self._until_idle else self.idle()

    def idle(self) -> Iterator[Piece]:
        whole = bytes(self._held)
        self._held.clear()
        if len(whole) > self._longest:
            yield too_long(whole, self._longest)
        elif whole.strip(BLANK):
            yield Frame(whole, whole)
