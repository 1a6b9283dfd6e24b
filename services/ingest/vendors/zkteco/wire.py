"""Packets of ZKTeco's own protocol (port 4370): bytes in, packets out, and back. Pure.

A packet is `u16 command, u16 checksum, u16 session, u16 reply number, data`; over TCP each has a top of
`50 50 82 7d, u32 length` before it. All numbers are little-endian. Source: PROTOCOLS §1.1–1.5, whose vectors are tests.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

MAGIC: Final = bytes.fromhex("5050827d")
TOP: Final = struct.Struct("<4sI")
HEAD: Final = struct.Struct("<HHHH")
MOST_DATA: Final = 1 << 18
"""Bytes of data in a packet. The largest that machines send is a chunk of 65,472; what claims more is no packet."""


class Code(IntEnum):
    """What a packet says."""

    ATTLOG_RRQ = 13
    USERTEMP_RRQ = 9
    OPTIONS_RRQ = 11
    OPTIONS_WRQ = 12
    CLEAR_ATTLOG = 15
    OPLOG_RRQ = 34
    FREE_SIZES = 50
    STARTVERIFY = 60
    CANCELCAPTURE = 62
    STATE_RRQ = 64
    PIN_WIDTH = 69
    GET_TIME = 201
    SET_TIME = 202
    EVENT = 500
    """To a machine: which events we want. From a machine: one happened; its kind stands in the session's place."""
    CONNECT = 1000
    EXIT = 1001
    ENABLE = 1002
    DISABLE = 1003
    REFRESH_DATA = 1013
    VERSION = 1100
    AUTH = 1102
    PREPARE_DATA = 1500
    DATA = 1501
    FREE_DATA = 1502
    READ_SET = 1503
    READ_CHUNK = 1504
    OK = 2000
    ERROR = 2001
    UNAUTHENTICATED = 2005
    COMMAND_ERROR = 65533
    UNKNOWN_COMMAND = 65535


EVENT_ATTLOG: Final = 1
"""The event of a scan; the other kinds (fingers, buttons, alarms) carry none."""

MAY_BE_SENT: Final = frozenset({
    Code.ATTLOG_RRQ,
    Code.USERTEMP_RRQ,
    Code.OPLOG_RRQ,
    Code.OPTIONS_RRQ,
    Code.FREE_SIZES,
    Code.GET_TIME,
    Code.EVENT,
    Code.CONNECT,
    Code.EXIT,
    Code.ENABLE,
    Code.VERSION,
    Code.AUTH,
    Code.FREE_DATA,
    Code.READ_SET,
    Code.READ_CHUNK,
    Code.OK,
})  # fmt: skip
"""What ingest sends. Nothing in it changes a machine's log, its users, its clock or its door."""
SETS_CLOCK: Final = frozenset({Code.SET_TIME, Code.REFRESH_DATA})
"""What it sends beside where somebody has allowed or asked that the clock be set."""


class BrokenStream(ValueError):
    """What came is no packet; nothing after it can be understood either."""


@dataclass(frozen=True, slots=True)
class Packet:
    """One packet, either way."""

    code: int
    session: int
    reply: int
    data: bytes = b""
    sound: bool = True
    """Whether its checksum is right. Real clients do not look at it, so a wrong one is told, not dropped."""


def checksum(packet: bytes) -> int:
    """The internet checksum in little-endian words, over a packet whose own checksum is zero."""
    if len(packet) % 2:
        packet += b"\0"
    total: int = sum(struct.unpack(f"<{len(packet) // 2}H", packet))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def encode(packet: Packet) -> bytes:
    """The packet as a UDP datagram holds it: without a top."""
    blank = HEAD.pack(packet.code, 0, packet.session, packet.reply) + packet.data
    return HEAD.pack(packet.code, checksum(blank), packet.session, packet.reply) + packet.data


def frame(packet: Packet) -> bytes:
    """The packet as a TCP stream holds it."""
    body = encode(packet)
    return TOP.pack(MAGIC, len(body)) + body


def decode(body: bytes) -> Packet:
    """A packet from what follows its top.

    Raises:
        BrokenStream: it is shorter than a packet's head.
    """
    if len(body) < HEAD.size:
        raise BrokenStream(f"a packet of {len(body)} bytes, where the head alone has {HEAD.size}")
    code, told, session, reply = HEAD.unpack_from(body)
    sound = checksum(body[:2] + b"\0\0" + body[4:]) == told
    return Packet(code, session, reply, body[HEAD.size :], sound)


class Framer:
    """Cuts a TCP stream into packets, however it was segmented. Holds at most one packet and what follows it."""

    __slots__ = ("_held",)

    def __init__(self) -> None:
        self._held = bytearray()

    @property
    def pending(self) -> int:
        """Bytes of a packet that is not complete yet."""
        return len(self._held)

    @property
    def held(self) -> bytes:
        """Those bytes."""
        return bytes(self._held)

    def feed(self, some: bytes) -> Iterator[Packet]:
        """The packets that these bytes complete.

        Raises:
            BrokenStream: what comes is no packet of this protocol.
        """
        held = self._held
        held += some
        start = 0
        try:
            while len(held) - start >= len(MAGIC):
                if not held.startswith(MAGIC, start):
                    raise BrokenStream(f"a packet that begins with {held[start : start + 4].hex(' ')}")
                if len(held) - start < TOP.size:
                    break
                length: int = TOP.unpack_from(held, start)[1]
                if not HEAD.size <= length <= HEAD.size + MOST_DATA:
                    raise BrokenStream(f"a packet that claims to have {length:,} bytes")
                end = start + TOP.size + length
                if len(held) < end:
                    break
                packet = decode(bytes(held[start + TOP.size : end]))
                start = end
                yield packet
        finally:
            del held[:start]


def scrambled_key(key: int, session: int, ticks: int = 50) -> bytes:
    """What AUTH carries for a comm key. An obfuscation: whoever hears one exchange knows the key."""
    mirrored = int(f"{key & 0xFFFFFFFF:032b}"[::-1], 2)
    mixed = (mirrored + session) & 0xFFFFFFFF
    _, b1, b2, b3 = (byte ^ mask for byte, mask in zip(mixed.to_bytes(4, "little"), b"ZKSO", strict=True))
    return bytes([b2 ^ ticks, b3 ^ ticks, ticks, b1 ^ ticks])
