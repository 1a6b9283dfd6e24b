from collections import Counter
from collections.abc import Callable, Iterable
from datetime import date, datetime, time, timedelta
from itertools import pairwise
from statistics import mean
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.ingest.domain.machine import Machine
from services.ingest.domain.reading import Reading, ScanType
from services.ingest.vendors.simulated.driver import Simulated
from services.ingest.vendors.simulated.people import HABITS, anyone, habit_of, working_day
from services.ingest.vendors.simulated.settings import HabitName, SimulatedSettings
from shared.kernel.clock import SystemClock
from shared.kernel.errors import Invalid

MONDAY, FRIDAY = date(2024, 1, 15), date(2024, 1, 19)
FORTY = SimulatedSettings()


def test_the_same_seed_gives_the_same_scans_for_a_date() -> None:
    working_day.cache_clear()
    first = working_day(FORTY, MONDAY)
    working_day.cache_clear()
    assert working_day(SimulatedSettings(people=40, seed=1), MONDAY) == first
    assert working_day(SimulatedSettings(seed=2), MONDAY) != first


def test_a_working_day_is_plausible() -> None:
    readings = working_day(FORTY, MONDAY)
    assert 70 <= len(readings) <= 120
    assert {reading.badge for reading in readings} <= {str(number) for number in range(1, 41)}
    arrivals = [reading for reading in readings if reading.type is ScanType.IN]
    assert all(time(6, 30) < reading.local_time.time() < time(9, 30) for reading in arrivals)
    assert [reading.local_time for reading in readings] == sorted(reading.local_time for reading in readings)


def test_nobody_comes_on_the_weekend() -> None:
    assert not working_day(FORTY, FRIDAY)
    assert working_day(SimulatedSettings(weekend_days=(0, 6)), FRIDAY)


def test_every_habit_occurs_and_shows() -> None:
    many = SimulatedSettings(people=400)
    habits = Counter(habit_of(many, person).name for person in range(400))
    assert set(habits) == {habit.name for habit in HABITS if habit.weight}
    states = Counter(reading.type for reading in working_day(many, MONDAY))
    assert states[ScanType.BREAK_IN] > 10
    assert states[ScanType.OUT] < states[ScanType.IN]


DAYS = [MONDAY + timedelta(days=number) for number in range(28)]
CREW = 12


def scans_of(seed: int, *habits: str) -> dict[str, list[Reading]]:
    """Four weeks of a crew of these habits, by badge, in order."""
    crew = SimulatedSettings(people=CREW, seed=seed, habits=habits)
    found: dict[str, list[Reading]] = {}
    for day in DAYS:
        for reading in working_day(crew, day):
            assert reading.local_time.date() == day
            found.setdefault(reading.badge, []).append(reading)
    assert len(found) == CREW
    return found


def minutes(readings: list[Reading], kind: ScanType) -> list[float]:
    """Minutes of the day of each scan of a kind."""
    return [reading.local_time.hour * 60 + reading.local_time.minute for reading in readings if reading.type is kind]


def share(chosen: Iterable[bool]) -> float:
    outcomes = list(chosen)
    return sum(outcomes) / len(outcomes)


def double_taps(readings: list[Reading]) -> float:
    """The share of scans that are followed by another of the same kind within a minute."""
    return share(
        later.type is earlier.type and later.local_time - earlier.local_time < timedelta(minutes=1)
        for earlier, later in pairwise(readings)
    )


def whole(readings: list[Reading]) -> float:
    """Of the arrivals, the share that a departure follows."""
    firsts = [reading for reading in readings if reading.type in (ScanType.IN, ScanType.OUT)]
    return share(
        later.type is ScanType.OUT
        for earlier, later in pairwise(firsts)
        if earlier.type is ScanType.IN and later.local_time - earlier.local_time > timedelta(minutes=1)
    )


SIGNS: dict[str, Callable[[list[Reading]], bool]] = {
    "early": lambda scans: mean(minutes(scans, ScanType.IN)) < 7 * 60 + 40,
    "late": lambda scans: mean(minutes(scans, ScanType.IN)) > 8 * 60 + 6,
    "punctual": lambda scans: 7 * 60 + 50 < mean(minutes(scans, ScanType.IN)) < 8 * 60 and whole(scans) > 0.8,
    "diligent": lambda scans: mean(minutes(scans, ScanType.OUT)) > 18 * 60,
    "forgetful": lambda scans: whole(scans) < 0.93,
    "double tapper": lambda scans: double_taps(scans) > 0.25,
    "lunch leaver": lambda scans: share(scan.type is ScanType.BREAK_IN for scan in scans) > 0.15,
    "night shift": lambda scans: (
        min(minutes(scans, ScanType.IN)) > 21 * 60 and max(minutes(scans, ScanType.OUT)) < 7 * 60
    ),
}
"""By what the scans of somebody over four weeks show what they are like."""


