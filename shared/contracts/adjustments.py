"""Events about adjustments of days in locked months, published by attendance."""

from datetime import date
from typing import ClassVar

from shared.contracts.event import Event, Version
from shared.contracts.scans import Instant


class AdjustmentChanged(Event, frozen=True, kw_only=True):
    """The present state of an adjustment: a locked day stays, and what it would be is booked in an open month.

    Holds all of it; the highest `version` is true.
    """

    wire_type: ClassVar[str] = "attendance.adjustment.changed.v1"
    live_only: ClassVar[bool] = True

    adjustment_id: int
    person_id: int
    employee_id: str
    employee_name: str
    unit_path: list[int]
    site_id: int
    date: date
    period: str
    """The month in which it is booked, such as 2024-02."""
    status_before: str
    status_after: str
    minutes: dict[str, int]
    """What is to be booked by kind: worked, overtime, extra_overtime, late, early_departure, shortfall."""
    reason: str
    cancelled: bool
    """Nothing is left of it."""
    adjusted_at: Instant
    version: Version

    def subject(self) -> str:
        return f"{self.employee_id}/{self.date.isoformat()}"

    def event_id(self) -> str:
        return f"{self.adjustment_id}/{self.version.epoch}.{self.version.n}"
