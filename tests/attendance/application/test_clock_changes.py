"""A month of nights and rotating shifts over a change of the clocks: what counts is the time that really passed."""

from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from random import Random
from typing import NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from services.attendance.application.directory import Assignment, Directory, Holder, PersonDay, Site, Span
from services.attendance.application.holders import Claim, Owned
from services.attendance.application.plans import Plans
from services.attendance.domain.day import work_day
from services.attendance.domain.scans import Scan
from services.attendance.domain.schedule import Schedule
from services.attendance.domain.shift_values import shift_from

PEOPLE = 500
"""For each change; 2,000 in all."""
DATES = 31
ALWAYS = Span()
TIMES = {
    1: ("06:00", "14:00"),
    2: ("14:00", "22:00"),
    3: ("22:00", "06:00"),
    4: ("19:00", "07:00"),
    5: ("18:30", "02:30"),
}
"""The clocks change within the last three; the very last ends in the hour that is skipped, or comes twice."""
CYCLES: tuple[tuple[int | None, ...], ...] = (
    (1, 1, 2, 2, 3, 3, None, None),
    (3, 3, 3, 3, 3, None, None),
    (4, 4, None, None),
    (5, 5, 5, None, 1, None),
)


class Worked(NamedTuple):
    """What somebody did on a date: from when to when, in minutes since 1970, and the scans of it."""

    key: PersonDay
    arrives: int
    leaves: int
    scans: list[int]

    @property
    def elapsed(self) -> int:
        return self.leaves - self.arrives


def schedule_of(person: int, first: date) -> Schedule:
    """One of the cycles, begun on one of its dates."""
    cycle = CYCLES[person % len(CYCLES)]
    return Schedule(cycle=cycle, anchor=first + timedelta(days=person // len(CYCLES) % len(cycle)))


def on_the_wall(day: date, clock: str, zone: ZoneInfo) -> int:
    """Minutes since 1970."""
    return int(datetime.combine(day, time.fromisoformat(clock), zone).astimezone(UTC).timestamp()) // 60


def month_of_work(zone: ZoneInfo, first: date) -> Iterator[Worked]:
    """Everybody comes and goes a little early or late, some of them with a second tap or a scan on the way."""
    chance = Random(2026)
    for person in range(PEOPLE):
        schedule = schedule_of(person, first)
        for number in range(DATES):
            day = first + timedelta(days=number)
            cycle, anchor = schedule.cycle, schedule.anchor
            assert anchor is not None
            shift = cycle[(day - anchor).days % len(cycle)]
            if shift is None or chance.random() < 0.05:
                continue
            start, end = TIMES[shift]
            arrives = on_the_wall(day, start, zone) + chance.randrange(-25, 25)
            last = day + timedelta(days=end < start)
            leaves = on_the_wall(last, end, zone) + chance.randrange(-25, 40)
            on_the_way = [leaves - chance.randrange(60, 200)] if chance.random() < 0.1 else []
            yield Worked(PersonDay(day, person), arrives, leaves, [arrives, *on_the_way, leaves])


def directory(zone: str, first: date) -> Directory:
    """A site in the zone, at which everybody goes by a schedule of their own."""
    place = Assignment(span=ALWAYS, site_id=1, department=None, unit_path=[1], designation=None, level_of_work="Worker")
    shifts = {
        number: ((ALWAYS, shift_from({"parts": [{"start": start, "end": end}], "breaks": []})),)
        for number, (start, end) in TIMES.items()
    }
    schedules = {person: ((ALWAYS, schedule_of(person, first)),) for person in range(PEOPLE)}
    found = Directory(
        1, {1: Site(site_id=1, zone=zone)}, plans=Plans(shifts=shifts, schedules=schedules, of_people=True)
    )
    people = [
        Holder(
            person_id=person,
            code=f"E{person}",
            name="",
            assignments=(place,),
            badges=((Claim(str(person)), ALWAYS),),
            owned=Owned(schedules=((ALWAYS, person),)),
        )
        for person in range(PEOPLE)
    ]
    found.add(people, [str(person) for person in range(PEOPLE)])
    return found


@pytest.mark.parametrize(
    ("zone", "change", "hours"),
    [
        ("Europe/Berlin", date(2026, 3, 29), 7),
        ("Europe/Berlin", date(2026, 10, 25), 9),
        ("America/New_York", date(2026, 3, 8), 7),
        ("America/New_York", date(2026, 11, 1), 9),
    ],
)
def test_totals_are_the_sum_of_the_minutes_that_passed(zone: str, change: date, hours: int) -> None:
    first = change - timedelta(days=15)
    people = directory(zone, first)
    scans: dict[PersonDay, list[Scan]] = defaultdict(list)
    wanted: dict[PersonDay, int] = {}
    for worked in month_of_work(ZoneInfo(zone), first):
        wanted[worked.key] = worked.elapsed
        for minute in worked.scans:
            key = people.key_of(str(worked.key.person_id), 1, minute * 60)
            assert key is not None
            scans[key].append(Scan(minute * 60 + 7, UUID(int=minute << 32 | worked.key.person_id)))
    found, over_the_change = {}, set()
    for key, its in scans.items():
        frame, _ = people.placed(key) or pytest.fail("everybody belongs somewhere")
        day = work_day(its, frame)
        found[key] = day.working
        if key.date == change - timedelta(days=1) and frame.shift is not None and frame.shift.start == 22 * 60:
            over_the_change.add(frame.terms.expected)
    assert found == wanted
    assert sum(found.values()) == sum(wanted.values()) > PEOPLE * 100 * 60
    # The night of the change has as many hours as it really has.
    assert over_the_change == {hours * 60}
