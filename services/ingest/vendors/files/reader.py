"""Which format a file has, by its content, and its records from there on."""

import codecs
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, tzinfo
from typing import Any, Final, Protocol

from services.ingest.application.file_form import FOR_TABLES, FileForm
from services.ingest.domain.reading import Reading, Unreadable
from services.ingest.vendors.files import attlog, glog
from services.ingest.vendors.files.cells import shown, text_of
from services.ingest.vendors.files.columns import Columns
from services.ingest.vendors.files.dates import Order
from services.ingest.vendors.files.delimited import DELIMITERS
from services.ingest.vendors.files.lines import Line, Lines
from services.ingest.vendors.files.said_dates import Pattern, said
from services.ingest.vendors.files.spooling import CsvSpool, WorkbookSpool
from services.ingest.vendors.files.tables import opened
from shared.kernel.errors import Malformed, sentence

UNDECIDED_BYTES = 256 * 1024
UNDECIDED_LINES = 5_000
"""What may come before the first line that any format can read."""


class ForeignFile(Malformed):
    """The file is not a log that we can read."""


class Format(Protocol):
    """Reads one file, line by line. Pure, with a state of its own: one for each file."""

    def recognises(self, line: Line) -> bool:
        """Whether this line shows that the file is of this format. Changes nothing."""

    def read(self, line: Line) -> Sequence[Reading | Unreadable]:
        """The records that this line makes certain: usually its own."""

    def finish(self) -> Sequence[Reading | Unreadable]:
        """Those that waited for more."""


BY_LINES: Mapping[str, Callable[[bool | None], Format]] = {
    attlog.NAME: lambda _: attlog.Attlog(),
    glog.NAME: lambda day_first: glog.Glog(day_first=day_first),
}
"""The formats that are read line by line, in the order in which they are asked; each is made with `day_first`."""
CSV: Final = "csv"
XLSX: Final = "xlsx"
FORMATS: Final = (*BY_LINES, CSV, XLSX)

_ZIP: Final = b"PK\x03\x04"
_OTHER_KINDS = (
    (b"\x89PNG", "a PNG picture"),
    (b"\xff\xd8\xff", "a JPEG picture"),
    (b"GIF8", "a GIF picture"),
    (b"\xd0\xcf\x11\xe0", "an old Excel file, or one with a password: save it as XLSX without one"),
    (b"%PDF", "a PDF"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"SQLite", "a database"),
    (b"\x7fELF", "a program"),
)


