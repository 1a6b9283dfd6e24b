"""Whether a machine that is in contact is silent at a time at which it usually is not. Pure.

What is usual is what came in the same hours of the same weekday, week after week. A machine may be silent for a good
reason: on a holiday nobody comes, and on some days all leave early. So silence is only told where it shows that people
are there today, by this machine before it fell silent or by the others of its site, and where this machine has had
less than it has by now on other days. Hours that are under way, or in which the last scan came, count for nothing.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from statistics import median
from typing import Final
from zoneinfo import ZoneInfo

TRAFFIC: Final = "silent"
"""What warnings of it are about."""
WEEKS: Final = 8
"""Looked back."""
LEAST_DAYS: Final = 4
"""Of the same weekday on which it was used: a machine that is newer than that has no habits."""
LEAST_SCANS: Final = 5
"""Scans that usually came in the hours in which none has come; of fewer, none is no wonder."""
AS_USUAL: Final = 0.5
"""The part of what is usual by now that shows that people are there today."""
ALL_CAME: Final = 0.8
"""The part of what is usual by now after which none need come any more."""

_HOUR: Final = timedelta(hours=1)


def hours_of_interest(now: datetime, zone: ZoneInfo) -> Sequence[datetime]:
    """The hours, by their beginning in UTC, of today until now, and as much of this weekday in the weeks before.

    `now` is UTC. Days are those of the zone.
    """
    today = now.astimezone(zone).date()
    hours: list[datetime] = []
    for weeks in range(WEEKS + 1):
        day = today - timedelta(weeks=weeks)
        first = datetime.combine(day, time(), zone).astimezone(UTC).replace(minute=0, second=0, microsecond=0)
        hours += [first + number * _HOUR for number in range(26)]
    return [hour for hour in hours if hour <= now]


def silence(
    own: Mapping[datetime, int],
    site: Mapping[datetime, int],
    *,
    last_scan_at: datetime | None,
    now: datetime,
    zone: ZoneInfo,
) -> str | None:
    """A sentence where the machine is silent and usually is not; None where nothing is to be said.

    `own` is how many scans came from it, by hour; `site` from all machines of its site, this one included. Both hold
    at least `hours_of_interest` in which any came.
    """
    local = now.astimezone(zone)
    today = local.date()
    mine, ours = _by_day(own, zone), _by_day(site, zone)
    # The first hour of today in which nothing came and none after: whole hours from there on are silent.
    first = max((hour + 1 for hour, scans in mine.get(today, {}).items() if scans), default=0)
    silent = range(first, local.hour)
    used = [today - timedelta(weeks=weeks) for weeks in range(1, WEEKS + 1)]
    used = [day for day in used if any(mine.get(day, {}).values())]
    usual = [_within(mine[day], silent) for day in used]
    if len(used) < LEAST_DAYS or min(usual) == 0 or median(usual) < LEAST_SCANS:
        return None
    so_far = range(local.hour)
    others = {day: _without(ours.get(day, {}), mine.get(day, {})) for day in (today, *used)}
    came = _part_of_usual(mine, today, used, so_far)
    if came >= ALL_CAME or max(came, _part_of_usual(others, today, used, so_far)) < AS_USUAL:
        return None
    since = f"since {last_scan_at.astimezone(zone):%Y-%m-%d %H:%M}" if last_scan_at else "today"
    return (
        f"nothing has come from it {since}, although it is in contact: on {local:%A}s about {median(usual):.0f} scans"
        f" come from {first:02d}:00 to {local.hour:02d}:00. Do people use it?"
    )


def _by_day(scans: Mapping[datetime, int], zone: ZoneInfo) -> Mapping[date, Mapping[int, int]]:
    """By day and hour of the zone."""
    days: dict[date, dict[int, int]] = {}
    for hour, number in scans.items():
        local = hour.astimezone(zone)
        day = days.setdefault(local.date(), {})
        day[local.hour] = day.get(local.hour, 0) + number
    return days


def _within(day: Mapping[int, int], hours: range) -> int:
    return sum(scans for hour, scans in day.items() if hour in hours)


def _without(all_of_them: Mapping[int, int], one: Mapping[int, int]) -> Mapping[int, int]:
    return {hour: max(0, scans - one.get(hour, 0)) for hour, scans in all_of_them.items()}


def _part_of_usual(days: Mapping[date, Mapping[int, int]], today: date, used: Sequence[date], so_far: range) -> float:
    """How much has come by now of what usually has; 0 where that is too little to say anything."""
    usual = median(_within(days.get(day, {}), so_far) for day in used)
    return _within(days.get(today, {}), so_far) / usual if usual >= LEAST_SCANS else 0.0
