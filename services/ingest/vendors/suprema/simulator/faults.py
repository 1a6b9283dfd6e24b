"""What can be wrong with a simulated BioStar server, as people name it: `--fault expires=20`."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from services.ingest.vendors.faults import Fault, chosen, from_one, seconds
from services.ingest.vendors.suprema.simulator.store import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Faults:
    """All that can be wrong; without arguments, nothing is."""

    expires: int = 0
    never_logged_in: bool = False
    locked: bool = False
    ignores_id: bool = False
    ignores_keys: bool = False
    no_id: bool = False
    no_times: bool = False
    no_search: bool = False
    no_users: bool = False
    ignores_offset: bool = False
    forbidden: bool = False
    duplicate: bool = False
    deaf: bool = False
    unbound: bool = False
    unnumbered: bool = False
    binary: bool = False
    malformed: int = 0
    no_socket: bool = False
    cut_socket: int = 0
    silent: int | None = None
    slow: float = 0.0
    burst: int = 0
    cut: int = 0
    no_http: bool = False
    cookie_only: bool = False
    clock: timedelta = timedelta(0)
    local_as_z: bool = False
    noise: bool = False


NONE: Final = Faults()


FAULTS: Final[Mapping[str, Fault]] = {
    "expires": Fault(about="a session ends after so many requests", read=from_one, usual=5, example="5"),
    "never-logged-in": Fault(about="every session that it gives is expired"),
    "locked": Fault(about="its user is locked"),
    "ignores-id": Fault(about="asked for events by number, it gives all"),
    "ignores-keys": Fault(about="asked for events by number or by time, it gives all"),
    "no-id": Fault(about="it refuses to be asked by number"),
    "no-times": Fault(about="it refuses to be asked by the times of its machines"),
    "no-search": Fault(about="it refuses to be asked for events at all"),
    "no-users": Fault(about="it does not tell who its users are"),
    "ignores-offset": Fault(about="asked for its users in parts, it gives the first part again and again"),
    "forbidden": Fault(about="its user may not ask for anything"),
    "duplicate": Fault(about="its socket tells everything twice"),
    "deaf": Fault(about="its socket tells nothing"),
    "unbound": Fault(about="its socket answers at once, and is bound to no session the first time"),
    "unnumbered": Fault(about="its socket tells all events with the number 0"),
    "binary": Fault(about="its socket sends bytes instead of text, in fragments"),
    "malformed": Fault(
        about="each so-manieth message of its socket is no document", read=from_one, usual=3, example="3"
    ),
    "no-socket": Fault(about="it has no socket"),
    "cut-socket": Fault(about="its socket is cut after so many messages", read=from_one, usual=5, example="5"),
    "silent": Fault(about="it answers so many requests, and then none", read=int, usual=0, example="4"),
    "slow": Fault(about="it waits so many seconds before each answer", read=seconds, usual=1.0, example="0.5"),
    "burst": Fault(about="so many messages of its socket leave in one piece", read=from_one, usual=4, example="4"),
    "cut": Fault(about="each connection ends after so many bytes", read=from_one, usual=5_000, example="5000"),
    "no-http": Fault(about="what answers speaks another protocol"),
    "cookie-only": Fault(about="it tells a session in a cookie, and in no header"),
    "clock": Fault(
        about="the clocks of its machines are so many seconds ahead, or behind",
        read=lambda text: timedelta(seconds=int(text)),
        usual=None,
        example="+3600",
    ),
    "local-as-z": Fault(about="it writes local times with a Z behind"),
    "noise": Fault(about="after each scan comes an event that is none: denied, failed, or of an administrator"),
}


def parsed(texts: Iterable[str]) -> Faults:
    """The faults that people name, each `NAME` or `NAME=PARAMETER`.

    Raises:
        WrongFault: with a sentence that says what there is.
    """
    return Faults(**chosen(texts, FAULTS))


def afflict(store: Store, faults: Faults) -> None:
    """Make the server have those faults that are its own."""
    store.clock_offset += faults.clock
    store.labels_local = store.labels_local or faults.local_as_z
    store.noise = store.noise or faults.noise
    store.locked = store.locked or faults.locked
