"""A real terminal's `attlog.dat` as the log of one that is not there. Pure.

The file is the terminal's log printed. What the firmware printed as no date (`1971--10--29 -23:-23:-27`) was a negative
number of 32 bits in its log; the same arithmetic gives that number back, so that the bytes are those of the real one.
"""

import re
from dataclasses import dataclass
from typing import Final

from services.ingest.vendors.files.lines import Lines
from services.ingest.vendors.zkteco.simulator.device import Device
from services.ingest.vendors.zkteco.simulator.encoding import CannotHold, Entry

_NUMBER: Final = r"(-?\d{1,4})"
_TIME: Final = re.compile(f"{_NUMBER}-{_NUMBER}-{_NUMBER} {_NUMBER}:{_NUMBER}:{_NUMBER}")
_BYTE: Final = 255


@dataclass(frozen=True, slots=True, kw_only=True)
class Punch:
    """One line. `time` is the 32 bits behind it."""

    user_id: str
    time: int
    state: int = 0
    verify: int = 1
    work_code: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class PunchLog:
    """What a file holds, in its order."""

    punches: tuple[Punch, ...]
    passed_over: int
    """Lines that no terminal printed."""


def punch_log(contents: bytes) -> PunchLog:
    """The punches in an `attlog.dat`; NUL padding is none of its lines."""
    lines = Lines()
    read = [_punch(line.raw) for line in (*lines.feed(contents), *lines.finish())]
    punches = tuple(punch for punch in read if punch is not None)
    return PunchLog(punches=punches, passed_over=len(read) - len(punches))


def hold(device: Device, log: PunchLog) -> int:
    """Make a log the terminal's own, and whoever punched its users. Says how many it could not hold.

    A log that is larger than the terminal makes the terminal larger, with as much room again.
    """
    if len(device.entries) + len(log.punches) > device.record_capacity:
        device.record_capacity = 2 * (len(device.entries) + len(log.punches))
    too_much = 0
    for punch in log.punches:
        try:
            user = device.enrol(punch.user_id)
            device.record(
                Entry(
                    uid=user.uid,
                    user_id=punch.user_id,
                    time=punch.time,
                    verify=punch.verify,
                    state=punch.state,
                    work_code=punch.work_code,
                )
            )
        except CannotHold:
            too_much += 1
    device.user_capacity = max(device.user_capacity, len(device.users))
    return too_much


def _punch(line: bytes) -> Punch | None:
    """Badge, time, device, state, and where the terminal printed them verify method and work code."""
    cells = line.decode("ascii", "replace").rstrip().split("\t")
    if not 4 <= len(cells) <= 6 or not (badge := cells[0].strip()).isprintable():
        return None
    time = _TIME.fullmatch(cells[1].strip())
    try:
        state, verify, work_code = (int(cell) for cell in [*cells[3:], *("1", "0")[len(cells) - 4 :]])
    except ValueError:
        return None
    if not badge or time is None or not 0 <= state <= _BYTE or not 0 <= verify <= _BYTE:
        return None
    return Punch(
        user_id=badge,
        time=_bits(*(int(part) for part in time.groups())),
        state=state,
        verify=verify,
        work_code=work_code & 0xFFFFFFFF,
    )


def _bits(year: int, month: int, day: int, hour: int, minute: int, second: int) -> int:  # noqa: PLR0917 - as in a datetime
    """Backwards what the firmware did, with C's signs: for a time that exists this is the usual packing."""
    days = ((year - 2000) * 12 + month - 1) * 31 + day - 1
    return (days * 86_400 + hour * 3_600 + minute * 60 + second) & 0xFFFFFFFF
