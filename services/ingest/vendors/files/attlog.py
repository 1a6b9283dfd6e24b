"""`attlog.dat`, the log on a ZKTeco terminal's USB stick.

One line a scan, tab separated: badge (right-aligned), local date and time, device number, state, verify method,
work code. Some units leave out the last one or two. The third column is the device, not the state.
"""

from collections.abc import Sequence

from services.ingest.domain.reading import Reading, Unreadable
from services.ingest.vendors.files.cells import NotReadable, badge_of, columns_of, text_of, wall_time
from services.ingest.vendors.files.lines import Line
from services.ingest.vendors.zkteco.states import scan_type

NAME = "attlog"


class Attlog:
    """Reads the lines of one file."""

    def recognises(self, line: Line) -> bool:
        try:
            _reading(line)
        except NotReadable:
            return False
        return True

    def read(self, line: Line) -> Sequence[Reading | Unreadable]:
        try:
            return (_reading(line),)
        except NotReadable as reason:
            return (Unreadable(reason=str(reason), raw=line.raw, position=line.number),)

    def finish(self) -> Sequence[Reading | Unreadable]:
        return ()


def _reading(line: Line) -> Reading:
    text = text_of(line.raw)
    cells = text.rstrip().split("\t")
    if not 4 <= len(cells) <= 6:
        raise NotReadable(f"{columns_of(cells)} instead of 4 to 6")
    device_time = cells[1].strip()
    state = cells[3].strip()
    return Reading(
        badge=badge_of(cells[0]),
        device_time=device_time,
        local_time=wall_time(device_time),
        state=state,
        type=scan_type(state),
        verify=(cells[4].strip() or None) if len(cells) > 4 else None,
        work_code=(cells[5].strip() or None) if len(cells) > 5 else None,
        raw={"line": text},
        position=line.number,
    )
