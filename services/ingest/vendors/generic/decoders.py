"""From a frame to named texts. Pure.

Values stay texts as the machine wrote them, numbers of JSON included: a badge is never a number.
"""

import csv
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final, assert_never

from services.ingest.vendors.files.cells import NotReadable, shown
from services.ingest.vendors.generic.decoding import (
    Binary,
    Columns,
    Decoding,
    JsonValues,
    Matched,
    Pairs,
    Part,
    Separated,
)
from services.ingest.vendors.generic.patterns import pattern

MOST: Final = 1000
"""Records in a frame."""

Record = Mapping[str, str]
Decoder = Callable[[bytes], Sequence[Record]]
"""Raises NotReadable, with a few words why."""


def decoder(decoding: Decoding) -> Decoder:
    """The function that decodes frames."""
    match decoding:
        case JsonValues():
            return lambda body: _json(decoding, text_of(decoding, body))
        case Separated():
            return lambda body: [_separated(decoding, text_of(decoding, body))]
        case Matched():
            return lambda body: [_matched(decoding, text_of(decoding, body))]
        case Columns():
            return lambda body: [_columns(decoding, text_of(decoding, body))]
        case Pairs():
            return lambda body: [_pairs(decoding, text_of(decoding, body))]
        case Binary():
            return lambda body: [{name: _part(name, part, body) for name, part in decoding.parts.items()}]
        case _:
            assert_never(decoding)


def text_of(decoding: Decoding, body: bytes) -> str:
    r"""The text of a frame; bytes that are none stay visible as `\xNN`, the same each time."""
    return body.decode(decoding.encoding, errors="backslashreplace")


def _json(decoding: JsonValues, text: str) -> Sequence[Record]:
    try:
        value = json.loads(text, parse_int=str, parse_float=str, parse_constant=str)
    except (ValueError, RecursionError) as error:
        reason = "it is nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise NotReadable(f"no JSON: {reason}") from error
    if decoding.records:
        value = _at(value, decoding.records)
        if value is None:
            raise NotReadable(f"it has no {decoding.records}")
    if not isinstance(value, list):
        return [_Paths(value)]
    if len(value) > MOST:
        raise NotReadable(f"{len(value):,} records in one frame")
    return [_Paths(each) for each in value]


class _Paths(Mapping[str, str]):
    """A JSON value whose names are paths. Only what is asked for is looked up."""

    def __init__(self, value: Any) -> None:
        self._value = value

    def __getitem__(self, path: str) -> str:
        found = _at(self._value, path)
        if found is None or isinstance(found, dict | list):
            raise KeyError(path)
        return found if isinstance(found, str) else str(found).lower()

    def __iter__(self) -> Iterator[str]:
        return iter([name for name in self._value if name in self] if isinstance(self._value, dict) else ())

    def __len__(self) -> int:
        return len(list(iter(self)))


def _at(value: Any, path: str) -> Any:
    if isinstance(value, dict) and path in value:
        return value[path]
    for name in path.split("."):
        if isinstance(value, dict):
            value = value.get(name)
        elif isinstance(value, list) and name.isdecimal() and len(name) < 6 and int(name) < len(value):
            value = value[int(name)]
        else:
            return None
    return value


def _separated(decoding: Separated, text: str) -> Record:
    if decoding.quote is None or decoding.quote not in text:
        cells = text.split(decoding.separator)
    elif len(decoding.separator) == 1:
        try:
            rows = list(csv.reader([text], delimiter=decoding.separator, quotechar=decoding.quote, strict=True))
        except (csv.Error, ValueError) as error:
            raise NotReadable(f"its quotes are wrong: {error}") from error
        cells = rows[0] if rows else []
    else:
        cells = [cell.strip(decoding.quote) for cell in text.split(decoding.separator)]
    if not decoding.columns:
        return {str(number): cell for number, cell in enumerate(cells, 1)}
    return {name: cell for name, cell in zip(decoding.columns, cells, strict=False) if name}


def _matched(decoding: Matched, text: str) -> Record:
    found = pattern(decoding.pattern).named(text)
    if found is None:
        raise NotReadable(f"the pattern does not fit {shown(text)}")
    return found


def _columns(decoding: Columns, text: str) -> Record:
    return {
        name: text[first : first + length]
        for name, (first, length) in decoding.columns.items()
        if len(text) >= first + length
    }


def _pairs(decoding: Pairs, text: str) -> Record:
    pairs = (pair.partition(decoding.equals) for pair in text.split(decoding.separator))
    return {name.strip(): value for name, equals, value in pairs if equals}


def _part(name: str, part: Part, body: bytes) -> str:
    raw = body[part.offset : part.offset + part.size]
    if len(raw) < part.size:
        raise NotReadable(f"it ends before {name}: it has {len(body)} bytes")
    if part.kind == "text":
        return raw.rstrip(b"\0").decode("latin-1")
    if part.order == "little" and part.kind in ("bcd", "hex"):
        raw = raw[::-1]
    if part.kind in ("bcd", "hex"):
        digits = raw.hex().upper()
        if part.kind == "bcd" and not digits.isdecimal():
            raise NotReadable(f"{name} is no decimal number: {digits}")
        return digits
    return str(int.from_bytes(raw, part.order, signed=part.kind == "signed"))
