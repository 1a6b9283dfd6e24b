"""Reads one sheet of a workbook, as a process of its own: see `workbook`.

    python -m shared.files.workbook_reader WORKBOOK INTO MEMORY SECONDS DISK [SHEET]

Writes a line of JSON for each row that holds anything, its number and the texts of its cells, and tells on standard
output which sheet that was, or what is wrong.
"""

import gzip
import json
import re
import resource
import sys
import zipfile
from collections.abc import Iterator
from datetime import MAXYEAR, datetime, time, timedelta
from pathlib import Path
from typing import Any, Final

import psutil

MOST_ROWS: Final = 1_048_576
"""Of a sheet, by the rules of its format."""
LONGEST_CELL: Final = 1_024
MOST_CELLS: Final = 1_000

_ZEROS: Final = re.compile(r"0{2,24}")
_NO_WORKBOOK: Final = "this is a ZIP archive, or a broken workbook, not an XLSX workbook"


class _WrongFile(Exception):
    """Says why in a sentence."""


def main(workbook: str, into: str, memory: str, seconds: str, disk: str, *sheet: str) -> None:
    """Do it, within the limits; they count from when the library is loaded."""
    import openpyxl  # noqa: F401 - so that its own size is no part of what the workbook may take

    _limit(int(memory), int(seconds), int(disk))
    try:
        told = _read(Path(workbook), Path(into), sheet[0] if sheet else None)
    except _WrongFile as error:
        told = {"wrong": str(error)}
    sys.stdout.write(json.dumps(told))


def _limit(memory: int, seconds: int, disk: int) -> None:
    limits = {resource.RLIMIT_CPU: seconds, resource.RLIMIT_FSIZE: disk, resource.RLIMIT_CORE: 0}
    if sys.platform == "linux":
        limits[resource.RLIMIT_AS] = psutil.Process().memory_info().vms + memory
    for which, limit in limits.items():
        _, hard = resource.getrlimit(which)
        resource.setrlimit(which, (limit if hard == resource.RLIM_INFINITY else min(limit, hard), hard))


def _read(workbook: Path, into: Path, wanted: str | None) -> dict[str, Any]:
    from openpyxl import load_workbook

    _look(workbook)
    try:
        book = load_workbook(workbook, read_only=True, data_only=True, keep_links=False)
        names = [sheet.title for sheet in book.worksheets]
        found = {name.strip().casefold(): name for name in reversed(names)}
        name = names[0] if wanted is None and names else found.get((wanted or "").strip().casefold())
        if name is None:
            return {"missing": names}
        sheet = book[name]
        sheet.reset_dimensions()  # what it says of its size is not to be believed
        with gzip.open(into, "wt", encoding="utf-8", compresslevel=1) as out:
            for row in _rows(sheet):
                out.write(json.dumps(row, ensure_ascii=False) + "\n")
    except (MemoryError, OSError, _WrongFile):
        raise
    except Exception as error:
        if "memory" in str(error):
            raise MemoryError from error
        raise _WrongFile(_NO_WORKBOOK) from error
    return {"sheet": name}


def _look(workbook: Path) -> None:
    try:
        with zipfile.ZipFile(workbook) as archive:
            names = set(archive.namelist())
    except (zipfile.BadZipFile, ValueError, NotImplementedError, RuntimeError) as error:
        raise _WrongFile(_NO_WORKBOOK) from error
    if "xl/workbook.bin" in names:
        raise _WrongFile("this is an XLSB workbook: save it as XLSX or CSV")
    if "content.xml" in names:
        raise _WrongFile("this is an OpenDocument file: save it as XLSX or CSV")
    if "[Content_Types].xml" not in names or not any(name.startswith("xl/") for name in names):
        raise _WrongFile(_NO_WORKBOOK)


def _rows(sheet: Any) -> Iterator[list[Any]]:
    for number, cells in enumerate(sheet.iter_rows(), 1):
        if number > MOST_ROWS:
            raise _WrongFile("this workbook has more rows than a sheet may have")
        texts = [_text(cell) for cell in cells[:MOST_CELLS]]
        while texts and not texts[-1]:
            texts.pop()
        if texts:
            yield [number, *texts]


def _text(cell: Any) -> str:
    """A cell as a person sees it, except for dates, which are written year first."""
    match cell.value:
        case None:
            text = ""
        case bool(truth):
            text = str(truth).upper()
        case str(written):
            text = " ".join(written[:LONGEST_CELL].split("\n"))
        case datetime() as at:
            text = _moment(at, str(cell.number_format))
        case time() as at:
            text = _clock(at.hour * 3600 + at.minute * 60 + at.second + at.microsecond / 1_000_000)
        case timedelta() as span:
            text = _clock(span.total_seconds())
        case int() | float() as number if abs(number) < 1e18 and number == int(number):
            # 7 that is shown as 007 is 007 to those who typed it.
            zeros = _ZEROS.fullmatch(str(cell.number_format))
            text = str(int(number)).zfill(len(zeros[0]) if zeros else 0)
        case other:
            text = str(other)[:LONGEST_CELL]
    return text


def _moment(at: datetime, number_format: str) -> str:
    if at.year < MAXYEAR:  # else there may be no later moment, and what such a cell says is no time that anybody means
        at += timedelta(microseconds=500_000)  # a fraction of a day is never exactly a second
    has_time = any(letter in number_format.lower() for letter in "hs") or at.time() >= time(0, 0, 1)
    return f"{at:%Y-%m-%d %H:%M:%S}" if has_time else f"{at:%Y-%m-%d}"


def _clock(of_day: float) -> str:
    seconds = round(of_day)
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"


if __name__ == "__main__":
    main(*sys.argv[1:])
