from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from services.ingest.domain.instants import Quality
from services.ingest.domain.machine import Machine
from services.ingest.domain.reading import Batch, Mode, Reading, ScanType
from services.ingest.domain.scan import Naming, scan_id

NOW = datetime(2024, 1, 15, 12, tzinfo=UTC)
GATE = Machine(
    id=7, machine_id="gate", name="Gate", machine_type="generic", zone="Asia/Shanghai", created_at=NOW, updated_at=NOW
)
ARRIVAL = Reading(
    badge="007",
    device_time="2024-01-15 08:00:00",
    local_time=datetime(2024, 1, 15, 8),
    state="0",
    type=ScanType.IN,
)


def test_the_id_of_a_scan_never_changes() -> None:
    assert scan_id(7, "007", datetime(2024, 1, 15, 8), "0") == UUID("48257e9c-fe87-59bb-9bae-bd44c2e29015")


def test_verify_method_work_code_and_position_are_not_part_of_the_identity() -> None:
    again = replace(ARRIVAL, verify="15", work_code="3", record_no="99", position=4, raw={"line": "…"})
    one, other = named(ARRIVAL, again)
    assert one.id == other.id


def test_an_offset_places_a_scan_and_is_not_part_of_its_identity() -> None:
    one, other = named(ARRIVAL, replace(ARRIVAL, offset=timedelta(hours=6)))
    assert one.id == other.id
    assert other.at == datetime(2024, 1, 15, 2, tzinfo=UTC)


def test_badges_that_differ_in_zeros_or_case_are_different_scans() -> None:
    badges = ["7", "07", "007", "A7", "a7"]
    assert len({scan.id for scan in named(*(replace(ARRIVAL, badge=badge) for badge in badges))}) == 5


def test_a_scan_carries_its_machines_zone_and_the_instant() -> None:
    (scan,) = named(ARRIVAL)
    assert (scan.at, scan.quality) == (datetime(2024, 1, 15, tzinfo=UTC), Quality.OK)


def test_scans_before_the_installation_of_the_machine_are_quarantined() -> None:
    machine = replace(GATE, installed_on=datetime(2024, 1, 16).date())
    (scan,) = Naming(machine).scans(batch(ARRIVAL))
    assert scan.quality.quarantined


def test_a_clock_that_drifts_rewrites_no_scan() -> None:
    (scan,) = Naming(GATE).scans(batch(ARRIVAL), clock_offset=timedelta(minutes=9))
    assert (scan.reading, scan.at, scan.quality) == (ARRIVAL, datetime(2024, 1, 15, tzinfo=UTC), Quality.OK)


def test_in_the_hour_that_happens_twice_live_scans_go_by_our_clock_and_a_log_by_its_order() -> None:
    berlin, second = replace(GATE, zone="Europe/Berlin"), datetime(2024, 10, 27, 1, 30, tzinfo=UTC)
    twice = [replace(ARRIVAL, local_time=datetime(2024, 10, 27, 2, minute)) for minute in (30, 40, 35)]
    (live,) = Naming(berlin).scans(Batch(readings=twice[:1], mode=Mode.LIVE, received_at=second))
    log = Naming(berlin).scans(Batch(readings=twice, mode=Mode.REPLAY, received_at=second))
    assert live.at == second
    assert [f"{scan.at:%H:%M}" for scan in log] == ["00:30", "00:40", "01:35"]
    assert live.quality is Quality.AMBIGUOUS_DST


def test_scans_of_one_second_are_apart_unless_person_and_key_are_the_same() -> None:
    others = [replace(ARRIVAL, badge="008"), replace(ARRIVAL, state="1"), replace(ARRIVAL, badge="008", state="1")]
    assert len({scan.id for scan in named(ARRIVAL, ARRIVAL, *others)}) == 4


texts = st.text(max_size=6)


@given(
    one=st.tuples(st.integers(1, 50), texts, st.integers(0, 3), texts),
    other=st.tuples(st.integers(1, 50), texts, st.integers(0, 3), texts),
)
def test_different_records_have_different_ids(one: tuple[int, str, int, str], other: tuple[int, str, int, str]) -> None:
    def id_of(record: tuple[int, str, int, str]) -> UUID:
        machine, badge, second, state = record
        return scan_id(machine, badge, datetime(2024, 1, 1) + timedelta(seconds=second), state)

    assert (id_of(one) == id_of(other)) == (one == other)


def batch(*readings: Reading) -> Batch:
    return Batch(readings=readings, mode=Mode.LIVE, received_at=NOW)


def named(*readings: Reading) -> list:  # type: ignore[type-arg]
    return list(Naming(GATE).scans(batch(*readings)))
