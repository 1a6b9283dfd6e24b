"""What framers give and what they share. Pure."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, Protocol

KEPT: Final = 1024
"""Bytes that are kept of what is no frame."""
BLANK: Final = b" \t\r\n\0,"
"""What may stand between frames."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame: `raw` as it came, `body` what is to be decoded."""

    raw: bytes
    body: bytes


@dataclass(frozen=True, slots=True)
class NoFrame:
    """Bytes that are none, or a broken one."""

    reason: str
    raw: bytes
    """Its first bytes."""
    damaged: bool = False
    """It was a frame and has suffered on its way: sent again it may be well."""
    lost: bool = False
    """Where the next frame begins cannot be told any more."""


Piece = Frame | NoFrame


class Framer(Protocol):
    """Takes bytes in."""

    @property
    def pending(self) -> int:
        """Bytes of a frame that is not complete."""

    def feed(self, some: bytes) -> Iterator[Piece]:
        """The frames that these bytes complete; take all of them before feeding more."""

    def idle(self) -> Iterator[Piece]:
        """Nothing has come for the pause that ends a frame."""


class Cutting:
    """Holds what has come, and cuts pieces off its front."""

    def __init__(self) -> None:
        self._held = bytearray()
        self._seen = 0
        """Bytes of what is held that have been looked at and need not be again."""
        self._cut: Piece | None = None

    @property
    def pending(self) -> int:
        return len(self._held)

    def feed(self, some: bytes) -> Iterator[Piece]:
        self._held += some
        while self._advance():
            if (piece := self._cut) is not None:
                self._cut = None
                yield piece

    def idle(self) -> Iterator[Piece]:
        return iter(())

    def _advance(self) -> bool:
        """Take something off the front, and set `_cut` where that is a piece; false where more must come first."""
        raise NotImplementedError

    def _take(self, size: int) -> bytes:
        taken = bytes(self._held[:size])
        del self._held[:size]
        self._seen = 0
        return taken

    def _pass_over(self, size: int, *, quietly: bool) -> None:
        """What stands between frames; blanks are nothing to speak of."""
        stray = self._take(size)
        if not quietly and stray.strip(BLANK):
            self._cut = NoFrame("bytes that belong to no frame", stray[:KEPT])


def sound(raw: bytes, size: int, fits: Callable[[bytes, bytes], bool]) -> bool:
    """Whether the last `size` bytes are the checksum of those before them."""
    return fits(raw[:-size], raw[-size:])


def too_long(held: bytes | bytearray, longest: int) -> NoFrame:
    """What is said of a frame that does not end."""
    return NoFrame(f"a frame of more than {longest:,} bytes", bytes(held[: min(KEPT, longest)]))


def wrong_checksum(raw: bytes) -> NoFrame:
    """What is said of a frame that has suffered on its way."""
    return NoFrame("a frame with a wrong checksum", raw[:KEPT], damaged=True)
