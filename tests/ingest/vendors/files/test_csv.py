import contextlib
import tracemalloc
from itertools import islice

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.ingest.application.file_form import FileForm
from services.ingest.domain.reading import Reading, Unreadable
from services.ingest.vendors.files.reader import FileReader
from shared.kernel.errors import Malformed
from tests.ingest.vendors.files.tables import read, recognised, scans, short

PLAIN = b"AC-No.,Name,Date/Time,State\r\n007,Ann,2026-10-05 08:01:22,0\r\n8,Bob,2026-10-05 17:00,1\r\n"
PLAIN_SCANS = ["2 007 2026-10-05 08:01:22 0 IN", "3 8 2026-10-05 17:00:00 1 OUT"]


def refused(data: bytes, **form: str | bool) -> Malformed:
    with pytest.raises(Malformed) as error:
        read(data, **form)
    return error.value


class TestColumns:
    @pytest.mark.parametrize(
        ("header", "cells"),
        [
            ("badge,time,state", "7,2026-10-05 08:01:00,0"),
            ("User ID,Timestamp,Status", "7,2026-10-05 08:01:00,0"),
            ("PIN,Name,Punch Time,Punch State", "7,Ann,2026-10-05 08:01:00,0"),
            ("EnNo,Date,Time,In/Out", "7,2026-10-05,08:01,0"),
            ("Employee Code,Punch Date,Punch Time,Direction", "7,2026-10-05,08:01,0"),
            ("S.No,Emp_Code,Log Date,Type", "1,7,2026-10-05 08:01:00,0"),
            ("No.,Name,Date/Time,CheckType,CardNo", "7,Ann,2026-10-05 08:01:00,0,"),
            ("No.,Name,Date/Time,Status,Card No.", ",,2026-10-05 08:01:00,0,7"),
            ("Date,State,Badge", "2026-10-05 08:01:00,0,7"),
            ("工号,姓名,日期时间,状态", "7,王,2026-10-05 08:01:00,0"),
            ("Matricula,Fecha,Hora,Tipo", "7,2026-10-05,08:01,0"),
        ],
    )  # fmt: skip
    def test_usual_names_are_known(self, header: str, cells: str) -> None:
        assert scans(f"{header}\n{cells}\n".encode()) == ["2 7 2026-10-05 08:01:00 0 IN"]

    def test_two_columns_that_may_be_the_badge_are_asked_about(self) -> None:
        error = refused(b"No.,Card No.,Time\n1,77,2026-10-05 08:01\n")
        assert error.message == "the badge may be in the column 'No.' or 'Card No.': say columns=badge=…"
        assert scans(b"No.,Card No.,Time\n1,77,2026-10-05 08:01\n", columns="badge=Card No.") == [
            "2 77 2026-10-05 08:01:00  UNKNOWN"
        ]

    def test_names_can_be_said_and_the_rest_is_still_guessed(self) -> None:
        data = b'who,"when, then",State\n7,2026-10-05 08:01,1\n'
        columns = 'badge=WHO,time="when, then"'
        assert scans(data, columns=columns) == ["2 7 2026-10-05 08:01:00 1 OUT"]
        assert recognised(data, columns=columns)["columns"] == {"badge": "who", "time": "when, then", "state": "State"}

    def test_a_time_that_is_said_is_joined_with_the_date_beside_it(self) -> None:
        assert scans(b"Badge,Date,Moment\n7,2026-10-05,08:01\n", columns="time=Moment") == [
            "2 7 2026-10-05 08:01:00  UNKNOWN"
        ]

    @pytest.mark.parametrize("titles", [b"", b"who,when\n", b"A report,\n\nwho,when\n"])
    def test_columns_by_number_need_no_header(self, titles: bytes) -> None:
        found = scans(titles + b"7,2026-10-05 08:01\n", columns="badge=1,time=2")
        assert [scan.split(" ", 1)[1] for scan in found] == ["7 2026-10-05 08:01:00  UNKNOWN"]

    def test_titles_above_the_header_are_passed_over(self) -> None:
        assert scans(b"Attendance report,,\nOctober,2026,\n,,\n" + PLAIN)[0].split(" ", 1)[1] == PLAIN_SCANS[0][2:]

    @pytest.mark.parametrize("header", ["ID,Employee,Punch Time", "Card No,User,Time"])
    def test_a_number_beside_somebody_is_asked_about(self, header: str) -> None:
        assert "may be in the column" in refused(f"{header}\n1001,Anna,2026-01-05 08:00\n".encode()).message

    def test_empty_rows_are_passed_over(self) -> None:
        data = b"Badge;Time\n;\n7;2026-01-05 08:00\n ; \n\n8;2026-01-05 08:01\n"
        assert [scan.split()[:2] for scan in scans(data)] == [["3", "7"], ["6", "8"]]

    def test_names_for_states_that_no_column_has_are_told_of(self) -> None:
        words = refused(b"Badge,Time,Event\n7,2026-01-05 08:00,In\n", states="In=0").message
        assert words == "states: no column is a state; those that are not read: Event"

    def test_a_header_that_is_printed_on_every_page_is_no_record(self) -> None:
        assert len(scans(PLAIN + PLAIN)) == 4

    def test_what_was_recognised_is_said(self) -> None:
        assert recognised(PLAIN) == {
            "format": "csv",
            "columns": {"badge": "AC-No.", "time": "Date/Time", "state": "State"},
            "ignored": ["Name"],
            "header_line": 1,
            "date_format": None,
            "delimiter": "comma",
            "encoding": "utf-8",
        }

    def test_without_badge_and_time_the_file_is_refused_with_what_it_has(self) -> None:
        error = refused(b"Name,Department\nAnn,Sewing\n", format="csv")
        assert "names a badge and a time; line 1 has 'Name', 'Department'. Say what is where" in error.message
        assert error.fields == {"columns": "not found"}

    @pytest.mark.parametrize("form", [{}, {"format": "csv"}], ids=["unknown", "csv"])
    @pytest.mark.parametrize(
        ("header", "words"),
        [
            (
                "Emp Ref;Name;Date;In;Out",
                "no column is known as the badge: say columns=badge=… (not known: 'Emp Ref', 'Name')",
            ),
            ("Badge;Name;Seen", "no column is known as the time: say columns=time=… (not known: 'Name', 'Seen')"),
            ("Date;In;Out", "no column is known as the badge: say columns=badge=…"),
        ],
        ids=["no badge", "no time", "nothing else"],
    )
    def test_what_a_header_lacks_is_said_with_its_line(self, header: str, words: str, form: dict[str, str]) -> None:
        data = f"Monthly report\n{header}\n5;Late;25/11/2026;22:00;06:00\n".encode()
        error = refused(data, **form)
        assert error.message == f"line 2 looks like a header; {words}"
        assert error.fields == {"columns": "not found"}

    @pytest.mark.parametrize(
        ("columns", "words"),
        [
            ("badge", "cannot be read from 'badge'"),
            ("colour=3", "'colour' is nothing that is read"),
            ("badge=1,badge=2", "only one badge"),
            ("badge=0,time=1", "numbered from 1"),
            ("badge=1", "need the badge and a time"),
            ("badge=Who", "has all of the columns that are named"),
        ],
    )
    def test_columns_that_cannot_be_are_refused_by_name(self, columns: str, words: str) -> None:
        error = refused(PLAIN, columns=columns)
        assert words in error.message
        assert error.fields.keys() == {"columns"}


