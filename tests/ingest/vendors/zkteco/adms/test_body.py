import gzip
import io
import random
import tarfile
import time
from collections.abc import AsyncIterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.ingest.vendors.zkteco.adms.body import MOST, lines_in, unpacked, whole
from shared.kernel.errors import Malformed


async def pieces(body: bytes, size: int) -> AsyncIterator[bytes]:
    for start in range(0, len(body), size):
        yield body[start : start + size]


def archive(*contents: bytes) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        for number, content in enumerate(contents):
            member = tarfile.TarInfo(f"{number}.txt")
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return packed.getvalue()


@given(st.lists(st.sampled_from([b"", b" ", b"\r", b"a", b"b\t", b"\0"]), max_size=20), st.integers(1, 5))
async def test_lines_are_counted_alike_in_any_pieces(lines: list[bytes], size: int) -> None:
    body = b"\n".join(lines)
    assert await lines_in(pieces(body, size)) == sum(bool(line.strip(b" \t\r\0")) for line in lines)


async def test_a_body_that_is_larger_than_any_is_refused_before_it_is_held() -> None:
    assert await whole(pieces(b"x" * 10, 3)) == b"x" * 10
    with pytest.raises(Malformed, match="more than"):
        await whole(pieces(b"x" * (MOST + 1), 1 << 20))


def test_an_archive_is_its_files_one_after_the_other() -> None:
    assert unpacked(archive(b"a\nb", b"c")) == b"a\nb\nc"


@pytest.mark.parametrize(
    "body",
    [b"", b"no archive", gzip.compress(b"no archive"), archive(b"x" * 1000)[:50], gzip.compress(bytes(MOST + 1))],
    ids=["nothing", "no gzip", "no tar", "cut off", "too long"],  # what gzip makes tells the time
)
def test_what_cannot_be_opened_says_so(body: bytes) -> None:
    with pytest.raises(Malformed):
        unpacked(body)


@pytest.mark.slow
def test_mutilated_archives_are_their_files_or_refused() -> None:
    """Of both layers: most changes of what is compressed are found by its checksum."""
    chance, whole, began = random.Random(10), archive(b"a\nb" * 50, b"c"), time.process_time()
    bare, opened = gzip.decompress(whole), 0
    for number in range(20_000):
        outer = number % 2 == 0
        body = bytearray(whole if outer else bare)
        # The head of a tar is where what it says stands.
        for _ in range(chance.randrange(4)):
            body[chance.randrange(len(body) if outer else 1_600)] = chance.choice(b"\0\x01\xff013457S gxL")
        del body[len(body) - chance.choice((0, 0, 0, chance.randrange(len(body)))) :]
        try:
            unpacked(bytes(body) if outer else gzip.compress(body, 1, mtime=0))
        except Malformed:
            continue
        opened += 1
    assert opened > 2_000
    assert time.process_time() - began < 30
