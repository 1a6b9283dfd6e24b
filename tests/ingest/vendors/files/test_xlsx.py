import io
import sys
import zipfile
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from shared.files.workbook import Limits, sheet_of
from shared.kernel.errors import Malformed
from tests.ingest.vendors.files.tables import read, recognised, scans, short

HEADER = ["AC-No.", "Name", "Date/Time", "State"]
AT = datetime(2026, 10, 5, 8, 1, 22)


def workbook(**sheets: Sequence[Sequence[Any]]) -> bytes:
    """A workbook of these sheets, in order."""
    book = openpyxl.Workbook()
    del book["Sheet"]
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
    return saved(book)


def saved(book: openpyxl.Workbook) -> bytes:
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def refused(data: bytes, **form: str) -> str:
    with pytest.raises(Malformed) as error:
        read(data, **form)
    return error.value.message


def test_cells_of_every_kind_under_titles_in_several_sheets() -> None:
    """One workbook, read twice: a process is started for each reading."""
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "October"
    sheet.append(["Attendance report of the main gate"])
    sheet.merge_cells("A1:D1")
    sheet.append([])
    sheet.append(HEADER)
    sheet.append(["007", "Ann", AT, 0])
    sheet.append([7.0, "Bob\nB", AT + timedelta(microseconds=400_000), "C/Out"])
    sheet.append([42, "Cem", "25/10/2026 5:00 PM", 1])
    sheet["A6"].number_format = "00000"
    sheet.append([8, "Dee", date(2026, 10, 6), 0])
    sheet.append([9, None, 46300.5, 0])
    sheet.append([None, None, None, None])
    sheet.append([10, "Eve", "", 0])
    sheet.append(["=1+1", "Fay", AT, 0])
    other = book.create_sheet("November")
    other.append(["Badge", "Date", "In", "Out"])
    other.append([7, date(2026, 11, 5), time(22, 0, 30), timedelta(hours=6, minutes=1)])
    other.append([8, date(2026, 11, 5), None, None])
    data = saved(book)

    found = [short(each) for each in read(data)]
    assert found == [
        "4 007 2026-10-05 08:01:22 0 IN",
        "5 7 2026-10-05 08:01:22 C/Out OUT",
        "6 00042 2026-10-25 17:00:00 1 OUT",
        "7: no time: '2026-10-06'",
        "8: no date and time: '46300.5'",
        "10: no time",
        "11: no badge",
    ], "no workbook of a program that does not calculate holds the value of a formula"
    assert scans(data, sheet="november") == ["2 7 2026-11-05 22:00:30 IN IN", "2 7 2026-11-06 06:01:00 OUT OUT"]


def test_what_was_recognised_names_the_sheet_and_columns_can_be_said() -> None:
    data = workbook(Log=[["who", "when", "what"], ["7", AT, "C/In"]])
    assert recognised(data, columns="badge=who,time=when,state=3", states="C/In=0") == {
        "format": "xlsx",
        "columns": {"badge": "who", "time": "when", "state": "what"},
        "ignored": [],
        "header_line": 1,
        "date_format": None,
        "sheet": "Log",
    }


def test_the_value_of_a_formula_counts() -> None:
    data = workbook(Log=[["badge", "time"], ["=3+4", "2026-10-05 08:00"]])
    calculated = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(calculated, "w") as new:
        for name in old.namelist():
            content = old.read(name)
            new.writestr(name, content.replace(b"<f>3+4</f><v></v>", b"<f>3+4</f><v>7</v>").replace(
                b"<f>3+4</f><v />", b"<f>3+4</f><v>7</v>"))  # fmt: skip
    assert scans(calculated.getvalue()) == ["2 7 2026-10-05 08:00:00  UNKNOWN"]


def test_text_dates_are_asked_about_as_in_csv() -> None:
    data = workbook(Log=[["badge", "time"], ["7", "01/02/2026 08:00"], ["7", AT]])
    assert refused(data).startswith("'01/02/2026 08:00' in row 2 may be 2026-02-01 (day first) or")
    assert scans(data, date_format="%d/%m/%Y %H:%M") == [
        "2 7 2026-02-01 08:00:00  UNKNOWN", "3 7 2026-10-05 08:01:22  UNKNOWN",
    ]  # fmt: skip


