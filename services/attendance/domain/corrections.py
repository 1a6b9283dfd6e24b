"""Corrections: what people say about a day beside its scans, and what the day is by them (RULES §1, §5).

A correction is evidence like a scan: kept with who, when and why, withdrawn and never deleted. It is applied around
`work_day`: scans are added and left out before, figures entered by hand replace the computed ones after.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from hashlib import blake2b
from typing import Final, NamedTuple
from uuid import UUID, uuid5

from services.attendance.domain.day import Day, Status, work_day
from services.attendance.domain.frame import Frame
from services.attendance.domain.resolve import read
from services.attendance.domain.scans import Scan, ScanType
from services.attendance.domain.settings import Resolver
from services.attendance.domain.terms import Leave, Level


class Kind(StrEnum):
    """What a correction does."""

    SCAN = "scan"
    SET_ASIDE = "set_aside"
    FIGURE = "figure"
    DUTY = "duty"


class Edge(StrEnum):
    """The end of a day that an edit moved: its corrections are replaced by the next edit of that end."""

    FIRST = "first"
    LAST = "last"


class ManualScan(NamedTuple):
    """A scan that no machine has. Seconds since 1970."""

    at: int
    type: ScanType
    replaces: UUID | None = None
    """A stored scan that was of another type, and does not count itself."""


class SetAside(NamedTuple):
    """A stored scan is not to count. `at` is where it would, in seconds since 1970."""

    at: int
    scan_id: UUID


class Figures(NamedTuple):
    """Figures entered by hand, in minutes; what is None stays as it is computed."""

    overtime: int | None = None
    extra_overtime: int | None = None
    status: str | None = None
    """One of `PRESENT`; it has no effect where nobody was there."""
    note: str | None = None


class Duty(NamedTuple):
    """On duty elsewhere: present without scans. Seconds since 1970."""

    at: int
    until: int


Said = ManualScan | SetAside | Figures | Duty

KINDS: Final[dict[type[Said], Kind]] = {
    ManualScan: Kind.SCAN,
    SetAside: Kind.SET_ASIDE,
    Figures: Kind.FIGURE,
    Duty: Kind.DUTY,
}
PRESENT: Final = (Status.ON_TIME, Status.CONSIDERED, Status.LATE)
"""What a status can be corrected to: absence, leave and holidays follow from scans, requests and the calendar."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Correction:
    """A correction in force."""

    id: int
    said: Said
    reason: str
    asked_by: str
    """Names of users, as all names here."""
    asked_at: datetime
    decided_by: str
    """Who approved it; whoever asked, where HR corrects."""
    decided_at: datetime
    edge: Edge | None = None

    @property
    def kind(self) -> Kind:
        return KINDS[type(self.said)]

    @property
    def at(self) -> int | None:
        """The instant that places it on a day; None where its date does."""
        return None if isinstance(self.said, Figures) else self.said.at

    @property
    def scan_id(self) -> UUID:
        """Of the scan that stands for it: a manual one, or the beginning of a duty."""
        return uuid5(_NAMESPACE, f"{self.id}")

    @property
    def end_id(self) -> UUID:
        """Of the scan that stands for the end of a duty."""
        return uuid5(_NAMESPACE, f"{self.id} until")


class Evidence(NamedTuple):
    """The scans of a day as corrections leave them."""

    scans: list[Scan]
    added: dict[UUID, Correction]
    """Scans that stand for corrections."""
    left_out: dict[UUID, tuple[Scan, Correction]]
    """Scans that do not count, each with the correction that says so."""


class Corrected(NamedTuple):
    """A day by its corrections, and as it was computed before figures were entered by hand."""

    day: Day
    computed: Day


def correct(
    scans: Iterable[Scan],
    frame: Frame,
    corrections: Sequence[Correction],
    *,
    level: Level = Level.WORKER,
    leave: Leave | None = None,
    holiday: str | None = None,
) -> Corrected:
    """The day of these scans and corrections, neither of which need be in any order. None of them changes nothing.

    Raises:
        ValueError: a scan lies outside the frame.
    """
    if not corrections:
        day = work_day(scans, frame, level=level, leave=leave, holiday=holiday)
        return Corrected(day, day)
    evidence = evidence_of(scans, frame, corrections)
    computed = work_day(evidence.scans, frame, level=level, leave=leave, holiday=holiday)
    computed = computed._replace(digest=_digest(computed.digest, corrections))
    return Corrected(with_figures(computed, frame, corrections), computed)


