"""Reading a data set of a machine, such as its log: at once, prepared and in chunks, or as old firmware sends it.

A chunk is some DATA packets that do not say where they belong. Over TCP their order does. Over UDP a chunk is made so
small that it has one of them, which is the right one if its length is; then no datagram that is lost, late or doubled
can make a record of two halves. What old firmware sends unasked has many all the same: there only a second reading
that comes out the same is proof. Source: PROTOCOLS §1.8.
"""

import struct
from typing import Final

from services.ingest.application.drivers import Garbled, NotOffered, ProtocolBroken
from services.ingest.vendors.zkteco.exchange import SHOWN, Exchange
from services.ingest.vendors.zkteco.wire import Code, Packet

CHUNK: Final = 65_472
"""Bytes asked for at once over TCP; what the common clients ask for, so that every machine has been asked for it."""
CHUNK_TRIES: Final = 3
PIECE: Final = 960
"""The same over UDP, where DATA has 1,008 at the most: whole records of 8, 16 and 40 bytes."""
PIECE_TRIES: Final = 10
MOST_PARTS: Final = 100
"""Packets that answer for a piece; what sends more of them does so without end."""
READINGS: Final = 5
"""Of a set that is sent unasked, over UDP: so often until two are the same."""
LARGEST_SET: Final = 1 << 26
"""Bytes. A machine of a million records has 40 MB of them."""

_U32: Final = struct.Struct("<I")
_PIECE: Final = struct.Struct("<ii")
_SIZE_BEFORE_RECORDS: Final = 4
_NOT_KNOWN: Final = (Code.ERROR, Code.UNKNOWN_COMMAND, Code.COMMAND_ERROR)


async def read_set(line: Exchange, request: bytes, what: str, *, direct: Code, part: bytes = b"") -> bytes:
    """The records of a set, by the way that the machine chooses.

    `direct` with `part` is how firmware is asked that does not know prepared sets; `what` is for sentences.

    Raises:
        NotOffered: it has no such set.
        MachineTrouble: as `Exchange`, or because what came cannot be this set.
    """
    answer = await line.ask(Code.READ_SET, request)
    if answer.code in _NOT_KNOWN:
        return _records_of(await _sent_unasked(line, direct, part, what), what)
    if answer.code == Code.DATA:
        return _records_of(answer.data, what)
    if answer.code == Code.PREPARE_DATA:
        return _records_of(await _parts(line, answer, what), what)
    if answer.code == Code.OK and len(answer.data) >= 5:
        data = await _in_chunks(line, _U32.unpack_from(answer.data, 1)[0], what)
        await line.ask(Code.FREE_DATA)
        return _records_of(data, what)
    if answer.code == Code.OK:
        return b""  # nothing to tell
    raise odd(answer, f"the question for {what}")


def odd(answer: Packet, question: str) -> ProtocolBroken:
    """What to raise for an answer that is none."""
    return ProtocolBroken(
        f"the machine answers {question} with code {answer.code}, which is no answer to it",
        evidence=answer.data[:SHOWN],
    )


async def _in_chunks(line: Exchange, size: int, what: str) -> bytes:
    _check_size(size, what)
    data = bytearray()
    if line.in_order:
        while len(data) < size:
            data += await _chunk(line, len(data), min(CHUNK, size - len(data)), what)
        return bytes(data)
    most = PIECE
    while len(data) < size:
        # The first one has the size in front, so that all of them end where a record does.
        whole = most if data else most + _SIZE_BEFORE_RECORDS
        piece, most = await _piece(line, len(data), min(whole, size - len(data)), most, what)
        data += piece
    return bytes(data)


async def _chunk(line: Exchange, start: int, length: int, what: str) -> bytes:
    data = b""
    for _ in range(CHUNK_TRIES):
        answer = await line.ask(Code.READ_CHUNK, _PIECE.pack(start, length))
        data = b""
        if answer.code == Code.DATA:
            data = answer.data
        elif answer.code == Code.PREPARE_DATA:
            data = await _parts(line, answer, what)
        if len(data) == length:
            return data
    raise Garbled(
        f"{what} breaks off: of {length:,} bytes from {start:,} on it gave {len(data):,}, three times",
        evidence=data[:SHOWN],
    )


