"""CSV to rows: comma, semicolon or tab; UTF-8, UTF-16 or Windows-1252. No I/O."""

import codecs
import csv
import io
from collections.abc import Iterator

from services.attendance.application.people_file import Rows
from shared.kernel.errors import Malformed


def csv_rows(body: bytes) -> Rows:
    """Lines that are not blank, each with the number of the line that it begins on; a sentence where it is no CSV.

    Raises:
        Malformed: it is not text.
    """
    return _rows(_text(body))


def _text(body: bytes) -> str:
    if body.startswith(b"\xd0\xcf\x11\xe0"):
        raise Malformed("this is a workbook of an old kind; save it as XLSX or CSV and send that")
    wide = body.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    encodings = ["utf-16"] if wide else ["utf-8-sig", "cp1252"]
    for encoding in encodings:
        try:
            text = body.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" in text:
            break
        return text
    raise Malformed("this is not a text file; send CSV in UTF-8 or Windows-1252")


def _rows(text: str) -> Iterator[tuple[int, list[str] | str]]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text), strict=True)
    begins = 1
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            if "end of data" in str(error):
                raise Malformed(f"the quotation mark that opens on line {begins} is never closed") from error
            yield begins, f"cannot be read as CSV: {error}"
        else:
            if any(cell.strip() for cell in cells):
                yield begins, cells
        begins = reader.line_num + 1


def _delimiter(text: str) -> str:
    first = next((line for line in text.splitlines() if line.strip()), "")
    return max(",;\t", key=first.count)
