"""What a payroll is told of a person and a period: amounts, and the contract of their names (docs/payroll.md).

Names and meanings stay. A new amount goes to the end; a changed meaning is another version.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, NamedTuple

from services.attendance.domain.day import Status
from services.attendance.domain.hours import hours

VERSION: Final = 1


class Unit(StrEnum):
    """What an amount is counted in."""

    DAYS = "days"
    MINUTES = "minutes"
    COUNT = "count"


class Amount(NamedTuple):
    """One of the amounts of a person and period."""

    name: str
    words: str

    @property
    def unit(self) -> Unit:
        """Its name says it."""
        if self.name.endswith("_minutes"):
            return Unit.MINUTES
        return Unit.DAYS if self.name == "days" or self.name.endswith("_days") else Unit.COUNT


LEAVES: Final = {
    "Leave-Earn": "leave_earn_days",
    "Leave-Casual": "leave_casual_days",
    "Leave-Sick": "leave_sick_days",
    "Leave-Maternity": "leave_maternity_days",
    "Leave-WithOutPay": "leave_without_pay_days",
    "Leave-Annual": "leave_annual_days",
    "Leave-Paternity": "leave_paternity_days",
    "Leave-Compensatory": "leave_compensatory_days",
}
OTHER_LEAVE: Final = "leave_other_days"

WORK: Final = (
    Amount("regular_minutes", "worked on ordinary days, without any overtime"),
    Amount("overtime_minutes", "overtime by the day, on ordinary days"),
    Amount("extra_overtime_minutes", "extra overtime, on ordinary days"),
    Amount("week_overtime_minutes", "overtime by the week alone, on ordinary days"),
    Amount("weekend_minutes", "worked on weekends and dates that a schedule leaves off, without any overtime"),
    Amount("weekend_overtime_minutes", "overtime of any kind on such dates"),
    Amount("holiday_minutes", "worked on holidays, also on those that are weekends, without any overtime"),
    Amount("holiday_overtime_minutes", "overtime of any kind on holidays"),
)
"""What was worked, cut into parts: each minute is in one of them."""

AMOUNTS: Final = (
    Amount("days", "dates on which the person was employed, and in what was filtered by"),
    Amount("present_days", "on_time_days, considered_days and late_days together"),
    Amount("on_time_days", "Present-OnTime"),
    Amount("considered_days", "Present-Considered"),
    Amount("late_days", "Present-Late"),
    Amount("absent_days", "Absent, and final"),
    Amount("absent_open_days", "Absent so far: expected or provisional, so that a scan may still come"),
    Amount("weekend_days", "Weekend: nobody was expected, and nobody came"),
    Amount("holiday_days", "Holiday, likewise"),
    Amount("leave_days", "leave of all types together"),
    *(Amount(name, status) for status, name in LEAVES.items()),
    Amount(OTHER_LEAVE, "leave of types that the company added"),
    Amount("half_days", "present days that are flagged half_day"),
    Amount("worked_minutes", "all that was worked: the eight that follow together"),
    *WORK,
    Amount("expected_minutes", "work that was expected, of days to come, too"),
    Amount("late_minutes", "after safe entry, on days that are late"),
    Amount("early_departure_minutes", "before safe exit"),
    Amount("shortfall_minutes", "missing of what was expected; an absence counts once it is final"),
    Amount("snacks", "days on which snacks are due"),
    Amount("night_bill", "days on which a night bill is due"),
    Amount("missing_check_in_days", "flagged missing_check_in: hours are not known"),
    Amount("missing_check_out_days", "flagged missing_check_out: hours are not known"),
    Amount("long_span_days", "flagged long_span"),
    Amount("flagged_days", "with any flag"),
    Amount("unapproved_overtime_days", "with overtime that waits for somebody to approve it"),
    Amount("expected_days", "not due yet"),
    Amount("provisional_days", "not final yet, and due"),
    Amount("locked_days", "of locked months"),
    Amount("adjustments", "adjusted days of earlier, locked months that are booked in this period"),
    Amount("adjustment_present_days", "what they change of present days"),
    Amount("adjustment_absent_days", "of absences"),
    Amount("adjustment_worked_minutes", "of worked minutes: the next three together"),
    Amount("adjustment_regular_minutes", "of all that is no overtime by the day"),
    Amount("adjustment_overtime_minutes", "of overtime by the day"),
    Amount("adjustment_extra_overtime_minutes", "of extra overtime"),
    Amount("adjustment_late_minutes", "of late minutes"),
    Amount("adjustment_early_departure_minutes", "of early departure"),
    Amount("adjustment_shortfall_minutes", "of shortfall"),
    Amount("adjustment_leave_days", "of leave of all types together"),
    Amount("adjustment_leave_without_pay_days", "of leave without pay alone"),
    Amount(
        "half_leave_days",
        "days of which leave charges half: among the days of leave where nobody came, among the present ones where "
        "somebody did",
    ),
)

WITH_HOURS: Final = ("worked_minutes", *(amount.name for amount in WORK), "expected_minutes")
"""Those that are told in hours, too."""

_DERIVED: Final = frozenset(
    {
        "present_days",
        "leave_days",
        OTHER_LEAVE,
        "worked_minutes",
        "adjustment_leave_days",
        "adjustment_leave_without_pay_days",
        *LEAVES.values(),
    }
)
_COUNTED: Final = tuple(amount.name for amount in AMOUNTS if amount.name not in _DERIVED)
_BY_STATUS: Final[Mapping[str, str]] = {
    Status.ON_TIME: "on_time_days",
    Status.CONSIDERED: "considered_days",
    Status.LATE: "late_days",
    Status.WEEKEND: "weekend_days",
    Status.HOLIDAY: "holiday_days",
}


@dataclass(slots=True)
class Amounts:
    """The amounts of a part of a period. Parts add up to the whole, wherever it is cut."""

    counted: dict[str, int] = field(default_factory=lambda: dict.fromkeys(_COUNTED, 0))
    leaves: dict[str, int] = field(default_factory=dict)
    """Days of leave by status."""
    adjusted_leaves: dict[str, int] = field(default_factory=dict)
    """What adjustments change of them."""

    def day(self, status: str, *, final: bool, days: int = 1) -> None:
        """Count days of a status."""
        if status.startswith("Leave-"):
            self.leaves[status] = self.leaves.get(status, 0) + days
            return
        name = _BY_STATUS.get(status)
        if name is None:
            name = "absent_days" if final else "absent_open_days"
        self.counted[name] += days

    def add(self, other: "Amounts") -> None:
        """Take in another part."""
        counted = self.counted
        for name, value in other.counted.items():
            if value:
                counted[name] += value
        for status, days in other.leaves.items():
            self.leaves[status] = self.leaves.get(status, 0) + days
        for status, days in other.adjusted_leaves.items():
            self.adjusted_leaves[status] = self.adjusted_leaves.get(status, 0) + days

    def all(self) -> dict[str, int]:
        """Every amount, by its name and in the order of the contract."""
        found = dict.fromkeys(_NAMES, 0) | self.counted
        for status, days in self.leaves.items():
            found[LEAVES.get(status, OTHER_LEAVE)] += days
            found["leave_days"] += days
        found["adjustment_leave_days"] = sum(self.adjusted_leaves.values())
        found["adjustment_leave_without_pay_days"] = self.adjusted_leaves.get("Leave-WithOutPay", 0)
        found["present_days"] = found["on_time_days"] + found["considered_days"] + found["late_days"]
        found["worked_minutes"] = sum(found[amount.name] for amount in WORK)
        return found


def with_hours(amounts: Mapping[str, int]) -> dict[str, int | float]:
    """The amounts with hours right behind the minutes that are told in hours, too."""
    found: dict[str, int | float] = {}
    for name, value in amounts.items():
        found[name] = value
        if name in _HOURS:
            found[_HOURS[name]] = hours(value)
    return found


_NAMES: Final = tuple(amount.name for amount in AMOUNTS)
_HOURS: Final = {name: name.removesuffix("_minutes") + "_hours" for name in WITH_HOURS}
