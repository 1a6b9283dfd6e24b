"""What can be wrong with a terminal, by name: `split=3`, `cut=5000`, `silent`. Pure.

Some faults are of the line, some of what it answers, some of the terminal itself. `FAULTS` is the list that people see.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from services.ingest.vendors.faults import Fault, chosen, from_one, seconds
from services.ingest.vendors.zkteco.simulator.device import Device
from services.ingest.vendors.zkteco.simulator.encoding import strange_layout


def from_two(text: str) -> int:
    """Every so manieth, but not every one: then nothing would ever come."""
    number = int(text)
    if number < 2:
        raise ValueError(text)
    return number


@dataclass(frozen=True, slots=True, kw_only=True)
class Faults:
    """Which faults there are. The names are those of `FAULTS`, which says what each does."""

    # Of the line: see line.py
    burst: bool = False
    split: int = 0
    cut: int = 0
    half_frame: bool = False
    huge_frame: bool = False
    garbage: bool = False
    wrong_checksum: bool = False
    # Of datagrams alone: see air.py
    lost_datagram: int = 0
    doubled_datagram: int = 0
    late_datagram: int = 0
    # Of connections and answers: see talk.py, server.py and dialogue.py
    silent: int | None = None
    slow: float = 0.0
    one_connection: bool = False
    late_reply: bool = False
    event_in_download: int = 0
    count_off: int = 0
    chunk_error: int = 0
    no_operations: bool = False
    no_users: bool = False
    short_chunk: int = 0
    # Of the terminal: see `afflict`
    clock: timedelta = timedelta(0)
    clock_reset: bool = False
    drift: float = 0.0
    cyclic_delete: int = 0
    impossible_dates: int = 0
    unknown_record_size: int = 0
    old_firmware: bool = False


NONE: Final = Faults()


FAULTS: Final[Mapping[str, Fault]] = {
    "burst": Fault(about="all packets of an answer leave in one piece"),
    "split": Fault(about="everything leaves in pieces of so many bytes", read=from_one, usual=3, example="3"),
    "cut": Fault(about="it hangs up after so many bytes", read=from_one, usual=5_000, example="5000"),
    "half-frame": Fault(about="the first packet of a download comes half, and nothing after it"),
    "huge-frame": Fault(about="the first packet of a download claims to have a gigabyte"),
    "garbage": Fault(about="before the first packet of a download come bytes that are no packet"),
    "wrong-checksum": Fault(about="no packet has the right checksum"),
    "lost-datagram": Fault(
        about="with --udp: every so manieth datagram is lost, either way", read=from_two, usual=50, example="50"
    ),
    "doubled-datagram": Fault(
        about="with --udp: every so manieth datagram comes twice, either way", read=from_one, usual=10, example="10"
    ),
    "late-datagram": Fault(
        about="with --udp: every so manieth datagram comes after the one that follows it, either way",
        read=from_two,
        usual=10,
        example="10",
    ),
    "silent": Fault(about="it answers so many requests, and then none", read=int, usual=0, example="4"),
    "slow": Fault(about="it waits so many seconds before each answer", read=seconds, usual=1.0, example="0.5"),
    "one-connection": Fault(about="while one client is connected it hangs up on others"),
    "late-reply": Fault(about="before each answer comes the one before it once more"),
    "event-in-download": Fault(about="so many people scan while the log is read", read=from_one, usual=1, example="3"),
    "count-off": Fault(about="it counts so many records more than it has", read=int, usual=1, example="-1"),
    "chunk-error": Fault(about="the first so many pieces of a log are refused", read=from_one, usual=1, example="2"),
    "no-operations": Fault(about="it does not tell what was done at it"),
    "no-users": Fault(about="it does not tell who its users are"),
    "short-chunk": Fault(
        about="every piece of a log lacks so many bytes at its end", read=from_one, usual=1, example="40"
    ),
    "clock": Fault(
        about="its clock is so many seconds ahead, or behind",
        read=lambda text: timedelta(seconds=int(text)),
        usual=None,
        example="+3600",
    ),
    "clock-reset": Fault(about="its clock begins again at 2000-01-01 00:00"),
    "drift": Fault(about="its clock gains so many seconds a day", read=float, usual=None, example="4.5"),
    "cyclic-delete": Fault(
        about="its log has room for so many; the oldest go", read=from_one, usual=1_000, example="1000"
    ),
    "impossible-dates": Fault(about="so many of its records are of 30 February", read=from_one, usual=1, example="5"),
    "unknown-record-size": Fault(
        about="its records are of so many bytes and no known form", read=from_one, usual=23, example="23"
    ),
    "old-firmware": Fault(about="it cannot be read in pieces"),
}


def parsed(texts: Iterable[str]) -> Faults:
    """The faults that people name, each `NAME` or `NAME=PARAMETER`.

    Raises:
        WrongFault: with a sentence that says what there is.
    """
    return Faults(**chosen(texts, FAULTS))


def afflict(device: Device, faults: Faults) -> None:
    """Make the terminal have those faults that are its own."""
    if faults.clock_reset:
        device.reset_clock()
    device.shift_clock(faults.clock)
    if faults.drift:
        device.let_drift(faults.drift / 86_400)
    if faults.cyclic_delete:
        device.record_capacity, device.cyclic = faults.cyclic_delete, 1
        device.drop_oldest(max(0, len(device.entries) - faults.cyclic_delete))
    if faults.impossible_dates:
        device.spoil_dates(faults.impossible_dates)
    if faults.unknown_record_size:
        device.lay_out(strange_layout(faults.unknown_record_size))
    if faults.old_firmware:
        device.buffered = False