async def _piece(line: Exchange, start: int, length: int, most: int, what: str) -> tuple[bytes, int]:
    """A chunk of one datagram, and how large one may be: what a machine that cuts smaller says or shows."""
    for _ in range(PIECE_TRIES):
        packet = await line.ask(Code.READ_CHUNK, _PIECE.pack(start, length))
        parts: list[int] = []
        while packet.code in (Code.PREPARE_DATA, Code.DATA) and len(parts) < MOST_PARTS:
            if packet.code == Code.DATA and len(packet.data) == length:
                return packet.data, most
            parts.append(len(packet.data) if packet.code == Code.DATA else 0)
            packet = await line.more()
        if sum(parts) >= length:  # it is all there, in parts whose order nobody knows
            most = max(parts)
            length = min(length, most)
    raise Garbled(f"{what} breaks off: the {length:,} bytes from {start:,} on did not come in {PIECE_TRIES} attempts")


async def _sent_unasked(line: Exchange, direct: Code, part: bytes, what: str) -> bytes:
    if line.in_order:
        return await _parts(line, await _first(line, direct, part, what), what)
    before: bytes | None = None
    for _ in range(READINGS):
        now = await _reading(line, await _first(line, direct, part, what), what)
        if before is not None and now is not None and _goes_on(before, now):
            return before
        before = now
    raise Garbled(f"{what} came differently each time: datagrams are lost or out of order; TCP may help")


async def _reading(line: Exchange, first: Packet, what: str) -> bytes | None:
    """All parts of a set that was sent unasked over UDP; None where some are missing, doubled or too early."""
    if first.code == Code.DATA:
        whole = len(first.data) >= _U32.size and _U32.unpack_from(first.data)[0] == len(first.data) - _U32.size
        return first.data if whole else None
    if first.code == Code.OK:
        return b""
    size = _announced(first, what)
    data = bytearray()
    while len(data) < size:
        part = await line.more(once=True)
        if part.code != Code.DATA or not part.data:
            return None
        data += part.data
    return bytes(data) if len(data) == size else None


async def _first(line: Exchange, direct: Code, part: bytes, what: str) -> Packet:
    answer = await line.ask(direct, part, once=True)
    if answer.code in _NOT_KNOWN:
        raise NotOffered(f"the machine does not give {what}: it answers with code {answer.code}")
    return answer


def _goes_on(before: bytes, now: bytes) -> bool:
    """Whether the second reading is the first one, and perhaps what was added meanwhile."""
    same = now[_SIZE_BEFORE_RECORDS : len(before)] == before[_SIZE_BEFORE_RECORDS:]
    return same and bool(now) == bool(before)


async def _parts(line: Exchange, first: Packet, what: str) -> bytes:
    """The DATA packets that follow, up to the OK that ends them."""
    if first.code == Code.DATA:
        return first.data
    if first.code == Code.OK and not first.data:
        return b""
    size = _announced(first, what)
    data = bytearray()
    while True:
        part = await line.more()
        if part.code == Code.OK:
            return bytes(data)
        if part.code != Code.DATA:
            raise odd(part, f"the question for {what}")
        if not part.data:
            raise Garbled(f"{what} has a part of no bytes")  # of which there might be any number
        data += part.data
        if len(data) > size:
            raise Garbled(f"{what} has more than the {size:,} bytes that were announced")


def _announced(prepared: Packet, what: str) -> int:
    if prepared.code != Code.PREPARE_DATA or len(prepared.data) < _U32.size:
        raise odd(prepared, f"the question for {what}")
    size: int = _U32.unpack_from(prepared.data)[0]
    _check_size(size, what)
    return size


def _check_size(size: int, what: str) -> None:
    if size > LARGEST_SET:
        raise ProtocolBroken(f"{what} claims to have {size:,} bytes")


def _records_of(data: bytes, what: str) -> bytes:
    """A set without the size that stands before its records."""
    if not data:
        return data
    if len(data) < _SIZE_BEFORE_RECORDS:
        raise ProtocolBroken(f"{what} has {len(data)} bytes, which is no data set", evidence=data)
    size = _U32.unpack_from(data)[0]
    if size > len(data) - _SIZE_BEFORE_RECORDS:
        raise Garbled(
            f"{what} is cut short: {size:,} bytes of records were announced, {len(data) - _SIZE_BEFORE_RECORDS:,} came",
            evidence=data[:SHOWN],
        )
    return data[_SIZE_BEFORE_RECORDS : _SIZE_BEFORE_RECORDS + size]
