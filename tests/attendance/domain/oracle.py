"""The days of a log once more, with pandas, written from the words of RULES.md §2–4 and not from the code.

It knows the defaults, the resolver `first_last` and zones whose clocks never change; a shift is the same on every date.
Times are minutes of the wall clock from the date's midnight.
"""

from dataclasses import dataclass

import pandas as pd

DATE = 1440
BOUNDARY = 4 * 60


@dataclass(frozen=True, kw_only=True)
class Times:
    """What the rules compare with. Without a shift these are the user's defaults."""

    start: int = 8 * 60
    end: int = 17 * 60
    late_after: int = 5
    lunch: tuple[int, int] | None = (13 * 60, 14 * 60)
    weekend: int | None = 4
    """As pandas counts: 4 is Friday. A date with a shift is no weekend."""
    shift: bool = False
    allowed_early: int = 120
    allowed_late: int = 240

    @property
    def begins(self) -> int:
        """The first minute of a date's window; that of the date after is its end."""
        if not self.shift:
            return BOUNDARY + 1
        # The shift of the date before ends, counted from this date's midnight.
        hi, lo = self.end + self.allowed_late + 1 - DATE, self.start - self.allowed_early
        if lo >= hi:
            return min(max(BOUNDARY + 1, hi), lo)
        nearer = -((self.end - DATE + self.start) // -2)
        return min(max(nearer, lo), hi)

    @property
    def expected(self) -> int:
        lunch = self.lunch is not None and self.start < self.lunch[1] and self.end > self.lunch[0]
        return self.end - self.start - (60 if lunch else 0)


def days_of(punches: pd.DataFrame, times: Times) -> pd.DataFrame:
    """A row a badge and date: `punches` has `badge`, `wall` (naive, of the site) and `believed`."""
    scans = punches.drop_duplicates().sort_values(["badge", "wall"], kind="stable").reset_index(drop=True)
    minute = scans.wall.dt.floor("min")
    scans["date"] = (minute - pd.Timedelta(minutes=times.begins)).dt.normalize()
    scans["minute"] = ((minute - scans.date) / pd.Timedelta(minutes=1)).astype(int)
    every = scans.groupby(["badge", "date"]).size().rename("stored")
    days = (
        _unmerged(scans[scans.believed])
        .groupby(["badge", "date"])
        .agg(first=("minute", "min"), last=("minute", "max"), used=("minute", "size"))
    )
    days = every.to_frame().join(days).reset_index()
    days["present"] = days.used.fillna(0) > 0
    single = days.used == 1
    quarter = times.end - (times.end - times.start) // 4
    leaves = single & times.shift & (days["first"] >= quarter)
    days["arrival"] = days["first"].where(days.present & ~leaves)
    days["departure"] = days["last"].where(days.present & (~single | leaves))
    known = days.arrival.notna() & days.departure.notna()
    rest = (days.date.dt.day_of_week == times.weekend) & (not times.shift)
    extra_from = times.end + 120

    def present_between(start: pd.Series, end: pd.Series) -> pd.Series:
        """Minutes of presence without the part of the lunch window in it."""
        span = (end - start).clip(lower=0)
        if times.lunch is None:
            return span
        return span - (end.clip(upper=times.lunch[1]) - start.clip(lower=times.lunch[0])).clip(lower=0)

    arrival, departure = days.arrival.where(known, 0), days.departure.where(known, 0)
    days["working"] = present_between(arrival, departure)
    days["overtime"] = present_between(arrival.clip(lower=times.end), departure.clip(upper=extra_from))
    days["extra"] = present_between(arrival.clip(lower=extra_from), departure)
    days["snacks"], days["night_bill"] = days.extra >= 60, days.extra >= 300
    expected = pd.Series(times.expected, index=days.index).mask(rest, 0)
    days["shortfall"] = (expected - (days.working - days.overtime - days.extra)).clip(lower=0)
    late = days.arrival - times.start
    days["status"] = "Present-Late"
    days.loc[late <= times.late_after, "status"] = "Present-Considered"
    days.loc[late <= 0, "status"] = "Present-OnTime"
    days.loc[~days.present, "status"] = "Absent"
    days.loc[~days.present & rest, "status"] = "Weekend"
    days["late"] = late.where((late > times.late_after) & ~rest, 0)
    days["early"] = (times.end - days.departure).clip(lower=0).where(~rest, 0).fillna(0)
    days["missing_check_in"] = leaves
    days["missing_check_out"] = single & ~leaves
    days["long_span"] = known & (days.departure - days.arrival > 14 * 60)
    days["worked_on_weekend"] = rest & days.present
    days["outside_shift"] = times.shift & (
        (days["first"] < times.start - times.allowed_early) | (days["last"] > times.end + times.allowed_late)
    )
    return days


def _unmerged(scans: pd.DataFrame) -> pd.DataFrame:
    """Without those that lie within a minute of the last that was kept of their badge and date."""
    days = scans.groupby(["badge", "date"], sort=False).ngroup().tolist()
    seconds = ((scans.wall - pd.Timestamp(0)) // pd.Timedelta(seconds=1)).tolist()
    keep = []
    last = (-1, 0)
    for day, second in zip(days, seconds, strict=True):
        fresh = day != last[0] or second - last[1] > 60
        keep.append(fresh)
        last = (day, second) if fresh else last
    return scans[keep]
