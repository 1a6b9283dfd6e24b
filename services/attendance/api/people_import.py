"""People from a file: a preview of each row, the import, the rows that were rejected, and a template to begin with."""

import asyncio
import csv
import io
import tempfile
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response

from services.attendance.api.once import answered, key_from, sent
from services.attendance.api.parameters import SINCE, bad, choice_of, known, since_of
from services.attendance.application.people import People
from services.attendance.application.people_csv import csv_rows
from services.attendance.application.people_file import COLUMNS, ERRORS, Rows, error_groups
from services.attendance.application.people_ports import Import, Once
from shared.files.cells import as_text
from shared.files.workbook import Limits, sheet_of
from shared.kernel.errors import Malformed
from shared.web.callers import HR
from shared.web.lists import described, json_response

MOST_BYTES = 20_000_000
"""Of a file of people: some 200,000 of them."""
MOST_SHOWN = 5_000
"""Rows of a preview, and lines of a group of errors."""
WORKBOOK = Limits(memory=256 * 1024 * 1024, seconds=60, disk=64 * 1024 * 1024)
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

IMPORT = {"dry_run": "`true` only says what would be done, row by row", **SINCE}
TEMPLATE = {"format": "csv or xlsx; xlsx says beside it what each column is"}
FILE = {
    "requestBody": {
        "required": True,
        "content": {"text/csv": {"schema": {"type": "string"}}, XLSX: {"schema": {"type": "string"}}},
    }
}


def router(people: People) -> APIRouter:
    """The routes of files of people."""
    routes = APIRouter(prefix="/api/attendance/employees/import", tags=["people"])

    @routes.post(
        "/",
        summary="Make and change employees as a CSV file or a workbook says",
        description=(
            "The body is the file: CSV, or XLSX, of which the first sheet is read. The first row names the columns, in "
            "any order: employee_id, name, department, designation, level_of_work, badge; and email, phone, gender, "
            "joined_on, left_on, site, badge_from, badge_until, badge_machine. Rows with errors are left out and "
            "listed; all others count, in one transaction."
        ),
        openapi_extra={**described(IMPORT), **FILE},
    )
    async def import_file(request: Request, who: HR) -> Response:
        known(request, *IMPORT)
        since, file = since_of(request), await _file(request)
        if choice_of(request, "dry_run", ("true", "false", "1", "0")) in ("true", "1"):
            return json_response(_imported(await people.try_file(await _rows(file), since)))
        once: Once[Import] = Once(await key_from(request, who, file), lambda done: answered(_imported(done), 200))
        return sent(await people.import_file(await _rows(file), since, once))

    @routes.post(
        "/rejected/",
        summary="The rows of a file that an import leaves out, as CSV with what is wrong with each; changes nothing",
        openapi_extra={**described(SINCE), **FILE},
    )
    async def rejected(request: Request, _: HR) -> Response:
        known(request, *SINCE)
        tried = await people.try_file(await _rows(await _file(request)), since_of(request))
        return _download(_rejected(tried), "rejected.csv", "text/csv; charset=utf-8")

    @routes.get("/template/", summary="An empty file with all columns", openapi_extra=described(TEMPLATE))
    async def template(request: Request, _: HR) -> Response:
        known(request, *TEMPLATE)
        if choice_of(request, "format", ("csv", "xlsx")) == "xlsx":
            return _download(await asyncio.to_thread(_workbook), "people.xlsx", XLSX)
        return _download(_csv([list(COLUMNS)]), "people.csv", "text/csv; charset=utf-8")

    return routes


async def _file(request: Request) -> bytes:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind.startswith("multipart/") or kind in ("application/json", "application/x-www-form-urlencoded"):
        raise Malformed(f"the body is {kind}; send the file itself, as text/csv or as a workbook")
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MOST_BYTES:
            raise bad("body", f"is larger than {MOST_BYTES // 1_000_000} MB; send it in parts")
    if not body:
        raise bad("body", "is empty; send a CSV file or a workbook")
    return bytes(body)


async def _rows(file: bytes) -> Rows:
    """The rows of whatever it is: what a file says of itself is more to be believed than its Content-Type."""
    return await asyncio.to_thread(_sheet, file) if file.startswith(b"PK\x03\x04") else csv_rows(file)


def _sheet(file: bytes) -> list[tuple[int, list[str] | str]]:
    with tempfile.TemporaryDirectory(prefix="muster-people-") as folder:
        workbook = Path(folder) / "people.xlsx"
        workbook.write_bytes(file)
        rows = list(sheet_of(workbook, Path(folder) / "rows", limits=WORKBOOK).rows())
    width = len(rows[0][1]) if rows else 0
    # A sheet does not say where a row ends: what is empty at its end is there all the same.
    return [(number, cells + [""] * (width - len(cells))) for number, cells in rows]


def _imported(done: Import) -> dict[str, Any]:
    return {
        "dry_run": done.dry_run,
        "read": done.read,
        "created": done.created,
        "updated": done.updated,
        "unchanged": done.unchanged,
        "skipped": done.skipped,
        "errors": [error._asdict() for error in done.errors],
        "error_groups": [
            {"field": name, "message": message, "count": len(lines), "lines": lines[:MOST_SHOWN]}
            for name, message, lines in error_groups(done.errors)
        ],
        "warnings": [warning._asdict() for warning in done.warnings],
        "ignored_columns": list(done.ignored_columns),
        **({"rows": [row._asdict() for row in done.rows[:MOST_SHOWN]]} if done.dry_run else {}),
    }


def _rejected(tried: Import) -> bytes:
    wrong: dict[int, list[str]] = {}
    for line, name, message in tried.errors:
        wrong.setdefault(line, []).append(f"{name}: {message}" if name else message)
    keep = [place for place, name in enumerate(tried.header) if name.strip().lower() != ERRORS]
    rows = [[ERRORS, *(tried.header[place] for place in keep)]]
    for line, messages in sorted(wrong.items()):
        cells = tried.cells[line]
        rows.append(["; ".join(messages), *(cells[place] if place < len(cells) else "" for place in keep)])
    return _csv(rows)


def _csv(rows: list[list[str]]) -> bytes:
    out = io.StringIO()
    csv.writer(out).writerows(map(as_text, row) for row in rows)
    return out.getvalue().encode("utf-8-sig")  # the mark by which spreadsheets know UTF-8


def _workbook() -> bytes:
    from openpyxl import Workbook
    from openpyxl.styles import Font

    book = Workbook()
    people = book.active
    people.title = "People"
    people.append(list(COLUMNS))
    explained = book.create_sheet("Columns")
    for number, (name, words) in enumerate(COLUMNS.items(), 1):
        people.cell(1, number).font = Font(bold=True)
        explained.append([name, words])
        # As text, or a spreadsheet would make 7 of the badge 007, and something else of a date.
        for row in range(2, 502):
            people.cell(row, number).number_format = "@"
    people.freeze_panes = "A2"
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def _download(body: bytes, name: str, kind: str) -> Response:
    return Response(body, media_type=kind, headers={"Content-Disposition": f'attachment; filename="{name}"'})
