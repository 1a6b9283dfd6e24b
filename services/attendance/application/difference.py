"""How a day would come out beside how it is stored, and what many of these come to. No I/O."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

from services.attendance.application.computing import DayRow

SHOWN: Final = (
    "status",
    "shift",
    "first_in",
    "last_out",
    "worked",
    "overtime",
    "extra_overtime",
    "late",
    "early_departure",
    "shortfall",
    "snacks",
    "night_bill",
    "expected",
    "raw_worked",
    "overtime_unapproved",
    "flags",
    "used",
    "merged",
    "marks",
    "zone",
)
"""Of a row, what somebody can see."""
MINUTES: Final = ("worked", "overtime", "extra_overtime", "late", "early_departure", "shortfall")
ELIGIBLE: Final = ("snacks", "night_bill")
_COUNTED: Final = (*MINUTES, *ELIGIBLE)


class Change(NamedTuple):
    """A day that would come out otherwise. Only what differs is in `before` and `after`."""

    date: date
    person_id: int
    before: Mapping[str, Any] | None
    """None where there is no such day yet."""
    after: Mapping[str, Any]
    why: str
    locked: bool
    """The day would stay, and this be an adjustment."""


def change_of(stored: DayRow | None, now: DayRow, *, locked: bool = False) -> Change | None:
    """What differs; None where nobody would see any difference."""
    if stored is None:
        return Change(now.date, now.person_id, None, _shown(now, SHOWN), "there is no such day yet", locked)
    names = [name for name in SHOWN if getattr(stored, name) != getattr(now, name)]
    if not names:
        return None
    return Change(now.date, now.person_id, _shown(stored, names), _shown(now, names), _why(stored, now), locked)


def _shown(row: DayRow, names: Any) -> dict[str, Any]:
    return {name: _value(getattr(row, name), row.zone) for name in names}


def _value(value: Any, zone: str) -> Any:
    return value.astimezone(ZoneInfo(zone)).isoformat() if isinstance(value, datetime) else value


def _why(stored: DayRow, now: DayRow) -> str:
    """As far as the two tell."""
    if stored.zone != now.zone:
        return f"the zone is {now.zone} instead of {stored.zone}"
    if stored.shift != now.shift:
        return f"the shift is {now.shift or 'none'} instead of {stored.shift or 'none'}"
    times = [[mark[:5] for mark in row.marks.split(",")] for row in (stored, now)]
    if times[0] != times[1] or stored.merged != now.merged:
        return "other scans or corrections count"
    if stored.marks != now.marks:
        return "scans are taken for another direction"
    return "settings, corrections, or what is known of the person differ"


@dataclass(slots=True)
class Totals:
    """What many days come to, before and after."""

    people_affected: int = 0
    days_looked_at: int = 0
    days_changed: int = 0
    days_new: int = 0
    days_locked: int = 0
    """Of those that change: they would stay, and be adjusted."""
    before: Counter[str] = field(default_factory=Counter)
    """Minutes by kind, and for how many days snacks and the night bill are due."""
    after: Counter[str] = field(default_factory=Counter)
    statuses: Counter[tuple[str | None, str]] = field(default_factory=Counter)
    """How often one status becomes another; None where there is no day yet."""

    def count(self, stored: DayRow | None, now: DayRow, change: Change | None) -> None:
        """Take in a day."""
        self.days_looked_at += 1
        for name in _COUNTED:
            self.after[name] += getattr(now, name)
            if stored is not None:
                self.before[name] += getattr(stored, name)
        if change is None:
            return
        self.days_changed += 1
        self.days_new += stored is None
        self.days_locked += change.locked
        if stored is None or stored.status != now.status:
            self.statuses[None if stored is None else stored.status, now.status] += 1

    def add(self, other: "Totals") -> None:
        """Take in what other people's days come to."""
        self.people_affected += other.people_affected
        self.days_looked_at += other.days_looked_at
        self.days_changed += other.days_changed
        self.days_new += other.days_new
        self.days_locked += other.days_locked
        self.before.update(other.before)
        self.after.update(other.after)
        self.statuses.update(other.statuses)

    def shown(self) -> dict[str, Any]:
        """As it is kept and answered."""
        return {
            "people_affected": self.people_affected,
            "days_looked_at": self.days_looked_at,
            "days_changed": self.days_changed,
            "days_new": self.days_new,
            "days_locked": self.days_locked,
            "minutes": {name: self._pair(name) for name in MINUTES},
            "eligible_days": {name: self._pair(name) for name in ELIGIBLE},
            "statuses": [
                {"before": before, "after": after, "days": days}
                for (before, after), days in sorted(self.statuses.items(), key=lambda each: (-each[1], str(each[0])))
            ],
        }

    def _pair(self, name: str) -> dict[str, int]:
        before, after = self.before[name], self.after[name]
        return {"before": before, "after": after, "difference": after - before}


def totals_from(shown: Mapping[str, Any] | None) -> Totals:
    """What `shown` made, read again."""
    if shown is None:
        return Totals()
    totals = Totals(
        people_affected=shown["people_affected"],
        days_looked_at=shown["days_looked_at"],
        days_changed=shown["days_changed"],
        days_new=shown["days_new"],
        days_locked=shown["days_locked"],
        statuses=Counter({(each["before"], each["after"]): each["days"] for each in shown["statuses"]}),
    )
    for name, pair in {**shown["minutes"], **shown["eligible_days"]}.items():
        totals.before[name], totals.after[name] = pair["before"], pair["after"]
    return totals
