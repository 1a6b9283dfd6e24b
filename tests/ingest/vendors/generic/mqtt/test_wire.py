"""The bytes of MQTT: what is said, and what is understood, however it is split."""

import random
import time

import psutil
import pytest

from services.ingest.vendors.generic.mqtt.wire import (
    HELD,
    Connack,
    Message,
    NotMqtt,
    Packet,
    Packets,
    Pong,
    Suback,
    acknowledged,
    connect,
    fits,
    subscribe,
)
from tests.ingest.vendors.flood import broken_frames

STREAM = (
    b"\x20\x02\x01\x00"  # CONNACK: a session is there
    b"\x32\x0c\x00\x03a/b\x00\x0a{'x':"
    b"\x90\x03\x00\x01\x01"  # SUBACK
    b"\x30\x05\x00\x03a/b"  # PUBLISH of quality 0, empty
    b"\xd0\x00"  # PINGRESP
    b"\x3b\x0a\x00\x01a\xff\xff12345"  # PUBLISH, once more, retained
)
PACKETS: list[Packet] = [
    Connack(code=0, session_present=True),
    Message(topic="a/b", payload=b"{'x':", qos=1, retained=False, number=10),
    Suback(1),
    Message(topic="a/b", payload=b"", qos=0, retained=False, number=0),
    Pong(),
    Message(topic="a", payload=b"12345", qos=1, retained=True, number=0xFFFF),
]


def fed(*pieces: bytes) -> list[Packet]:
    packets = Packets()
    return [packet for piece in pieces for packet in packets.feed(piece)]


def test_what_is_said_is_as_the_standard_writes_it() -> None:
    assert connect("m", keep_alive=60, clean=False, username=None, password="unsent") == (
        b"\x10\x0d\x00\x04MQTT\x04\x00\x00\x3c\x00\x01m"
    )
    assert connect("m", keep_alive=10, clean=True, username="u", password="pä") == (
        b"\x10\x15\x00\x04MQTT\x04\xc2\x00\x0a\x00\x01m\x00\x01u\x00\x03p\xc3\xa4"
    )
    assert subscribe(1, "a/b") == b"\x82\x08\x00\x01\x00\x03a/b\x01"
    assert subscribe(1, "x" * 200)[:3] == b"\x82\xcd\x01"
    assert acknowledged(258) == b"\x40\x02\x01\x02"


def test_the_same_packets_come_of_the_same_bytes_however_they_are_split() -> None:
    assert fed(STREAM) == PACKETS
    assert fed(*(STREAM[at : at + 1] for at in range(len(STREAM)))) == PACKETS
    for at in range(len(STREAM)):
        assert fed(STREAM[:at], STREAM[at:]) == PACKETS


def test_of_a_message_that_is_far_too_long_only_the_beginning_is_held() -> None:
    body = b"\x00\x01a\x00\x07" + b"x" * (1 << 20)
    length = bytes([len(body) & 0x7F | 0x80, len(body) >> 7 & 0x7F | 0x80, len(body) >> 14])
    stream = b"\x32" + length + body + STREAM
    for size in (len(stream), 65_536, 1_000):
        long, *rest = fed(*(stream[at : at + size] for at in range(0, len(stream), size)))
        assert isinstance(long, Message)
        assert (long.number, long.payload) == (7, b"x" * (HELD - 5))
        assert rest == PACKETS


@pytest.mark.parametrize(
    "stream",
    [
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        b"\x20\xff\xff\xff\xff\x01",
        b"\x20\x03\0\0\0",
        b"\x30\x01\0",
        b"\x32\x04\0\x03a/",
        b"\x36\x05\0\x01a\0\x01",
        b"\x30\x03\0\x01\xff",
        b"\x10\x00",
        b"\0\0",
    ],
    ids=lambda stream: stream.hex(),
)
def test_what_is_no_broker_is_said_to_be_none(stream: bytes) -> None:
    with pytest.raises(NotMqtt):
        fed(stream)


@pytest.mark.slow
@broken_frames
def test_mutilated_packets_are_read_or_refused_and_none_piles_up(frames: int) -> None:
    chance, began, understood, refused = random.Random(7), time.process_time(), 0, 0
    memory = psutil.Process().memory_info().rss
    for _ in range(frames // len(PACKETS) + 1):
        stream = bytearray(STREAM)
        for _ in range(chance.randint(0, 4)):
            stream[chance.randrange(len(stream))] = chance.randrange(256)
        del stream[len(stream) - chance.choice((0, chance.randrange(len(stream)))) :]
        packets, size = Packets(), chance.choice((1, 5, len(stream) + 1))
        try:
            for at in range(0, len(stream), size):
                understood += sum(1 for _ in packets.feed(bytes(stream[at : at + size])))
        except NotMqtt:
            refused += 1
    assert understood > frames // 5
    assert refused > frames // 40
    assert psutil.Process().memory_info().rss - memory < 20_000_000
    assert time.process_time() - began < 30


def test_what_was_understood_of_a_connection_never_grows_with_what_came() -> None:
    chance, packets, taken = random.Random(11), Packets(), 0
    memory = psutil.Process().memory_info().rss
    for _ in range(2_000):
        body = b"\x00\x01a" + chance.randbytes(chance.choice((0, 10, 70_000)))
        length, digits = len(body), bytearray()
        while length:
            length, digit = length >> 7, length & 0x7F
            digits.append(digit | 0x80 if length else digit)
        taken += sum(1 for _ in packets.feed(b"\x30" + digits + body))
    assert taken == 2_000
    assert psutil.Process().memory_info().rss - memory < 20_000_000


@pytest.mark.parametrize(
    ("topic", "wanted", "does"),
    [
        ("a/b", "a/b", True),
        ("a/b", "a/+", True),
        ("a/b", "#", True),
        ("a/b", "a/#", True),
        ("a", "a/#", True),
        ("a/b/c", "a/#", True),
        ("a/b/c", "+/b/+", True),
        ("a/", "a/+", True),
        ("a/b/c", "a/+", False),
        ("a", "a/+", False),
        ("a/b", "a", False),
        ("A/b", "a/b", False),
        ("b/a", "a/#", False),
        ("$SYS/x", "#", False),
        ("$SYS/x", "+/x", False),
        ("$SYS/x", "$SYS/#", True),
    ],
)
def test_a_topic_fits_a_filter_as_the_standard_says(topic: str, wanted: str, does: bool) -> None:
    assert fits(topic, wanted) is does
