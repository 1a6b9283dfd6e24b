"""People from workbooks and CSV: the preview, errors by row and column, rejected rows as a file, and the template."""

import csv
import io
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

import openpyxl
import pytest

from tests.attendance.api.office import Office

HEADER = ["employee_id", "name", "department", "badge", "joined_on"]


def workbook(*rows: Sequence[Any]) -> bytes:
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    return saved(book)


def saved(book: openpyxl.Workbook) -> bytes:
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


async def sent(office: Office, file: bytes, path: str = "", expect: int = 200) -> Any:
    return await office.ask("POST", f"employees/import/{path}", content=file, expect=expect)


async def test_a_workbook_is_imported_as_csv_is(office: Office):
    file = workbook(
        HEADER,
        ["EMP001", "Ahmed Khan", "Sewing", 17, date(2024, 1, 1)],
        [],
        ["EMP002", "Bela Begum", None, None, datetime(2024, 1, 2)],
        [3, "Chitra Das"],
    )
    done = (await sent(office, file)).json()
    assert (done["read"], done["created"], done["errors"]) == (3, 3, [])
    people = {row["employee_id"]: row for row in await office.get("employees/")}
    assert people["EMP001"]["badges"] == [{"badge": "17", "since": None, "until": None}]
    assert people["EMP001"]["joined_on"] == "2024-01-01"
    assert people["EMP002"]["joined_on"] == "2024-01-02"
    assert people["3"]["name"] == "Chitra Das"
    again = (await sent(office, file)).json()
    assert (again["created"], again["updated"], again["unchanged"]) == (0, 0, 3)


@pytest.mark.parametrize("form", ["csv", "xlsx"])
async def test_a_preview_says_of_each_row_what_becomes_of_it_and_groups_what_is_wrong(company: Office, form: str):
    rows = [
        ["employee_id", "name", "joined_on", "badge"],
        ["EMP001", "Ahmed Khan", "", "1"],
        ["EMP002", "Bela B.", "", "2"],
        ["EMP009", "New One", "2024-01-15", "9"],
        ["EMP010", "New Two", "yesterday", "10"],
        ["EMP011", "", "31/01/2024", "11"],
        ["EMP012", "Thief", "", "1"],
    ]
    text = "\n".join(",".join(row) for row in rows).encode()
    file = text if form == "csv" else workbook(*rows)
    told = (await sent(company, file, "?dry_run=true")).json()
    assert [(row["line"], row["employee_id"], row["action"]) for row in told["rows"]] == [
        (2, "EMP001", "unchanged"),
        (3, "EMP002", "update"),
        (4, "EMP009", "create"),
        (5, "EMP010", "skip"),
        (6, "EMP011", "skip"),
        (7, "EMP012", "skip"),
    ]
    assert (told["created"], told["updated"], told["unchanged"], told["skipped"]) == (1, 1, 1, 3)
    assert [(error["line"], error["field"]) for error in told["errors"]] == [
        (5, "joined_on"),
        (6, "name"),
        (6, "joined_on"),
        (7, "badge"),
    ]
    assert told["error_groups"][0] == {
        "field": "joined_on",
        "message": "… is not a date such as …",
        "count": 2,
        "lines": [5, 6],
    }
    assert len(await company.get("employees/")) == 5, "a preview changes nothing"
    done = (await sent(company, file)).json()
    assert "rows" not in done
    assert {name: done[name] for name in ("created", "updated", "unchanged", "skipped")} == {
        name: told[name] for name in ("created", "updated", "unchanged", "skipped")
    }


async def test_rejected_rows_come_back_as_a_file_that_can_be_mended_and_sent_again(company: Office):
    file = workbook(["employee_id", "name", "shoe"], ["EMP009", "New One", 42], ["EMP010", "", 41], ["EMP011"])
    answer = await sent(company, file, "rejected/")
    assert "rejected.csv" in answer.headers["content-disposition"]
    rows = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert rows == [
        ["errors", "employee_id", "name", "shoe"],
        ["name: is empty", "EMP010", "", "41"],
        ["name: is empty", "EMP011", "", ""],
    ]
    assert len(await company.get("employees/")) == 5, "asking changes nothing"
    rows[1][2], rows[2][2] = "New Two", "=New, Three"
    mended = io.StringIO()
    csv.writer(mended).writerows(rows)
    done = (await sent(company, mended.getvalue().encode())).json()
    assert (done["created"], done["skipped"], done["ignored_columns"]) == (2, 0, ["shoe"])
    none = await sent(company, mended.getvalue().encode(), "rejected/")
    assert none.content.decode("utf-8-sig") == "errors,employee_id,name,shoe\r\n"


async def test_the_template_is_a_file_that_the_import_takes(office: Office):
    answer = await office.ask("GET", "employees/import/template/?format=xlsx")
    book = openpyxl.load_workbook(io.BytesIO(answer.content))
    people = book["People"]
    columns = [cell.value for cell in people[1]]
    for name, value in {"employee_id": "007", "name": "Ahmed", "badge": "0017", "joined_on": "2024-01-01"}.items():
        people.cell(2, columns.index(name) + 1).value = value
    done = (await sent(office, saved(book))).json()
    assert (done["read"], done["created"], done["ignored_columns"]) == (1, 1, [])
    (person,) = await office.get("employees/")
    assert (person["employee_id"], person["badges"][0]["badge"]) == ("007", "0017")
    text = (await office.ask("GET", "employees/import/template/")).content.decode("utf-8-sig")
    assert text.strip().split(",") == columns
    assert {row[0].value for row in book["Columns"]} == set(columns)


@pytest.mark.parametrize(
    ("file", "words"),
    [
        (b"PK\x03\x04" + b"x" * 100, "a broken workbook"),
        (b"\xd0\xcf\x11\xe0" + b"x" * 100, "an old kind"),
        (workbook(["name"], ["Ahmed"]), "employee_id"),
        (workbook(), "employee_id"),
        (workbook(["employee_id", "name", "name"]), "name is there twice"),
    ],
    ids=["broken", "xls", "no column", "empty", "twice"],
)
async def test_what_is_no_list_of_people_is_refused_in_words(office: Office, file: bytes, words: str):
    assert words in (await sent(office, file, expect=400)).json()["error"]


async def test_a_row_that_is_left_out_is_called_by_its_code_however_the_column_is_written(office: Office):
    told = (await sent(office, b"Employee ID;Name;Joined On\nEMP009;Noor;31/01/2024\n", "?dry_run=true")).json()
    assert told["rows"] == [{"line": 2, "employee_id": "EMP009", "name": "Noor", "action": "skip"}]


async def test_rejected_rows_are_no_formulas_in_a_spreadsheet_and_can_be_sent_again(office: Office):
    row = 'EMP009,"=HYPERLINK(""http://x"")",+880171,31/01/2024'
    rejected = (await sent(office, f"employee_id,name,phone,joined_on\n{row}\n".encode(), "rejected/")).text
    assert list(csv.reader(io.StringIO(rejected)))[1][1:] == [
        "EMP009",
        '\'=HYPERLINK("http://x")',
        "+880171",
        "31/01/2024",
    ]
    mended = rejected.replace("31/01/2024", "2024-01-31").encode()
    assert (await sent(office, mended)).json()["created"] == 1
    (person,) = await office.get("employees/")
    assert (person["name"], person["phone"]) == ('=HYPERLINK("http://x")', "+880171")
