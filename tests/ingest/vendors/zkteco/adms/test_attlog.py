"""Lines of ATTLOG in all the forms that firmware has, and anything else that may come in their place."""

import random
import time
from datetime import datetime, timedelta
from itertools import permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.ingest.application.file_form import FileForm
from services.ingest.domain.reading import Reading, ScanType
from services.ingest.domain.scan import scan_id
from services.ingest.vendors.files.reader import FileReader
from services.ingest.vendors.zkteco.adms.attlog import attlog
from tests.ingest.vendors.flood import broken_frames

WALL = datetime(2026, 1, 5, 8, 1, 22)


def one(line: bytes | str) -> Reading:
    found = attlog(line.encode() if isinstance(line, str) else line)
    assert (len(found.readings), len(found.unreadable)) == (1, 0), found.unreadable
    return found.readings[0]


@pytest.mark.parametrize(
    ("line", "state", "verify", "work_code"),
    [
        ("007\t2026-01-05 08:01:22\t1\n", "1", None, None),
        ("007\t2026-01-05 08:01:22\t1\t15", "1", "15", None),
        ("007\t2026-01-05 08:01:22\t1\t15\t3\n", "1", "15", "3"),
        ("007\t2026-01-05 08:01:22\t255\t1\t\t0\t0\n", "255", "1", None),
        ("007\t2026-01-05 08:01:22\t1\t1\t\t0\t0\t\r\n", "1", "1", None),
        ("007\t2026-01-05 08:01:22\t0\t1\t0\t0\t0\t0\t36.5\t0\n", "0", "1", "0"),
        ("007\t2026-01-05 08:01:22\t0\t15\t0\t0\t0\t1\t36.5\t97.7\t\t-1\n", "0", "15", "0"),
        ("  007 \t2026-01-05 08:01:22\t\t1\n", "255", "1", None),
        ("PIN=007\tTime=2026-01-05 08:01:22\tStatus=0\tVerifyMode=2\tWorkCode=9\n", "0", "2", "9"),
        ("pin=007\ttime=2026-01-05 08:01:22\tstatus=0\tverify=2\n", "0", "2", None),
        ("007 2026-01-05 08:01:22 4 1 0\n", "4", "1", "0"),
        ("007\t2026-01-05T08:01:22\t0\t1\n", "0", "1", None),
        ("007\t20260105080122\t0\t1\n", "0", "1", None),
        ("007\t2026/1/5 8:01:22\t0\t1\n", "0", "1", None),
    ],
)
def test_every_form_of_a_line_is_one_scan(line: str, state: str, verify: str | None, work_code: str | None) -> None:
    reading = one(line)
    assert (reading.badge, reading.local_time) == ("007", WALL)
    assert (reading.state, reading.verify, reading.work_code) == (state, verify, work_code)


def test_a_badge_is_a_text_and_the_line_is_kept_as_it_came() -> None:
    reading = one("A17\t2026-01-05 08:01:22\t0\t15\t\t0\t0\t\n")
    assert reading.badge == "A17"
    assert reading.type is ScanType.IN
    assert reading.device_time == "2026-01-05 08:01:22"
    assert reading.raw == {"line": "A17\t2026-01-05 08:01:22\t0\t15\t\t0\t0\t"}


@pytest.mark.parametrize(
    ("cell", "offset"),
    [("+28800", timedelta(hours=8)), ("-12600", timedelta(hours=-3.5)), ("", None), ("99999", None), ("x", None)],
)
def test_the_offset_from_utc_is_read_where_there_is_one(cell: str, offset: timedelta | None) -> None:
    assert one(f"7\t2026-01-05 08:01:22\t0\t1\t0\t0\t0\t0\t\t\t{cell}\t-1\n").offset == offset


