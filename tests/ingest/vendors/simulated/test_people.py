from collections import Counter
from datetime import date, datetime, time

import pytest

from services.ingest.domain.machine import Machine
from services.ingest.domain.reading import ScanType
from services.ingest.vendors.simulated.driver import Simulated
from services.ingest.vendors.simulated.people import HABITS, anyone, habit_of, working_day
from services.ingest.vendors.simulated.settings import SimulatedSettings
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
    assert set(habits) == {habit.name for habit in HABITS}
    states = Counter(reading.type for reading in working_day(many, MONDAY))
    assert states[ScanType.BREAK_IN] > 10
    assert states[ScanType.OUT] < states[ScanType.IN]


def test_machines_that_share_people_share_their_scans_without_overlap() -> None:
    gates = [SimulatedSettings(gates=3, gate=gate) for gate in (1, 2, 3)]
    shared = [reading for gate in gates for reading in working_day(gate, MONDAY)]
    assert sorted(shared, key=lambda r: (r.local_time, r.badge)) == list(working_day(FORTY, MONDAY))


def test_history_is_all_days_from_the_first_to_the_last(machine: Machine) -> None:
    readings = list(Simulated(SystemClock()).history(machine, MONDAY, FRIDAY))
    assert {reading.local_time.date().day for reading in readings} == {15, 16, 17, 18}


@pytest.mark.parametrize(
    ("config", "wrong"),
    [({"people": 0}, "config/people"), ({"poeple": 3}, "config/poeple"), ({"badges": [""]}, "config/badges/0")],
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
