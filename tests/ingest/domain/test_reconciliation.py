"""What is said of a machine whose figures these are."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.ingest.domain.log_reading import LogReading
from services.ingest.domain.reconciliation import Counted, Figures, missing_of_day, of_any_day, verdict
from tests.ingest.fakes import NOON

READ = LogReading(
    machine_id=1,
    began_at=NOON,
    ended_at=NOON,
    on_machine=1000,
    read=1000,
    new=0,
    repeated=2,
    quarantined=0,
    unreadable=1,
    days={},
)
NOVEMBER = Counted(first=datetime(2026, 11, 1), last=datetime(2026, 11, 27, 23, 59, 59), records=62)


@pytest.mark.parametrize(
    ("figures", "missing", "sentence"),
    [
        pytest.param(
            Figures(),
            None,
            "nobody can say: it does not tell how many records it holds, and no log of it was read to its end",
            id="nothing is known",
        ),
        pytest.param(
            Figures(scans=7, whole="none of its numbers is left out", as_of=datetime(2026, 11, 20, 9)),
            0,
            "nothing is missing: none of its numbers is left out; that was at 2026-11-20 09:00, when it was last heard"
            " of",
            id="it numbers its records",
        ),
        pytest.param(
            Figures(on_machine=1000, handed_over=1000, scans=997, unreadable=1, reading=READ),
            0,
            "nothing is missing: all 1,000 records that it holds were handed over; 1 unreadable",
            id="all of it",
        ),
        pytest.param(
            Figures(on_machine=1012, handed_over=1000, scans=998, reading=READ),
            12,
            "12 records that the machine holds are not here: it holds 1,012 records, and 1,000 were handed over",
            id="recorded since",
        ),
        pytest.param(
            Figures(reading=replace(READ, on_machine=None), scans=998, quarantined=3),
            0,
            "nothing is missing: all 1,000 records of its log were taken when it was last read"
            "; 3 with impossible times",
            id="it tells no numbers",
        ),
        pytest.param(
            Figures(reading=replace(READ, on_machine=1001), scans=998),
            1,
            "1 record that the machine holds is not here:"
            " it counted 1,001 records when its log was read, and that had 1,000",
            id="a log that is shorter than its count",
        ),
        pytest.param(
            Figures(on_machine=1000, scans=900, unreadable=1),
            99,
            "99 records that the machine holds are not here, unless they say the same as others:"
            " it holds 1,000 records, and 901 different ones are here",
            id="it calls and has not sent all",
        ),
        pytest.param(
            Figures(on_machine=100, scans=900),
            0,
            "nothing is missing: it holds 100 records, and 900 scans are here",
            id="it calls and its log was cleared",
        ),
        pytest.param(
            Figures(on_machine=100, scans=900, counted=NOVEMBER, counted_here=50),
            12,
            "12 records that the machine holds are not here, unless they say the same as others:"
            " it counts 62 records from 2026-11-01 to 2026-11-27, and 50 different ones are here",
            id="it counts more",
        ),
        pytest.param(
            Figures(on_machine=100, scans=900, counted=NOVEMBER, counted_here=62),
            0,
            "nothing is missing: it counts 62 records from 2026-11-01 to 2026-11-27, and 62 scans are here",
            id="it counts as many",
        ),
        pytest.param(
            Figures(on_machine=100, scans=900, unreadable=2, counted=NOVEMBER, counted_here=60),
            0,
            "nothing is missing: it counts 62 records from 2026-11-01 to 2026-11-27, and 60 scans are here"
            "; 2 unreadable",
            id="the others cannot be read",
        ),
        pytest.param(
            Figures(
                on_machine=100,
                scans=900,
                counted=NOVEMBER,
                counted_here=50,
                uncounted=12,
                counted_since=datetime(2026, 11, 20, 9),
            ),
            None,
            "nobody can say: it counts 62 records from 2026-11-01 to 2026-11-27, 50 different ones are here, and 12"
            " from before 2026-11-20 09:00, when days were not counted: have its log read again (sync) to have them"
            " counted",
            id="they may be among those that came before days were counted",
        ),
        pytest.param(
            Figures(
                on_machine=100,
                scans=900,
                counted=NOVEMBER,
                counted_here=50,
                uncounted=10,
                counted_since=datetime(2026, 11, 20, 9),
            ),
            2,
            "2 records that the machine holds are not here, unless they say the same as others:"
            " it counts 62 records from 2026-11-01 to 2026-11-27, and 60 different ones are here at most",
            id="not all can be among those that came before days were counted",
        ),
        pytest.param(
            Figures(
                on_machine=101,
                handed_over=100,
                scans=900,
                counted=NOVEMBER,
                counted_here=50,
                uncounted=12,
                counted_since=datetime(2026, 11, 20, 9),
            ),
            1,
            "1 record that the machine holds is not here: it holds 101 records, and 100 were handed over",
            id="something else is certain",
        ),
        pytest.param(
            Figures(
                on_machine=100,
                scans=900,
                counted=NOVEMBER,
                counted_here=62,
                uncounted=12,
                counted_since=datetime(2026, 11, 20, 9),
            ),
            0,
            "nothing is missing: it counts 62 records from 2026-11-01 to 2026-11-27, and 62 scans are here",
            id="all that it counts came since",
        ),
        pytest.param(
            Figures(on_machine=1000, handed_over=1000, as_of=datetime(2026, 11, 27, 8, 5)),
            0,
            "nothing is missing: all 1,000 records that it holds were handed over;"
            " that was at 2026-11-27 08:05, when it was last heard of",
            id="away",
        ),
        pytest.param(
            Figures(gaps="its record 41 has not come"),
            1,
            "records have not come: its record 41 has not come",
            id="a gap in its numbers",
        ),
    ],
)
def test_the_sentence_says_what_is_missing(figures: Figures, missing: int | None, sentence: str) -> None:
    found = verdict(figures)
    assert (found.missing, found.sentence) == (missing, sentence)


@pytest.mark.parametrize(
    ("first", "last", "whole"),
    [
        (datetime(2026, 11, 1), datetime(2026, 11, 27, 23, 59, 59), True),
        (datetime(2026, 11, 1, 8), datetime(2026, 11, 27, 23, 59, 59), False),
        (datetime(2026, 11, 1), datetime(2026, 11, 27, 12), False),
    ],
)
def test_scans_are_compared_by_whole_days(first: datetime, last: datetime, whole: bool) -> None:
    assert Counted(first=first, last=last, records=0).is_of_whole_days is whole


@pytest.mark.parametrize(
    ("since", "reading", "left"),
    [
        (None, None, 0),
        (NOON, None, 12),
        (NOON, replace(READ, began_at=NOON - timedelta(seconds=1)), 12),
        (NOON, replace(READ, began_at=NOON), 0),
    ],
)
def test_a_whole_reading_since_days_are_counted_leaves_no_doubt(
    since: datetime | None, reading: LogReading | None, left: int
) -> None:
    assert of_any_day(12, since, reading) == left


@pytest.mark.parametrize(
    ("on_machine", "received", "uncounted", "missing"),
    [
        (None, 5, 0, None),
        (5, 5, 0, 0),
        (5, 3, 0, 2),
        (5, 8, 0, 0),
        (5, 3, 2, None),
        (5, 2, 2, 1),
        (5, 5, 2, 0),
    ],
)
def test_a_day_lacks_what_is_not_here(
    on_machine: int | None, received: int, uncounted: int, missing: int | None
) -> None:
    assert missing_of_day(on_machine, received, uncounted=uncounted) == missing


@given(on_machine=st.integers(0, 50), here=st.integers(0, 50), counted=st.integers(0, 50), others=st.integers(0, 50))
def test_never_more_is_said_to_be_missing_of_a_day_than_is(
    on_machine: int, here: int, counted: int, others: int
) -> None:
    counted = min(counted, here)
    found = missing_of_day(on_machine, counted, uncounted=here - counted + others)
    assert found is None or found <= max(on_machine - here, 0)
