"""What can be wrong with a terminal, or odd in its firmware, by name: `split=3`, `one-shot-nonce`. Pure.

`FAULTS` is the list that people see.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from services.ingest.vendors.faults import Fault, chosen, from_one, seconds
from services.ingest.vendors.hikvision.simulator.device import Device


@dataclass(frozen=True, slots=True, kw_only=True)
class Faults:
    """Which faults there are. The names are those of `FAULTS`, which says what each does."""

    # Of the line
    split: int = 0
    cut: int = 0
    silent: int | None = None
    slow: float = 0.0
    busy: int = 0
    no_http: bool = False
    # Of its login
    one_shot_nonce: bool = False
    stale: int = 0
    basic_only: bool = False
    forbidden: bool = False
    # Of its log
    no_serials: bool = False
    ignores_serials: bool = False
    small_serials: bool = False
    unnumbered: bool = False
    no_times: bool = False
    bare_times: bool = False
    no_totals: bool = False
    odd_status: bool = False
    same_page: bool = False
    no_log: bool = False
    # Of its people
    no_users: bool = False
    no_cards: bool = False
    # Of its stream
    no_stream: bool = False
    no_heartbeat: bool = False
    camera_heartbeat: bool = False
    quiet: bool = False
    deaf: bool = False
    cut_stream: int = 0
    burst: int = 0
    pictures: bool = False
    xml: bool = False
    no_length: bool = False
    no_type: bool = False
    no_boundary: bool = False
    malformed: int = 0
    backlog: bool = False
    # Of the terminal
    clock: timedelta = timedelta(0)
    clock_reset: bool = False
    no_setting: bool = False
    ntp: bool = False
    locked: bool = False


NONE: Final = Faults()


FAULTS: Final[Mapping[str, Fault]] = {
    "split": Fault(about="everything leaves in pieces of so many bytes", read=from_one, usual=3, example="3"),
    "cut": Fault(about="each connection ends after so many bytes", read=from_one, usual=5_000, example="5000"),
    "silent": Fault(about="it answers so many requests, and then none", read=int, usual=0, example="4"),
    "slow": Fault(about="it waits so many seconds before each answer", read=seconds, usual=1.0, example="0.5"),
    "busy": Fault(about="it is busy so many times before it answers", read=from_one, usual=1, example="2"),
    "no-http": Fault(about="what answers speaks another protocol"),
    "one-shot-nonce": Fault(about="each nonce is good for one request, and nothing says that it has grown old"),
    "stale": Fault(about="a nonce grows old after so many requests", read=from_one, usual=3, example="3"),
    "basic-only": Fault(about="it asks for passwords in the clear"),
    "forbidden": Fault(about="its user may not ask for anything"),
    "no-serials": Fault(about="its log cannot be asked for by number"),
    "ignores-serials": Fault(about="asked for its log by number, it gives all of it"),
    "small-serials": Fault(about="it refuses numbers above 2^31"),
    "unnumbered": Fault(about="the rows of its log have no numbers"),
    "no-times": Fault(about="its log cannot be asked for by time"),
    "bare-times": Fault(about="it refuses times with an offset, and writes none"),
    "no-totals": Fault(about="it does not say how many events it holds"),
    "odd-status": Fault(about="it says NO_MATCHES, or nothing, at the end of its log"),
    "same-page": Fault(about="it gives the first page of its log, or of its users, again and again"),
    "no-log": Fault(about="it has no log of access events at all"),
    "no-users": Fault(about="it does not tell who its users are"),
    "no-cards": Fault(about="it does not tell its users' cards"),
    "no-stream": Fault(about="it tells of nothing as it happens"),
    "no-heartbeat": Fault(about="its stream is silent while nothing happens"),
    "camera-heartbeat": Fault(about="its heartbeats are those of a camera that sees something, in XML"),
    "quiet": Fault(about="its stream falls silent after the first heartbeat"),
    "deaf": Fault(about="its stream tells of no scans"),
    "cut-stream": Fault(about="its stream ends after so many parts", read=from_one, usual=5, example="5"),
    "burst": Fault(about="so many parts of its stream leave in one piece", read=from_one, usual=4, example="4"),
    "pictures": Fault(about="a picture follows each event"),
    "xml": Fault(about="its stream is in XML"),
    "no-length": Fault(about="the parts of its stream do not say how long they are"),
    "no-type": Fault(about="the parts of its stream do not say what they are"),
    "no-boundary": Fault(about="its stream does not say what stands between its parts"),
    "malformed": Fault(about="each so-manieth part of its stream is no document", read=from_one, usual=3, example="3"),
    "backlog": Fault(about="its stream begins with all that it has in its log"),
    "clock": Fault(
        about="its clock is so many seconds ahead, or behind",
        read=lambda text: timedelta(seconds=int(text)),
        usual=None,
        example="+3600",
    ),
    "clock-reset": Fault(about="its clock begins again at 1970-01-01 00:00"),
    "no-setting": Fault(about="our user may not set its clock"),
    "ntp": Fault(about="its clock is kept by NTP, and may be wrong all the same"),
    "locked": Fault(about="its user is locked out for half an hour"),
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
    if faults.ntp:
        device.ntp = True
    if faults.locked:
        device.lock()
