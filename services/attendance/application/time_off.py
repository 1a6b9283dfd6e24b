"""What a changed holiday or leave request touches: which dates, and of which sites or people. No I/O."""

from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from typing import Final, NamedTuple

from services.attendance.domain.terms import LeavePart
from services.attendance.domain.time_off import LONGEST_HOLIDAY
from shared.contracts.leave import HolidayChanged, LeaveRequestChanged
from shared.kernel.errors import Malformed

MOST_CHARGED: Final = 1_000
"""Dates of a request."""
EARLIEST, LATEST = date(1970, 1, 2), date(2199, 12, 31)

_ONE_DAY: Final = timedelta(days=1)


class Observed(NamedTuple):
    """A holiday as far as days depend on it."""

    first: date
    last: date
    sites: frozenset[int] | None
    """None is all."""
    every_year: bool

    @classmethod
    def of(  # noqa: PLR0917 -- the columns of the table
        cls,
        first: date,
        last: date,
        sites: Iterable[int] | None,
        every_year: bool,
        is_observed: bool,
        removed: bool,
    ) -> "Observed | None":
        """None where no day depends on it."""
        if removed or not is_observed:
            return None
        return cls(first, last, None if sites is None else frozenset(sites), every_year)

    @property
    def dates(self) -> set[date]:
        return {self.first + timedelta(days=n) for n in range((self.last - self.first).days + 1)}


class Charge(NamedTuple):
    """A date of a person that a request charges."""

    person_id: int
    date: date
    part: str
    type: str


class Touched(NamedTuple):
    """Dates of everybody at some sites."""

    sites: frozenset[int] | None
    since: date
    until: date | None
    """Inclusive; None is for ever."""


def check_holiday(holiday: HolidayChanged) -> None:
    """Refuse what can be no holiday.

    Raises:
        Malformed: says why.
    """
    length = (holiday.end_date - holiday.start_date).days + 1
    if not 1 <= length <= LONGEST_HOLIDAY:
        raise Malformed(f"a holiday of {length} days; it has 1 to {LONGEST_HOLIDAY}")
    _check_dates([holiday.start_date, holiday.end_date])


def check_request(request: LeaveRequestChanged) -> None:
    """Refuse what can be no leave request.

    Raises:
        Malformed: says why.
    """
    dates = [each.date for each in request.charged]
    if len(dates) > MOST_CHARGED:
        raise Malformed(f"a leave request that charges {len(dates):,} dates; {MOST_CHARGED:,} are the most")
    if len(set(dates)) < len(dates):
        raise Malformed("a leave request that charges a date twice")
    _check_dates(dates)
    parts = {each.part for each in request.charged}
    if unknown := sorted(parts - set(LeavePart)):
        raise Malformed(f"{unknown[0][:40]!r} is no part of a day; there are {', '.join(LeavePart)}")
    for type_ in {each.leave_type for each in request.charged}:
        if not (0 < len(type_) <= 60 and type_.replace("_", "").isalnum()):
            raise Malformed(f"{type_[:60]!r} is no type of leave such as without_pay")


def observed_by(holiday: HolidayChanged) -> Observed | None:
    """What days depend on of the holiday; None where they do not."""
    return Observed.of(
        holiday.start_date,
        holiday.end_date,
        holiday.sites,
        holiday.is_recurring,
        holiday.is_observed,
        holiday.removed,
    )


def charged_by(request: LeaveRequestChanged) -> set[Charge]:
    """What the request charges: nothing unless it is approved."""
    if request.removed or request.status != "approved":
        return set()
    return {Charge(request.person_id, each.date, each.part, each.leave_type) for each in request.charged}


def touched(before: Observed | None, after: Observed | None) -> Iterator[Touched]:
    """The dates on which it is no longer a holiday, or is one now."""
    if before == after:
        return
    sides = [each for each in (before, after) if each is not None]
    if len(sides) == 2 and sides[0].sites == sides[1].sites and not (sides[0].every_year or sides[1].every_year):
        yield from (Touched(sides[0].sites, *run) for run in runs(sides[0].dates ^ sides[1].dates))
        return
    for side in sides:
        yield Touched(side.sites, side.first, None if side.every_year else side.last)


def runs(dates: Iterable[date]) -> Iterator[tuple[date, date]]:
    """Dates as stretches without a gap: the first and the last of each."""
    ordered = sorted(set(dates))
    start = 0
    for place, day in enumerate(ordered):
        if place + 1 == len(ordered) or ordered[place + 1] - day > _ONE_DAY:
            yield ordered[start], day
            start = place + 1


def _check_dates(dates: Iterable[date]) -> None:
    for day in dates:
        if not EARLIEST <= day <= LATEST:
            raise Malformed(f"{day.isoformat()} is further away than any day")
