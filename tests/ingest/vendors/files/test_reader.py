from datetime import datetime
from itertools import chain, pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.ingest.application.file_form import FileForm
from services.ingest.domain.reading import Reading, ScanType, Unreadable
from services.ingest.vendors.files.reader import FileReader, ForeignFile
from shared.kernel.errors import Malformed

ATTLOG = (
    b"      306\t2024-01-15 08:00:06\t1\t0\t15\t0\r\n"
    b"     0007\t2024-01-15 08:01:22\t1\t1\t1\t12\r\n"
    b"      A17\t1971--10--29 -23:-23:-27\t1\t0\t0\t0\r\n"
    b"        0\t2024-01-15 00:00:00\t1\t255\t0\t0\r\n"
)
GLOG = (
    b"No\tTMNo\tEnNo\tName\t\tGMNo\tMode\tIN/OUT\tAntipass\tDateTime\r\n"
    b"1\t1\t12\t          \t1\t1\tE\t0\t03-03-2015  12:15:44PM\r\n"
    b"2\t1\t12\t          \t1\t3\tS\t0\t03-03-2015  12:05:01AM\r\n"
)


def rows(*chunks: bytes, **options: object) -> list[Reading | Unreadable]:
    reader = FileReader(FileForm(**options))  # type: ignore[arg-type]
    return [row for chunk in chunks for row in reader.feed(chunk)] + list(reader.finish())


def good(data: bytes, **options: object) -> list[Reading]:
    return [row for row in rows(data, **options) if isinstance(row, Reading)]


def bad(data: bytes, **options: object) -> list[Unreadable]:
    return [row for row in rows(data, **options) if isinstance(row, Unreadable)]


class TestAttlog:
    def test_a_record_keeps_the_machines_own_texts(self) -> None:
        first, second, _ = good(ATTLOG)
        assert (first.badge, first.device_time, first.state, first.verify) == ("306", "2024-01-15 08:00:06", "0", "15")
        assert (second.badge, second.type, second.work_code) == ("0007", ScanType.OUT, "12")
        assert first.local_time == datetime(2024, 1, 15, 8, 0, 6)
        assert first.raw == {"line": "      306\t2024-01-15 08:00:06\t1\t0\t15\t0"}

    def test_zero_is_a_badge_and_midnight_is_a_time(self) -> None:
        last = good(ATTLOG)[-1]
        assert (last.badge, last.local_time, last.type) == ("0", datetime(2024, 1, 15), ScanType.UNKNOWN)

    def test_a_line_that_cannot_be_read_comes_with_number_reason_and_bytes(self) -> None:
        (line,) = bad(ATTLOG)
        assert line.position == 3
        assert line.reason == "no date and time: '1971--10--29 -23:-23:-27'"
        assert line.raw == b"      A17\t1971--10--29 -23:-23:-27\t1\t0\t0\t0"

    @pytest.mark.parametrize(
        ("line", "reason"),
        [
            (
                b"1\t2024-02-30 08:00:00\t1\t0",
                "'2024-02-30 08:00:00' is no date and time: day is out of range for month",
            ),
            (b"1\t2024-01-15 24:00:00\t1\t0", "'2024-01-15 24:00:00' is no date and time: hour must be in 0..23"),
            (b"1\t2024-01-15 08:00+08\t1\t0", "no date and time: '2024-01-15 08:00+08'"),
            (b"\t2024-01-15 08:00:00\t1\t0", "no badge"),
            (b"   \t2024-01-15 08:00:00\t1\t0", "no badge"),
            (b"1\x002\t2024-01-15 08:00:00\t1\t0", "the badge has characters that cannot be printed"),
            (b"9" * 65 + b"\t2024-01-15 08:00:00\t1\t0", "a badge of 65 characters"),
            (b"1\t2024-01-15 08:00:00\t1", "3 columns instead of 4 to 6"),
            (b"1\t2024-01-15 08:00:00\t1\t0\t1\t0\t9", "7 columns instead of 4 to 6"),
            (b"hello", "1 column instead of 4 to 6"),
        ],
    )
    def test_each_kind_of_broken_line_has_its_reason(self, line: bytes, reason: str) -> None:
        assert [row.reason for row in bad(ATTLOG + line + b"\n")][1:] == [reason]

    def test_four_and_five_columns_are_enough(self) -> None:
        four, five = good(b"1\t2024-01-15 08:00:00\t1\t0\n1\t2024-01-15 08:00:00\t1\t0\t4\n")
        assert (four.verify, five.verify, five.work_code) == (None, "4", None)

    def test_a_badge_that_is_not_utf8_stays_what_it_is(self) -> None:
        (reading,) = good(b"\xcd\xf5\t2024-01-15 08:00:00\t1\t0\n")
        assert reading.badge == r"\xcd\xf5"

    def test_a_file_may_begin_with_lines_that_cannot_be_read(self) -> None:
        assert len(bad(b"x\ny\n" + ATTLOG)) == 3


