"""Text with delimiters, to numbered rows. Bounded memory, whatever comes."""

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, TextIO

from services.ingest.vendors.files.lines import KEPT, LONGEST

DELIMITERS: Final = {"comma": ",", "semicolon": ";", "tab": "\t", "pipe": "|"}
"""Those that are looked for."""
MOST_LINES: Final = 100
"""Lines that a quoted cell may go on for; a quote that is open for longer was none."""
MOST_CELLS: Final = 1_000
_PADDING: Final = "\0\r\x1a\ufeff"


@dataclass(frozen=True, slots=True)
class Row:
    """A row and the line that it begins on, from 1."""

    number: int
    cells: Sequence[str]
    raw: str
    broken: str = ""
    """Why it cannot be read, if it cannot."""


def rows(text: TextIO, delimiter: str) -> Iterator[Row]:
    """The rows that hold anything."""
    lines = _Lines(text)
    while (line := lines.next()) is not None:
        number, raw, cut = lines.number, line, lines.cut
        if cut:
            yield Row(number, (), raw[:KEPT], "the line is longer than 64 KiB; its beginning is kept")
        elif not raw.strip():
            continue
        elif '"' not in raw:
            yield _row(number, raw.split(delimiter), raw)
        else:
            yield _quoted(lines, number, raw, delimiter)


def _quoted(lines: "_Lines", number: int, raw: str, delimiter: str) -> Row:
    """A row with quotes, which may go on in the next lines."""
    parts, text = [raw], raw
    while (trouble := _trouble(text, delimiter)) and (trouble == _OPEN or len(parts) > 1):
        following = lines.next() if trouble == _OPEN and len(parts) < MOST_LINES and len(text) < LONGEST else None
        if following is None:
            # A stray quote costs its own line, not those that it would swallow.
            lines.give_back(parts[1:])
            return Row(number, (), raw, "a quote is opened and never closed")
        parts.append(following)
        while '"' not in following and len(parts) < MOST_LINES and (more := lines.next()) is not None:
            parts.append(following := more)  # nothing in such a line can close a quote
        text = "\n".join(parts)
    return _row(number, next(csv.reader([text], delimiter=delimiter)), text)


_OPEN: Final = "unexpected end of data"


def _trouble(text: str, delimiter: str) -> str:
    """What is wrong with the quotes of a row, in the words of the standard library; nothing if they are well."""
    try:
        for _ in csv.reader([text], delimiter=delimiter, strict=True):
            pass
    except csv.Error as error:
        return str(error)
    return ""


def _row(number: int, cells: Sequence[str], raw: str) -> Row:
    if len(cells) > MOST_CELLS:
        return Row(number, (), raw[:KEPT], f"{len(cells)} cells in one row")
    return Row(number, cells, raw)


class _Lines:
    """Lines without their ends; `number` is that of the last one."""

    def __init__(self, text: TextIO) -> None:
        self._text = text
        self._back: list[str] = []
        self.number = 0
        self.cut = False

    def next(self) -> str | None:
        """The next line; None at the end."""
        self.cut = False
        if self._back:
            self.number += 1
            return self._back.pop()
        line = self._text.readline(LONGEST + 1)
        if not line:
            return None
        self.number += 1
        if len(line) > LONGEST and not line.endswith("\n"):
            self.cut = not _is_padding(line, self._skip())
        return line.rstrip("\n").strip(_PADDING)

    def _skip(self) -> bool:
        """Go to the end of this line; whether there was nothing but padding."""
        nothing = True
        while rest := self._text.readline(LONGEST):
            nothing = nothing and not rest.strip(_PADDING + "\n")
            if rest.endswith("\n"):
                break
        return nothing

    def give_back(self, lines: Sequence[str]) -> None:
        """These come again."""
        self._back += reversed(lines)
        self.number -= len(lines)


def _is_padding(line: str, rest_is: bool) -> bool:
    return rest_is and len(line.strip(_PADDING)) <= LONGEST
