"""What a machine holds against what of it is here, in figures and in a sentence. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from services.ingest.domain.log_reading import LogReading
from services.ingest.domain.machine import State

ALL_SINCE: Final = datetime(2000, 1, 1)  # noqa: DTZ001 - a wall time
"""No machine has records from before it: what it counts from then on is all of its log."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """What a machine counted in a span of its log when it was asked. `first` and `last` are its wall times."""

    first: datetime
    last: datetime
    records: int

    @property
    def is_of_whole_days(self) -> bool:
        """Whether scans, which are counted by the day, can be compared with it."""
        return (self.first.hour, self.first.minute, self.first.second) == (0, 0, 0) and (
            self.last.hour,
            self.last.minute,
            self.last.second,
        ) == (23, 59, 59)

    @property
    def is_of_all(self) -> bool:
        """Whether all that it held up to `last` was counted, not only what is of a time on."""
        return self.first <= ALL_SINCE


@dataclass(frozen=True, slots=True, kw_only=True)
class Numbered:
    """What the numbers of a machine's records say, in sentences of which one is empty."""

    gaps: str = ""
    """What has not come."""
    whole: str = ""
    """That nothing is missing, and how far."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What is known of both sides."""

    on_machine: int | None = None
    """Records that it held when it was last heard of, as it says."""
    handed_over: int | None = None
    """Of those, as its sessions counted them; None where nobody does: it calls, or does not tell."""
    scans: int = 0
    """That are here, by whatever way they came; more than it holds where its log was cleared or forgets."""
    from_machine: int = 0
    """Of those, as many as it is known to have handed over itself. The others came by files: of which records they
    are, nobody knows."""
    since_counted: int = 0
    """Of those, as many as may have been recorded after it said how many it holds."""
    uncounted: int = 0
    """Of those, as many as may be of any day (`of_any_day`)."""
    counted_since: datetime | None = None
    """When it began that scans are counted by day, on its own clock; None where all are."""
    quarantined: int = 0
    unreadable: int = 0
    """Records that are here and that nobody understands; what was said in a contact that failed is none."""
    unreadable_from_machine: int = 0
    """Of those, as many as it handed over itself."""
    cleared: int = 0
    """Records that it held whenever its log was cleared, together."""
    cleared_at: datetime | None = None
    """When that was noticed last, on its own clock; None where it never was."""
    reading: LogReading | None = None
    """The last whole reading of its log."""
    read_at: datetime | None = None
    """When that ended, on its own clock."""
    counted: Counted | None = None
    """What it counted last: of all of its log, if it ever did; and how much of that is here."""
    counted_here: int = 0
    counted_from_machine: int = 0
    as_of: datetime | None = None
    """When it was last heard of, on its own clock; None where it is in contact now."""
    gaps: str = ""
    """What is missing by the numbers of its records, in a sentence."""
    whole: str = ""
    """That by the numbers of its records nothing is missing, in a sentence."""
    unknown: str = "it does not tell how many records it holds"
    """Why nothing is known, where that is so (`why_unknown`)."""

    @property
    def of_machine(self) -> int:
        """Records that it is known to have handed over itself, as far as they are different."""
        return self.from_machine + self.unreadable_from_machine


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Whether something is missing."""

    missing: int | None
    """Records that it holds, or held, and that are not here, at least; None where nobody can say."""
    sentence: str


def of_any_day(uncounted: int, since: datetime | None, reading: LogReading | None) -> int:
    """How many scans that a machine holds may be here, of days of which they were not counted.

    `uncounted` are all that are here from before days were counted, `since` an instant. What of them is in its log
    was counted when that was last read whole, if that was since: the others it does not hold any more.
    """
    if since is None or (reading is not None and reading.began_at >= since):
        return 0
    return uncounted


def missing_of_day(on_machine: int | None, received: int, *, uncounted: int) -> int | None:
    """Different scans of a day in its log that are not here, at least; None where nobody can say.

    `on_machine` is None where its log was never read whole, `uncounted` is of `of_any_day`.
    """
    if on_machine is None or 0 < on_machine - received <= uncounted:
        return None
    return max(on_machine - received - uncounted, 0)


def why_unknown(
    state: State, *, ever: bool, reason: str, reads_log: bool, tells_counts: bool, counts_when_asked: bool
) -> str:
    """Why it is not known what a machine holds, though nothing speaks against it.

    `ever` where there was contact with it, `reason` why there is none now; `reads_log` and `tells_counts` where its
    driver does, and `counts_when_asked` where the machine does as it is asked for its log.
    """
    because = f": {reason}" if reason else ""
    out_of_contact = state in (State.AWAY, State.WAITING_FOR_A_PERSON, State.PAUSED)
    cases = (
        (
            state is State.IMPORTED_ONLY,
            "only files of it come here, and a file does not say whether it has all that the machine holds",
        ),
        (state is State.NOT_WANTED, "nobody is to be in contact with it"),
        (not ever and state is State.WAITING_FOR_A_CALL, "it has not called yet"),
        (not ever, f"there was no contact with it yet{because}"),
        (state is State.CATCHING_UP, "what it recorded before is still being taken"),
        (
            out_of_contact and (reads_log or tells_counts),
            f"it has not told what it holds, and there is no contact with it now{because}",
        ),
        (reads_log, "its log was not read to its end yet"),
        (
            counts_when_asked,
            "it has not told yet how many records it holds; have its log read again (sync), and it counts them",
        ),
        (tells_counts, "it has not told yet how many records it holds"),
    )
    otherwise = "it does not tell how many records it holds, and keeps no log that can be read again"
    return next((why for holds, why in cases if holds), otherwise)


def verdict(figures: Figures) -> Verdict:
    """What the figures say. That nothing is missing, only where something that counts its own records shows it."""
    differences = [one for one in _differences(figures) if one.more > 0]
    if differences or figures.gaps:
        missing = max((one.more for one in differences), default=1)
        whys = [one.why for one in differences] + ([figures.gaps] if figures.gaps else [])
        records = "1 record" if missing == 1 else f"{missing:,} records"
        held = "holds or held" if any(one.held for one in differences) else "holds"
        what = f"{records} that the machine {held} {'is' if missing == 1 else 'are'} not here"
        if not differences:
            what = "records have not come"
        elif not any(one.certain for one in differences):
            what = f"{what}, unless they say the same as others"
        return Verdict(missing=missing, sentence=f"{what}: {'; '.join(whys)}{_as_of(figures)}")
    if (doubt := _doubt(figures)) is not None:
        return Verdict(missing=None, sentence=f"nobody can say: {doubt}{_as_of(figures)}")
    known = _agreement(figures)
    if known is None:
        return Verdict(missing=None, sentence=f"nobody can say: {_more_than_it_holds(figures) or figures.unknown}")
    return Verdict(missing=0, sentence=f"nothing is missing: {known}{_beside(figures)}{_as_of(figures)}")


@dataclass(frozen=True, slots=True)
class _Difference:
    """How many more it holds than are here, by one thing that tells."""

    more: int
    why: str
    certain: bool
    """Its records were counted one by one. Else there may be as many that say the same: they are one scan here."""
    held: bool = False
    """What it held before its log was cleared is among them."""


def _differences(of: Figures) -> Iterator[_Difference]:
    if of.on_machine is not None and of.handed_over is not None:
        why = f"it holds {of.on_machine:,} records, and {_were(of.handed_over)} handed over"
        yield _Difference(of.on_machine - of.handed_over, why, certain=True)
    elif of.on_machine is not None:
        here = of.scans + of.unreadable
        before = f" and held {of.cleared:,} before its log was cleared" if of.cleared else ""
        why = f"it holds {of.on_machine:,} records{before}, and {_different(here)} here"
        yield _Difference(of.on_machine + of.cleared - here, why, certain=here == 0, held=of.cleared > 0)
    if (reading := of.reading) is not None and reading.on_machine is not None and of.handed_over is None:
        why = f"it counted {reading.on_machine:,} records when its log was read, and that had {reading.read:,}"
        yield _Difference(reading.on_machine - reading.read, why, certain=True)
    if (counted := of.counted) is not None and not _was_cleared(of):
        most = " at most" if of.uncounted else ""
        here = of.counted_here + of.uncounted
        why = f"it counts {counted.records:,} records {_span(counted)}, and {_different(here)} here{most}"
        yield _Difference(counted.records - here - of.unreadable, why, certain=False)


def _doubt(of: Figures) -> str | None:
    """Why it cannot be said whether all of it is here, where nothing says that something is missing."""
    counted, since = of.counted, of.counted_since
    if counted is not None and since is not None and counted.records > of.counted_here + of.unreadable:
        return (
            f"it counts {counted.records:,} records {_span(counted)}, {_different(of.counted_here)} here, and"
            f" {of.uncounted:,} from before {since:%Y-%m-%d %H:%M}, when days were not counted:"
            " have its log read again (sync) to have them counted"
        )
    if of.handed_over is not None:
        return None
    if _was_cleared(of):
        held = f", when it held {of.cleared:,} records" if of.cleared else ""
        at = f" (noticed at {of.cleared_at:%Y-%m-%d %H:%M})" if of.cleared_at is not None else ""
        return f"its log was cleared{at}{held}, and what of that was not handed over before, nobody knows"
    if of.on_machine is not None and of.on_machine > of.of_machine:
        return (
            f"it holds {of.on_machine:,} records, and handed over {of.of_machine:,} itself, as far as is known; whether"
            f" the other {of.scans - of.from_machine:,} scans here, such as those of files, are what it holds, only"
            " reading its log again (sync) shows"
        )
    return None


def _agreement(of: Figures) -> str | None:
    """What shows that nothing is missing, the best first; None where nothing does."""
    if of.on_machine is not None and of.handed_over is not None:
        return f"all {of.on_machine:,} records that it holds were handed over{_no_scans(of)}"
    if of.on_machine is None and of.reading is not None:
        at = f" ({of.read_at:%Y-%m-%d %H:%M})" if of.read_at is not None else ""
        return f"all {of.reading.read:,} records of its log were taken when it was last read whole{at}"
    if (counted := of.counted) is not None and counted.is_of_all:
        own = of.counted_from_machine
        if own <= counted.records <= own + of.unreadable_from_machine:
            return f"it counts {counted.records:,} records {_span(counted)}, and {_handed(own)}"
    if of.on_machine is not None and of.from_machine <= of.on_machine + of.since_counted:
        since = of.from_machine - of.on_machine
        later = f", {since:,} of them since it counted" if since > 0 else ""
        return f"it holds {of.on_machine:,} records, and {_handed(of.from_machine)}{later}"
    return of.whole or None


def _more_than_it_holds(of: Figures) -> str:
    """Why nothing follows from how many records it holds, where more of it is here; else nothing."""
    if of.on_machine is None or of.from_machine <= of.on_machine:
        return ""
    return (
        f"{of.from_machine:,} scans that it handed over are here, and it holds {of.on_machine:,} records: it forgets,"
        " or its log was cleared; have its log read again (sync), and it counts what it holds"
    )


def _was_cleared(of: Figures) -> bool:
    """Whether something is known to have gone from its log, by what was noticed or by what it counted itself."""
    if of.cleared or of.cleared_at is not None:
        return True
    return of.counted is not None and of.on_machine is not None and of.on_machine < of.counted.records


def _no_scans(of: Figures) -> str:
    others = (of.handed_over or 0) - of.scans - of.unreadable
    return f", {others:,} of which are no scans or say the same as others" if others > 0 else ""


def _beside(of: Figures) -> str:
    said = [
        *([f"{of.unreadable:,} unreadable"] if of.unreadable else []),
        *([f"{of.quarantined:,} with impossible times"] if of.quarantined else []),
    ]
    if of.cleared_at is not None:
        said.append(f"its log was cleared before (noticed at {of.cleared_at:%Y-%m-%d %H:%M})")
    return f"; {', '.join(said)}" if said else ""


def _as_of(of: Figures) -> str:
    return f"; that was at {of.as_of:%Y-%m-%d %H:%M}, when it was last heard of" if of.as_of is not None else ""


def _span(counted: Counted) -> str:
    return f"from {counted.first:%Y-%m-%d} to {counted.last:%Y-%m-%d}"


def _different(number: int) -> str:
    return {0: "none is", 1: "1 is"}.get(number, f"{number:,} different ones are")


def _were(number: int) -> str:
    return {0: "none was", 1: "1 was"}.get(number, f"{number:,} were")


def _handed(number: int) -> str:
    return {0: "has handed over none", 1: "1 that it handed over is here"}.get(
        number, f"{number:,} that it handed over are here"
    )
