"""Which date an instant belongs to, and the frame of a date, with a shift or without.

Everything here depends on a date, a zone, settings and shifts alone. It is worked out once and cached, so that the day
function compares integers. The windows of a person's dates follow each other without gap or overlap, whatever the
shifts: the cut between two dates is made of these two alone, and both take it from here.
"""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from services.attendance.domain.boundary import EARLIEST, LATEST, working_days
from services.attendance.domain.clocks import instant
from services.attendance.domain.frame import Frame
from services.attendance.domain.framing import Window, by_settings, by_shift, expected_by_settings, expected_by_shift
from services.attendance.domain.settings import DaySettings
from services.attendance.domain.shift import DATE, LATEST_END, Shift

_ONE_DAY: Final = timedelta(days=1)


class Slot(NamedTuple):
    """What a person has on a date."""

    settings: DaySettings
    shift: Shift | None = None
    scheduled: bool = False
    """Somebody has a schedule, be it that it leaves this date off."""
    confidence: float | None = None
    """How sure the shift is, from 0 to 1, where it was inferred from scans; None where somebody assigned it."""


@lru_cache(maxsize=16_384)
def frame_of(day: date, zone: str, settings: DaySettings, slots: tuple[Slot, Slot, Slot] | None = None) -> Frame:
    """The frame of a date; `slots` are those of the date before, of the date and of the date after.

    Without slots the day goes from boundary to boundary. `settings` are those of the date, as `slots[1].settings`.
    """
    if slots is None:
        days = working_days(zone, settings.day_boundary)
        return by_settings(Window(day, zone, days.start_of(day), days.start_of(day + _ONE_DAY)), settings, off=False)
    before, own, after = slots
    # How sure the shift is moves no edge, and cuts are remembered by their slots.
    edge = own if own.confidence is None else own._replace(confidence=None)
    window = Window(day, zone, cut(day, zone, before, edge), cut(day + _ONE_DAY, zone, edge, after))
    if own.shift is None:
        return by_settings(window, settings, off=own.scheduled)
    return by_shift(window, own.shift.over(settings), own.shift, own.confidence)


def expected_on(day: date, zone: str, slot: Slot) -> int:
    """The minutes of work that the frame of a date has, without making one: they depend on no other date."""
    if slot.shift is None:
        return expected_by_settings(day, slot.settings, off=slot.scheduled) or 0
    return expected_by_shift(day, zone, slot.shift.over(slot.settings), slot.shift)


def without_shift(frame: Frame, settings: DaySettings) -> Frame:
    """The same window by settings alone: a date on which nobody was seen has no shift that scans could have told."""
    return by_settings(Window(frame.date, frame.zone, frame.start, frame.end), settings, off=False)


def date_at(at: datetime, zone: str, slot_on: Callable[[date], Slot]) -> date:
    """The date whose window holds an aware instant."""
    if at.tzinfo is None:
        raise ValueError("an instant needs a zone")
    # A broken clock may say any year; the days at the ends of the calendar stand for what lies beyond them.
    second = min(max(int(at.timestamp() // 1), EARLIEST), LATEST)
    day = datetime.fromtimestamp(second, ZoneInfo(zone)).date()
    while second < cut(day, zone, slot_on(day - _ONE_DAY), slot_on(day)):
        day -= _ONE_DAY
    while second >= cut(day + _ONE_DAY, zone, slot_on(day), slot_on(day + _ONE_DAY)):
        day += _ONE_DAY
    return day


@lru_cache(maxsize=16_384)
def cut(day: date, zone: str, before: Slot, own: Slot) -> int:
    """The first second of a date's window, since 1970; `before` is what the person has on the date before.

    A scan in the last allowed minute of a shift still belongs to it, as one in the minute of the boundary does.
    """
    tz = ZoneInfo(zone)
    yesterday = day - _ONE_DAY
    at = working_days(zone, own.settings.day_boundary).start_of(day)
    last = None if before.shift is None else _last_of(before.shift, yesterday, tz)
    first = None if own.shift is None else _first_of(own.shift, day, tz)
    if before.shift is not None and own.shift is not None and last is not None and first is not None and last > first:
        # Both would have it: it goes to the shift whose edge is nearer, and in the very middle to the later one.
        ends, starts = instant(yesterday, before.shift.end, tz), instant(day, own.shift.start, tz)
        at = -((ends + starts) // -120) * 60
        last, first = first, last
    if last is not None:
        at = max(at, last)
    if first is not None:
        at = min(at, first)
    # Where shifts are so odd that cuts would change places, each keeps to the middle of what lies at its sides.
    return min(max(at, _middle(before, yesterday, tz)), _middle(own, day, tz))


def _first_of(shift: Shift, day: date, tz: ZoneInfo) -> int:
    return instant(day, shift.start, tz) - shift.allowed_early * 60


def _last_of(shift: Shift, day: date, tz: ZoneInfo) -> int:
    return instant(day, shift.end, tz) + (shift.allowed_late + 1) * 60


def _middle(slot: Slot, day: date, tz: ZoneInfo) -> int:
    """A second within a date that belongs to it in any case. Those of consecutive dates never change places."""
    if slot.shift is None:
        return instant(day, LATEST_END - DATE, tz)
    middle = (instant(day, slot.shift.start, tz) + instant(day, slot.shift.end, tz)) // 120 * 60
    return min(middle, instant(day, DATE, tz))
