"""How `POST /api/ingest/scans/` is described to who reads `/docs`."""

from typing import Any, Final

DESCRIPTION: Final = """\
For any system that has scans and no protocol of a vendor. A machine of the type `http` has an `api_key` in its config:
the call shows it, as `Authorization: Bearer <key>` or as `X-Api-Key: <key>`, and no token.

The body is a list of 1 to 500 scans, or `{"scans": [...]}`. An empty list is a sign of life. A time without an offset
is one of the machine's zone. Members that are not known are kept as they came.

The answer has an item for each scan, in the same order, once none of them can be lost: `stored`; `known`, where it was
here before; `quarantined`, where its time cannot be; `unreadable`, where it is kept as evidence and no scan. After a
503, or no answer, send the same call again: a scan is named by badge, time and state, and counts once.
"""

_TEXT: Final = {"type": "string"}
_LABEL: Final = {"type": ["string", "integer", "null"], "maxLength": 64}
_SCAN: Final[dict[str, Any]] = {
    "type": "object",
    "required": ["badge", "time"],
    "properties": {
        "badge": {"type": ["string", "integer"], "description": "as text: zeros in front count", "maxLength": 64},
        "time": {"type": "string", "description": "ISO 8601, with or without an offset from UTC"},
        "state": {**_LABEL, "description": "IN, OUT, BREAK_IN (leaves for it), BREAK_OUT, … or a code of the system"},
        "type": {**_LABEL, "description": "IN, OUT, …: what the state means, where it is a code"},
        "verify": {**_LABEL, "description": "how the person was recognised"},
        "work_code": _LABEL,
        "record_no": {**_LABEL, "description": "the system's own number of the scan"},
    },
    "additionalProperties": True,
}
_SCANS: Final[dict[str, Any]] = {"type": "array", "items": _SCAN, "maxItems": 500}
_EXAMPLE: Final = [
    {"badge": "0042", "time": "2026-10-05T08:01:22+06:00", "state": "IN"},
    {"badge": "0043", "time": "2026-10-05T08:01:30", "state": "IN", "verify": "card"},
]
_ANSWER: Final[dict[str, Any]] = {
    "type": "object",
    "required": ["status", "scan_id", "reason"],
    "properties": {
        "status": {"type": "string", "enum": ["stored", "known", "quarantined", "unreadable"]},
        "scan_id": {"type": ["string", "null"], "format": "uuid"},
        "reason": {"type": ["string", "null"], "description": "why it is quarantined or unreadable, or what is odd"},
    },
}

DOCUMENT: Final[dict[str, Any]] = {
    "openapi_extra": {
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {
                    "schema": {
                        "oneOf": [
                            _SCANS,
                            {"type": "object", "required": ["scans"], "properties": {"scans": _SCANS}},
                        ]
                    },
                    "example": _EXAMPLE,
                }
            },
        },
        "parameters": [
            {"name": "X-Api-Key", "in": "header", "required": False, "schema": _TEXT},
        ],
    },
    "responses": {
        200: {
            "description": "None of them can be lost; what became of each, in order",
            "content": {"application/json": {"schema": {"type": "array", "items": _ANSWER}}},
        },
    },
}
"""What FastAPI cannot see in the route."""
