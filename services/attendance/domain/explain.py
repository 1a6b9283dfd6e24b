"""Why a day is what it is, in plain sentences and as data. Not for the hot path."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from types import MappingProxyType
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

from services.attendance.domain.accounts import Account, Part, accounts_of
from services.attendance.domain.boundary import working_days
from services.attendance.domain.case import Case, duration
from services.attendance.domain.corrections import Correction
from services.attendance.domain.day import Day, Flag, absent_below, work_day
from services.attendance.domain.figures import Figure, figures_of
from services.attendance.domain.frame import Frame
from services.attendance.domain.releases import Release
from services.attendance.domain.resolve import read
from services.attendance.domain.scans import Scan
from services.attendance.domain.settings import settings_values
from services.attendance.domain.state import Closure
from services.attendance.domain.terms import Leave, LeavePart, Level, terms_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """A day and the reasons for it."""

    day: Day
    frame: Frame
    window: str
    accounts: tuple[Account, ...]
    figures: tuple[Figure, ...]
    flags: tuple[tuple[Flag, str], ...]
    notes: tuple[str, ...]
    """Since when the settings hold, and what the day waits for."""
    expected: bool = False
    """Nobody has come, and there is time for it yet: nothing is said against them."""
    shift_found: tuple[str, ...] = ()
    """Which shift scans speak for, where nobody said one."""
    corrections: tuple[tuple[Correction, str], ...] = ()
    """Those in force, each in words."""
    without: Mapping[str, object] | None = None
    """The figures of the day as they were without corrections; None where there are none."""

    @property
    def counts(self) -> str:
        """How the scans add up."""
        day = self.day
        used, merged, quarantined = len(day.used), len(day.merged), len(day.quarantined)
        aside = sum(account.part is Part.SET_ASIDE for account in self.accounts)
        total = used + merged + quarantined + aside
        rest = f", {merged} merged, {quarantined} quarantined and {aside} set aside" if aside else None
        return f"Scans: {total}, of which {used} used{rest or f', {merged} merged and {quarantined} quarantined'}."

    @property
    def sentences(self) -> tuple[str, ...]:
        """Everything, in the order in which a person would ask."""
        return (
            *((_NOT_DUE,) if self.expected else ()),
            self.window,
            *self.shift_found,
            self.counts,
            *(f"Corrected: {words}." for _, words in self.corrections),
            *([f"Without corrections: {_listed(self.without)}."] if self.without else []),
            *(f"{account.time} {account.scan.type}: {account.why}." for account in self.accounts),
            *(f"{_title(figure)}: {figure.why}{_named(figure)}." for figure in self.figures),
            *(f"{flag}: {why}." for flag, why in self.flags),
            *self.notes,
        )

    def as_data(self) -> dict[str, object]:
        """The same as JSON can carry it."""
        return {
            "date": self.frame.date.isoformat(),
            "zone": self.frame.zone,
            "window": {
                "start": self.frame.starts_at.isoformat(),
                "end": self.frame.ends_at.isoformat(),
                "why": self.window,
            },
            "scans": [_account_data(account) for account in self.accounts],
            "figures": [
                {"name": figure.name, "value": figure.value, "why": figure.why, "settings": figure.settings}
                for figure in self.figures
            ],
            "flags": [{"flag": str(flag), "why": why} for flag, why in self.flags],
            "notes": list(self.notes),
            "corrections": [{"id": each.id, "kind": each.kind, "why": words} for each, words in self.corrections],
            "without_corrections": self.without,
            "sentences": list(self.sentences),
        }


NO_RULINGS: Final[Mapping[UUID, Release]] = MappingProxyType({})


def explain(
    scans: Iterable[Scan],
    frame: Frame,
    *,
    level: Level = Level.WORKER,
    leave: Leave | None = None,
    holiday: str | None = None,
    settings_since: date | None = None,
    closed: Closure | None = None,
    releases: Mapping[UUID, Release] = NO_RULINGS,
) -> Explanation:
    """Explain the day that `work_day` makes of the same input.

    `settings_since` is the date from which the settings hold, None for always; with `closed` the explanation also says
    what the day waits for. `releases` are rulings about any of the scans, by the scan's id: one that counts on this day
    is handed in as a scan of good quality.

    Raises:
        ValueError: a scan lies outside the frame.
    """
    evidence = tuple(scans)
    day = work_day(evidence, frame, level=level, leave=leave, holiday=holiday)
    reading = read(evidence, frame.settings.resolver, frame.settings.merge_seconds, frame.leaving_from)
    case = Case(
        frame=frame,
        level=level,
        leave=leave,
        holiday=holiday,
        terms=terms_of(frame, leave, holiday),
        reading=reading,
        day=day,
        values=settings_values(frame.settings),
    )
    return Explanation(
        day=day,
        frame=frame,
        window=_window(frame),
        accounts=accounts_of(reading, frame, releases),
        figures=figures_of(case),
        flags=tuple((flag, _flag(flag, case)) for flag in day.flags),
        notes=(*_notes_of_time_off(leave, holiday), *_notes(settings_since, closed)),
    )


_NOT_DUE: Final = (
    "This day is not due yet: nobody is late or absent so far, and what follows is what it would be if no scan came."
)


def _window(frame: Frame) -> str:
    boundary = frame.settings.day_boundary.strftime("%H:%M")
    if frame.shift is not None:
        what = (
            f"has the shift {frame.shift.title} and the scans from {_moment(frame, frame.start)} to "
            f"{_moment(frame, frame.end - 1)} (allowed_early_minutes {frame.shift.allowed_early}, "
            f"allowed_late_minutes {frame.shift.allowed_late}, and the shifts around it)"
        )
    elif (frame.start, frame.end) != _by_boundary(frame):
        what = (
            f"has {'no shift' if frame.scheduled else 'no schedule'} and the scans from {_moment(frame, frame.start)} "
            f"to {_moment(frame, frame.end - 1)}, up to the shifts around it"
        )
    else:
        off = "no shift and " if frame.scheduled else ""
        what = f"has {off}the scans after {boundary} of that date up to {boundary} of the next (day_boundary)"
    minutes = (frame.end - frame.start) // 60
    length = "" if frame.offset == frame.offset_after else f" Clocks change on this day: it has {duration(minutes)}."
    return f"The working day of {frame.date.isoformat()} in {frame.zone} {what}.{length}"


def _by_boundary(frame: Frame) -> tuple[int, int]:
    days = working_days(frame.zone, frame.settings.day_boundary)
    return days.start_of(frame.date), days.start_of(frame.date + timedelta(days=1))


def _moment(frame: Frame, at: int) -> str:
    local = datetime.fromtimestamp(at, ZoneInfo(frame.zone))
    return local.strftime("%H:%M") if local.date() == frame.date else local.strftime("%H:%M of %Y-%m-%d")


def _flag(flag: Flag, case: Case) -> str:
    day = case.day
    if flag is Flag.LONG_SPAN and day.first_arrival is not None and day.last_departure is not None:
        span, limit = day.last_departure - day.first_arrival, case.frame.settings.long_span_minutes
        return f"{duration(span)} from arrival to departure are above {duration(limit)} (long_span_hours)"
    if flag is Flag.WORKED_ON_HOLIDAY:
        return f"there are scans on a holiday, {case.holiday}"
    return _FLAGS.get(flag) or _flag_of_rules(flag, case)


def _flag_of_rules(flag: Flag, case: Case) -> str:
    """Flags that name what the shift or the settings say."""
    day, frame = case.day, case.frame
    if flag is Flag.OUTSIDE_SHIFT:
        allowed = f"{frame.clock(frame.allowed_from)} to {frame.clock(frame.allowed_until)}"
        return f"there are scans that are further from the shift than is allowed, {allowed}; they count all the same"
    if flag is Flag.INFERRED_SHIFT:
        return f"nobody assigned the shift; the scans of the dates around fit it best (confidence {frame.confidence})"
    worked, half, least = map(duration, (day.working, frame.settings.half_day_below, absent_below(frame, case.leave)))
    if flag is Flag.HALF_DAY:
        return f"{worked} were worked, and less than {half} are no whole day (half_day_below_hours)"
    return f"{worked} were worked, and less than {least} count as absent (absent_below_hours)"


_FLAGS: Final = {
    Flag.MISSING_CHECK_OUT: "somebody came and was not seen to leave",
    Flag.MISSING_CHECK_IN: "somebody left and was not seen to come",
    Flag.WORKED_ON_WEEKEND: "there are scans on a weekend day (weekend_days)",
    Flag.UNSCHEDULED: "there are scans on a date that the schedule leaves off",
    Flag.WORKED_ON_LEAVE: "there are scans on a whole day of leave",
    Flag.ABSENT_HALF_DAY: "half the day is leave, and there is no scan in the other half",
}


def _notes_of_time_off(leave: Leave | None, holiday: str | None) -> Iterator[str]:
    if leave is not None:
        part = {LeavePart.FULL: "this day", LeavePart.MORNING: "its morning", LeavePart.AFTERNOON: "its afternoon"}
        request = f" {leave.request}" if leave.request else ""
        yield f"The approved leave request{request} ({leave.type}) charges {part[leave.part]}."
    if holiday is not None:
        yield f"The date is a holiday, {holiday}."


def _notes(settings_since: date | None, closed: Closure | None) -> Iterator[str]:
    since = f"since {settings_since.isoformat()}" if settings_since else "without a date of beginning"
    yield f"These settings hold {since}."
    if closed is None:
        return
    if closed.final:
        yield "The day is final."
    elif not closed.window_over:
        yield "The day is not over yet."
    else:
        machines = (
            f"when the machines {', '.join(closed.waits_for)} have reported past it, or " if closed.waits_for else ""
        )
        yield f"The day is over and becomes final {machines}at {closed.final_at_latest.isoformat()}."


def _listed(figures: Mapping[str, object]) -> str:
    return ", ".join(f"{name} {'none' if value is None else value}" for name, value in figures.items())


def _title(figure: Figure) -> str:
    value = {True: "yes", False: "no"}[figure.value] if isinstance(figure.value, bool) else figure.value
    return f"{figure.name} {value}"


def _named(figure: Figure) -> str:
    return f" ({', '.join(f'{name} {_setting(value)}' for name, value in figure.settings.items())})"


def _setting(value: object) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    if value is None:
        return "none"
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _account_data(account: Account) -> dict[str, object]:
    scan = account.scan
    return {
        "id": str(scan.id),
        "at": scan.instant.isoformat(),
        "time": account.time,
        "type": str(scan.type),
        "quality": str(scan.quality),
        "machine_role": str(scan.role),
        "part": str(account.part),
        "why": account.why,
        "merged_into": str(account.merged_into) if account.merged_into else None,
        "release": _release_data(account.release) if account.release else None,
    }


def _release_data(release: Release) -> dict[str, object]:
    return {
        "at": release.at.isoformat(),
        "local_time": release.wall_time.isoformat(),
        "device_time": release.local_at.isoformat(),
        "by": release.by,
        "by_name": release.by_name,
        "reason": release.reason,
        "released_at": release.released_at.isoformat(),
    }
