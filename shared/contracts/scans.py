"""Events about scans, published by ingest."""

from datetime import datetime
from typing import Annotated, Any, ClassVar, Literal
from uuid import UUID

from msgspec import Meta

from shared.contracts.event import Event

Instant = Annotated[datetime, Meta(tz=True)]
WallTime = Annotated[datetime, Meta(tz=False)]

ScanTypeName = Literal["IN", "OUT", "BREAK_IN", "BREAK_OUT", "OVERTIME_IN", "OVERTIME_OUT", "UNKNOWN"]
QualityName = Literal["ok", "ambiguous_dst", "nonexistent_dst", "implausible_past", "future"]


class ScanReceived(Event, frozen=True, kw_only=True):
    """A machine recorded that a badge was presented. Sent at least once; `scan_id` tells repeats."""

    wire_type: ClassVar[str] = "ingest.scan.received.v1"

    scan_id: UUID
    """Made of the machine, the badge, the machine's wall-clock second and the raw state: the same scan
    read again, from the wire or from a file, has the same id."""
    machine_id: int
    machine: str
    """The machine's own code, as people know it."""
    site_id: int
    badge: str
    """As the machine knows the person: opaque text, leading zeros kept."""
    device_time: str
    """The machine's time exactly as it was received."""
    local_time: WallTime
    """The same, read: the machine's wall clock, without a zone."""
    zone: str
    """The IANA zone that the wall clock was read in."""
    at: Instant
    """The instant in UTC."""
    quality: QualityName
    """What the time is worth. `implausible_past` and `future` are quarantined: kept, not counted."""
    state: str = ""
    """The key or direction as the machine sent it."""
    type: ScanTypeName = "UNKNOWN"
    """What the vendor's driver makes of `state`."""
    verify: str | None = None
    work_code: str | None = None
    record_no: str | None = None
    received_at: Instant
    mode: Literal["live", "replay"] = "live"
    """`live` as it happened; `replay` from a log or a file."""
    raw: dict[str, Any] | None = None

    def subject(self) -> str:
        return f"{self.machine}/{self.badge}"