class TestPunches:
    def test_in_and_out_on_one_row_are_two_scans(self) -> None:
        data = b"Badge,Date,In,Out\n7,2026-10-05,08:01,17:02\n8,2026-10-05,08:03,\n9,2026-10-05,,\n"
        assert scans(data) == [
            "2 7 2026-10-05 08:01:00 IN IN", "2 7 2026-10-05 17:02:00 OUT OUT", "3 8 2026-10-05 08:03:00 IN IN",
        ]  # fmt: skip

    def test_an_out_before_its_in_is_of_the_next_morning(self) -> None:
        data = b"Badge,Date,In 1,Out 1,In 2,Out 2\n7,2026-10-05,22:00,02:00,02:30,06:01\n"
        assert [scan.split(" ", 2)[2] for scan in scans(data)] == [
            "2026-10-05 22:00:00 IN IN", "2026-10-06 02:00:00 OUT OUT",
            "2026-10-06 02:30:00 IN IN", "2026-10-06 06:01:00 OUT OUT",
        ]  # fmt: skip

    def test_whole_times_in_and_out_need_no_date(self) -> None:
        assert scans(b"Badge,Check-In,Check-Out\n7,2026-10-05 22:00,2026-10-06 06:01\n") == [
            "2 7 2026-10-05 22:00:00 IN IN", "2 7 2026-10-06 06:01:00 OUT OUT",
        ]  # fmt: skip

    @pytest.mark.parametrize(
        ("cells", "found"),
        [
            ("08:01,late", ["IN 2026-10-05 08:01:00", "Out: no date and time: 'late'"]),
            ("99:00,2026-10-06 06:00", ["In: *", "OUT 2026-10-06 06:00:00"]),
            ("99:00,06:00", ["In: *", "Out: '06:00' may be of this day or the next, as In cannot be read"]),
            ("--:--,06:00", ["OUT 2026-10-05 06:00:00"]),
            ("-,--:--", []),
        ],
        ids=["a bad out", "a bad in, and an out with its date", "a bad in", "no in", "absent"],
    )
    def test_a_bad_cell_costs_no_other_but_those_whose_day_it_decides(self, cells: str, found: list[str]) -> None:
        records = read(f"Badge,Date,In,Out\n7,2026-10-05,{cells}\n".encode())
        said = [each.reason if isinstance(each, Unreadable) else f"{each.type} {each.local_time}" for each in records]
        assert [text if text[:4] != "In: " else "In: *" for text in said] == found

    def test_after_a_time_that_cannot_be_read_no_later_one_of_the_row_is_placed_by_a_guess(self) -> None:
        data = b"Badge,Date,In 1,Out 1,In 2,Out 2\n7,2026-10-05,22:00,?,02:30,06:01\n8,2026-10-05,08:00,12:00,?,17:00\n"
        times = [(each.badge, f"{each.local_time:%d %H:%M}") for each in read(data) if isinstance(each, Reading)]
        assert times == [("7", "05 22:00"), ("8", "05 08:00"), ("8", "05 12:00")]
        assert sum(isinstance(each, Unreadable) for each in read(data)) == 5

    def test_several_times_on_one_row_are_as_many_scans(self) -> None:
        data = b"Badge,Date,Time1,Time2,Time3\n7,2026-10-05,08:01,12:00,\n"
        assert [scan.split()[3] for scan in scans(data)] == ["08:01:00", "12:00:00"]

    @pytest.mark.parametrize(
        ("state", "kind"),
        [
            ("0", "IN"), ("C/In", "IN"), ("Check Out", "OUT"), ("I", "IN"), ("out", "OUT"), ("255", "UNKNOWN"),
            ("Break Out", "BREAK_IN"), ("BREAK_IN", "BREAK_IN"), ("OverTime In", "OVERTIME_IN"), ("Late", "UNKNOWN"),
            ("", "UNKNOWN"),
        ],
    )  # fmt: skip
    def test_states_keep_their_text_and_get_a_type(self, state: str, kind: str) -> None:
        (found,) = scans(f"badge,time,state\n7,2026-10-05 08:00,{state}\n".encode())
        assert found == f"2 7 2026-10-05 08:00:00 {state} {kind}"

    def test_states_can_be_called_as_the_machine_calls_them(self) -> None:
        data = b"badge,time,state\n7,2026-10-05 08:00,C/In\n7,2026-10-05 17:00,c/out\n"
        assert [scan[-5:] for scan in scans(data, states="C/In=0,C/Out=1")] == [" 0 IN", "1 OUT"]
        both = b"badge,date,in,out\n7,2026-10-05,08:00,17:00\n"
        assert [scan[-5:] for scan in scans(both, states="IN=0,OUT=1")] == [" 0 IN", "1 OUT"]

    def test_no_more_is_kept_of_a_scan_than_what_was_read(self) -> None:
        (reading, _) = read(PLAIN)
        assert isinstance(reading, Reading)
        assert reading.raw == {"AC-No.": "007", "Date/Time": "2026-10-05 08:01:22", "State": "0"}
        assert (reading.device_time, reading.badge) == ("2026-10-05 08:01:22", "007")

    @pytest.mark.parametrize("cell", ["'007", '="007"', '"007"', " 007 "])
    def test_what_spreadsheets_put_around_a_badge_is_no_part_of_it(self, cell: str) -> None:
        cell = cell if cell[0] != "=" else '"=""007"""'
        assert scans(f"badge,time\n{cell},2026-10-05 08:00\n".encode()) == ["2 007 2026-10-05 08:00:00  UNKNOWN"]


