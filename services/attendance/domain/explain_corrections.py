"""Why a corrected day is what it is: who corrected what, when and why, and what the day was without it."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

from services.attendance.domain.accounts import Account, Part, clock_of
from services.attendance.domain.corrections import (
    Correction,
    Duty,
    Evidence,
    Figures,
    Kind,
    ManualScan,
    SetAside,
    entered,
    evidence_of,
    with_figures,
)
from services.attendance.domain.day import Day, work_day
from services.attendance.domain.explain import NO_RULINGS, Explanation, explain
from services.attendance.domain.figures import Figure
from services.attendance.domain.frame import Frame
from services.attendance.domain.hours import hours
from services.attendance.domain.releases import Release
from services.attendance.domain.scans import Scan
from services.attendance.domain.state import Closure
from services.attendance.domain.terms import Leave, Level


def explain_corrected(
    scans: Iterable[Scan],
    frame: Frame,
    corrections: Sequence[Correction],
    *,
    level: Level = Level.WORKER,
    leave: Leave | None = None,
    holiday: str | None = None,
    settings_since: date | None = None,
    closed: Closure | None = None,
    releases: Mapping[UUID, Release] = NO_RULINGS,
) -> Explanation:
    """Explain the day that `correct` makes of the same input; as `explain` where there is no correction."""
    stored = sorted(set(scans))
    evidence = evidence_of(stored, frame, corrections)
    found = explain(
        evidence.scans,
        frame,
        level=level,
        leave=leave,
        holiday=holiday,
        settings_since=settings_since,
        closed=closed,
        releases=releases,
    )
    if not corrections:
        return found
    day = with_figures(found.day, frame, corrections)
    without = work_day(stored, frame, level=level, leave=leave, holiday=holiday)
    return replace(
        found,
        day=day,
        accounts=tuple(sorted(_accounts(found.accounts, evidence, frame), key=lambda account: account.scan)),
        figures=tuple(_figures(found.figures, day, corrections)),
        corrections=tuple(
            (correction, f"{words_of(correction, frame)}; {_by(correction)}") for correction in _in_turn(corrections)
        ),
        without=figures_without(without, frame),
    )


def words_of(correction: Correction, frame: Frame) -> str:
    """What a correction says."""
    said = correction.said
    if isinstance(said, ManualScan):
        if said.replaces is not None:
            return f"the scan at {_clock(said.at, frame)} counts as {said.type}"
        return f"a scan at {_clock(said.at, frame)} ({said.type}) was entered by hand"
    if isinstance(said, SetAside):
        return f"the scan at {_clock(said.at, frame)} was set aside"
    if isinstance(said, Duty):
        return f"on duty elsewhere from {_clock(said.at, frame)} to {_clock(said.until, frame)}"
    return " and ".join(_entered(said))


def figures_without(day: Day, frame: Frame) -> dict[str, object]:
    """The figures of a day, as an explanation names them."""
    return {
        "status": str(day.status),
        "check_in": None if day.first_arrival is None else frame.clock(day.first_arrival),
        "check_out": None if day.last_departure is None else frame.clock(day.last_departure),
        "working_hours": hours(day.working),
        "overtime": hours(day.overtime),
        "extra_overtime": hours(day.extra_overtime),
    }


def _accounts(accounts: Iterable[Account], evidence: Evidence, frame: Frame) -> Iterator[Account]:
    for account in accounts:
        correction = evidence.added.get(account.scan.id)
        if correction is None:
            yield account
        else:
            what = "the duty elsewhere" if isinstance(correction.said, Duty) else "entered by hand"
            yield replace(account, why=f"{account.why}; {what} ({_by(correction)})")
    for scan, correction in evidence.left_out.values():
        why = _LEFT_OUT[correction.kind]
        yield Account(scan=scan, time=clock_of(scan, frame), part=Part.SET_ASIDE, why=f"{why} ({_by(correction)})")


def _figures(figures: Iterable[Figure], day: Day, corrections: Sequence[Correction]) -> Iterator[Figure]:
    by_hand = entered(corrections)
    now: dict[str, tuple[object, str | float | bool]] = {
        "status": (by_hand.status, str(day.status)),
        "late_minutes": (by_hand.status, day.late),
        "overtime": (by_hand.overtime, hours(day.overtime)),
        "extra_overtime": (by_hand.extra_overtime, hours(day.extra_overtime)),
        "snacks_eligible": (by_hand.extra_overtime, day.snacks),
        "night_bill_eligible": (by_hand.extra_overtime, day.night_bill),
    }
    approved = by_hand.overtime is not None or by_hand.extra_overtime is not None
    for figure in figures:
        if figure.name == "overtime_unapproved" and approved:
            continue
        said, value = now.get(figure.name, (None, figure.value))
        if said is None:
            yield figure
        elif figure.name == "status" and not day.present:
            yield replace(figure, why=f"{figure.why}; {said} was entered by hand, which has no effect on such a day")
        elif value == figure.value and figure.name not in ("status", "overtime", "extra_overtime"):
            yield figure
        else:
            computed = f"computed was {figure.value}: {figure.why}"
            yield replace(figure, value=value, why=f"by what was entered by hand; {computed}")


def _entered(said: Figures) -> Iterator[str]:
    if said.overtime is not None:
        yield f"overtime {hours(said.overtime)} was entered by hand"
    if said.extra_overtime is not None:
        yield f"extra overtime {hours(said.extra_overtime)} was entered by hand"
    if said.status is not None:
        yield f"the status {said.status} was entered by hand"
    if said.note is not None:
        yield f'the note "{said.note}" was made'


def _by(correction: Correction) -> str:
    asked, decided = _moment(correction.asked_at), _moment(correction.decided_at)
    if (correction.asked_by, correction.asked_at) == (correction.decided_by, correction.decided_at):
        return f"by {correction.decided_by} at {decided}, reason: {correction.reason}"
    return (
        f"asked by {correction.asked_by} at {asked}, reason: {correction.reason}; "
        f"approved by {correction.decided_by} at {decided}"
    )


def _moment(at: datetime) -> str:
    return at.strftime("%Y-%m-%d %H:%M UTC")


def _clock(at: int, frame: Frame) -> str:
    local = datetime.fromtimestamp(at, ZoneInfo(frame.zone))
    return local.strftime("%H:%M") if local.date() == frame.date else local.strftime("%H:%M of %Y-%m-%d")


_LEFT_OUT: Final = {
    Kind.SET_ASIDE: "set aside, so it does not count",
    Kind.SCAN: "of another type, so that the one entered by hand counts instead",
    Kind.DUTY: "it lies within a duty elsewhere, so it changes nothing",
}


def _in_turn(corrections: Iterable[Correction]) -> list[Correction]:
    return sorted(corrections, key=lambda each: (each.decided_at, each.id))
