"""What is expected of a person on a day: leave, holiday and weekend change the thresholds of a frame (RULES §4)."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from services.attendance.domain.frame import Frame, Terms


class Level(StrEnum):
    """The level of work: staff get the hours and no overtime."""

    WORKER = "Worker"
    STAFF = "Staff"


class LeavePart(StrEnum):
    """The part of a day that a leave request charges."""

    FULL = "full"
    MORNING = "morning"
    AFTERNOON = "afternoon"


@dataclass(frozen=True, slots=True, kw_only=True)
class Leave:
    """Approved leave on a day that the request charges."""

    type: str
    """As the policy names it: casual, sick, annual, maternity, paternity, earned, compensatory, without_pay, …"""
    part: LeavePart = LeavePart.FULL
    request: str | None = field(default=None, compare=False)
    """The request that charges it, for those who ask why: no day depends on it."""


def terms_of(frame: Frame, leave: Leave | None = None, holiday: str | None = None) -> Terms:
    """The terms of a day. Half a day of leave leaves the other half expected.

    A morning's leave moves safe and late entry to the end of lunch, an afternoon's moves safe exit to its start. In a
    shift it is the break nearest to its middle and, where there is none, the middle itself.
    """
    terms = frame.terms
    if leave is None and holiday is None:
        return terms
    if frame.weekend or holiday is not None or leave is None or leave.part is LeavePart.FULL:
        return terms._replace(expected=0, rest=True)
    half = terms.expected // 2
    if leave.part is LeavePart.MORNING:
        return terms._replace(expected=half, safe_entry=frame.half_ends, late_entry=frame.half_ends)
    return terms._replace(expected=half, safe_exit=frame.half_starts)


def leave_status(leave_type: str) -> str:
    """The status of a day on leave: "casual" gives "Leave-Casual". Types that a company adds follow the same form."""
    return _STATUSES.get(leave_type) or "Leave-" + "".join(word.capitalize() for word in leave_type.split("_"))


# Two names of the user's own documents do not follow the form.
_STATUSES: Final = {"earned": "Leave-Earn", "without_pay": "Leave-WithOutPay"}
