"""Events about machines, published by ingest."""

from typing import ClassVar

from shared.contracts.event import Event, Version
from shared.contracts.scans import Instant


class MachineChanged(Event, frozen=True, kw_only=True):
    """The present state of a machine in the registry. Holds all of it; the highest `version` is true."""

    wire_type: ClassVar[str] = "ingest.machine.changed.v1"

    machine_id: int
    machine: str
    name: str
    machine_type: str
    site_id: int
    zone: str
    department: str | None
    location: str | None
    status: str
    """active, inactive, maintenance or error."""
    reports_by_itself: bool
    """Whether its scans come without anybody's doing (a device that is connected), not by file import."""
    is_connected: bool
    last_scan_at: Instant | None
    reported_until: Instant | None
    """Everything that the machine recorded up to here has been published."""
    version: Version
    removed: bool = False

    def subject(self) -> str:
        return self.machine


class MachineConnected(Event, frozen=True, kw_only=True):
    """A machine is in contact again."""

    wire_type: ClassVar[str] = "ingest.machine.connected.v1"
    live_only: ClassVar[bool] = True

    machine_id: int
    machine: str
    at: Instant

    def subject(self) -> str:
        return self.machine


class MachineDisconnected(Event, frozen=True, kw_only=True):
    """A machine is away; `reason` says why in a sentence."""

    wire_type: ClassVar[str] = "ingest.machine.disconnected.v1"
    live_only: ClassVar[bool] = True

    machine_id: int
    machine: str
    at: Instant
    reason: str

    def subject(self) -> str:
        return self.machine


class ErrorOccurred(Event, frozen=True, kw_only=True):
    """Something went wrong that a person should know of."""

    wire_type: ClassVar[str] = "ingest.error.occurred.v1"
    live_only: ClassVar[bool] = True

    machine_id: int | None
    machine: str | None
    at: Instant
    message: str

    def subject(self) -> str | None:
        return self.machine