@given(seed=st.integers(0, 10**9), habit=st.sampled_from([habit.name for habit in HABITS]))
@settings(max_examples=60, deadline=None)
def test_each_habit_shows_in_the_scans_of_whoever_has_it(seed: int, habit: str) -> None:
    shown = share(SIGNS[habit](scans) for scans in scans_of(seed, habit).values())
    assert shown >= 0.75


@given(seed=st.integers(0, 10**9))
@settings(max_examples=25, deadline=None)
def test_nobody_else_looks_like_a_double_tapper_or_comes_by_night(seed: int) -> None:
    others = [habit.name for habit in HABITS if habit.name not in ("double tapper", "night shift")]
    for scans in scans_of(seed, *others).values():
        assert not SIGNS["double tapper"](scans)
        assert not SIGNS["night shift"](scans)


@given(seed=st.integers(0, 10**9), gates=st.integers(1, 3))
@settings(max_examples=25, deadline=None)
def test_the_scans_of_a_night_cross_midnight_and_are_whole(seed: int, gates: int) -> None:
    crews = [
        SimulatedSettings(people=CREW, seed=seed, habits=("night shift",), gates=gates, gate=gate)
        for gate in range(1, gates + 1)
    ]
    readings = sorted(
        (reading for crew in crews for day in DAYS for reading in working_day(crew, day)),
        key=lambda reading: (reading.badge, reading.local_time),
    )
    nights = [
        (came, left)
        for came, left in pairwise(reading for reading in readings if reading.type in (ScanType.IN, ScanType.OUT))
        if came.badge == left.badge and (came.type, left.type) == (ScanType.IN, ScanType.OUT)
    ]
    assert len(nights) > CREW * 15
    for came, left in nights:
        assert left.local_time.date() == came.local_time.date() + timedelta(days=1)
        assert timedelta(hours=7, minutes=30) < left.local_time - came.local_time < timedelta(hours=9)
        assert came.local_time.date() not in (FRIDAY + timedelta(days=7 * week) for week in range(5))
    assert any(left.local_time.date().isoweekday() == 5 for _, left in nights), (
        "the night before the weekend ends in it"
    )


@given(seed=st.integers(0, 10**9), day=st.dates(date(2020, 1, 1), date(2030, 1, 1)))
@settings(max_examples=30, deadline=None)
def test_any_seed_gives_the_same_scans_for_a_date_again(seed: int, day: date) -> None:
    crew = SimulatedSettings(people=CREW, seed=seed, habits=tuple(habit.name for habit in HABITS), weekend_days=())
    first = working_day(crew, day)
    working_day.cache_clear()
    assert working_day(crew, day) == first
    assert first


def test_machines_that_share_people_share_their_scans_without_overlap() -> None:
    gates = [SimulatedSettings(gates=3, gate=gate) for gate in (1, 2, 3)]
    shared = [reading for gate in gates for reading in working_day(gate, MONDAY)]
    assert sorted(shared, key=lambda r: (r.local_time, r.badge)) == list(working_day(FORTY, MONDAY))


def test_every_habit_can_be_asked_for_by_name() -> None:
    assert set(get_args(HabitName)) == {habit.name for habit in HABITS}


def test_history_is_all_days_from_the_first_to_the_last(machine: Machine) -> None:
    readings = list(Simulated(SystemClock()).history(machine, MONDAY, FRIDAY))
    assert {reading.local_time.date().day for reading in readings} == {15, 16, 17, 18}


@pytest.mark.parametrize(
    ("config", "wrong"),
    [
        ({"people": 0}, "config/people"),
        ({"habits": ["sleepy"]}, "config/habits/0"),
        ({"habits": []}, "config/habits"),
        ({"poeple": 3}, "config/poeple"),
        ({"badges": [""]}, "config/badges/0"),
    ],
)
def test_a_wrong_config_is_refused_by_name(config: dict[str, object], wrong: str) -> None:
    with pytest.raises(Invalid) as refused:
        Simulated(SystemClock()).validated(config)
    assert wrong in refused.value.fields


def test_badges_can_be_listed_or_numbered() -> None:
    assert SimulatedSettings(badges=("A", "B")).badge_of(1) == "B"
    assert SimulatedSettings(prefix="E", first=100).badge_of(2) == "E102"


@pytest.fixture
def machine() -> Machine:
    now = SystemClock().now()
    return Machine(
        id=1, machine_id="sim", name="", machine_type="simulated", zone="UTC", created_at=now, updated_at=now
    )


def test_at_a_rate_everybody_comes_in_turn_and_to_one_gate_only() -> None:
    local = datetime(2026, 1, 5, 12)
    gates = [SimulatedSettings(people=7, gates=2, gate=gate) for gate in (1, 2)]
    seen = [[anyone(gate, number, local).badge for number in range(8)] for gate in gates]
    assert seen == [["1", "3", "5", "7", "1", "3", "5", "7"], ["2", "4", "6", "2", "4", "6", "2", "4"]]
    assert anyone(SimulatedSettings(people=1, gates=3, gate=3), 5, local).badge == "1"
