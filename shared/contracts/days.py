"""Events about days, published by attendance."""

from datetime import date
from typing import ClassVar

import msgspec

from shared.contracts.event import Event, Version
from shared.contracts.scans import Instant


class ScanOfDay(msgspec.Struct, frozen=True, kw_only=True):
    """A scan as the day's list shows it: local "08:00" and IN, OUT or what was reported."""

    time: str
    type: str


class DayUpdated(Event, frozen=True, kw_only=True):
    """The present state of one person's day. Holds all of it; the highest `version` is true.

    Durations are whole minutes. Times are local to `zone`, "HH:MM".
    """

    wire_type: ClassVar[str] = "attendance.day.updated.v1"

    person_id: int
    employee_id: str
    employee_name: str
    department: str | None
    designation: str | None
    level_of_work: str
    unit_path: list[int]
    site_id: int
    zone: str
    date: date
    status: str
    first_in: Instant | None
    last_out: Instant | None
    check_in: str | None
    check_out: str | None
    worked_minutes: int
    overtime_minutes: int
    extra_overtime_minutes: int
    late_minutes: int
    early_departure_minutes: int
    shortfall_minutes: int
    snacks_eligible: bool
    night_bill_eligible: bool
    flags: list[str]
    total_scans: int
    scans: list[ScanOfDay]
    computed_at: Instant
    live: bool
    """Whether a scan that happened just now was the cause, rather than a log that was read later."""
    version: Version
    raw_worked_minutes: int | None = None
    """As `worked_minutes`, before any rounding; None where nobody said."""
    expected_minutes: int | None = None
    overtime_unapproved: bool = False
    """The overtime stands and waits for somebody to approve it."""
    shift: str | None = None
    """Such as "Night (22:00–06:00)"; None on a day without one."""
    removed: bool = False
    """There is no such day any more: the person turned out not to have been employed then. The status is empty."""

    def subject(self) -> str:
        return f"{self.employee_id}/{self.date.isoformat()}"

    def event_id(self) -> str:
        return f"{self.person_id}/{self.date.isoformat()}/{self.version.epoch}.{self.version.n}"


class DayClosed(Event, frozen=True, kw_only=True):
    """A date of a site is closed: everybody employed there on it has a day, be it an absence.

    All of them were told before, as `attendance.day.updated.v1`. Those that change later are told as ever.
    """

    wire_type: ClassVar[str] = "attendance.day.closed.v1"
    live_only: ClassVar[bool] = True

    site_id: int
    site: str
    zone: str
    date: date
    closed_at: Instant
    people: int
    unseen: int
    """Of these, on whom no scan counts."""
    counts: dict[str, int]
    """How many have each status, as they were at that moment."""
    epoch: int

    def subject(self) -> str:
        return f"{self.site_id}/{self.date.isoformat()}"

    def event_id(self) -> str:
        return f"{self.site_id}/{self.date.isoformat()}/closed/{self.epoch}"
