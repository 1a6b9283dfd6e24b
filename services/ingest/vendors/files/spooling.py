"""Tables as they arrive: kept until their end, because only then it is known what is in them."""

import codecs
import contextlib
import gzip
import io
import tempfile
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import IO, Any, Final, Protocol, cast

from services.ingest.application.file_form import FileForm
from services.ingest.vendors.files.columns import Columns
from services.ingest.vendors.files.delimited import DELIMITERS, Row, rows
from services.ingest.vendors.files.tables import HEADER_WITHIN, Rows, header_of
from shared.files.workbook import sheet_of
from shared.kernel.errors import Malformed, Unavailable, sentence

LARGEST_WORKBOOK: Final = 256 * 1024 * 1024
"""Bytes, packed as it is. A million rows are a tenth of it."""
_CODE_PAGES: Final = (437, 850, 866, 874, *range(1250, 1259))
ENCODINGS: Final = (
    *("utf-8", "utf-16", "utf-16-le", "utf-16-be", "gbk", "gb18030", "big5", "shift_jis", "euc-jp", "euc-kr"),
    *("iso-8859-1", "iso-8859-2", "iso-8859-9", "iso-8859-15", "koi8-r"),
    *(f"cp{number}" for number in _CODE_PAGES),
)
_WIDER: Final = {"gb2312": "gbk", "ascii": "utf-8", "utf-8-sig": "utf-8"}
_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


class Spool(Protocol):
    """A file that is kept while it arrives."""

    def feed(self, chunk: bytes) -> None:
        """Keep it. Raises `Unavailable` where there is no room."""

    def rows(self) -> tuple[Rows, dict[str, Any]]:
        """All of its rows, once all is here, and how they were found.

        Raises:
            Malformed: there are none to be found.
        """

    def close(self) -> None:
        """Give up. Whoever reads it in a thread stops soon."""


class CsvSpool:
    """Text; kept compressed, as temporary files may be in memory."""

    unit = "line"

    def __init__(self, form: FileForm) -> None:
        """Raises `Malformed` for an encoding or delimiter that is none."""
        self._encoding = _encoding(form.encoding)
        self._delimiter = _delimiter(form.delimiter)
        self._columns = Columns(form.columns)
        if form.sheet is not None:
            raise Malformed("a CSV file has no sheets", fields={"sheet": "is for XLSX"})
        self._file = tempfile.TemporaryFile(prefix="muster-import-")  # noqa: SIM115 - it lives as long as this does
        self._packed = gzip.GzipFile(fileobj=self._file, mode="wb", compresslevel=1)
        self._over = False

    def feed(self, chunk: bytes) -> None:
        _kept(self._packed, chunk)

    def rows(self) -> tuple[Rows, dict[str, Any]]:
        self._packed.close()
        self._encoding = self._encoding or self._by_its_beginning()
        heads = {
            delimiter: list(islice(self._rows(delimiter), HEADER_WITHIN))
            for delimiter in ([self._delimiter] if self._delimiter else DELIMITERS.values())
        }
        delimiter = self._by_header(heads) or self._by_cells(heads)
        name = next((name for name, each in DELIMITERS.items() if each == delimiter), delimiter)
        return lambda: self._rows(delimiter), {"delimiter": name, "encoding": self._encoding}

    def close(self) -> None:
        self._over = True

    def _rows(self, delimiter: str) -> Iterator[Row]:
        encoding = "utf-8-sig" if self._encoding == "utf-8" else str(self._encoding)
        self._file.seek(0)
        unpacked = gzip.GzipFile(fileobj=self._file, mode="rb")
        # What is not of this encoding stays visible, the same each time.
        with io.TextIOWrapper(cast("IO[bytes]", unpacked), encoding, errors="backslashreplace") as text:
            for row in rows(text, delimiter):
                if self._over:
                    return
                yield row

    def _by_its_beginning(self) -> str:
        self._file.seek(0)
        beginning = gzip.GzipFile(fileobj=self._file, mode="rb").read(400)
        for mark, encoding in _MARKS:
            if beginning.startswith(mark):
                return encoding
        even, odd = beginning[0::2], beginning[1::2]
        if odd and odd.count(0) > len(odd) // 2:
            return "utf-16-le"
        return "utf-16-be" if even and even.count(0) > len(even) // 2 else "utf-8"

    def _by_header(self, heads: dict[str, list[Row]]) -> str | None:
        found = {}
        for delimiter, head in heads.items() if not self._columns.by_number else ():
            if header := header_of(self._columns, head):
                found[delimiter] = len(header[0].header)
        return max(found, key=lambda delimiter: found[delimiter], default=None)

    def _by_cells(self, heads: dict[str, list[Row]]) -> str:
        """The one that cuts these rows into the most cells."""
        return max(heads, key=lambda delimiter: sum(len(row.cells) - 1 for row in heads[delimiter] if row.cells))


class WorkbookSpool:
    """A workbook, whose directory is at its end."""

    unit = "row"

    def __init__(self, form: FileForm) -> None:
        """Raises `Malformed` for what nothing but text has."""
        for name in ("encoding", "delimiter"):
            if getattr(form, name) is not None:
                raise Malformed(f"a workbook has no {name}", fields={name: "is for CSV"})
        self._sheet = form.sheet
        self._folder = tempfile.TemporaryDirectory(prefix="muster-import-")
        self._workbook = Path(self._folder.name) / "workbook.xlsx"
        self._file = self._workbook.open("wb")
        self._bytes = 0
        self._over = False

    def feed(self, chunk: bytes) -> None:
        self._bytes += len(chunk)
        if self._bytes > LARGEST_WORKBOOK:
            raise Malformed(f"a workbook of more than {LARGEST_WORKBOOK >> 20} MB is not read: save the sheet as CSV")
        _kept(self._file, chunk)

    def rows(self) -> tuple[Rows, dict[str, Any]]:
        self._file.close()
        sheet = sheet_of(self._workbook, self._workbook.with_suffix(".rows"), self._sheet, given_up=lambda: self._over)

        def until_over() -> Iterator[Row]:
            for number, cells in sheet.rows():
                if self._over:
                    return
                yield Row(number, cells, "\t".join(cells))

        return until_over, {"sheet": sheet.name}

    def close(self) -> None:
        self._over = True


def _kept(file: Any, chunk: bytes) -> None:
    try:
        file.write(chunk)
    except OSError as error:
        raise Unavailable(f"there is no room to keep the file while it arrives: {error.strerror}") from error


def _encoding(said: str | None) -> str | None:
    if said is None:
        return None
    with contextlib.suppress(LookupError):
        name = codecs.lookup(said.strip()).name
        name = _WIDER.get(name, name)
        if found := next((encoding for encoding in ENCODINGS if codecs.lookup(encoding).name == name), None):
            return found
    raise Malformed(
        f"{said!r} is no encoding that is read; there are {sentence(ENCODINGS)}", fields={"encoding": "unknown"}
    )


def _delimiter(said: str | None) -> str | None:
    if said is None or said in DELIMITERS:
        return DELIMITERS.get(said or "")
    if said == "\\t":
        return "\t"
    if len(said) != 1 or said.isalnum() or said in "\"'\r\n\0":
        names: Sequence[str] = list(DELIMITERS)
        raise Malformed(
            f"{said!r} is no delimiter: say {sentence(names)}, or one character", fields={"delimiter": "one character"}
        )
    return said
