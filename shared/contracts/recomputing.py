"""Events about days that somebody asked to be computed again, published by attendance."""

from datetime import date
from typing import ClassVar

from shared.contracts.event import Event, Version
from shared.contracts.scans import Instant


class RecomputeChanged(Event, frozen=True, kw_only=True):
    """How far a run is: the days of some people are computed again, or it is tried what would change.

    Holds all of it; the highest `version` is true. While it is under way it comes a few times a second.
    """

    wire_type: ClassVar[str] = "attendance.recompute.changed.v1"
    live_only: ClassVar[bool] = True

    run_id: str
    kind: str
    """recompute, or what changes nothing: dry_run, sandbox, preview."""
    state: str
    """waiting, running, done, cancelled or failed."""
    date_from: date
    date_to: date
    reason: str | None
    asked_by: str
    people: int
    people_done: int
    days_looked_at: int
    days_changed: int
    """Of what changes nothing: that would change."""
    at: Instant
    version: Version

    def subject(self) -> str:
        return self.run_id

    def event_id(self) -> str:
        return f"{self.run_id}/{self.version.epoch}.{self.version.n}"