class TestDates:
    def test_one_date_may_decide_for_all_from_anywhere_in_the_file(self) -> None:
        many = b"".join(b"7,%02d/02/2026 08:00\n" % day for day in range(1, 13)) * 3
        assert scans(b"badge,time\n" + many + b"7,13/02/2026 08:00\n")[0] == "2 7 2026-02-01 08:00:00  UNKNOWN"
        assert scans(b"badge,time\n" + many + b"7,02/13/2026 08:00\n")[0] == "2 7 2026-01-02 08:00:00  UNKNOWN"

    def test_where_nothing_decides_the_person_is_asked(self) -> None:
        data = b"badge,time\n7,03/03/2026 08:00\n7,01/02/2026 08:00\n"
        error = refused(data)
        assert error.message == (
            "'01/02/2026 08:00' in line 3 may be 2026-02-01 (day first) or 2026-01-02 (month first), and no other date"
            " of the file says which: say date_format=day_first or date_format=month_first"
        )
        assert error.fields.keys() == {"date_format"}
        assert scans(data, date_format="dd/mm/yyyy")[1] == "3 7 2026-02-01 08:00:00  UNKNOWN"
        assert scans(data, day_first=False)[1] == "3 7 2026-01-02 08:00:00  UNKNOWN"

    def test_a_file_that_contradicts_itself_is_asked_about_and_then_read_as_said(self) -> None:
        data = b"badge,time\n7,25/02/2026 08:00\n7,02/26/2026 08:00\n"
        assert (
            "in line 2 can only be day first, and '02/26/2026 08:00' in line 3 only month first"
            in refused(data).message
        )
        assert [short(each) for each in read(data, date_format="day_first")] == [
            "2 7 2026-02-25 08:00:00  UNKNOWN", "3: '02/26/2026 08:00' is no date with the day first",
        ]  # fmt: skip

    def test_a_pattern_says_it_all(self) -> None:
        data = b"badge,time\n7,05.10.26 08.01\n"
        assert scans(data, date_format="%d.%m.%y %H.%M") == ["2 7 2026-10-05 08:01:00  UNKNOWN"]

    def test_midnight_beside_a_date_and_half_days_are_read(self) -> None:
        data = b"badge,date,time\n7,2026-10-05 00:00:00,12:05 AM\n7,2026-10-05,1899-12-30 20:01:00\n"
        assert [scan[4:23] for scan in scans(data)] == ["2026-10-05 00:05:00", "2026-10-05 20:01:00"]


