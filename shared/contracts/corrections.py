"""Events about corrections of days, published by attendance."""

from datetime import date
from typing import Any, ClassVar

import msgspec

from shared.contracts.event import Event, Version
from shared.contracts.scans import Instant


class Deed(msgspec.Struct, frozen=True, kw_only=True):
    """Who did something, when and why."""

    user: int
    """Of the gateway's users."""
    name: str
    at: Instant
    reason: str | None = None


class CorrectionChanged(Event, frozen=True, kw_only=True):
    """The present state of a correction of a person's day. Holds all of it; the highest `version` is true."""

    wire_type: ClassVar[str] = "attendance.correction.changed.v1"
    live_only: ClassVar[bool] = True

    correction_id: int
    person_id: int
    employee_id: str
    date: date
    kind: str
    """`scan`, `set_aside`, `figure` or `duty`."""
    values: dict[str, Any]
    """What it says, by its kind, as the API shows it."""
    state: str
    """`requested`, `approved`, `rejected` or `withdrawn`; only an approved one is in force."""
    asked: Deed
    decided: Deed | None
    withdrawn: Deed | None
    before: dict[str, Any] | None
    """The figures of the day when it was approved, and in `after` what they became."""
    after: dict[str, Any] | None
    version: Version

    def subject(self) -> str:
        return f"{self.employee_id}/{self.date.isoformat()}"

    def event_id(self) -> str:
        return f"{self.correction_id}/{self.version.epoch}.{self.version.n}"
