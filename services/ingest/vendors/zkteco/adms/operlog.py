"""The table OPERLOG: what was done at the machine, and its people with their templates and passwords. Pure.

Every line counts as taken. Of people nothing is kept: no name, no password, no template leaves this module. Of what
was done, what bears on scans becomes a sentence. Source: PROTOCOLS §2.3.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from services.ingest.domain.instants import EARLIEST
from services.ingest.vendors.files.cells import NotReadable, text_of, wall_time
from services.ingest.vendors.zkteco.operations import CLOCK_LOST, SWITCHED_ON, WORTH_TELLING, Done

DURESS: Final = "32"
ALARM: Final = "3"
ALARMS: Final[Mapping[str, str]] = {
    "54": "the door was broken open",
    "55": "the machine was tampered with",
}


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
    told = WORTH_TELLING.get(int(operation)) if operation.isdecimal() and len(operation) < 4 else None
    if operation == DURESS:
        told = ("duress", "somebody was forced to scan: a finger that calls for help was used")
    if operation == ALARM and reason in ALARMS:
        told = ("alarm", ALARMS[reason])
    try:
        at = wall_time(cells[2].strip())
    except NotReadable:
        return None
    if operation == str(SWITCHED_ON) and at.date() < EARLIEST:
        told = (CLOCK_LOST, "when it was switched on its clock had begun again")
    return Done(at, *told) if told is not None else None
