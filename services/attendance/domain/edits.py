"""An edit of a day as the corrections that make it so: the first and the last scan moved, figures entered."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from services.attendance.domain.corrections import (
    Correction,
    Duty,
    Edge,
    Figures,
    ManualScan,
    Said,
    SetAside,
    correct,
    entered,
    evidence_of,
)
from services.attendance.domain.frame import Frame
from services.attendance.domain.scans import Scan, ScanType
from services.attendance.domain.terms import Level
from services.attendance.domain.time_off import NO_TIME_OFF, TimeOff
from shared.kernel.errors import Conflict, Invalid


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """What a day should say; None leaves it as it is. Instants in seconds since 1970, amounts in minutes."""

    first: int | None = None
    last: int | None = None
    overtime: int | None = None
    extra_overtime: int | None = None
    status: str | None = None
    note: str | None = None


class New(NamedTuple):
    """A correction to be made."""

    said: Said
    edge: Edge | None = None


class Plan(NamedTuple):
    """What an edit comes to."""

    withdraw: list[Correction]
    add: list[New]


def plan(  # noqa: PLR0917 -- an edit, and the day as it is
    edit: Edit,
    scans: Sequence[Scan],
    frame: Frame,
    corrections: Sequence[Correction],
    level: Level,
    off: TimeOff = NO_TIME_OFF,
) -> Plan:
    """The corrections that make the day what the edit says; none where it says that already.

    Raises:
        Invalid: the first scan would come after the last.
        Conflict: a duty elsewhere stands against it.
    """
    now = correct(scans, frame, corrections, level=level, leave=off.leave, holiday=off.holiday).day
    first = now.first_arrival if edit.first is None else edit.first // 60
    last = now.last_departure if edit.last is None else edit.last // 60
    if first is not None and last is not None and last < first and (edit.first or edit.last):
        name = "last_check_out" if edit.last is not None else "first_check_in"
        detail = f"the day would end at {frame.clock(last)}, before it begins at {frame.clock(first)}"
        raise Invalid(f"{name}: {detail}", fields={name: detail})
    wanted = ((Edge.FIRST, edit.first, now.first_arrival), (Edge.LAST, edit.last, now.last_departure))
    moves = {edge: at for edge, at, shown in wanted if at is not None and at // 60 != shown}
    earlier = [each for each in corrections if each.edge in moves]
    found = Plan(earlier, [])
    for edge, at in moves.items():
        moved = _moved(edge, at, scans, frame, without(corrections, earlier))
        found.withdraw.extend(each for each in moved.withdraw if each not in found.withdraw)
        found.add.extend(moved.add)
    figures = _figures(edit, Figures(now.overtime, now.extra_overtime, now.status, entered(corrections).note or ""))
    return Plan(found.withdraw, [*found.add, *([New(figures)] if figures != Figures() else [])])


def moment_in(frame: Frame, clock: time) -> int | None:
    """The instant at which the site's wall clock shows this time within the day; None where it never does."""
    zone = ZoneInfo(frame.zone)
    for days in (0, 1, -1):
        moment = datetime.combine(frame.date + timedelta(days=days), clock, tzinfo=zone)
        at = int(moment.timestamp())
        if frame.start <= at < frame.end and datetime.fromtimestamp(at, zone).time() == clock:
            return at
    return None


def _moved(edge: Edge, at: int, scans: Sequence[Scan], frame: Frame, corrections: Sequence[Correction]) -> Plan:
    evidence = evidence_of(scans, frame, corrections)
    found = Plan([], [])
    rest: list[Scan] = []
    for scan in evidence.scans:
        minutes = scan.at // 60 - at // 60
        # A scan shortly before the last would have that one merged into it.
        swallows = edge is Edge.LAST and minutes < 0 and at - scan.at <= frame.settings.merge_seconds
        if not (minutes < 0 if edge is Edge.FIRST else minutes > 0 or swallows):
            rest.append(scan)
        elif (correction := evidence.added.get(scan.id)) is None:
            found.add.append(New(SetAside(scan.at, scan.id), edge))
        elif isinstance(correction.said, Duty):
            raise Conflict("the person was on duty elsewhere at that time; withdraw that correction first")
        else:
            found.withdraw.append(correction)
    if not any(scan.at // 60 == at // 60 for scan in rest):
        found.add.append(New(ManualScan(at, ScanType.IN if edge is Edge.FIRST else ScanType.OUT), edge))
    return found


def _figures(edit: Edit, now: Figures) -> Figures:
    said = {name: getattr(edit, name) for name in Figures._fields}
    return Figures(**{name: value for name, value in said.items() if value != getattr(now, name)})


def without(corrections: Iterable[Correction], withdrawn: Iterable[Correction]) -> list[Correction]:
    """Those that stay in force."""
    gone = {each.id for each in withdrawn}
    return [each for each in corrections if each.id not in gone]
