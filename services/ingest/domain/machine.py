"""A machine that people scan at, as the registry knows it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Any


class Status(StrEnum):
    """What is wanted of the machine, or that it does not do it."""

    ACTIVE = "active"
    INACTIVE = "inactive"
    """Nobody connects to it; files of it may still be imported."""
    MAINTENANCE = "maintenance"
    """As inactive, and not missed."""
    ERROR = "error"
    """Wanted, and something keeps it from working that a person must look at."""

    @property
    def wanted(self) -> bool:
        """True where ingest should be in contact with it."""
        return self in (Status.ACTIVE, Status.ERROR)


class State(StrEnum):
    """How contact with the machine stands, for people."""

    CONNECTING = "connecting"
    """For the first time since it was changed, or since we started."""
    CATCHING_UP = "catching_up"
    """In contact; what it recorded before is being read."""
    LIVE = "live"
    """In contact; its scans come as they are made."""
    POLLING = "polling"
    """Everything it had was read; it is asked again every so often."""
    AWAY = "away"
    """Nobody answers; it is tried again and again."""
    WAITING_FOR_A_PERSON = "waiting_for_a_person"
    """It answers, and trying again will not help (a wrong key, another machine); it is tried rarely."""
    NOT_WANTED = "not_wanted"
    """Nobody is to be in contact with it."""
    IMPORTED_ONLY = "imported_only"
    """Nobody can be; files of it are imported."""


class Direction(StrEnum):
    """What a scan at this machine says by itself."""

    BOTH = "both"
    ENTRY = "in"
    EXIT = "out"


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """One machine of the registry.

    `id` is ours and never changes; serial number, name and address are aliases of it, so that a machine that
    was replaced by another address, or is read by file and by network, remains one machine.
    """

    id: int
    machine_id: str
    """The code that people use: unique, "gate-1"."""
    name: str
    machine_type: str
    """Names the driver."""
    ip_address: str | None = None
    port: int | None = None
    location: str = ""
    department: int | None = None
    department_name: str = ""
    status: Status = Status.ACTIVE
    direction: Direction = Direction.BOTH
    site_id: int = 1
    zone: str
    """IANA zone of its clock."""
    serial: str | None = None
    aliases: tuple[str, ...] = ()
    installed_on: date | None = None
    """Scans before this day come from a wrong clock."""
    config: Mapping[str, Any] = field(default_factory=dict)
    """As the driver wants it, secrets included: never show it without masking."""
    is_connected: bool = False
    status_text: str = ""
    """Why it is not connected, or what is the matter although it is; empty where there is nothing to say."""
    state: State = State.CONNECTING
    """As contact with it last left it; `state_for_people` says whether that means anything."""
    last_sync: datetime | None = None
    """Last contact in which everything it had was taken over."""
    last_scan_at: datetime | None = None
    reported_until: datetime | None = None
    """Everything that happened at the machine up to this instant is here."""
    last_contact_at: datetime | None = None
    """When it was last heard of."""
    clock_offset_seconds: float | None = None
    """Its clock minus ours, as last measured; None where it never was."""
    clock_measured_at: datetime | None = None
    records_on_machine: int | None = None
    """As it says itself."""
    record_capacity: int | None = None
    records_received: int | None = None
    """How many of those on the machine have been handed over."""
    created_at: datetime
    updated_at: datetime
    revision: int = 1
    """Rises when a person changes the machine; what an `ETag` shows."""
    version: int = 1
    """Rises with that and with every change of its connection; what events carry."""
    removed: bool = False
    """Taken out of the registry. Its id stays reserved, so that the machine is itself if it comes back."""


def state_for_people(machine: Machine, *, reports_by_itself: bool) -> State:
    """How contact with it stands; `reports_by_itself` where its driver can be in contact at all."""
    if not reports_by_itself:
        return State.IMPORTED_ONLY
    return machine.state if machine.status.wanted else State.NOT_WANTED
