"""What can be wrong with a terminal that pushes, or odd about its firmware, by name. Pure.

`FAULTS` is the list that people see.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from services.ingest.vendors.faults import Fault, chosen, from_one

COLUMNS: Final = (4, 5, 7, 8, 10, 12)


@dataclass(frozen=True, slots=True, kw_only=True)
class Faults:
    """Which faults there are. The names are those of `FAULTS`, which says what each does."""

    columns: int = 8
    crlf: bool = False
    aspx: bool = False
    slash: bool = False
    blanks: bool = False
    header: bool = False
    gbk: bool = False
    old: bool = False
    interval: float = 0.0
    lost_reply: int = 0
    duplicate: bool = False
    garbage: int = 0
    clone: bool = False
    clock: timedelta = timedelta(0)
    templates: bool = False
    burst: int = 0
    silent: float = 0.0


def _columns(text: str) -> int:
    if int(text) not in COLUMNS:
        raise ValueError(text)
    return int(text)


def _seconds(text: str) -> float:
    if not 0 < float(text) <= 3600:
        raise ValueError(text)
    return float(text)


FAULTS: Final[Mapping[str, Fault]] = {
    "columns": Fault(about="its lines have 4, 5, 7, 8, 10 or 12 columns", read=_columns, usual=12, example="12"),
    "crlf": Fault(about="its lines end as in DOS"),
    "aspx": Fault(about="it appends .aspx to every endpoint"),
    "slash": Fault(about="it appends a slash to every endpoint"),
    "blanks": Fault(about="it leaves blanks in its queries as they are"),
    "header": Fault(about="the first line of a batch is TABLE=ATTLOG"),
    "gbk": Fault(about="it sends its people's names, in GBK"),
    "old": Fault(about="its handshake says nothing of its protocol, and it knows only the old stamps"),
    "interval": Fault(about="it uploads every so many seconds, not at once", read=_seconds, usual=60.0, example="60"),
    "lost-reply": Fault(
        about="it hangs up before it reads every n-th reply, and sends again", read=from_one, usual=2, example="3"
    ),
    "duplicate": Fault(about="it sends every batch twice"),
    "garbage": Fault(about="so many lines of each batch are no lines", read=from_one, usual=1, example="2"),
    "clone": Fault(about="a second terminal with its serial number calls, from 127.0.0.2"),
    "clock": Fault(
        about="its clock is so many seconds ahead, or behind",
        read=lambda text: timedelta(seconds=int(text)),
        usual=None,
        example="+3600",
    ),
    "templates": Fault(about="it sends templates, passwords and photos of its people"),
    "burst": Fault(about="it holds punches back until there are so many", read=from_one, usual=50, example="50"),
    "silent": Fault(
        about="it stays away for so many seconds after its handshake", read=_seconds, usual=300.0, example="300"
    ),
}


def parsed(texts: Iterable[str]) -> Faults:
    """The faults that people name, each `NAME` or `NAME=PARAMETER`.

    Raises:
        WrongFault: with a sentence that says what there is.
    """
    return Faults(**chosen(texts, FAULTS))
