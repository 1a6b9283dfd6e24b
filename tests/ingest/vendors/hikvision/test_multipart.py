"""The alert stream taken apart: the same however it is cut, whatever firmware leaves out or gets wrong."""

import random
import time

import psutil
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.ingest.vendors.hikvision.multipart import LARGEST_DOCUMENT, Multipart
from tests.ingest.vendors.flood import broken_frames

EVENT = (
    b'{"eventType": "AccessControllerEvent", "name": "a } in a \\" text {", "AccessControllerEvent": {"serialNo": 7}}'
)
BEAT = b"<EventNotificationAlert><eventType>videoloss</eventType></EventNotificationAlert>"
PICTURE = b"\xff\xd8\r\n--MIME_boundary\r\nContent-Type: application/json\r\n\r\n{}\r\n\xff\xd9"


def part(body: bytes, *, kind: str | None = "application/json", length: int | None = -1, boundary: str = "b") -> bytes:
    """`length` -1 is the true one, None says none."""
    head = f"--{boundary}\r\n"
    head += f"Content-Type: {kind}\r\n" if kind is not None else ""
    head += "" if length is None else f"Content-Length: {len(body) if length < 0 else length}\r\n"
    return head.encode() + b"\r\n" + body + b"\r\n"


def documents(stream: bytes, *cuts: int) -> list[bytes]:
    parser, found, last = Multipart(), [], 0
    for cut in (*sorted(cuts), len(stream)):
        found += parser.feed(stream[last:cut])
        last = cut
    return found


STREAM = (
    part(EVENT)
    + part(PICTURE, kind="image/jpeg")
    + part(BEAT, kind="application/xml")
    + part(EVENT, length=None)
    + part(EVENT, kind=None)
    + part(PICTURE, kind=None)
    + part(b"")
    + part(EVENT, length=None, kind=None)
    + part(BEAT, length=None)
    + part(EVENT)
)
IN_IT = [EVENT, BEAT, EVENT, EVENT, EVENT, BEAT, EVENT]


def test_documents_are_found_and_pictures_are_not() -> None:
    assert documents(STREAM) == IN_IT


def test_the_stream_fed_a_byte_at_a_time_gives_the_same() -> None:
    assert documents(STREAM, *range(len(STREAM))) == IN_IT


def test_the_stream_cut_at_every_place_gives_the_same() -> None:
    assert all(documents(STREAM, cut) == IN_IT for cut in range(len(STREAM)))


pieces = st.sampled_from(
    [
        part(EVENT),
        part(BEAT, length=None),
        part(PICTURE, kind="image/jpeg"),
        part(EVENT, length=10),
        part(EVENT, length=len(EVENT) + 30),
        part(b"{"),
        part(b'{"a": "', length=None),
        b"--b--\r\n",
        b"--b\r\n",
        b"\r\n",
        b"--",
        b"{",
        b'"',
        b"\\",
        b"}",
        b"\0",
        b"x" * 300,
        b" " * 300,
    ]
)


@settings(max_examples=300)
@given(st.lists(pieces, max_size=12), st.lists(st.integers(0, 3000), max_size=5))
def test_anything_at_all_gives_the_same_however_it_is_cut(some: list[bytes], cuts: list[int]) -> None:
    stream = part(EVENT) + b"".join(some)
    whole = documents(stream)
    assert whole[0] == EVENT
    assert documents(stream, *range(len(stream))) == whole
    assert documents(stream, *[cut for cut in cuts if cut < len(stream)]) == whole


@pytest.mark.parametrize("boundary", ["MIME_boundary", "boundary", "--odd", "=_1"])
def test_the_boundary_is_learned_from_the_stream(boundary: str) -> None:
    stream = b"\r\n" + part(EVENT, boundary=boundary) + part(BEAT, boundary=boundary)
    assert documents(stream) == [EVENT, BEAT]


@pytest.mark.parametrize("length", [-1, None])
def test_an_event_does_not_wait_for_the_next_part(length: int | None) -> None:
    whole = part(EVENT, length=length)
    assert documents(whole[: -len(b"\r\n")]) == [EVENT]


@pytest.mark.parametrize("length", [0, 5, len(EVENT) - 1, len(EVENT) + 1, len(EVENT) + 40, 10**17])
def test_a_wrong_length_costs_its_own_part_at_most(length: int) -> None:
    assert documents(part(EVENT, length=length) + part(BEAT))[-1] == BEAT


def test_a_picture_that_claims_to_be_endless_does_not_swallow_the_stream() -> None:
    assert documents(part(b"\xff\xd8", kind="image/jpeg", length=10**15) + part(EVENT)) == [EVENT]


def test_a_part_that_breaks_off_costs_itself_alone() -> None:
    assert documents(part(b'{"a": "', length=None) + part(EVENT)) == [b'{"a": "', EVENT]


def test_lines_may_end_without_a_carriage_return_and_headers_may_be_missing() -> None:
    assert documents(b"--b\nContent-Length: 2\n\n{}\n--b\n{}\n--b\n\n{}") == [b"{}"] * 3


def test_what_is_larger_than_any_event_is_let_go() -> None:
    parser = Multipart()
    large = part(b'{"a": "' + b"x" * LARGEST_DOCUMENT + b'"}', length=None)
    assert list(parser.feed(large + part(EVENT))) == [EVENT]
    assert parser.oversized == 1


def test_an_endless_document_is_neither_held_nor_slow() -> None:
    parser, began = Multipart(), time.perf_counter()
    list(parser.feed(b"--b\r\n\r\n{"))
    for _ in range(2_000):
        list(parser.feed(b'"}{\\' * 1_000))
        assert parser.held <= LARGEST_DOCUMENT + 100_000
    assert time.perf_counter() - began < 10


@pytest.mark.slow
@broken_frames
def test_mutilated_parts_neither_crash_nor_hang_nor_pile_up(frames: int) -> None:
    chance = random.Random(4)
    whole = [
        part(EVENT),
        part(EVENT, length=None),
        part(BEAT, kind="application/xml"),
        part(PICTURE, kind="image/jpeg"),
    ]
    parser, taken, began = Multipart(), 0, time.perf_counter()
    memory = psutil.Process().memory_info().rss
    for number in range(frames):
        some = bytearray(chance.choice(whole))
        match chance.randrange(5):
            case 0:
                some[chance.randrange(len(some))] ^= 1 << chance.randrange(8)
            case 1:
                del some[chance.randrange(len(some)) :]
            case 2:
                some = bytearray(chance.randbytes(chance.randrange(80)))
            case 3:
                some = bytearray(bytes(some).replace(b"Content-Length: ", b"Content-Length: 9"))
        taken += sum(1 for _ in parser.feed(bytes(some)))
        assert parser.held <= LARGEST_DOCUMENT + 100_000
        if number % 5_000 == 0:
            list(parser.feed(b"\r\n" + part(EVENT)))
    assert taken > frames // 20
    assert psutil.Process().memory_info().rss - memory < 20_000_000
    assert time.perf_counter() - began < 60
