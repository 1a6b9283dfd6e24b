"""From packets to the pieces of bytes that leave, and what a bad line makes of them. Pure."""

from collections.abc import Iterable, Iterator

from services.ingest.vendors.zkteco.simulator.faults import Faults
from services.ingest.vendors.zkteco.wire import MAGIC, TOP, Code, Packet, frame

_CHECKSUM = 10  # where it stands in a frame
_CLAIMED = 1 << 30


class Line:
    """The sending half of one connection."""

    def __init__(self, faults: Faults) -> None:
        self._faults = faults
        self._left = faults.cut or None
        self._download_begun = False
        self._stalled = False
        self.cut = False
        """The other side is to see the connection end."""

    @property
    def ended(self) -> bool:
        """Nothing comes any more, whether or not somebody hung up."""
        return self._stalled or self.cut

    def pieces(self, packets: Iterable[Packet]) -> Iterator[bytes]:
        """What is written, a piece at a time, for one answer."""
        if self.ended:
            return
        frames: Iterator[bytes] = self._frames(packets)
        if self._faults.burst:
            frames = iter([b"".join(frames)])
        for whole in frames:
            for piece in self._split(whole):
                yield self._until_cut(piece)
                if self.cut:
                    return

    def _frames(self, packets: Iterable[Packet]) -> Iterator[bytes]:
        for packet in packets:
            whole = frame(packet)
            if self._faults.wrong_checksum:
                whole = with_wrong_checksum(whole, _CHECKSUM)
            if packet.code == Code.DATA and not self._download_begun:
                self._download_begun = True
                whole = self._first_of_download(whole)
            yield whole
            if self._stalled:
                return

    def _first_of_download(self, whole: bytes) -> bytes:
        if self._faults.garbage:
            return b"HTTP/1.1 400 Bad Request\r\n\r\n" + whole
        if self._faults.huge_frame:
            return TOP.pack(MAGIC, _CLAIMED) + whole[TOP.size :]
        if self._faults.half_frame:
            self._stalled = True
            return whole[: len(whole) // 2]
        return whole

    def _split(self, whole: bytes) -> Iterator[bytes]:
        size = self._faults.split
        if not size:
            yield whole
            return
        for start in range(0, len(whole), size):
            yield whole[start : start + size]

    def _until_cut(self, piece: bytes) -> bytes:
        if self._left is None:
            return piece
        piece = piece[: self._left]
        self._left -= len(piece)
        self.cut = not self._left
        return piece


def with_wrong_checksum(whole: bytes, at: int) -> bytes:
    """A packet as it is on the line, with another checksum, which stands `at` there."""
    return whole[:at] + bytes([whole[at] ^ 0xFF]) + whole[at + 1 :]
