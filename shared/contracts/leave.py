"""Events about holidays and leave, published by leave."""

from datetime import date
from typing import ClassVar
from uuid import UUID

import msgspec

from shared.contracts.event import Event, Version
from shared.contracts.scans import Instant


class HolidayChanged(Event, frozen=True, kw_only=True):
    """The present state of a holiday. Holds all of it; the highest `version` is true."""

    wire_type: ClassVar[str] = "leave.holiday.changed.v1"

    holiday_id: int
    name: str
    description: str | None
    holiday_type: str
    """national, religious, cultural or company."""
    start_date: date
    end_date: date
    """Inclusive."""
    sites: list[int] | None
    """Where it is one; None is at all sites."""
    is_recurring: bool
    """On the same dates of each later year, too."""
    is_observed: bool
    """Nobody is expected; one that is not observed is in the calendar and changes no day."""
    version: Version
    removed: bool = False

    def subject(self) -> str:
        return str(self.holiday_id)


class ChargedDate(msgspec.Struct, frozen=True, kw_only=True):
    """A date that a request charges, the part of it, and to which type of leave."""

    date: date
    part: str
    """full, morning or afternoon."""
    leave_type: str
    """casual, sick, annual, maternity, paternity, earned, compensatory, without_pay, or one that the company added."""


class LeaveRequestChanged(Event, frozen=True, kw_only=True):
    """The present state of a leave request. Holds all of it; the highest `version` is true.

    What a person wrote as their reason stays with leave.
    """

    wire_type: ClassVar[str] = "leave.request.changed.v1"

    request_id: UUID
    person_id: int
    employee_id: str
    leave_type: str
    leave_type_name: str
    """As the policy is called."""
    start_date: date
    end_date: date
    """Inclusive."""
    start_part: str
    """Of its first date that is asked for, as `ChargedDate.part`; and of its last."""
    end_part: str
    total_days: float
    status: str
    """pending, approved, rejected or cancelled."""
    charged: list[ChargedDate]
    """What an approved request takes; a date that is not among them is no leave. Empty in any other status."""
    approved_by_name: str | None
    approved_at: Instant | None
    version: Version
    removed: bool = False

    def subject(self) -> str:
        return self.employee_id
