"""How people use the gate, by day or by night: a pure function of the settings, the date and nothing else."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from random import Random

from services.ingest.domain.reading import Reading, ScanType
from services.ingest.vendors.simulated.settings import SimulatedSettings

START, END = time(8), time(17)
LUNCH = time(13)

STATES = {"0": ScanType.IN, "1": ScanType.OUT, "2": ScanType.BREAK_IN, "3": ScanType.BREAK_OUT}
"""The keys of the simulated machine."""

Minutes = tuple[float, float]
"""Mean and spread."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Habit:
    """What kind of person somebody is; times are minutes after start, end and lunch."""

    name: str
    weight: int
    """Of a hundred people, where nothing else is asked for."""
    arrives: Minutes
    leaves: Minutes
    forgets: float = 0.01
    """How often the departure is not scanned."""
    taps_twice: float = 0.02
    goes_out_for_lunch: float = 0.0
    stays_away: float = 0.04
    starts: time = START
    meal: time = LUNCH
    ends: time = END
    """What is earlier than the start is on the next day."""

    @property
    def crosses_midnight(self) -> bool:
        return self.ends < self.starts


HABITS = (
    Habit(name="punctual", weight=40, arrives=(-6, 3), leaves=(6, 4)),
    Habit(name="early", weight=14, arrives=(-35, 9), leaves=(3, 2)),
    Habit(name="late", weight=12, arrives=(16, 11), leaves=(14, 9)),
    Habit(name="diligent", weight=12, arrives=(-9, 5), leaves=(115, 55)),
    Habit(name="forgetful", weight=7, arrives=(-2, 5), leaves=(8, 6), forgets=0.3),
    Habit(name="double tapper", weight=7, arrives=(-4, 4), leaves=(7, 4), taps_twice=0.8),
    Habit(name="lunch leaver", weight=8, arrives=(-5, 4), leaves=(9, 5), goes_out_for_lunch=0.85),
    Habit(
        name="night shift",
        weight=0,
        arrives=(-8, 4),
        leaves=(5, 4),
        goes_out_for_lunch=0.5,
        starts=time(22),
        meal=time(2),
        ends=time(6),
    ),
)
NAMED = {habit.name: habit for habit in HABITS}


def habit_of(settings: SimulatedSettings, person: int) -> Habit:
    """The habit of a person, the same every day."""
    chance = Random(f"{settings.seed}/{person}")
    if settings.habits is not None:
        return NAMED[chance.choice(settings.habits)]
    return chance.choices(HABITS, [habit.weight for habit in HABITS])[0]


@lru_cache(maxsize=16)
def working_day(settings: SimulatedSettings, day: date) -> Sequence[Reading]:
    """What this machine records on a local date, in order: also what ends then of a night that began the day before."""
    readings = [
        _reading(settings.badge_of(person), moment, state)
        for person in range(settings.count)
        for began in ((day - timedelta(days=1), day) if habit_of(settings, person).crosses_midnight else (day,))
        if began.isoweekday() % 7 not in settings.weekend_days
        for moment, state in _person(settings, person, began)
        if moment.date() == day
    ]
    return tuple(sorted(readings, key=lambda reading: (reading.local_time, reading.badge)))


def anyone(settings: SimulatedSettings, number: int, local: datetime) -> Reading:
    """The `number`th scan of a machine that is given a rate: people in turn, arriving and leaving by turns.

    Of people who share several gates each has a gate of their own here: two scans of one person at two gates
    within a minute would be merged into one.
    """
    here = range(min(settings.gate, settings.count) - 1, settings.count, settings.gates)
    round_, turn = divmod(number, len(here))
    return _reading(settings.badge_of(here[turn]), local.replace(microsecond=0), "01"[round_ % 2])


def _person(settings: SimulatedSettings, person: int, day: date) -> Iterator[tuple[datetime, str]]:
    chance = Random(f"{settings.seed}/{person}/{day}")
    habit = habit_of(settings, person)
    if chance.random() < habit.stays_away:
        return
    moments = [(_around(chance, day, habit.starts, habit.arrives), "0")]
    if chance.random() < habit.goes_out_for_lunch:
        out = _around(chance, _day_of(habit.meal, habit, day), habit.meal, (4, 3))
        moments += [(out, "2"), (out + timedelta(minutes=chance.uniform(28, 62)), "3")]
    if chance.random() >= habit.forgets:
        moments.append((_around(chance, _day_of(habit.ends, habit, day), habit.ends, habit.leaves), "1"))
    for moment, state in moments:
        here = int(chance.random() * settings.gates) == settings.gate - 1
        again = moment + timedelta(seconds=chance.randint(2, 20))
        twice = chance.random() < habit.taps_twice
        if here:
            yield moment, state
            if twice:
                yield again, state


def _day_of(clock: time, habit: Habit, began: date) -> date:
    return began + timedelta(days=1) if clock < habit.starts else began


def _around(chance: Random, day: date, clock: time, minutes: Minutes) -> datetime:
    mean, spread = minutes
    return datetime.combine(day, clock) + timedelta(seconds=round(60 * chance.gauss(mean, spread)))


def _reading(badge: str, moment: datetime, state: str) -> Reading:
    moment = moment.replace(microsecond=0)
    return Reading(
        badge=badge,
        device_time=moment.isoformat(sep=" "),
        local_time=moment,
        state=state,
        type=STATES[state],
        verify="1",
    )
