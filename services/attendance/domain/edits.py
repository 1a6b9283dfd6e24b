"""An edit of a day as the corrections that make it so: the first and the last scan moved, figures entered."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
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
from services.attendance.domain.resolve import direction_of
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
        Conflict: a duty elsewhere stands against it, or the way in which scans are read.
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
        other = now.last_departure if edge is Edge.FIRST else now.first_arrival
        # An end that nobody knows and nobody says stays unknown: it is not what was the other end so far.
        lonely = len(moves) == 1 and other is None
        moved = _moved(edge, at, scans, frame, without(corrections, earlier), lonely=lonely)
        found.withdraw.extend(each for each in moved.withdraw if each not in found.withdraw)
        found.add.extend(moved.add)
    if moves:
        # Where the first scan would be the last as well, the end that nobody asked for is none.
        ends = [
            None if first == last and asked is None else at for asked, at in ((edit.first, first), (edit.last, last))
        ]
        _check(ends, found, scans, frame, corrections, level)
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


def _moved(
    edge: Edge, at: int, scans: Sequence[Scan], frame: Frame, corrections: Sequence[Correction], *, lonely: bool
) -> Plan:
    """`lonely` says that the day has no other end, and shall not come to have one by this."""
    evidence = evidence_of(scans, frame, corrections)
    kind, resolver = (ScanType.IN if edge is Edge.FIRST else ScanType.OUT), frame.settings.resolver
    found = Plan([], [])
    here = False
    for scan in evidence.scans:
        minutes = scan.at // 60 - at // 60
        # A scan shortly before the last would have that one merged into it.
        swallows = edge is Edge.LAST and minutes < 0 and at - scan.at <= frame.settings.merge_seconds
        beyond = minutes < 0 if edge is Edge.FIRST else minutes > 0 or swallows
        against = minutes == 0 and direction_of(scan, resolver) == -kind.direction
        instead = lonely and minutes != 0 and not direction_of(scan, resolver)
        if not (beyond or against or instead):
            here = here or minutes == 0
        elif (correction := evidence.added.get(scan.id)) is None:
            new = ManualScan(scan.at, kind, scan.id) if against else SetAside(scan.at, scan.id)
            here = here or against
            found.add.append(New(new, edge))
        elif isinstance(correction.said, Duty):
            raise Conflict("the person was on duty elsewhere at that time; withdraw that correction first")
        elif correction not in found.withdraw:
            found.withdraw.append(correction)
    if not here:
        found.add.append(New(ManualScan(at, kind), edge))
    return found


def _check(  # noqa: PLR0917 -- what is planned, for which day
    ends: Sequence[int | None],
    planned: Plan,
    scans: Sequence[Scan],
    frame: Frame,
    corrections: Sequence[Correction],
    level: Level,
) -> None:
    """Refuse an edit after which the day would begin or end at other minutes than these."""
    last = max((each.decided_at for each in corrections), default=datetime.min.replace(tzinfo=UTC))
    first_id = max((each.id for each in corrections), default=0) + 1
    added = [
        Correction(id=id_, said=said, reason="", asked_by="", asked_at=last, decided_by="", decided_at=last, edge=edge)
        for id_, (said, edge) in enumerate(planned.add, first_id)
    ]
    day = correct(scans, frame, [*without(corrections, planned.withdraw), *added], level=level).day
    for shown, wanted, what in zip((day.first_arrival, day.last_departure), ends, ("begin", "end"), strict=True):
        if shown != wanted:
            when = "at no known time" if shown is None else f"at {frame.clock(shown)}"
            raise Conflict(
                f"the day would {what} {when}, as its scans are read by {frame.settings.resolver}; set scans aside, or "
                "correct the type of one, instead"
            )


def _figures(edit: Edit, now: Figures) -> Figures:
    said = {name: getattr(edit, name) for name in Figures._fields}
    return Figures(**{name: value for name, value in said.items() if value != getattr(now, name)})


def without(corrections: Iterable[Correction], withdrawn: Iterable[Correction]) -> list[Correction]:
    """Those that stay in force."""
    gone = {each.id for each in withdrawn}
    return [each for each in corrections if each.id not in gone]
