"""Ready-made profiles, which a config names and then overrides in part."""

from collections.abc import Mapping
from typing import Any, Final

JSON_LINES: Final = "json-lines"
"""The one that is meant where a config names none."""

_DIGITS: Final = {
    "0": "IN",
    "1": "OUT",
    "2": "BREAK_IN",
    "3": "BREAK_OUT",
    "4": "OVERTIME_IN",
    "5": "OVERTIME_OUT",
}
_LETTERS: Final = {"I": "IN", "O": "OUT", **_DIGITS}
_WORDS: Final = {"in": "IN", "out": "OUT", **_LETTERS}

PROFILES: Final[Mapping[str, Mapping[str, Any]]] = {
    JSON_LINES: {
        "framing": {"kind": "lines"},
        "decoding": {"kind": "json"},
        "fields": {"badge": "badge", "time": "time", "state": "direction", "verify": "method", "sequence": "seq"},
        "times": ["iso", "year_first", "epoch_seconds"],
        "directions": _WORDS,
        "answers": [{"match": '"type" *: *"heartbeat"', "reply": '{"type":"heartbeat"}\n', "heartbeat": True}],
        "acknowledge": {"ok": '{"ack":"{sequence}"}\n', "nak": '{"nak":"{sequence}"}\n'},
    },
    "csv": {
        "framing": {"kind": "lines"},
        "decoding": {"kind": "separated", "columns": ["badge", "time", "direction", "method"]},
        "fields": {"badge": "badge", "time": "time", "state": "direction", "verify": "method"},
        "times": ["iso", "year_first"],
        "directions": _WORDS,
        "answers": [{"match": "^PING$", "reply": "PONG\r\n", "heartbeat": True}],
        "acknowledge": {"ok": "OK\r\n"},
    },
    "stx-etx": {
        "framing": {"kind": "enclosed", "start": "02", "end": "03", "checksum": {"kind": "xor"}},
        "decoding": {"kind": "separated", "quote": None, "columns": ["sequence", "badge", "time", "direction"]},
        "fields": {"badge": "badge", "time": "time", "state": "direction", "sequence": "sequence"},
        "times": ["%Y%m%d%H%M%S"],
        "directions": _LETTERS,
        "answers": [{"match": "^HB$", "reply": "\x06", "heartbeat": True}],
        "acknowledge": {"ok": "\x06{sequence}", "nak": "\x15"},
        "sequence": {"first": 0, "last": 9999, "digits": 4, "request": "\x02RESEND {from}-{to}\x03"},
    },
    "length-prefixed": {
        "framing": {"kind": "length_prefixed", "size": 2, "order": "big"},
        "decoding": {
            "kind": "binary",
            "parts": {
                "sequence": {"offset": 0, "size": 4},
                "badge": {"offset": 4, "size": 8, "kind": "text"},
                "time": {"offset": 12, "size": 4},
                "direction": {"offset": 16, "size": 1},
            },
        },
        "fields": {"badge": "badge", "time": "time", "state": "direction", "sequence": "sequence"},
        "times": ["epoch_seconds"],
        "directions": _DIGITS,
        "acknowledge": {"ok": "\x06", "nak": "\x15"},
        "sequence": {"first": 0, "last": 2**32 - 1},
    },
    "fixed-width": {
        "framing": {"kind": "lines"},
        "decoding": {
            "kind": "columns",
            "columns": {"badge": [0, 10], "time": [10, 14], "direction": [24, 1], "method": [25, 2]},
        },
        "fields": {"badge": "badge", "time": "time", "state": "direction", "verify": "method"},
        "times": ["%Y%m%d%H%M%S"],
        "directions": _LETTERS,
        "acknowledge": {"ok": "\x06"},
    },
    "mqtt-json": {
        "framing": {"kind": "datagrams"},
        "decoding": {"kind": "json"},
        "fields": {"badge": "badge", "time": "time", "state": "direction", "verify": "method"},
        "times": ["iso", "year_first", "epoch_seconds"],
        "directions": _WORDS,
        "answers": [{"match": '"type" *: *"heartbeat"', "heartbeat": True}],
    },
    "esp-rfid": {  # PROTOCOLS §5.6
        "framing": {"kind": "datagrams"},
        "decoding": {"kind": "json"},
        "fields": {"badge": "uid", "time": "time"},
        "times": ["epoch_seconds"],
        "answers": [{"match": '"type" *: *"heartbeat"', "heartbeat": True, "tells_time": True}],
        "ignore": ['"access" *: *"(Denied|Disabled|Expired)"', '"type" *: *"boot"'],
    },
}

_WHOLE: Final = frozenset({"directions", "columns", "parts", "constants"})
"""Maps that are replaced, not added to."""


def with_profile(config: Mapping[str, Any]) -> Mapping[str, Any]:
    """The config with all that its profile says, where it does not say otherwise; null takes a thing away.

    Raises:
        KeyError: there is no such profile.
    """
    return _over(PROFILES[config.get("profile") or JSON_LINES], config)


def _over(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(below)
    for name, value in above.items():
        before = merged.get(name)
        if value is None and name in merged:
            del merged[name]
        elif isinstance(value, Mapping) and isinstance(before, Mapping) and name not in _WHOLE:
            # Another kind of framing has nothing of this one.
            other = "kind" in value and value["kind"] != before.get("kind")
            merged[name] = dict(value) if other else _over(before, value)
        else:
            merged[name] = value
    return merged