class TestText:
    @pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
    def test_unicode_is_found_out(self, encoding: str) -> None:
        assert scans(PLAIN.decode().encode(encoding), format="csv") == PLAIN_SCANS

    def test_utf_16_with_its_mark_needs_nothing_said(self) -> None:
        assert scans(PLAIN.decode().encode("utf-16")) == PLAIN_SCANS

    @pytest.mark.parametrize(
        ("encoding", "header"),
        [("gbk", "工号,姓名,日期时间"), ("cp1252", "Matrícula,Descripción,Fecha"), ("GB2312", "工号,,时间")],
    )
    def test_others_are_said(self, encoding: str, header: str) -> None:
        data = f"{header}\n007,é,2026-10-05 08:00\n".encode(
            "gbk" if encoding == "GB2312" else encoding, errors="replace"
        )
        columns = "badge=1,time=3"
        assert scans(data, encoding=encoding, columns=columns) == ["2 007 2026-10-05 08:00:00  UNKNOWN"]

    def test_a_header_that_is_not_unicode_is_told_of(self) -> None:
        assert "say encoding, such as gbk" in refused("工号,日期时间\n1,2026-10-05 08:00\n".encode("gbk")).message

    def test_names_that_are_not_unicode_disturb_nobody(self) -> None:
        assert scans("badge,name,time\n7,José,2026-10-05 08:00\n".encode("cp1252")) == [
            "2 7 2026-10-05 08:00:00  UNKNOWN"
        ]

    @pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
    def test_delimiters_are_found_out(self, delimiter: str) -> None:
        assert scans(PLAIN.replace(b",", delimiter.encode())) == PLAIN_SCANS

    def test_another_delimiter_is_said(self) -> None:
        assert scans(PLAIN.replace(b",", b"^"), delimiter="^") == PLAIN_SCANS

    def test_line_ends_inside_quotes_are_no_end_of_a_row_and_lines_are_counted_as_in_an_editor(self) -> None:
        data = b'badge,name,time\n7,"Ann\nB ""C""",2026-10-05 08:00\n8,D,2026-10-05 08:01\n'
        assert scans(data) == ["2 7 2026-10-05 08:00:00  UNKNOWN", "4 8 2026-10-05 08:01:00  UNKNOWN"]

    @pytest.mark.parametrize("line", [b'"7,2026-10-05 08:00', b'7,"2026-10-05 08:00'])
    def test_a_stray_quote_costs_its_own_line(self, line: bytes) -> None:
        data = b"badge,time\n" + line + b"\n8,2026-10-05 08:01\n" * 300
        found = read(data)
        assert short(found[0]) == "2: a quote is opened and never closed"
        assert len(found) == 301
        assert all(isinstance(each, Reading) for each in found[1:])

    def test_a_quote_may_close_many_lines_later_and_at_the_end_of_the_file(self) -> None:
        lines = "\n".join(["a"] * 60)
        data = f'badge,name,time\n7,"{lines}",2026-10-05 08:00\n8,B,2026-10-05 08:01\n9,"C'.encode()
        assert [short(each) for each in read(data)] == [
            "2 7 2026-10-05 08:00:00  UNKNOWN", "62 8 2026-10-05 08:01:00  UNKNOWN",
            "63: a quote is opened and never closed",
        ]  # fmt: skip

    def test_two_stray_quotes_swallow_nothing_between_them(self) -> None:
        data = b'badge,name,time\n7,"A,2026-10-05 08:00\n8,B,2026-10-05 08:01\n9,"C,2026-10-05 08:02\n'
        found = read(data)
        assert [short(each)[:2] for each in found] == ["2:", "3 ", "4:"]
        assert [each.raw for each in found if isinstance(each, Unreadable)] == [
            b'7,"A,2026-10-05 08:00', b'9,"C,2026-10-05 08:02',
        ]  # fmt: skip

    def test_rows_that_cannot_be_read_come_with_line_reason_and_bytes(self) -> None:
        data = b"badge,time\n7,yesterday\n,2026-10-05 08:00\n7,\n" + b"x" * 70_000 + b"\n7,2026-10-05 08:00\nTotal\n"
        found = read(data)
        assert [short(each) for each in found] == [
            "2: no date and time: 'yesterday'", "3: no badge", "4: no time",
            "5: the line is longer than 64 KiB; its beginning is kept", "6 7 2026-10-05 08:00:00  UNKNOWN",
            "7: no time",
        ]  # fmt: skip
        assert isinstance(found[0], Unreadable)
        assert found[0].raw == b"7,yesterday"

    @pytest.mark.parametrize(
        ("form", "words"),
        [
            ({"encoding": "klingon"}, "'klingon' is no encoding"),
            ({"encoding": "unicode_escape"}, "is no encoding"),
            ({"delimiter": "ab"}, "'ab' is no delimiter"),
            ({"states": "x"}, "states is a list such as"),
            ({"sheet": "May"}, "a CSV file has no sheets"),
            ({"date_format": "later"}, "'later' is no form of dates"),
            ({"format": "xlsx"}, "this is no XLSX workbook"),
        ],
    )
    def test_what_is_said_and_cannot_be_is_refused_by_name(self, form: dict[str, str], words: str) -> None:
        assert words in refused(PLAIN, **form).message

    def test_what_is_for_tables_is_refused_with_a_log(self) -> None:
        log = b"7\t2026-10-05 08:00:00\t1\t0\n"
        assert (
            refused(log, states="0=1").message == "this is attlog, whose columns are known; states is for CSV and XLSX"
        )
        assert refused(log, format="attlog", columns="badge=1").fields == {"columns": "is for CSV and XLSX"}


