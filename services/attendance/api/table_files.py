"""Tables as CSV and XLSX. Whatever somebody chose for a name, a spreadsheet takes it for text."""

import asyncio
import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from itertools import islice
from typing import Any, NamedTuple

from fastapi.responses import Response, StreamingResponse

Cell = str | int | float | bool | date | None
AT_A_STRETCH = 200
"""Rows that are written before others are let in."""


class Table(NamedTuple):
    """Rows below named columns."""

    title: str
    columns: Mapping[str, str]
    """With what each means."""
    rows: Iterable[Sequence[Cell]]


def csv_of(table: Table, name: str) -> Response:
    """As CSV, with a mark at its beginning by which spreadsheets know UTF-8; sent while it is written."""
    return StreamingResponse(_lines(table), media_type="text/csv; charset=utf-8", headers=_headers(name))


async def workbook_of(table: Table, name: str) -> Response:
    """As a workbook: the rows, and a sheet that says what the columns mean."""
    body = await asyncio.to_thread(_workbook, table)
    return Response(body, media_type=_XLSX, headers=_headers(name))


def as_text(cell: str) -> str:
    """A cell of CSV that a spreadsheet takes for text: one that would begin a formula gets an apostrophe before it."""
    return f"'{cell}" if cell[:1] in _BEGINS_FORMULA and not cell[1:].isdigit() else cell


_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_BEGINS_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def _headers(name: str) -> dict[str, str]:
    return {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}


async def _lines(table: Table) -> Any:
    yield "\ufeff" + _written([list(table.columns)])
    rows = iter(table.rows)
    while part := list(islice(rows, AT_A_STRETCH)):
        yield _written(part)
        await asyncio.sleep(0)


def _written(rows: Sequence[Sequence[Cell]]) -> str:
    out = io.StringIO()
    csv.writer(out).writerows([_plain(cell) for cell in row] for row in rows)
    return out.getvalue()


def _plain(cell: Cell) -> str | int | float:
    match cell:
        case None:
            return ""
        case bool():
            return "true" if cell else "false"
        case date():
            return cell.isoformat()
        case str():
            return as_text(cell)
    return cell


def _workbook(table: Table) -> bytes:
    from openpyxl import Workbook
    from openpyxl.cell import WriteOnlyCell
    from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
    from openpyxl.styles import Font

    book = Workbook(write_only=True)
    sheet = book.create_sheet(table.title)
    sheet.freeze_panes = "A2"

    def bold(names: Iterable[str]) -> Iterator[Any]:
        for name in names:
            cell = WriteOnlyCell(sheet, name)
            cell.font = Font(bold=True)
            yield cell

    def text(value: str) -> Any:
        # Said to be text: the library takes what begins with = for a formula otherwise.
        cell = WriteOnlyCell(sheet, ILLEGAL_CHARACTERS_RE.sub("", value))
        cell.data_type = "s"
        return cell

    sheet.append(bold(table.columns))
    for row in table.rows:
        sheet.append([text(cell) if isinstance(cell, str) else cell for cell in row])
    explained = book.create_sheet("Columns")
    explained.append(bold(("column", "meaning")))
    for name, words in table.columns.items():
        explained.append((name, words))
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()