class TestGlog:
    def test_a_record_is_read_by_the_names_of_its_header(self) -> None:
        noon, midnight = good(GLOG)
        assert (noon.badge, noon.record_no, noon.state, noon.verify) == ("12", "1", "E", "1")
        assert (noon.type, midnight.type) == (ScanType.IN, ScanType.OUT)
        assert noon.local_time == datetime(2015, 3, 3, 12, 15, 44)
        assert midnight.local_time == datetime(2015, 3, 3, 0, 5, 1)
        assert noon.device_time == "03-03-2015  12:15:44PM"

    @pytest.mark.parametrize(
        ("header", "line", "state"),
        [
            (
                "No\tMchn\tEnNo\t\tName\t\tMode\tIOMd\tDateTime\t",
                "000001\t1\t000000052\tAnn B \t1\t0\t2025/12/01  07:41:00",
                "0",
            ),
            ("No\tTMNo\tEnNo\tName\tINOUT\tMode\tDateTime", "1\t1\t50014\t\t0\t0\t2026/03/01 08:05:23", "0"),
            (
                "No\tTMNo\tEnNo\tName\tGMNo\tMode\tIn/Out\tAntipass\tProxyWork\tDateTime",
                "1\t1\t00000001\tAnn\t1\tFP\tDutyOff\t0\t0\t2026-02-14 16:40:09",
                "DutyOff",
            ),
            ("No\tTMNo\tEnNo\tName\tDateTime", "1\t1\t1\tAnn B\t2026-01-20 01:02:23", ""),
            (
                "No  TMNo  EnNo  Name  GMNo  Mode  IN/OUT  DateTime",
                "1   1   12   Ann B   1   1   S   2026-01-20 01:02:23",
                "S",
            ),
        ],
        ids=["iomd", "inout before mode", "duty", "no direction", "fixed width"],
    )
    def test_the_variants_of_the_header_are_read(self, header: str, line: str, state: str) -> None:
        (reading,) = good(f"{header}\r\n{line}\r\n".encode())
        assert reading.state == state
        assert reading.badge in line

    def test_without_a_header_badge_and_time_are_read_all_the_same(self) -> None:
        (reading,) = good(b"1\t1\t13767\t\t1\t1\t01/19/2026 14:53:50\r\n")
        assert (reading.badge, reading.local_time, reading.state) == ("13767", datetime(2026, 1, 19, 14, 53, 50), "")

    @pytest.mark.parametrize(
        ("dates", "first"),
        [
            (["03-04-2015", "25-04-2015"], datetime(2015, 4, 3)),
            (["03-04-2015", "04-25-2015"], datetime(2015, 3, 4)),
            (["01-12-2015", "02-03-2015"], datetime(2015, 1, 12)),
            (["01-02-2015", "02-02-2015"], datetime(2015, 2, 1)),
            (["2015-03-04"], datetime(2015, 3, 4)),
        ],
        ids=["a day above 12 first", "a day above 12 second", "dates run forward", "nothing decides", "year first"],
    )
    def test_the_order_of_day_and_month_is_decided_by_the_whole_file(self, dates: list[str], first: datetime) -> None:
        assert good(glog(*dates))[0].local_time == first

    def test_the_order_can_be_said_outright(self) -> None:
        assert good(glog("01-02-2015"), day_first=False)[0].local_time == datetime(2015, 1, 2)

    def test_a_date_against_the_decided_order_is_unreadable(self) -> None:
        (line,) = bad(glog("25-04-2015", "04-25-2015"))
        assert line.position == 3


