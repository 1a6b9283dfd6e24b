"""Which format a file has, by its content, and its records from there on."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Protocol

from services.ingest.domain.reading import Reading, Unreadable
from services.ingest.vendors.files import attlog, glog
from services.ingest.vendors.files.cells import shown, text_of
from services.ingest.vendors.files.lines import Line, Lines
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


FORMATS: Mapping[str, Callable[[bool | None], Format]] = {
    attlog.NAME: lambda _: attlog.Attlog(),
    glog.NAME: lambda day_first: glog.Glog(day_first=day_first),
}
"""The formats in the order in which they are asked; each is made with `day_first`."""

_OTHER_KINDS = (
    (b"\x89PNG", "a PNG picture"),
    (b"\xff\xd8\xff", "a JPEG picture"),
    (b"GIF8", "a GIF picture"),
    (b"PK\x03\x04", "an XLSX workbook or a ZIP archive"),
    (b"\xd0\xcf\x11\xe0", "an old Office file"),
    (b"%PDF", "a PDF"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"SQLite", "a database"),
    (b"\x7fELF", "a program"),
    (b"\xff\xfe", "UTF-16 text: save it as UTF-8 first"),
    (b"\xfe\xff", "UTF-16 text: save it as UTF-8 first"),
)


class FileReader:
    """Records of a file, fed in pieces of any size. The same bytes give the same records, however they are split."""

    def __init__(self, format: str | None = None, *, day_first: bool | None = None) -> None:  # noqa: A002 - its name
        """`format` is one of `FORMATS`; None finds it out.

        Raises:
            Malformed: no such format.
        """
        if format is not None and format not in FORMATS:
            raise Malformed(
                f"there is no file format {format!r}; there are {sentence(list(FORMATS))}",
                fields={"format": "unknown"},
            )
        self._lines = Lines()
        self._first = b""
        self._candidates = {name: make(day_first) for name, make in FORMATS.items() if format in (None, name)}
        self._format = self._candidates[format] if format else None
        self.format = format
        """Its name once it is known."""
        self._waiting: list[Line] = []
        self._waiting_bytes = 0

    def feed(self, chunk: bytes) -> Iterator[Reading | Unreadable]:
        """The records that these bytes complete.

        Raises:
            ForeignFile: by now it is certain that this is no log.
        """
        if len(self._first) < 8:
            self._first += chunk[:8]
            self._refuse_other_kinds()
        for line in self._lines.feed(chunk):
            yield from self._read(line)

    def finish(self) -> Iterator[Reading | Unreadable]:
        """What waited for the end.

        Raises:
            ForeignFile: nothing in it could be read.
        """
        for line in self._lines.finish():
            yield from self._read(line)
        if self._format is None:
            raise self._foreign()
        yield from self._format.finish()

    def _read(self, line: Line) -> Iterator[Reading | Unreadable]:
        if self._format is None:
            self._waiting.append(line)
            self._waiting_bytes += len(line.raw)
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
                self.format, self._format = name, candidate
                return True
        return False

    def _refuse_other_kinds(self) -> None:
        for magic, kind in _OTHER_KINDS:
            if self._first.startswith(magic):
                raise ForeignFile(f"this is {kind}, not a log of a machine")

    def _foreign(self) -> ForeignFile:
        if not self._waiting:
            return ForeignFile("the file is empty")
        first = self._waiting[0]
        return ForeignFile(
            f"no line of it can be read as {' or '.join(self._candidates)}; "
            f"line {first.number} is {shown(text_of(first.raw[:60]))}"
        )
