"""The frame of a window: its thresholds, by settings alone or by a shift."""

from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from hashlib import blake2b
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from services.attendance.domain.clocks import change_between, instant, offset_at
from services.attendance.domain.frame import Frame, Span, Terms
from services.attendance.domain.settings import DaySettings, refined, settled
from services.attendance.domain.shift import DATE, DeductedBreak, FixedBreak, PunchedBreak, Shift

# Raised when the same input would give another day: stored digests then no longer match.
RULES_VERSION: Final = 1

_ONE_DAY: Final = timedelta(days=1)


class Window(NamedTuple):
    """A date and its window, in seconds since 1970."""

    date: date
    zone: str
    start: int
    end: int


def by_settings(window: Window, settings: DaySettings, *, off: bool) -> Frame:
    """Without a shift: the times of the settings. Nobody is expected, late or early on a date that is `off`."""
    day, zone, start, end = window
    tz = ZoneInfo(zone)

    def minute(clock: time) -> int:
        # A time at or before the boundary lies on the next date: extra overtime may start at 00:00.
        on = day if clock > settings.day_boundary else day + _ONE_DAY
        return int(datetime.combine(on, clock, tzinfo=tz).timestamp()) // 60

    expected = expected_by_settings(day, settings, off=off)
    rest = expected is None
    terms = Terms(
        expected=expected or 0,
        rest=rest,
        safe_entry=end // 60 if off else minute(settings.safe_entry),
        late_entry=end // 60 if off else minute(settings.late_entry),
        safe_exit=start // 60 if off else minute(settings.safe_exit),
    )
    lunch = Span(minute(settings.lunch_start), minute(settings.lunch_start) + settings.lunch_minutes)
    return _framed(
        window,
        settings,
        terms,
        shift=None,
        confidence=None,
        scheduled=off,
        plain=not refined(settings),
        lunch=lunch,
        overtime_start=minute(settings.overtime_start),
        extra_start=minute(settings.extra_overtime_start),
        begins=start // 60 if rest else terms.safe_entry,
        norm=settings.standard_minutes,
        half_ends=lunch.end,
        half_starts=lunch.start,
        allowed=Span(start // 60, end // 60),
        leaving_from=None,
        parts=(),
        unpaid=(lunch,) if settings.lunch_minutes else (),
        paid=(),
    )


def by_shift(window: Window, settings: DaySettings, shift: Shift, confidence: float | None) -> Frame:
    """With a shift; `settings` are what it leaves of the date's."""
    day, zone, start, end = window
    tz = ZoneInfo(zone)

    def span(one: tuple[int, int]) -> Span:
        return Span(instant(day, one[0], tz) // 60, instant(day, one[1], tz) // 60)

    parts, unpaid = _work_and_breaks(shift, settings, span)
    begins, ends = parts[0].start, parts[-1].end
    fixed = [one for one in shift.breaks or () if isinstance(one, FixedBreak)]
    paid = _joined([span((one.start, one.end)) for one in fixed if one.paid])
    amounts = [one for one in shift.breaks or () if not isinstance(one, FixedBreak)]
    norm = _norm(shift, parts, unpaid)
    middle = (begins + ends) // 2
    half = min(
        (one for one in unpaid if begins < one.start and one.end < ends),
        key=lambda one: abs(sum(one) // 2 - middle),
        default=Span(middle, middle),
    )
    lunch = unpaid[0] if len(unpaid) == 1 else Span(begins, begins)
    # Scans that fit a shift say when somebody worked, and not that this weekday is a working day.
    rest = confidence is not None and day.isoweekday() % 7 in settings.weekend_days
    terms = Terms(
        expected=0 if rest else norm,
        rest=rest,
        safe_entry=end // 60 if shift.flexible else begins + shift.grace_in,
        late_entry=end // 60 if shift.flexible else begins + shift.late_after,
        safe_exit=start // 60 if shift.flexible else ends - shift.grace_out,
    )
    return _framed(
        window,
        settings,
        terms,
        shift=shift,
        confidence=confidence,
        scheduled=True,
        plain=not (refined(settings) or shift.flexible or amounts or paid or len(unpaid) > 1),
        lunch=lunch,
        overtime_start=ends + shift.overtime_after,
        extra_start=ends + shift.extra_overtime_after,
        begins=start // 60 if shift.flexible or rest else begins,
        norm=norm,
        half_ends=terms.late_entry if shift.flexible else half.end,
        half_starts=terms.safe_exit if shift.flexible else half.start,
        allowed=Span(begins - shift.allowed_early, ends + shift.allowed_late),
        leaving_from=None if shift.flexible else ends - (ends - begins) // 4,
        parts=parts,
        unpaid=unpaid,
        paid=paid,
    )


def expected_by_settings(day: date, settings: DaySettings, *, off: bool) -> int | None:
    """Minutes of work on a date without a shift; None where it is a day of rest."""
    return None if off or day.isoweekday() % 7 in settings.weekend_days else settings.standard_minutes


def expected_by_shift(day: date, zone: str, settings: DaySettings, shift: Shift) -> int:
    """Minutes of work on a date with a shift; `settings` are what it leaves of the date's."""
    tz = ZoneInfo(zone)
    parts, unpaid = _work_and_breaks(
        shift, settings, lambda one: Span(instant(day, one[0], tz) // 60, instant(day, one[1], tz) // 60)
    )
    return _norm(shift, parts, unpaid)


def _work_and_breaks(
    shift: Shift, settings: DaySettings, span: Callable[[tuple[int, int]], Span]
) -> tuple[tuple[Span, ...], tuple[Span, ...]]:
    """The parts of a shift, and the time that is nobody's work."""
    breaks = [span((one.start, one.end)) for one in shift.breaks or () if isinstance(one, FixedBreak) and not one.paid]
    if shift.breaks is None and settings.lunch_minutes:
        breaks.append(_lunch(shift, settings, span))
    return tuple(map(span, shift.parts)), _joined([*map(span, shift.gaps), *breaks])


def _lunch(shift: Shift, settings: DaySettings, span: Callable[[tuple[int, int]], Span]) -> Span:
    """The lunch of the settings: on the shift's date or the next one, wherever the shift has it."""
    first = settings.lunch_start.hour * 60 + settings.lunch_start.minute
    start = first
    if not (first < shift.end and first + settings.lunch_minutes > shift.start) and first + DATE < shift.end:
        start += DATE
    begins = span((start, start)).start
    return Span(begins, begins + settings.lunch_minutes)


def _norm(shift: Shift, parts: tuple[Span, ...], unpaid: tuple[Span, ...]) -> int:
    """Expected minutes. Where clocks change within the shift, those that the night really has."""
    real = sum(end - start for start, end in parts)
    if shift.minutes is not None:
        nominal = sum(end - start for start, end in shift.parts)
        return shift.minutes if shift.flexible else max(0, shift.minutes + real - nominal)
    inside = real - sum(max(0, min(one.end, part.end) - max(one.start, part.start)) for one in unpaid for part in parts)
    expected = inside
    for one in shift.breaks or ():
        if isinstance(one, DeductedBreak) and inside > one.after:
            expected -= one.minutes
        if isinstance(one, PunchedBreak) and not one.paid and inside > one.after:
            expected -= one.at_least
    return max(0, expected)


def _joined(spans: list[Span]) -> tuple[Span, ...]:
    """In order, and those that touch as one."""
    joined: list[Span] = []
    for one in sorted(span for span in spans if span.start < span.end):
        if joined and one.start <= joined[-1].end:
            joined[-1] = Span(joined[-1].start, max(joined[-1].end, one.end))
        else:
            joined.append(one)
    return tuple(joined)


def _framed(
    window: Window,
    settings: DaySettings,
    terms: Terms,
    *,
    shift: Shift | None,
    confidence: float | None,
    scheduled: bool,
    lunch: Span,
    overtime_start: int,
    extra_start: int,
    allowed: Span,
    plain: bool,
    begins: int,
    norm: int,
    half_ends: int,
    half_starts: int,
    leaving_from: int | None,
    parts: tuple[Span, ...],
    unpaid: tuple[Span, ...],
    paid: tuple[Span, ...],
) -> Frame:
    day, zone, start, end = window
    tz = ZoneInfo(zone)
    midnight = int(datetime.combine(day + _ONE_DAY, time(), tzinfo=tz).timestamp()) // 60
    offset, offset_after = offset_at(tz, start), offset_at(tz, end)
    turn = end // 60 + 1 if offset == offset_after else change_between(tz, start, end) // 60
    moments = [*lunch, overtime_start, extra_start, midnight, offset, turn, offset_after]
    known: list[object] = [RULES_VERSION, day.isoformat(), zone, start, end, *terms, *moments]
    # Days without a schedule keep the digests that they had before there were any.
    known += [shift.facts] if shift is not None else ["off"] if scheduled else []
    known += [] if confidence is None else ["inferred", confidence]
    return Frame(
        date=day,
        zone=zone,
        settings=settings,
        start=start,
        end=end,
        terms=terms,
        lunch_start=lunch.start,
        lunch_end=lunch.end,
        overtime_start=overtime_start,
        extra_start=extra_start,
        midnight=midnight,
        weekend=terms.rest,
        offset=offset,
        turn=turn,
        offset_after=offset_after,
        shift=shift,
        confidence=confidence,
        scheduled=scheduled,
        plain=plain,
        begins=begins,
        norm=norm,
        half_ends=half_ends,
        half_starts=half_starts,
        allowed_from=allowed.start,
        allowed_until=allowed.end,
        leaving_from=leaving_from,
        parts=parts,
        unpaid=unpaid,
        paid=paid,
        number=int.from_bytes(blake2b(repr((known, settled(settings))).encode(), digest_size=16).digest()),
    )
