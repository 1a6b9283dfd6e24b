"""The log of a terminal that pushes: what it holds, how far it was acknowledged, and its lines. No I/O."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from services.ingest.vendors.zkteco.adms.simulator.faults import Faults
from shared.kernel.clock import Clock, SystemClock


@dataclass(frozen=True, slots=True, kw_only=True)
class Punch:
    """One record of its log, at its own wall time."""

    badge: str
    at: datetime
    state: int = 0
    verify: int = 1
    work_code: int = 0


class Unit:
    """One terminal. `acknowledged` is how many of its records, from the oldest on, were answered with OK."""

    def __init__(
        self, serial: str, *, zone: str = "UTC", clock: Clock | None = None, offset: timedelta = timedelta(0)
    ) -> None:
        """`zone` is where its clock was set, and `offset` how far that is ahead now."""
        self.serial = serial
        self.zone = zone
        self.log: list[Punch] = []
        self.acknowledged = 0
        self._clock = clock or SystemClock()
        self._offset = offset

    def wall(self) -> datetime:
        """What its clock shows."""
        now = self._clock.now().astimezone(ZoneInfo(self.zone)) + self._offset
        return now.replace(tzinfo=None, microsecond=0)

    def set_clock(self, wall: datetime) -> None:
        """Have it show this."""
        self._offset = wall - self._clock.now().astimezone(ZoneInfo(self.zone)).replace(tzinfo=None)

    def punch(self, badge: str, *, state: int = 0, verify: int = 1) -> Punch:
        """Somebody scans now."""
        return self.record(Punch(badge=badge, at=self.wall(), state=state, verify=verify))

    def record(self, punch: Punch) -> Punch:
        """Append a record."""
        self.log.append(punch)
        return punch

    def between(self, first: datetime, last: datetime) -> Sequence[Punch]:
        """Its records of this span, both ends included."""
        return [punch for punch in self.log if first <= punch.at <= last]


def line_of(punch: Punch, faults: Faults) -> str:
    """A record as a line of ATTLOG, in the columns that its firmware has."""
    cells = [
        punch.badge,
        f"{punch.at:%Y-%m-%d %H:%M:%S}",
        str(punch.state),
        str(punch.verify),
        str(punch.work_code or ""),
        "0",
        "0",
        "",
        "",
        "",
        "",
        "-1",
    ]
    return "\t".join(cells[: faults.columns])


def body_of(punches: Sequence[Punch], faults: Faults) -> bytes:
    """A batch as it is sent."""
    lines = [line_of(punch, faults) for punch in punches]
    if faults.header:
        lines.insert(0, "TABLE=ATTLOG")
    lines += [f"?? {number} no line" for number in range(faults.garbage)]
    end = "\r\n" if faults.crlf else "\n"
    return "".join(line + end for line in lines).encode()
