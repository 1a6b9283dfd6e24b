"""Events about what is expected of people, published by attendance."""

from typing import ClassVar

from shared.contracts.event import Event, Version


class ExpectedDays(Event, frozen=True, kw_only=True):
    """How much work is expected of a person on each date of a month. Holds all of it; the highest `version` is true.

    By shift or standard hours; 0 on weekends, holidays, dates off, and before and after the person belongs to the
    company. Leave does not lower it: leave is charged by it. It is told of the present month and the 17 that follow,
    and again whenever it changes; who belongs to the company on no date of a month may have none.
    """

    wire_type: ClassVar[str] = "attendance.expected_days.v1"
    # No service keeps them yet; the first that does turns this off, and asks attendance to publish all again.
    live_only: ClassVar[bool] = True

    person_id: int
    employee_id: str
    month: str
    """Such as 2024-02."""
    minutes: list[int]
    """Of each date of the month, the first one first."""
    version: Version

    def subject(self) -> str:
        return f"{self.employee_id}/{self.month}"

    def event_id(self) -> str:
        return f"{self.person_id}/{self.month}/{self.version.epoch}.{self.version.n}"