def glog(*dates: str) -> bytes:
    lines = [f"{number}\t1\t7\t\t1\t1\tE\t0\t{date} 00:00:00" for number, date in enumerate(dates, 1)]
    return "\n".join(["No\tTMNo\tEnNo\tName\tGMNo\tMode\tIN/OUT\tAntipass\tDateTime", *lines]).encode()


class TestFormat:
    @pytest.mark.parametrize(
        ("data", "name"), [(ATTLOG, "attlog"), (GLOG, "glog"), (b"\xef\xbb\xbf" + ATTLOG, "attlog")]
    )
    def test_it_is_found_by_content(self, data: bytes, name: str) -> None:
        reader = FileReader()
        list(reader.feed(data))
        list(reader.finish())
        assert reader.format == name

    @pytest.mark.parametrize(
        ("data", "message"),
        [
            (b"", "the file is empty"),
            (b"\0" * 10_000, "the file is empty"),
            (b"\r\n\r\n", "the file is empty"),
            (b"\x89PNG\r\n\x1a\n", "this is a PNG picture, not a log of a machine"),
            (
                b"dear sir,\nhello\n",
                "no line of it can be read as attlog or glog, or names the columns of a table; line 1 is 'dear sir,'",
            ),
        ],
    )
    def test_a_file_of_another_kind_is_refused_with_a_sentence(self, data: bytes, message: str) -> None:
        with pytest.raises(ForeignFile, match="^" + message.replace("?", r"\?") + "$"):
            rows(data)

    def test_an_unknown_format_is_refused_by_name(self) -> None:
        with pytest.raises(Malformed, match="'xls'; there are attlog, glog, csv and xlsx"):
            FileReader(FileForm(format="xls"))

    def test_a_text_that_never_becomes_a_log_is_refused_before_its_end(self) -> None:
        reader = FileReader()
        with pytest.raises(ForeignFile):
            list(chain.from_iterable(reader.feed(b"lorem ipsum\n" * 1000) for _ in range(1000)))

    def test_a_line_that_is_too_long_is_one_unreadable_line(self) -> None:
        first, *others = rows(b"x" * 100_000, b"x" * 100_000, b"\n" + ATTLOG)
        assert isinstance(first, Unreadable)
        assert (first.position, first.reason) == (1, "the line is longer than 64 KiB; its beginning is kept")
        assert len(others) == 4


@settings(max_examples=150)
@given(
    data=st.sampled_from([ATTLOG, GLOG, b"?\n" + ATTLOG, glog("01-02-2015", "25-02-2015")]),
    cuts=st.lists(st.integers(0, 250)),
)
def test_the_same_bytes_give_the_same_records_however_they_are_split(data: bytes, cuts: list[int]) -> None:
    edges = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    assert rows(*(data[start:end] for start, end in pairwise(edges))) == rows(data)


@pytest.mark.parametrize("data", [ATTLOG, GLOG])
def test_one_byte_at_a_time_gives_the_same_records(data: bytes) -> None:
    assert rows(*(bytes([byte]) for byte in data)) == rows(data)


@settings(deadline=None)  # a workbook starts a process
@given(data=st.binary(max_size=300))
def test_no_bytes_make_the_reader_fail_in_another_way(data: bytes) -> None:
    try:
        assert len(rows(ATTLOG + b"\n" + data)) >= 4
        rows(data)
    except Malformed:
        pass
