"""Counting a reading of a log."""

from datetime import date, datetime, timedelta

from services.ingest.domain.log_reading import REPEATS_WITHIN, Tally
from services.ingest.domain.reading import Batch, Mode
from services.ingest.domain.scan import Naming, Scan
from tests.ingest.fakes import NOON, machine, readings, scans

GATE = machine()


def test_records_are_new_or_known_or_repeated_or_unreadable() -> None:
    tally, read = Tally(1, NOON), scans(10, machine=GATE)
    tally.scans(read, new={scan.id for scan in read[4:]})
    tally.scans(read[8:], new={scan.id for scan in read[8:]})
    tally.unreadable(3)
    found = tally.ended(NOON + timedelta(minutes=1), on_machine=15)
    assert (found.read, found.new, found.known, found.repeated, found.unreadable) == (15, 6, 4, 2, 3)
    assert found.days == {date(2024, 1, 15): 10}
    assert (found.began_at, found.ended_at, found.on_machine) == (NOON, NOON + timedelta(minutes=1), 15)


def test_days_are_those_of_the_machines_clock_and_quarantined_scans_count_too() -> None:
    tally = Tally(1, NOON)
    late = readings(2, start=datetime(2024, 1, 14, 23, 59, 59))
    reset = readings(1, start=datetime(2000, 1, 1, 0, 5))
    batch = Batch(readings=[*late, *reset], mode=Mode.REPLAY, received_at=NOON)
    tally.scans(list(Naming(GATE).scans(batch)), new=set())
    found = tally.ended(NOON, on_machine=None)
    assert found.days == {date(2000, 1, 1): 1, date(2024, 1, 14): 1, date(2024, 1, 15): 1}
    assert found.quarantined == 1


def test_a_long_log_needs_no_more_memory_than_a_short_one() -> None:
    tally = Tally(1, NOON)
    many: list[Scan] = scans(REPEATS_WITHIN + 1, machine=GATE)
    tally.scans(many, new=set())
    tally.scans(many[-1:], new=set())  # near
    tally.scans(many[:1], new=set())  # too long ago
    assert tally.ended(NOON, on_machine=None).repeated == 1
