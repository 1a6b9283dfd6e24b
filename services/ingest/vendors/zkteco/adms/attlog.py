"""The table ATTLOG: one line a scan. Pure.

`PIN TAB time TAB state TAB verify TAB work code TAB …`: state before verify, unlike `attlog.dat`, whose third column
is the device. Four to twelve columns occur, `NAME=VALUE` in place of columns, and blanks in place of tabs. What cannot
be read is kept and counted as taken: a machine sends a batch again for ever otherwise. Source: PROTOCOLS §2.3.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from services.ingest.domain.reading import Reading, Unreadable
from services.ingest.vendors.files.cells import NotReadable, badge_of, columns_of, moment, text_of, wall_time
from services.ingest.vendors.files.lines import Lines
from services.ingest.vendors.zkteco.states import scan_type

NO_STATE: Final = "255"
OFFSET: Final = 10
"""The column that says how far its clock is ahead of UTC, in seconds, where there are so many columns."""

_HEADERS: Final = ("TABLE=ATTLOG", "ATTLOG")
"""First lines that some clients send, and that are no records."""
_COMPACT: Final = re.compile(r"(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)")
_IN_BLANKS: Final = re.compile(r"(\S+)\s+(\d{4}[-/.]\d{1,2}[-/.]\d{1,2}[ T]+\d{1,2}:\d{1,2}:\d{1,2})(?:\s+(.*))?")
_AHEAD: Final = re.compile(r"[+-]?\d{1,5}")
_MOST_AHEAD: Final = timedelta(hours=15)


@dataclass(frozen=True, slots=True)
class Attlog:
    """The records of a body, in its order."""

    readings: Sequence[Reading] = field(default_factory=list)
    unreadable: Sequence[Unreadable] = field(default_factory=list)

    @property
    def count(self) -> int:
        """What the machine is told: duplicates and what cannot be read count too."""
        return len(self.readings) + len(self.unreadable)


def attlog(body: bytes, *, source: str = "") -> Attlog:
    """The records in a body. Any bytes are readings or unreadable lines."""
    lines = Lines()
    readings: list[Reading] = []
    unreadable: list[Unreadable] = []
    for line in (*lines.feed(body), *lines.finish()):
        text = text_of(line.raw)
        if text.strip().upper() in _HEADERS:
            continue
        try:
            readings.append(_reading(text, line.number, source))
        except NotReadable as reason:
            said = "the line is longer than 64 KiB; its beginning is kept" if line.cut else str(reason)
            unreadable.append(Unreadable(reason=said, raw=line.raw, position=line.number))
    return Attlog(readings, unreadable)


def _reading(text: str, number: int, source: str) -> Reading:
    cells = _cells(text)
    device_time = cells[1].strip()
    state = cells[2].strip() or NO_STATE
    return Reading(
        badge=badge_of(cells[0]),
        device_time=device_time,
        local_time=_wall_time(device_time),
        offset=_ahead(cells[OFFSET]) if len(cells) > OFFSET else None,
        state=state,
        type=scan_type(state),
        verify=_cell(cells, 3),
        work_code=_cell(cells, 4),
        raw={"line": text, "from": source} if source else {"line": text},
        position=number,
    )


def _cells(text: str) -> list[str]:
    """The columns, badge, time and state first."""
    cells = text.split("\t")
    if "=" in cells[0]:
        return _named(cells)
    if len(cells) == 1 and (match := _IN_BLANKS.fullmatch(text.strip())) is not None:
        cells = [match[1], match[2], *(match[3] or "").split()]
    if len(cells) < 3:
        raise NotReadable(f"{columns_of(cells)} instead of 4 to 12")
    return cells


def _named(pairs: Sequence[str]) -> list[str]:
    """The columns of a line that names them: `PIN=42 TAB Time=… TAB Status=0`."""
    named: Mapping[str, str] = {
        name.strip().lower(): value for name, _, value in (pair.partition("=") for pair in pairs)
    }
    if not {"pin", "time"} <= named.keys():
        raise NotReadable("names its columns, and none is PIN or Time")
    verify = named.get("verifymode", named.get("verify", ""))
    return [named["pin"], named["time"], named.get("status", ""), verify, named.get("workcode", "")]


def _cell(cells: Sequence[str], index: int) -> str | None:
    return cells[index].strip() or None if len(cells) > index else None


def _wall_time(text: str) -> datetime:
    if (match := _COMPACT.fullmatch(text)) is not None:
        year, month, day, hour, minute, second = map(int, match.groups())
        return moment(text, (year, month, day), (hour, minute, second))
    return wall_time(text)


def _ahead(cell: str) -> timedelta | None:
    text = cell.strip()
    if not _AHEAD.fullmatch(text):
        return None
    ahead = timedelta(seconds=int(text))
    return ahead if abs(ahead) <= _MOST_AHEAD else None