def evidence_of(scans: Iterable[Scan], frame: Frame, corrections: Iterable[Correction]) -> Evidence:
    """The scans with those added that people say there were, and without those that they set aside."""
    evidence = Evidence(sorted(set(scans)), {}, {})
    duties: list[tuple[Duty, Correction]] = []
    for correction in _in_order(corrections):
        said = correction.said
        if isinstance(said, ManualScan | SetAside):
            aside = said.scan_id if isinstance(said, SetAside) else said.replaces
            meant = [scan for scan in evidence.scans if scan.id == aside]
            for scan in meant:
                _leave_out(evidence, scan, correction)
            # What replaces a scan stands and falls with it: the badge may turn out to be another's.
            if isinstance(said, ManualScan) and (meant or aside is None) and frame.start <= said.at < frame.end:
                _add(evidence, Scan(said.at, correction.scan_id, said.type), correction)
        elif isinstance(said, Duty):
            start, end = max(said.at, frame.start), min(said.until, frame.end - 1)
            if start < end:
                duties.append((Duty(start, end), correction))
    for duty, correction in sorted(duties, key=lambda each: (each[0], each[1].id)):
        _send(evidence, duty, correction, frame)
    return evidence


def as_said(scans: Sequence[Scan], corrections: Iterable[Correction]) -> Sequence[Scan]:
    """Scans with those added that people say there were, and without those that they set aside; no frame is needed.

    In no order, and those that come twice stay so.
    """
    said = [(correction, correction.said) for correction in corrections]
    if not said:
        return scans
    manual = [Scan(one.at, each.scan_id, one.type) for each, one in said if isinstance(one, ManualScan)]
    aside = {one.scan_id for _, one in said if isinstance(one, SetAside)}
    aside |= {one.replaces for _, one in said if isinstance(one, ManualScan) and one.replaces is not None}
    return [scan for scan in (*scans, *manual) if scan.id not in aside]


def with_figures(computed: Day, frame: Frame, corrections: Iterable[Correction]) -> Day:
    """The day with the figures that were entered by hand; of several for one figure the last holds."""
    overtime, extra, status, _ = entered(corrections)
    by_hand = overtime is not None or extra is not None
    day = computed
    if by_hand:
        extra_overtime = computed.extra_overtime if extra is None else extra
        day = day._replace(
            overtime=computed.overtime if overtime is None else overtime,
            extra_overtime=extra_overtime,
            snacks=extra_overtime > 0 and extra_overtime >= frame.settings.snacks_minutes,
            night_bill=extra_overtime > 0 and extra_overtime >= frame.settings.night_bill_minutes,
            overtime_unapproved=False,
        )
    if status is not None and computed.present:
        day = day._replace(status=status, late=day.late if status == Status.LATE else 0)
    return day


def entered(corrections: Iterable[Correction]) -> Figures:
    """All that was entered by hand, the last of each."""
    found = Figures()
    for correction in _in_order(corrections):
        if isinstance(correction.said, Figures):
            found = found._replace(**{k: v for k, v in correction.said._asdict().items() if v is not None})
    return found


def _send(evidence: Evidence, duty: Duty, correction: Correction, frame: Frame) -> None:
    """Put somebody on duty: scans meanwhile no longer count, and it begins and ends with scans where it has to.

    Whoever is in already need not arrive; whoever is in afterwards, by what is read then, need not leave.
    """
    settings = frame.settings
    first = duty.at - settings.merge_seconds
    during = [scan for scan in evidence.scans if first <= scan.at <= duty.until and scan.quality.counts]
    until = [scan for scan in evidence.scans if scan.at <= duty.until]
    before = [scan for scan in until if scan.at < first]
    goes_on = len(until) < len(evidence.scans)
    in_turn = settings.resolver is not Resolver.FIRST_LAST
    in_before = in_turn and read(before, settings.resolver, settings.merge_seconds).no_check_out
    in_after = in_turn and goes_on and read(until, settings.resolver, settings.merge_seconds).no_check_out
    for scan in during:
        _leave_out(evidence, scan, correction)
    if not in_before:
        _add(evidence, Scan(duty.at, correction.scan_id, ScanType.IN), correction)
    if not in_after:
        _add(evidence, Scan(duty.until, correction.end_id, ScanType.OUT), correction)


def _add(evidence: Evidence, scan: Scan, correction: Correction) -> None:
    evidence.scans.append(scan)
    evidence.scans.sort()
    evidence.added[scan.id] = correction


def _leave_out(evidence: Evidence, scan: Scan, correction: Correction) -> None:
    evidence.scans.remove(scan)
    # What stands for another correction is no evidence of its own: that correction says what became of it.
    if evidence.added.pop(scan.id, None) is None:
        evidence.left_out[scan.id] = (scan, correction)


def _in_order(corrections: Iterable[Correction]) -> list[Correction]:
    """As they came into force: manual scans before what sets them aside, whoever decided in the same instant."""
    return sorted({each.id: each for each in corrections}.values(), key=lambda each: (each.decided_at, each.id))


def _digest(of_scans: bytes, corrections: Iterable[Correction]) -> bytes:
    known = [(each.id, each.kind.value, tuple(map(str, each.said))) for each in _in_order(corrections)]
    return blake2b(of_scans + repr(known).encode(), digest_size=16).digest()


_NAMESPACE: Final = UUID("0b5ad5f4-6c1c-5c50-9d0e-7a5d3c0e2f11")