@pytest.mark.parametrize("header", ["TABLE=ATTLOG\n", "ATTLOG\r\n", "table=attlog\n"])
def test_a_first_line_that_is_a_header_is_no_record(header: str) -> None:
    found = attlog((header + "7\t2026-01-05 08:01:22\t1\t1\t0\t0\n").encode())
    assert (found.count, [reading.badge for reading in found.readings]) == (1, ["7"])


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"007   2026-01-05   08:01:22", "2 columns instead of 4 to 12"),
        (b"garbage", "1 column instead of 4 to 12"),
        (b"7\t2026-02-30 08:00:00\t0\t1", "is no date and time"),
        (b"7\tnot a date\t0\t1", "no date and time: 'not a date'"),
        (b"7\t\t0\t1", "no date and time: ''"),
        (b"\t2026-01-05 08:01:22\t0\t1", "no badge"),
        (b"Pin=7\tStatus=0", "names its columns, and none is PIN or Time"),
        (b"x" * 70_000, "longer than 64 KiB"),
    ],
)
def test_what_cannot_be_read_is_kept_with_a_reason_and_its_neighbours_are_read(line: bytes, reason: str) -> None:
    good = b"7\t2026-01-05 08:01:22\t0\t1\n"
    found = attlog(good + line + b"\n" + good)
    assert (found.count, len(found.readings)) == (3, 2)
    assert reason in found.unreadable[0].reason
    assert found.unreadable[0].position == 2


def test_empty_lines_and_padding_are_no_records() -> None:
    assert attlog(b"\n\r\n \n\0\0\0\n").count == 0


def test_the_same_scan_pushed_and_on_a_stick_is_the_same_scan() -> None:
    pushed = one("007\t2026-01-05 08:01:22\t0\t15\t\t0\t0\t\n")
    stick = FileReader(FileForm(format="attlog"))
    [copied] = [*stick.feed(b"      007\t2026-01-05 08:01:22\t1\t0\t15\t0\n"), *stick.finish()]
    assert isinstance(copied, Reading)
    ids = {scan_id(1, reading.badge, reading.local_time, reading.state) for reading in (pushed, copied)}
    assert len(ids) == 1
    assert pushed.device_time == copied.device_time


def test_a_badge_in_gbk_is_the_same_pushed_and_on_a_stick() -> None:
    badge = "张三".encode("gbk")
    stick = FileReader(FileForm(format="attlog"))
    [copied] = [*stick.feed(badge + b"\t2026-01-05 08:01:22\t1\t0\t15\t0\n"), *stick.finish()]
    assert isinstance(copied, Reading)
    assert one(badge + b"\t2026-01-05 08:01:22\t0\t15\t0\n").badge == copied.badge


FRAGMENTS = st.sampled_from(
    [b"\t", b"\n", b"\r\n", b" ", b"7", b"007", b"2026-01-05 08:01:22", b"PIN=", b"Time=", b"\0", b"\xff", b"=", b"255"]
)
BODIES = st.one_of(st.binary(max_size=400), st.lists(FRAGMENTS, max_size=60).map(b"".join))


@settings(max_examples=600, deadline=None)
@given(BODIES)
def test_any_bytes_are_readings_or_unreadable_lines_and_never_more_than_there_are_lines(body: bytes) -> None:
    found = attlog(body)
    assert found.count <= body.count(b"\n") + 1
    for reading in found.readings:
        assert reading.badge
        assert reading.badge.isprintable()


LINES = [
    b"7\t2026-01-05 08:01:22\t0\t1",
    b"007\t2026-01-05 08:01:22\t1\t1",
    b"A1\t2026-01-05 08:00:00\t0\t15\t\t0\t0\t",
]


@pytest.mark.parametrize("order", list(permutations(LINES)))
def test_order_and_repeats_change_no_scan(order: tuple[bytes, ...]) -> None:
    def ids(body: bytes) -> set[object]:
        return {scan_id(1, reading.badge, reading.local_time, reading.state) for reading in attlog(body).readings}

    assert ids(b"\n".join((*order, *order))) == ids(b"\n".join(LINES))


@broken_frames
def test_mutilated_lines_neither_crash_nor_hang(frames: int) -> None:
    chance, whole, began = random.Random(2), b"\n".join(LINES) + b"\n", time.perf_counter()
    for _ in range(frames // len(LINES) + 1):
        body = bytearray(whole)
        for _ in range(chance.randrange(1, 6)):
            body[chance.randrange(len(body))] = chance.randrange(256)
        found = attlog(bytes(body))
        assert found.count <= body.count(b"\n") + 1
    assert time.perf_counter() - began < 60
