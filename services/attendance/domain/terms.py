"""What is expected of a person on a day: leave, holiday and weekend change the thresholds of a frame (RULES §4)."""

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final, NamedTuple

from services.attendance.domain.window import Frame


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


class Terms(NamedTuple):
    """What counts as in time and as enough. Moments are minutes since 1970."""

    expected: int
    """Minutes of work; 0 on a rest day."""
    rest: bool
    """Nobody waits for this person: weekend, holiday or a whole day of leave."""
    safe_entry: int
    late_entry: int
    safe_exit: int

    @property
    def due(self) -> datetime | None:
        """The first instant at which coming is late; None where nobody is expected."""
        return None if self.rest else datetime.fromtimestamp((self.late_entry + 1) * 60, UTC)


def terms_of(frame: Frame, leave: Leave | None = None, holiday: str | None = None) -> Terms:
    """The terms of a day. Half a day of leave leaves the other half expected.

    A morning's leave moves safe and late entry to the end of lunch, an afternoon's moves safe exit to its start.
    """
    standard = frame.settings.standard_minutes
    safe_entry, late_entry, safe_exit = frame.safe_entry, frame.late_entry, frame.safe_exit
    rest = frame.weekend or holiday is not None
    if leave is not None:
        if leave.part is LeavePart.FULL:
            rest = True
        else:
            standard //= 2
        if leave.part is LeavePart.MORNING:
            safe_entry = late_entry = frame.lunch_end
        elif leave.part is LeavePart.AFTERNOON:
            safe_exit = frame.lunch_start
    return Terms(0 if rest else standard, rest, safe_entry, late_entry, safe_exit)


def leave_status(leave_type: str) -> str:
    """The status of a day on leave: "casual" gives "Leave-Casual". Types that a company adds follow the same form."""
    return _STATUSES.get(leave_type) or "Leave-" + "".join(word.capitalize() for word in leave_type.split("_"))


# Two names of the user's own documents do not follow the form.
_STATUSES: Final = {"earned": "Leave-Earn", "without_pay": "Leave-WithOutPay"}