class FileReader:
    """Records of a file, fed in pieces of any size. The same bytes give the same records, however they are split."""

    def __init__(self, form: FileForm | None = None, zone: tzinfo = UTC) -> None:
        """`form` is what a person says of it; `zone` that of the machine's clock, for times that tell their offset.

        Raises:
            Malformed: something in `form` is wrong.
        """
        form = self._form = form or FileForm()
        lines = form.format if form.format in BY_LINES else None
        if form.format is not None and form.format not in FORMATS:
            raise Malformed(
                f"there is no file format {form.format!r}; there are {sentence(FORMATS)}", fields={"format": "unknown"}
            )
        if lines is not None:
            self._refuse_what_is_for_tables(lines)
        self._zone = zone
        self._lines = Lines()
        self._first = b""
        self._candidates = {
            name: make(_day_first(form)) for name, make in BY_LINES.items() if form.format in (None, name)
        }
        self._may_be_csv = form.format in (None, CSV)
        self._format: Format | None = self._candidates[lines] if lines is not None else None
        self._spool: CsvSpool | WorkbookSpool | None = None
        self._held: list[bytes] = []
        self._held_bytes = 0
        self._waiting: list[Line] = []
        self._waiting_bytes = 0
        self.format = form.format
        """Its name once it is known."""
        self.recognised: Mapping[str, Any] | None = None
        """What was found out about a table, once that is done."""

    def feed(self, chunk: bytes) -> Iterator[Reading | Unreadable]:
        """The records that these bytes complete; those of a table wait for its end.

        Raises:
            ForeignFile: by now it is certain that this is no log.
        """
        if len(self._first) < 8:
            self._first += chunk[: 8 - len(self._first)]
            self._look_at_its_beginning()
        if self._spool is not None:
            self._feed_spool(chunk)
            return
        if self._format is None:
            self._hold(chunk)
        for line in self._lines.feed(chunk):
            yield from self._read(line)

    def finish(self) -> Iterator[Reading | Unreadable]:
        """What waited for the end.

        Raises:
            ForeignFile: nothing in it could be read.
        """
        for line in self._lines.finish() if self._spool is None else ():
            yield from self._read(line)
        if self._spool is not None:
            rows, how = self._spool.rows()
            table = opened(rows, self._form, self._zone, unit=self._spool.unit)
            self.recognised = {**table.recognised, **how}
            yield from table.readings()
            return
        if self._format is None:
            raise self._foreign()
        yield from self._format.finish()

    def close(self) -> None:
        """Whoever reads on in a thread stops soon."""
        if self._spool is not None:
            self._spool.close()

    def _read(self, line: Line) -> Iterator[Reading | Unreadable]:
        if self._spool is not None:
            return  # it is a table since a line before this one, and kept as a whole
        if self._format is None:
            self._waiting.append(line)
            self._waiting_bytes += len(line.raw)
            self._may_be_csv = self._may_be_csv and not line.cut
            if self._may_be_csv and self._names_columns(line):
                self._become_table(CSV)
                return
            if not self._decide(line):
                if self._waiting_bytes > UNDECIDED_BYTES or len(self._waiting) > UNDECIDED_LINES:
                    raise self._foreign()
                return
            waiting, self._waiting = self._waiting, []
        else:
            waiting = [line]
        assert self._format is not None  # noqa: S101 - decided above
        for one in waiting:
            if one.cut:
                reason = "the line is longer than 64 KiB; its beginning is kept"
                yield Unreadable(reason=reason, raw=one.raw, position=one.number)
            else:
                yield from self._format.read(one)

    def _decide(self, line: Line) -> bool:
        if line.cut:
            return False
        for name, candidate in self._candidates.items():
            if candidate.recognises(line):
                self._refuse_what_is_for_tables(name)
                self.format, self._format = name, candidate
                self._held = []
                return True
        return False

    def _refuse_what_is_for_tables(self, format: str) -> None:  # noqa: A002 - its name
        if said := [name for name in FOR_TABLES if getattr(self._form, name) is not None]:
            raise Malformed(
                f"this is {format}, whose columns are known; {said[0]} is for CSV and XLSX",
                fields={said[0]: "is for CSV and XLSX"},
            )

    def _look_at_its_beginning(self) -> None:
        for magic, kind in _OTHER_KINDS:
            if self._first.startswith(magic):
                raise ForeignFile(f"this is {kind}, not a log of a machine")
        if self._spool is not None:
            return
        if self._form.format in BY_LINES:
            if self._first.startswith((_ZIP, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
                raise ForeignFile(f"this is no text as {self._form.format} is, but a workbook, an archive or UTF-16")
        elif self._first.startswith(_ZIP):
            if self._form.format == CSV:
                raise ForeignFile("this is an XLSX workbook or a ZIP archive, not CSV")
            self._become_table(XLSX)
        elif self._form.format == XLSX:
            if len(self._first) >= len(_ZIP):
                raise ForeignFile("this is no XLSX workbook")
        elif self._surely_csv():
            self._become_table(CSV)

    def _surely_csv(self) -> bool:
        form = self._form
        if form.format == CSV or any(getattr(form, name) is not None for name in ("columns", "delimiter", "encoding")):
            return len(self._first) >= len(_ZIP)
        return self._first.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))

    def _names_columns(self, line: Line) -> bool:
        """Whether this is the header of a table, rather than a line of a log."""
        if any(candidate.recognises(line) for candidate in self._candidates.values()):
            return False
        text = text_of(line.raw)
        try:
            return any(Columns().layout(_unquoted(text.split(delimiter)), ()) for delimiter in DELIMITERS.values())
        except Malformed:  # it is, and names two
            return True

    def _become_table(self, format: str) -> None:  # noqa: A002 - its name
        self._spool = WorkbookSpool(self._form) if format == XLSX else CsvSpool(self._form)
        self.format = format
        held, self._held, self._waiting = self._held, [], []
        for chunk in held:
            self._feed_spool(chunk)

    def _feed_spool(self, chunk: bytes) -> None:
        assert self._spool is not None  # noqa: S101 - asked by the callers
        self._spool.feed(chunk)

    def _hold(self, chunk: bytes) -> None:
        """Until it is known whether it is a table, which is read from its first byte on."""
        if not self._may_be_csv:
            return
        self._held.append(chunk)
        self._held_bytes += len(chunk)
        if self._held_bytes > len(chunk) + 4 * UNDECIDED_BYTES:
            self._may_be_csv, self._held = False, []

    def _foreign(self) -> ForeignFile:
        if not self._waiting:
            return ForeignFile("the file is empty")
        if self._may_be_csv:
            for line in self._waiting:
                cells = [text_of(line.raw).split(delimiter) for delimiter in DELIMITERS.values()]
                if lacking := next(filter(None, (Columns().lacking(_unquoted(each)) for each in cells)), ""):
                    return ForeignFile(f"line {line.number} {lacking}", fields={"columns": "not found"})
        first = self._waiting[0]
        hint = ""
        try:
            first.raw.decode("utf-8")
        except UnicodeDecodeError:
            hint = "; it is no UTF-8: say encoding, such as gbk or cp1252, if it is a table"
        return ForeignFile(
            f"no line of it can be read as {' or '.join(self._candidates)}, or names the columns of a table; "
            f"line {first.number} is {shown(text_of(first.raw[:60]))}{hint}"
        )


def open_file(form: FileForm, zone: tzinfo) -> FileReader:
    """Start reading a file. Raises as `FileReader` does."""
    return FileReader(form, zone)


def _unquoted(cells: Sequence[str]) -> Sequence[str]:
    return [cell.strip('" ') for cell in cells]


def _day_first(form: FileForm) -> bool | None:
    order = said(form.date_format, form.day_first)
    return None if order is None or isinstance(order, Pattern) else order is Order.DAY_FIRST