def test_a_sheet_that_is_not_there_is_told_with_those_that_are() -> None:
    data = workbook(May=[["badge", "time"]], June=[])
    assert refused(data, sheet="July") == "the workbook has no sheet 'July'; it has 'May' and 'June'"
    assert refused(data, sheet="June") == "the file is empty"


def archive(**members: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as made:
        for name, content in members.items():
            made.writestr(name.replace("__", "/").replace("_dot_", "."), content)
    return file.getvalue()


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (archive(notes_dot_txt=b"hello"), "this is a ZIP archive, or a broken workbook"),
        (workbook(A=[HEADER])[:-30], "this is a ZIP archive, or a broken workbook"),
        (archive(content_dot_xml=b"<x/>"), "this is an OpenDocument file"),
        (archive(xl__workbook_dot_bin=b""), "this is an XLSB workbook"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, "this is an old Excel file, or one with a password"),
    ],
    ids=["another archive", "cut short", "ods", "xlsb", "xls"],
)
def test_a_file_of_another_kind_is_refused_with_a_sentence(data: bytes, words: str) -> None:
    assert refused(data).startswith(words)


@pytest.mark.parametrize(
    ("form", "words"),
    [
        ({"format": "csv"}, "this is an XLSX workbook or a ZIP archive, not CSV"),
        ({"encoding": "gbk"}, "has no encoding"),
    ],
    ids=["as csv", "with an encoding"],
)
def test_what_a_workbook_has_not_is_refused(form: dict[str, str], words: str) -> None:
    assert words in refused(workbook(A=[HEADER]), **form)


def bomb(cells: bytes, times: int) -> bytes:
    """A workbook of a few kilobytes whose sheet unpacks to very much."""
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(workbook(A=[["badge", "time"]]))) as old:
        with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as new:
            for name in old.namelist():
                if not name.startswith("xl/worksheets/"):
                    new.writestr(name, old.read(name))
                    continue
                before, after = old.read(name).split(b"</sheetData>")
                with new.open(name, "w") as sheet:
                    sheet.write(before + b"<row>")
                    for _ in range(times):
                        sheet.write(cells * 10_000)
                    sheet.write(b"</row></sheetData>" + after)
    return made.getvalue()


@pytest.mark.parametrize(
    ("cells", "limits"),
    [
        (b"<c/>", Limits(memory=48 * 1024 * 1024)),
        (b"</row><row><c><v>1</v></c>", Limits(seconds=1)),
    ],
    ids=["a row without end", "rows without end"],
)
def test_a_workbook_that_unpacks_to_very_much_takes_no_more_than_it_may(
    tmp_path: Path, cells: bytes, limits: Limits
) -> None:
    file = tmp_path / "bomb.xlsx"
    file.write_bytes(bomb(cells, 120))
    assert file.stat().st_size < 500_000
    with pytest.raises(Malformed, match="takes more memory, time or disk than any list does"):
        sheet_of(file, tmp_path / "rows", limits=limits)


def test_whoever_gives_up_ends_the_reading(tmp_path: Path) -> None:
    file = tmp_path / "bomb.xlsx"
    file.write_bytes(bomb(b"</row><row><c><v>1</v></c>", 300))
    with pytest.raises(Malformed):
        sheet_of(file, tmp_path / "rows", given_up=lambda: True)


def test_a_date_at_the_end_of_time_is_no_matter_of_the_other_rows() -> None:
    end = datetime.max.replace(microsecond=900_000)
    rows = [HEADER, ["1", "Ann", AT, 0], ["2", "Bob", end, 0], ["3", "Cem", 1e300, 0], ["4", "Dee", AT, 1]]
    book = openpyxl.load_workbook(io.BytesIO(workbook(October=rows)))
    for cell in ("C4", "C5"):
        book.active[cell].number_format = "yyyy-mm-dd hh:mm:ss"
    found = scans(saved(book))
    assert [found[0], found[-1]] == ["2 1 2026-10-05 08:01:22 0 IN", "5 4 2026-10-05 08:01:22 1 OUT"]
    assert len(found) == 4


def test_what_lies_about_where_muster_was_started_is_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "gzip.py").write_text("raise SystemExit('taken for ours')")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", ["", *sys.path])
    assert len(read(workbook(October=[HEADER, ["1", "Ann", AT, 0]]))) == 1
