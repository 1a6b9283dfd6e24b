"""Profiles under test: every framing with every decoder that can stand in it."""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from services.ingest.vendors.generic.simulator import Device

FIELDS = {"badge": "badge", "time": "time", "state": "state", "sequence": "seq"}
TEMPLATE = "S{seq};B{badge};T{time};D{state}"

FRAMINGS: Mapping[str, Mapping[str, Any]] = {
    "lines": {"kind": "lines"},
    "delimited": {"kind": "delimited", "end": "0d0d"},
    "enclosed": {"kind": "enclosed"},
    "enclosed, xor": {"kind": "enclosed", "checksum": {"kind": "xor"}},
    "enclosed, crc in hex": {"kind": "enclosed", "checksum": {"kind": "crc16_modbus", "form": "hex"}, "covers": "all"},
    "enclosed, escaped, sum": {"kind": "enclosed", "escape": "10", "checksum": {"kind": "sum8"}, "covers": "body"},
    "enclosed by several bytes": {"kind": "enclosed", "start": "2424", "end": "0d0a"},
    "fixed": {"kind": "fixed", "length": 180},
    "fixed, x25": {"kind": "fixed", "length": 180, "checksum": {"kind": "crc16_x25", "order": "little"}},
    "length prefixed": {"kind": "length_prefixed"},
    "length prefixed, a start, ccitt": {
        "kind": "length_prefixed",
        "start": "aa55",
        "offset": 3,
        "size": 4,
        "order": "little",
        "counts_itself": True,
        "checksum": {"kind": "crc16_ccitt"},
    },
    "json": {"kind": "json"},
    "datagrams": {"kind": "datagrams"},
    "pauses": {"kind": "pauses", "milliseconds": 20},
}
DECODINGS: Mapping[str, Mapping[str, Any]] = {
    "json": {"kind": "json"},
    "json, a list in it": {"kind": "json", "records": "events.new"},
    "separated": {"kind": "separated", "columns": ["seq", "badge", "", "time", "state"]},
    "separated by a bar, unnamed": {"kind": "separated", "separator": "|", "quote": None},
    "pattern": {
        "kind": "pattern",
        "pattern": "S(?P<seq>[0-9]+);B(?P<badge>[^;]*);T(?P<time>[^;]*);D(?P<state>[0-9]) *",
    },
    "columns": {"kind": "columns", "columns": {"seq": [0, 6], "badge": [6, 12], "time": [18, 19], "state": [37, 1]}},
    "pairs": {"kind": "pairs", "separator": "&", "equals": "="},
    "binary": {
        "kind": "binary",
        "parts": {
            "seq": {"offset": 0, "size": 2},
            "badge": {"offset": 2, "size": 12, "kind": "text"},
            "time": {"offset": 14, "size": 7, "kind": "bcd"},
            "state": {"offset": 21, "size": 1},
        },
    },
}
TEXT_ONLY = ("lines", "delimited", "enclosed", "enclosed, xor", "enclosed, crc in hex", "enclosed by several bytes")
"""Bytes of any kind would be taken for an end."""


def combinations() -> Iterator[tuple[str, str]]:
    for framing in FRAMINGS:
        for decoding in DECODINGS:
            if framing == "json" and not decoding.startswith("json"):
                continue
            if framing in TEXT_ONLY and decoding == "binary":
                continue
            yield framing, decoding


ALL = list(combinations())
IN_A_STREAM = [pair for pair in ALL if pair[0] not in ("datagrams", "pauses")]


def config(framing: str, decoding: str, **more: Any) -> dict[str, Any]:
    fields: Mapping[str, Any] = FIELDS
    times = ["year_first"]
    if decoding == "separated by a bar, unnamed":
        fields = {"sequence": "1", "badge": "2", "time": "3", "state": "4"}
    if decoding == "binary":
        times = ["%Y%m%d%H%M%S"]
    return {
        "framing": {**FRAMINGS[framing], "kind": FRAMINGS[framing]["kind"]},
        "decoding": DECODINGS[decoding],
        "fields": {"verify": None, **fields},
        "times": times,
        "answers": None,
        "acknowledge": None,
        **more,
    }


def device(of: Mapping[str, Any], records: int = 12, **how: Any) -> Device:
    """A machine that speaks this profile, with a log."""
    made = Device(of, template=TEMPLATE, **how)
    for number in range(records):
        made.record_at(
            f"{number % 5:06}", datetime(2026, 1, 5, 8) + timedelta(seconds=37 * number), state=str(number % 2)
        )
    return made
