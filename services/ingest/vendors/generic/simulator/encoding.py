"""The opposite of what framers and decoders do: from named texts to the bytes that a machine sends. Pure."""

import csv
import io
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final, assert_never
from zoneinfo import ZoneInfo

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
from services.ingest.vendors.generic.framing import (
    Datagrams,
    Delimited,
    Enclosed,
    Fixed,
    Framing,
    Json,
    LengthPrefixed,
    Lines,
    Pauses,
)

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class CannotSay(ValueError):
    """This profile has no way to say it; the message is for people."""


def framed(framing: Framing, body: bytes) -> bytes:
    """A frame with this body."""
    match framing:
        case Lines():
            return body + b"\r\n"
        case Delimited():
            return body + bytes.fromhex(framing.end)
        case Enclosed():
            return _enclosed(framing, body)
        case Fixed():
            return _fixed(framing, body)
        case LengthPrefixed():
            return _length_prefixed(framing, body)
        case Json() | Datagrams() | Pauses():
            return body
        case _:
            assert_never(framing)


def encoded(decoding: Decoding, values: Mapping[str, str], *, template: str | None = None) -> bytes:
    """The body of a record. A pattern needs a `template`, in which the names stand in braces.

    Raises:
        CannotSay: a value does not fit, or there is no template.
    """
    match decoding:
        case JsonValues():
            return _json(decoding, values)
        case Separated():
            text = _separated(decoding, values)
        case Matched():
            if template is None:
                raise CannotSay(
                    "a pattern cannot be turned round: say what a record looks like, with {badge} and {time}"
                )
            text = template
            for name, value in values.items():
                text = text.replace("{" + name + "}", value)
        case Columns():
            text = _columns(decoding, values)
        case Pairs():
            text = decoding.separator.join(f"{name}{decoding.equals}{value}" for name, value in values.items())
        case Binary():
            return _binary(decoding, values)
        case _:
            assert_never(decoding)
    return text.encode(decoding.encoding, "replace")


def written_time(wall: datetime, form: str, zone: ZoneInfo) -> str:  # noqa: PLR0911 - one a form
    """A wall time of a machine in `zone`, in a form of the profile."""
    at = wall.replace(tzinfo=zone)
    match form:
        case "iso":
            return at.isoformat(timespec="seconds")
        case "year_first":
            return wall.isoformat(sep=" ", timespec="seconds")
        case "day_first":
            return wall.strftime("%d/%m/%Y %H:%M:%S")
        case "month_first":
            return wall.strftime("%m/%d/%Y %H:%M:%S")
        case "epoch_seconds":
            return str((at - EPOCH) // timedelta(seconds=1))
        case "epoch_milliseconds":
            return str((at - EPOCH) // timedelta(milliseconds=1))
        case "epoch_seconds_local":
            return str((wall.replace(tzinfo=UTC) - EPOCH) // timedelta(seconds=1))
        case _:
            return at.strftime(form)


def _enclosed(framing: Enclosed, body: bytes) -> bytes:
    start, end = bytes.fromhex(framing.start), bytes.fromhex(framing.end)
    if framing.escape is not None:
        escape = bytes.fromhex(framing.escape)
        special = set(start + end + escape)
        body = b"".join(escape + bytes([byte]) if byte in special else bytes([byte]) for byte in body)
    whole = start + body + end
    if framing.checksum is None:
        return whole
    covered = {"body": body, "body_and_end": body + end, "all": whole}[framing.covers]
    return whole + framing.checksum.of(covered)


def _fixed(framing: Fixed, body: bytes) -> bytes:
    room = framing.length - (framing.checksum.size if framing.checksum else 0)
    if len(body) > room:
        raise CannotSay(f"a frame of {framing.length} bytes has no room for {len(body)}")
    body = body.ljust(room, b" ")
    return body + (framing.checksum.of(body) if framing.checksum else b"")


def _length_prefixed(framing: LengthPrefixed, body: bytes) -> bytes:
    head = b"" if framing.header else bytes.fromhex(framing.start or "").ljust(framing.offset, b"\0")
    rest = body[framing.offset + framing.size :] if framing.header else body
    if framing.header:
        head = body[: framing.offset]
    told = len(rest) + (framing.checksum.size if framing.checksum else 0) - framing.adjust
    if framing.counts_itself:
        told += framing.offset + framing.size
    whole = head + told.to_bytes(framing.size, framing.order) + rest
    return whole + (framing.checksum.of(whole) if framing.checksum else b"")


def _json(decoding: JsonValues, values: Mapping[str, str]) -> bytes:
    record: dict[str, Any] = {}
    for path, value in values.items():
        _put(record, path.split("."), value)
    whole: Any = record
    if decoding.records:
        whole = {}
        _put(whole, decoding.records.split("."), [record])
    return json.dumps(whole, ensure_ascii=decoding.encoding != "utf-8").encode(decoding.encoding)


def _put(into: dict[str, Any], path: list[str], value: Any) -> None:
    for name in path[:-1]:
        into = into.setdefault(name, {})
    into[path[-1]] = value


def _separated(decoding: Separated, values: Mapping[str, str]) -> str:
    columns = decoding.columns
    if not columns:
        last = max((int(name) for name in values if name.isdecimal()), default=0)
        columns = tuple(str(number) for number in range(1, last + 1))
    cells = [values.get(name, "") for name in columns]
    if decoding.quote is None or len(decoding.separator) > 1:
        return decoding.separator.join(cells)
    out = io.StringIO()
    csv.writer(out, delimiter=decoding.separator, quotechar=decoding.quote, lineterminator="").writerow(cells)
    return out.getvalue()


def _columns(decoding: Columns, values: Mapping[str, str]) -> str:
    cells = [" "] * max(first + length for first, length in decoding.columns.values())
    for name, (first, length) in decoding.columns.items():
        value = values.get(name, "")
        if len(value) > length:
            raise CannotSay(f"{name} has no room for {value!r}")
        cells[first : first + length] = value.ljust(length)
    return "".join(cells)


def _binary(decoding: Binary, values: Mapping[str, str]) -> bytes:
    whole = bytearray(max(part.offset + part.size for part in decoding.parts.values()))
    for name, part in decoding.parts.items():
        try:
            whole[part.offset : part.offset + part.size] = _part(part, values.get(name, ""))
        except (ValueError, OverflowError) as error:
            raise CannotSay(f"{name} cannot be {values.get(name)!r}") from error
    return bytes(whole)


def _part(part: Part, value: str) -> bytes:
    if part.kind == "text":
        raw = value.encode("latin-1")
        if len(raw) > part.size:
            raise ValueError(value)
        return raw.ljust(part.size, b"\0")
    if part.kind in ("bcd", "hex"):
        raw = bytes.fromhex(value.zfill(2 * part.size))
        if len(raw) > part.size:
            raise ValueError(value)
        return raw[::-1] if part.order == "little" else raw
    return int(value or "0").to_bytes(part.size, part.order, signed=part.kind == "signed")
