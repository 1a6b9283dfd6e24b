"""Packets, against the vectors of PROTOCOLS §1.2, §1.5 and §1.12, and however a stream is cut."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.ingest.vendors.zkteco.wire import (
    MAY_BE_SENT,
    MOST_DATA,
    SETS_CLOCK,
    BrokenStream,
    Code,
    Framer,
    Packet,
    checksum,
    decode,
    encode,
    frame,
    scrambled_key,
)
from tests.ingest.vendors.flood import broken_frames

SEEN = [
    "e8 03 17 fc 00 00 00 00",
    "d0 07 ff fc 2f fb 00 00",
    "d5 07 5b b2 cf 45 00 00",
    "4e 04 4e 2c cf 45 01 00 61 4d 32 3c",
    "0b 00 5a 17 f3 8d 03 00" + b"ZKFaceVersion\0".hex(),
    "d0 07 29 6a f3 8d 0a 00 09",
]

packets = st.builds(
    Packet,
    code=st.sampled_from(sorted(Code)).map(int),
    session=st.integers(0, 65_535),
    reply=st.integers(0, 65_535),
    data=st.binary(max_size=300),
)


@pytest.mark.parametrize("seen", SEEN)
def test_packets_of_real_machines_are_read_and_written_as_they_are(seen: str) -> None:
    packet = decode(bytes.fromhex(seen))
    assert packet.sound
    assert encode(packet) == bytes.fromhex(seen)


@pytest.mark.parametrize(
    ("key", "scrambled"),
    [
        (12345, "6d e1 32 3c"),
        (0, "61 7d 32 3c"),
        (12, "61 4d 32 3c"),
        (45, "61 c9 32 3c"),
        (123456, "26 7f 32 bc"),
    ],
)
def test_a_comm_key_is_scrambled_as_machines_expect_it(key: int, scrambled: str) -> None:
    assert scrambled_key(key, 0x45CF) == bytes.fromhex(scrambled)


@given(st.lists(packets, max_size=6), st.randoms(use_true_random=False))
def test_a_stream_gives_the_same_packets_however_it_is_cut(sent: list[Packet], chance: random.Random) -> None:
    stream = b"".join(map(frame, sent))
    framer, got = Framer(), []
    while stream:
        size = chance.choice((1, 2, 3, 7, 8, 60, 1000))
        got += framer.feed(stream[:size])
        stream = stream[size:]
    assert got == sent
    assert framer.pending == 0


@given(packets, st.integers(0, 10_000))
def test_a_flipped_bit_shows_in_the_checksum(packet: Packet, place: int) -> None:
    body = bytearray(encode(packet))
    place %= len(body) * 8
    body[place // 8] ^= 1 << place % 8
    assert not decode(bytes(body)).sound


def test_the_checksum_pads_an_odd_tail() -> None:
    assert checksum(b"\x01\x02\x03") == checksum(b"\x01\x02\x03\x00")


@pytest.mark.parametrize(
    ("stream", "said"),
    [
        (b"HTTP/1.1 400 Bad Request\r\n", "begins with 48 54 54 50"),
        (bytes.fromhex("5050827d ffffffff"), "claims to have 4,294,967,295 bytes"),
        (bytes.fromhex("5050827d 04000000"), "claims to have 4 bytes"),
        (frame(Packet(1, 2, 3))[:8].replace(b"\x08\0\0\0", (MOST_DATA + 9).to_bytes(4, "little")), "claims to have"),
    ],
)
def test_what_is_no_packet_is_refused_at_its_first_bytes(stream: bytes, said: str) -> None:
    with pytest.raises(BrokenStream, match=said):
        list(Framer().feed(stream))


def test_packets_before_the_broken_one_are_given() -> None:
    framer = Framer()
    stream = framer.feed(frame(Packet(2000, 1, 2, b"x")) + b"garbage")
    assert next(stream) == Packet(2000, 1, 2, b"x")
    with pytest.raises(BrokenStream):
        next(stream)


def test_nothing_that_changes_a_machine_may_be_sent() -> None:
    names = {code.name for code in MAY_BE_SENT}
    assert not names & {"CLEAR_ATTLOG", "SET_TIME", "OPTIONS_WRQ", "DISABLE", "STARTVERIFY"}
    assert not {14, 15, 18, 8, 31, 1004, 1005} & set(MAY_BE_SENT)
    assert {202, 1013} == SETS_CLOCK, "and that only where somebody has allowed it"


@pytest.mark.slow
@broken_frames
def test_mutilated_frames_neither_crash_nor_pile_up(frames: int) -> None:
    chance = random.Random(4370)
    whole = [frame(Packet(chance.choice([500, 1500, 1501, 2000, 2005]), 7, 3, chance.randbytes(40))) for _ in range(50)]
    refused: list[str] = []
    taken = 0
    framer = Framer()
    for _ in range(frames):
        some = bytearray(chance.choice(whole))
        match chance.randrange(5):
            case 0:
                some[chance.randrange(len(some))] ^= 1 << chance.randrange(8)
            case 1:
                del some[chance.randrange(len(some)) :]
            case 2:
                some = bytearray(chance.randbytes(chance.randrange(80)))
            case 3:
                some[4:8] = chance.randbytes(4)
        try:
            for packet in framer.feed(bytes(some)):
                taken += 1
                assert len(packet.data) <= MOST_DATA
        except BrokenStream as error:
            refused.append(str(error))
            framer = Framer()
        assert framer.pending <= MOST_DATA + 1000
    assert len(refused) > frames // 20
    assert all(20 < len(sentence) < 100 for sentence in refused)
    assert taken > frames // 20
