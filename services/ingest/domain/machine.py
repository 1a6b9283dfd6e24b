"""A machine that people scan at, as the registry knows it."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo


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
    WAITING_FOR_A_CALL = "waiting_for_a_call"
    """It comes to us, and has not yet."""
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
    PAUSED = "paused"
    """Somebody has ended contact with it for a while; what it brings by itself is taken."""
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
    log_cleared_at: datetime | None = None
    """When it was last noticed that its log was cleared, or that it holds fewer records than before."""
    records_cleared: int = 0
    """That it held each time before that, together, as far as it had told."""
    read_mark: str = ""
    """How far its log was read, and what else its driver has to know of it later, in that driver's own words:
    `Batch.read_mark`. Losing it has the log read again."""
    sync_asked_at: datetime | None = None
    """When somebody wanted its log to be read again; None once that was done."""
    sync_since: datetime | None = None
    """The wall time of its clock from which on that is wanted; None is all of it."""
    clock_asked_at: datetime | None = None
    """When somebody wanted its clock set who was told that it will be; None once it was tried."""
    clock_asked_by: str = ""
    """The username of who wanted that."""
    paused_at: datetime | None = None
    """Since when nobody is to be in contact with it for a while; None where it is not paused."""
    paused_until: datetime | None = None
    """When it is resumed by itself; None leaves that to a person."""
    paused_by: str = ""
    """The username of who wanted that."""
    pause_reason: str = ""
    created_at: datetime
    updated_at: datetime
    revision: int = 1
    """Rises when a person changes the machine; what an `ETag` shows."""
    version: int = 1
    """Rises with that and with every change of its connection; what events carry."""
    removed: bool = False
    """Taken out of the registry. Its id stays reserved, so that the machine is itself if it comes back."""

    @property
    def paused(self) -> bool:
        """Whether nobody is to go to it for now, although it is wanted."""
        return self.paused_at is not None


def state_for_people(machine: Machine, *, reports_by_itself: bool, goes_out: bool) -> State:
    """How contact with it stands.

    `reports_by_itself` where its driver can be in contact at all, `goes_out` where we go to it.
    """
    if not reports_by_itself:
        return State.IMPORTED_ONLY
    if not machine.status.wanted:
        return State.NOT_WANTED
    if machine.paused:
        return State.PAUSED
    if machine.state is State.CONNECTING and not goes_out:
        return State.WAITING_FOR_A_CALL
    return machine.state


def wants_again(machine: Machine, since: datetime | None, at: datetime) -> Machine:
    """The machine once somebody wants, `at` an instant, its log to be read again: from `since` on, or all of it.

    Of two wishes the wider stands. One that the present wish covers begins nothing anew.
    """
    if machine.sync_asked_at is not None:
        present = machine.sync_since
        if present is None or (since is not None and since >= present):
            return machine
    return replace(machine, sync_asked_at=at, sync_since=since)


def pause_in_words(machine: Machine) -> str:
    """Who has paused it, since when, until when and why; nothing where it is not paused. Times are on its own clock."""
    if machine.paused_at is None:
        return ""
    zone = ZoneInfo(machine.zone)
    until = f"until {_shown(machine.paused_until, zone)}" if machine.paused_until else "until somebody resumes it"
    why = f": {machine.pause_reason}" if machine.pause_reason else ""
    return f"paused by {machine.paused_by} since {_shown(machine.paused_at, zone)}, {until}{why}"


def _shown(at: datetime, zone: ZoneInfo) -> str:
    return f"{at.astimezone(zone):%Y-%m-%d %H:%M}"
