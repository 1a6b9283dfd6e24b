"""What is said of a machine whose figures these are."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.ingest.domain.log_reading import LogReading
from services.ingest.domain.machine import State
from services.ingest.domain.reconciliation import (
    Counted,
    Figures,
    missing_of_day,
    of_any_day,
    verdict,
    why_unknown,
)
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
ALL = replace(NOVEMBER, first=datetime(2000, 1, 1))


@pytest.mark.parametrize(
    ("figures", "missing", "sentence"),
    [
        pytest.param(
            Figures(),
            None,
            "nobody can say: it does not tell how many records it holds",
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
            "nothing is missing: all 1,000 records that it holds were handed over, 2 of which are no scans or say the"
            " same as others; 1 unreadable",
            id="all of it",
        ),
        pytest.param(
            Figures(on_machine=1012, handed_over=1000, scans=998, reading=READ),
            12,
            "12 records that the machine holds are not here: it holds 1,012 records, and 1,000 were handed over",
            id="recorded since",
        ),
        pytest.param(
            Figures(
                reading=replace(READ, on_machine=None),
                read_at=datetime(2026, 11, 27, 17, 43),
                scans=998,
                quarantined=3,
            ),
            0,
            "nothing is missing: all 1,000 records of its log were taken when it was last read whole (2026-11-27 17:43)"
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
            Figures(on_machine=100, scans=100, from_machine=100),
            0,
            "nothing is missing: it holds 100 records, and 100 that it handed over are here",
            id="it calls and has sent all",
        ),
        pytest.param(
            Figures(on_machine=100, scans=103, from_machine=103, since_counted=3),
            0,
            "nothing is missing: it holds 100 records, and 103 that it handed over are here, 3 of them since it"
            " counted",
            id="it calls and people scan",
        ),
        pytest.param(
            Figures(on_machine=100, scans=900, from_machine=900, since_counted=3),
            None,
            "nobody can say: 900 scans that it handed over are here, and it holds 100 records: it forgets, or its log"
            " was cleared; have its log read again (sync), and it counts what it holds",
            id="it calls and more is here than there",
        ),
        pytest.param(
            Figures(on_machine=99, scans=259, from_machine=59),
            None,
            "nobody can say: it holds 99 records, and handed over 59 itself, as far as is known; whether the other 200"
            " scans here, such as those of files, are what it holds, only reading its log again (sync) shows",
            id="it calls and files brought others",
        ),
        pytest.param(
            Figures(on_machine=49, scans=259, from_machine=59, cleared=188, cleared_at=datetime(2026, 11, 27, 8)),
            None,
            "nobody can say: its log was cleared (noticed at 2026-11-27 08:00), when it held 188 records, and what of"
            " that was not handed over before, nobody knows",
            id="it calls and its log was cleared",
        ),
        pytest.param(
            Figures(on_machine=49, scans=59, from_machine=59, cleared=188, cleared_at=datetime(2026, 11, 27, 8)),
            178,
            "178 records that the machine holds or held are not here, unless they say the same as others:"
            " it holds 49 records and held 188 before its log was cleared, and 59 different ones are here",
            id="it calls and its log was cleared before it had sent all",
        ),
        pytest.param(
            Figures(on_machine=49, handed_over=49, scans=259, cleared=188, cleared_at=datetime(2026, 11, 27, 8)),
            0,
            "nothing is missing: all 49 records that it holds were handed over; its log was cleared before (noticed at"
            " 2026-11-27 08:00)",
            id="its log was cleared and it is read",
        ),
        pytest.param(
            Figures(on_machine=2181, unreadable=0),
            2181,
            "2,181 records that the machine holds are not here: it holds 2,181 records, and none is here",
            id="nothing of it could be read",
        ),
        pytest.param(
            Figures(on_machine=100, scans=900, counted=NOVEMBER, counted_here=50),
            12,
            "12 records that the machine holds are not here, unless they say the same as others:"
            " it counts 62 records from 2026-11-01 to 2026-11-27, and 50 different ones are here",
            id="it counts more",
        ),
        pytest.param(
            Figures(on_machine=100, scans=900, from_machine=900, counted=ALL, counted_here=62, counted_from_machine=62),
            0,
            "nothing is missing: it counts 62 records from 2000-01-01 to 2026-11-27, and 62 that it handed over are"
            " here",
            id="it counts as many",
        ),
        pytest.param(
            Figures(on_machine=100, scans=900, from_machine=900, counted=ALL, counted_here=62, counted_from_machine=12),
            None,
            "nobody can say: 900 scans that it handed over are here, and it holds 100 records: it forgets, or its log"
            " was cleared; have its log read again (sync), and it counts what it holds",
            id="it counts as many as files brought",
        ),
        pytest.param(
            Figures(
                on_machine=100, scans=900, from_machine=900, counted=ALL, counted_here=500, counted_from_machine=500
            ),
            None,
            "nobody can say: 900 scans that it handed over are here, and it holds 100 records: it forgets, or its log"
            " was cleared; have its log read again (sync), and it counts what it holds",
            id="it counts fewer than are here",
        ),
        pytest.param(
            Figures(on_machine=61, scans=900, from_machine=900, counted=ALL, counted_here=62, counted_from_machine=62),
            None,
            "nobody can say: its log was cleared, and what of that was not handed over before, nobody knows",
            id="it holds less than it counted",
        ),
        pytest.param(
            Figures(counted=NOVEMBER, scans=62, from_machine=62, counted_here=62, counted_from_machine=62),
            None,
            "nobody can say: it does not tell how many records it holds",
            id="it counted only a part",
        ),
        pytest.param(
            Figures(
                on_machine=100,
                scans=900,
                from_machine=900,
                unreadable=2,
                unreadable_from_machine=2,
                counted=ALL,
                counted_here=60,
                counted_from_machine=60,
            ),
            0,
            "nothing is missing: it counts 62 records from 2000-01-01 to 2026-11-27, and 60 that it handed over are"
            " here; 2 unreadable",
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
                from_machine=900,
                counted=ALL,
                counted_here=62,
                counted_from_machine=62,
                uncounted=12,
                counted_since=datetime(2026, 11, 20, 9),
            ),
            0,
            "nothing is missing: it counts 62 records from 2000-01-01 to 2026-11-27, and 62 that it handed over are"
            " here",
            id="all that it counts came since",
        ),
        pytest.param(
            Figures(on_machine=1000, handed_over=1000, scans=1000, as_of=datetime(2026, 11, 27, 8, 5)),
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


FEW = st.integers(0, 30)


@st.composite
def figures(draw: st.DrawFn) -> Figures:
    """Any that can be of one machine."""
    own, of_files, unreadable, own_unreadable = draw(FEW), draw(FEW), draw(FEW), draw(st.integers(0, 3))
    counted = draw(st.none() | st.builds(replace, st.sampled_from([NOVEMBER, ALL]), records=FEW))
    in_span = draw(st.integers(0, own))
    read = draw(FEW)
    return Figures(
        on_machine=draw(st.none() | FEW),
        handed_over=draw(st.none() | FEW),
        scans=own + of_files,
        from_machine=own,
        since_counted=draw(st.integers(0, own)),
        unreadable=unreadable + own_unreadable,
        unreadable_from_machine=own_unreadable,
        cleared=draw(st.just(0) | FEW),
        cleared_at=draw(st.none() | st.just(datetime(2026, 11, 20, 9))),
        reading=draw(st.none() | st.builds(replace, st.just(READ), on_machine=st.none() | FEW, read=st.just(read))),
        counted=counted,
        counted_here=in_span + draw(st.integers(0, of_files)),
        counted_from_machine=in_span,
    )


@settings(max_examples=1000)
@given(figures())
def test_nothing_is_missing_only_where_the_machine_itself_handed_over_all_that_it_holds(of: Figures) -> None:
    if verdict(of).missing != 0:
        return
    own = of.handed_over if of.handed_over is not None else of.from_machine + of.unreadable_from_machine
    assert of.on_machine is None or of.on_machine <= own
    if of.handed_over is None:
        assert not of.cleared
        assert of.cleared_at is None
    assert of.on_machine is not None or of.reading is not None or (of.counted is not None and of.counted.is_of_all)


@given(figures())
def test_never_more_is_said_to_be_missing_than_it_ever_held(of: Figures) -> None:
    missing = verdict(of).missing
    read = of.reading.on_machine if of.reading is not None else 0
    counted = of.counted.records if of.counted is not None else 0
    assert missing is None or missing <= max((of.on_machine or 0) + of.cleared, read or 0, counted)


@pytest.mark.parametrize(
    ("state", "known", "why"),
    [
        (
            State.IMPORTED_ONLY,
            {},
            "only files of it come here, and a file does not say whether it has all that the machine holds",
        ),
        (State.NOT_WANTED, {}, "nobody is to be in contact with it"),
        (State.WAITING_FOR_A_CALL, {}, "it has not called yet"),
        (
            State.WAITING_FOR_A_PERSON,
            {"reason": "it refuses our password", "reads_log": True},
            "there was no contact with it yet: it refuses our password",
        ),
        (State.AWAY, {"reason": "nobody answers"}, "there was no contact with it yet: nobody answers"),
        (State.CONNECTING, {}, "there was no contact with it yet"),
        (
            State.AWAY,
            {"ever": True, "reason": "nobody answers", "reads_log": True},
            "it has not told what it holds, and there is no contact with it now: nobody answers",
        ),
        (
            State.CATCHING_UP,
            {"ever": True, "counts_when_asked": True},
            "what it recorded before is still being taken",
        ),
        (State.LIVE, {"ever": True, "reads_log": True}, "its log was not read to its end yet"),
        (
            State.LIVE,
            {"ever": True, "tells_counts": True, "counts_when_asked": True},
            "it has not told yet how many records it holds; have its log read again (sync), and it counts them",
        ),
        (State.LIVE, {"ever": True, "tells_counts": True}, "it has not told yet how many records it holds"),
        (
            State.LIVE,
            {"ever": True},
            "it does not tell how many records it holds, and keeps no log that can be read again",
        ),
    ],
)
def test_why_nothing_is_known_is_said_as_it_is(state: State, known: dict[str, Any], why: str) -> None:
    usual: dict[str, Any] = {
        "ever": False,
        "reason": "",
        "reads_log": False,
        "tells_counts": False,
        "counts_when_asked": False,
    }
    assert why_unknown(state, **{**usual, **known}) == why