@settings(max_examples=60)
@given(cuts=st.lists(st.integers(0, 90), max_size=5))
def test_the_same_bytes_give_the_same_scans_however_they_are_split(cuts: list[int]) -> None:
    assert [short(each) for each in read(PLAIN, *cuts)] == PLAIN_SCANS


def test_one_byte_at_a_time_gives_the_same_scans() -> None:
    assert [short(each) for each in read(PLAIN, *range(len(PLAIN)))] == PLAIN_SCANS


@settings(max_examples=200, deadline=None)
@given(rest=st.text(alphabet='7,"\n\t;2026-10/05 :\0é', max_size=80))
def test_whatever_follows_a_header_is_a_scan_or_kept_or_asked_about(rest: str) -> None:
    found: list[Reading | Unreadable] = []
    with contextlib.suppress(Malformed):  # a date that may be read in two ways
        found = read(PLAIN + rest.encode())
        assert len(found) >= 2


def peak_of(lines: int) -> int:
    reader = FileReader(FileForm())
    tracemalloc.start()
    list(reader.feed(b"badge,time,state\n"))
    for start in range(0, lines, 100):
        list(reader.feed(b"".join(b"%d,2026-10-05 08:%02d:00,0\n" % (start, n % 60) for n in range(100))))
    records = reader.finish()
    count = 0
    while piece := list(islice(records, 500)):
        count += len(piece)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert count == lines
    return peak


def test_a_longer_file_takes_no_more_memory() -> None:
    assert peak_of(20_000) < peak_of(5_000) + 1_000_000
