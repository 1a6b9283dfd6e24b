import tracemalloc
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from services.ingest.vendors.files.lines import KEPT, LONGEST, Line, Lines


def lines(*chunks: bytes) -> list[Line]:
    cutter = Lines()
    return [line for chunk in chunks for line in cutter.feed(chunk)] + list(cutter.finish())


def test_lines_end_with_lf_or_crlf_and_the_last_needs_no_end() -> None:
    assert lines(b"a\r\nb\nc") == [Line(1, b"a"), Line(2, b"b"), Line(3, b"c")]


def test_blank_lines_are_counted_and_left_out() -> None:
    assert lines(b"a\n\n  \t\nb\n") == [Line(1, b"a"), Line(4, b"b")]


def test_a_byte_order_mark_and_nul_padding_are_no_part_of_a_line() -> None:
    assert lines(b"\xef\xbb\xbfa\n" + b"\0" * 5000) == [Line(1, b"a")]


def test_padding_right_after_the_last_record_is_no_part_of_it() -> None:
    assert lines(b"a\nb" + b"\0" * (3 * LONGEST)) == [Line(1, b"a"), Line(2, b"b")]


def test_a_nul_inside_a_line_stays_visible() -> None:
    assert lines(b"a\0b\n") == [Line(1, b"a\0b")]


def test_a_line_that_is_too_long_is_cut_and_the_next_is_whole() -> None:
    assert lines(b"x" * (LONGEST + 1) + b"\nb\n") == [Line(1, b"x" * KEPT, cut=True), Line(2, b"b")]
    assert lines(b"x" * LONGEST + b"\n") == [Line(1, b"x" * LONGEST)]


def test_a_line_of_hundreds_of_megabytes_takes_no_memory() -> None:
    chunk = b"x" * 65_536
    cutter = Lines()
    tracemalloc.start()
    for _ in range(4_000):
        assert not list(cutter.feed(chunk))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1_000_000
    assert list(cutter.finish()) == [Line(1, b"x" * KEPT, cut=True)]


def test_padding_of_hundreds_of_megabytes_takes_no_memory() -> None:
    chunk = b"\0" * 65_536
    cutter = Lines()
    list(cutter.feed(b"a"))
    tracemalloc.start()
    for _ in range(4_000):
        assert not list(cutter.feed(chunk))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1_000_000
    assert list(cutter.finish()) == [Line(1, b"a")]


pieces = st.lists(
    st.one_of(
        st.sampled_from([b"\n", b"\r\n", b"\0", b"\0\0\0", b"\xef\xbb\xbf", b"abc", b" ", b"\t", b"\x1a"]),
        st.builds(lambda byte, times: byte * times, st.sampled_from([b"x", b"\0"]), st.sampled_from([1, 70_000])),
    ),
    max_size=12,
)


@given(content=pieces, cuts=st.lists(st.integers(0, 300_000), max_size=8))
def test_the_same_bytes_give_the_same_lines_however_they_are_split(content: list[bytes], cuts: list[int]) -> None:
    data = b"".join(content)
    edges = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    chunks = [data[start:end] for start, end in pairwise(edges)]
    assert lines(*chunks) == lines(data)
