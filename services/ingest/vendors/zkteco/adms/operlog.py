"""The table OPERLOG: what was done at the machine, and its people with their templates and passwords. Pure.

Every line counts as taken. Of people nothing is kept: no name, no password, no template leaves this module. Of what
was done, what bears on scans becomes a sentence. Source: PROTOCOLS §2.3.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from services.ingest.vendors.files.cells import NotReadable, text_of, wall_time

CLEARED: Final = "log cleared"
WORTH_TELLING: Final[Mapping[str, tuple[str, str]]] = {
    "13": (CLEARED, "its data was cleared at the machine"),
    "21": ("clock set", "its clock was set at the machine"),
    "22": (CLEARED, "it was reset to how it left the factory"),
    "23": (CLEARED, "its log was cleared at the machine"),
    "32": ("duress", "somebody was forced to scan: a finger that calls for help was used"),
    "43": (CLEARED, "its log was cleared after it had been copied to a USB stick"),
}
"""By operation: the matter, and a sentence."""
ALARM: Final = "3"
ALARMS: Final[Mapping[str, str]] = {
    "54": "the door was broken open",
    "55": "the machine was tampered with",
}


@dataclass(frozen=True, slots=True)
class Done:
    """Something that was done at the machine, at its own wall time."""

    at: datetime
    about: str
    sentence: str


@dataclass(frozen=True, slots=True)
class Operlog:
    """How many lines a body has, and what in it is worth telling."""

    count: int
    done: tuple[Done, ...] = ()


def operlog(body: bytes) -> Operlog:
    """What is in a body; any bytes will do."""
    lines = [line for line in body.splitlines() if line.strip(b" \t\0\x1a")]
    done = (_done(line) for line in lines if line[:5].upper() == b"OPLOG")
    return Operlog(len(lines), tuple(one for one in done if one is not None))


def _done(line: bytes) -> Done | None:
    """`OPLOG op TAB administrator TAB time TAB four objects`."""
    cells = text_of(line[5:200]).strip().split("\t")
    if len(cells) < 3:
        return None
    operation, reason = cells[0].strip(), cells[3].strip() if len(cells) > 3 else ""
    told = WORTH_TELLING.get(operation)
    if operation == ALARM and reason in ALARMS:
        told = ("alarm", ALARMS[reason])
    if told is None:
        return None
    try:
        return Done(wall_time(cells[2].strip()), *told)
    except NotReadable:
        return None
