"""What a machine holds against what of it is here, in figures and in a sentence. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from services.ingest.domain.log_reading import LogReading


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
    """Of those, as its sessions counted them; None where it has none, because it calls."""
    scans: int = 0
    """That are here, by whatever way they came; more than it holds where its log was cleared or forgets."""
    uncounted: int = 0
    """Of those, as many as may be of any day (`of_any_day`)."""
    counted_since: datetime | None = None
    """When it began that scans are counted by day, on its own clock; None where all are."""
    quarantined: int = 0
    unreadable: int = 0
    """Records that are here and that nobody understands."""
    reading: LogReading | None = None
    """The last whole reading of its log."""
    counted: Counted | None = None
    """What it counted last, and how much of that is here."""
    counted_here: int = 0
    as_of: datetime | None = None
    """When it was last heard of, on its own clock; None where it is in contact now."""
    gaps: str = ""
    """What is missing by the numbers of its records, in a sentence."""
    whole: str = ""
    """That by the numbers of its records nothing is missing, in a sentence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Whether something is missing."""

    missing: int | None
    """Records that it holds and that are not here, at least; None where nobody can say."""
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


def verdict(figures: Figures) -> Verdict:
    """What the figures say."""
    differences = [one for one in _differences(figures) if one.more > 0]
    if differences or figures.gaps:
        missing = max((one.more for one in differences), default=1)
        whys = [one.why for one in differences] + ([figures.gaps] if figures.gaps else [])
        records = "1 record" if missing == 1 else f"{missing:,} records"
        what = f"{records} that the machine holds {'is' if missing == 1 else 'are'} not here"
        if not differences:
            what = "records have not come"
        elif not any(one.certain for one in differences):
            what = f"{what}, unless they say the same as others"
        return Verdict(missing=missing, sentence=f"{what}: {'; '.join(whys)}{_as_of(figures)}")
    if (doubt := _doubt(figures)) is not None:
        return Verdict(missing=None, sentence=f"nobody can say: {doubt}{_as_of(figures)}")
    known = next(_agreements(figures), None)
    if known is None:
        why = "it does not tell how many records it holds, and no log of it was read to its end"
        return Verdict(missing=None, sentence=f"nobody can say: {why}")
    return Verdict(missing=0, sentence=f"nothing is missing: {known}{_beside(figures)}{_as_of(figures)}")


@dataclass(frozen=True, slots=True)
class _Difference:
    """How many more it holds than are here, by one thing that tells."""

    more: int
    why: str
    certain: bool
    """Its records were counted one by one. Else there may be as many that say the same: they are one scan here."""


def _differences(of: Figures) -> Iterator[_Difference]:
    if of.on_machine is not None and of.handed_over is not None:
        why = f"it holds {of.on_machine:,} records, and {of.handed_over:,} were handed over"
        yield _Difference(of.on_machine - of.handed_over, why, certain=True)
    elif of.on_machine is not None:
        here = of.scans + of.unreadable
        why = f"it holds {of.on_machine:,} records, and {here:,} different ones are here"
        yield _Difference(of.on_machine - here, why, certain=False)
    if (reading := of.reading) is not None and reading.on_machine is not None and of.handed_over is None:
        why = f"it counted {reading.on_machine:,} records when its log was read, and that had {reading.read:,}"
        yield _Difference(reading.on_machine - reading.read, why, certain=True)
    if (counted := of.counted) is not None:
        most = " at most" if of.uncounted else ""
        here = of.counted_here + of.uncounted
        why = f"it counts {counted.records:,} records {_span(counted)}, and {here:,} different ones are here{most}"
        yield _Difference(counted.records - here - of.unreadable, why, certain=False)


def _doubt(of: Figures) -> str | None:
    """Why it cannot be said whether all that it counts is here, where nothing else says that something is missing."""
    if (counted := of.counted) is None or of.counted_since is None:
        return None
    if counted.records <= of.counted_here + of.unreadable:
        return None
    return (
        f"it counts {counted.records:,} records {_span(counted)}, {of.counted_here:,} different ones are here, and"
        f" {of.uncounted:,} from before {of.counted_since:%Y-%m-%d %H:%M}, when days were not counted:"
        " have its log read again (sync) to have them counted"
    )


def _agreements(of: Figures) -> Iterator[str]:
    """What shows that nothing is missing; the best first."""
    if of.on_machine is not None and of.handed_over is not None:
        yield f"all {of.on_machine:,} records that it holds were handed over"
    if of.reading is not None:
        yield f"all {of.reading.read:,} records of its log were taken when it was last read"
    if of.counted is not None:
        yield f"it counts {of.counted.records:,} records {_span(of.counted)}, and {of.counted_here:,} scans are here"
    if of.on_machine is not None:
        yield f"it holds {of.on_machine:,} records, and {of.scans:,} scans are here"
    if of.whole:
        yield of.whole


def _beside(of: Figures) -> str:
    said = [
        *([f"{of.unreadable:,} unreadable"] if of.unreadable else []),
        *([f"{of.quarantined:,} with impossible times"] if of.quarantined else []),
    ]
    return f"; {', '.join(said)}" if said else ""


def _as_of(of: Figures) -> str:
    return f"; that was at {of.as_of:%Y-%m-%d %H:%M}, when it was last heard of" if of.as_of is not None else ""


def _span(counted: Counted) -> str:
    return f"from {counted.first:%Y-%m-%d} to {counted.last:%Y-%m-%d}"
