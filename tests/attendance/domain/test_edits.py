"""What an edit of a day comes to, and that the day then says what was edited."""

from datetime import UTC, date, datetime, time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.attendance.domain.corrections import Correction, Duty, Figures, ManualScan, SetAside, correct
from services.attendance.domain.edits import Edit, moment_in, plan
from services.attendance.domain.scans import Scan, ScanType
from services.attendance.domain.terms import Level
from shared.kernel.errors import Conflict, Invalid
from tests.attendance.domain.build import FRIDAY, frame, scan
from tests.attendance.domain.test_corrections import by_hand, seconds, times


def edited(scans: list[Scan], corrections: list[Correction], edit: Edit, rules: Any = None) -> list[Correction]:
    """The corrections in force after an edit."""
    found = plan(edit, scans, rules or frame(), corrections, Level.WORKER)
    gone = {each.id for each in found.withdraw}
    number = max((each.id for each in corrections), default=0)
    new = [by_hand(one.said, number + n, edge=one.edge) for n, one in enumerate(found.add, 1)]
    return [each for each in corrections if each.id not in gone] + new


def at(clock: str) -> int:
    return seconds(clock)


def test_a_departure_that_is_missing_is_added_and_one_too_late_set_aside():
    scans = [scan("08:00"), scan("19:00")]
    assert [each.said for each in edited(scans[:1], [], Edit(last=at("17:00")))] == [
        ManualScan(at("17:00"), ScanType.OUT)
    ]
    corrections = edited(scans, [], Edit(last=at("17:00")))
    assert [each.said for each in corrections] == [
        SetAside(scans[1].at, scans[1].id),
        ManualScan(at("17:00"), ScanType.OUT),
    ]
    assert times(correct(scans, frame(), corrections).day) == "08:00 IN,17:00 OUT 480"


def test_a_second_edit_of_an_end_replaces_the_first_and_may_undo_it():
    scans = [scan("08:00"), scan("17:00")]
    first = edited(scans, [], Edit(first=at("09:00")))
    second = edited(scans, first, Edit(first=at("07:00")))
    assert [each.said for each in second] == [ManualScan(at("07:00"), ScanType.IN)]
    assert edited(scans, second, Edit(first=at("08:00"))) == []


def test_what_a_day_says_already_needs_no_correction():
    scans = [scan("08:00:30"), scan("19:30")]
    edit = Edit(first=at("08:00"), last=at("19:30"), overtime=120, extra_overtime=30, status="Present-OnTime", note="")
    assert edited(scans, [], edit) == []


def test_figures_that_change_are_one_correction():
    scans = [scan("08:00"), scan("19:30")]
    (one,) = edited(scans, [], Edit(overtime=120, extra_overtime=60, note="stayed"))
    assert one.said == Figures(extra_overtime=60, note="stayed")
    (_, two) = edited(scans, [one], Edit(note=""))
    assert two.said == Figures(note="")


def test_a_manual_scan_beyond_the_new_end_is_withdrawn():
    manual = by_hand(ManualScan(at("06:00"), ScanType.IN), 4)
    assert [each.said for each in edited([scan("08:00")], [manual], Edit(first=at("08:00")))] == []


def test_a_duty_stands_against_a_day_that_begins_after_it():
    duty = by_hand(Duty(at("08:00"), at("12:00")))
    with pytest.raises(Conflict, match="duty"):
        plan(Edit(first=at("09:00")), [], frame(), [duty], Level.WORKER)


@pytest.mark.parametrize(
    "edit", [Edit(first=at("18:00")), Edit(last=at("07:00")), Edit(first=at("12:00"), last=at("11:00"))]
)
def test_a_day_does_not_end_before_it_begins(edit: Edit):
    with pytest.raises(Invalid, match="before it begins"):
        plan(edit, [scan("08:00"), scan("17:00")], frame(), [], Level.WORKER)


clocks = st.integers(at("05:00"), at("23:00"))
ends = st.tuples(st.integers(at("05:00"), at("12:00")), st.integers(at("12:20"), at("23:00")))


@given(st.lists(clocks, max_size=4), st.lists(ends, min_size=1, max_size=4))
def test_after_an_edit_the_day_begins_and_ends_as_it_says(moments: list[int], edits: list[tuple[int, int]]):
    scans = [Scan(moment, scan("08:00").id) for moment in moments]
    corrections: list[Correction] = []
    for first, last in edits:
        corrections = edited(scans, corrections, Edit(first=first, last=last))
        day = correct(scans, frame(), corrections).day
        assert (day.first_arrival, day.last_departure) == (first // 60, last // 60)


kinds = st.sampled_from([ScanType.IN, ScanType.OUT, ScanType.UNKNOWN])


@given(
    st.lists(st.tuples(clocks, kinds), max_size=4),
    st.lists(st.tuples(st.none() | clocks, st.none() | clocks), min_size=1, max_size=3),
    st.sampled_from(["first_last", "alternate", "by_key"]),
)
def test_however_scans_are_read_an_edit_is_refused_or_the_day_says_what_it_says_and_nothing_else(
    moments: list[tuple[int, ScanType]], edits: list[tuple[int | None, int | None]], resolver: str
):
    rules = frame(resolver=resolver)
    scans = [Scan(moment, scan("08:00").id, kind) for moment, kind in moments]
    corrections: list[Correction] = []
    for first, last in edits:
        before = correct(scans, rules, corrections).day
        try:
            corrections = edited(scans, corrections, Edit(first=first, last=last), rules)
        except (Conflict, Invalid):
            continue
        day = correct(scans, rules, corrections).day
        shown = (day.first_arrival, day.last_departure)
        for edge, said, was in zip(shown, (first, last), (before.first_arrival, before.last_departure), strict=True):
            assert edge == (was if said is None else said // 60) or (said is edge is None and shown.count(was) == 1)


@pytest.mark.parametrize(
    ("clock", "zone", "on", "expected"),
    [
        (time(8), "Asia/Dhaka", FRIDAY, "2024-01-19T02:00:00"),
        (time(2), "Asia/Dhaka", FRIDAY, "2024-01-19T20:00:00"),
        (time(4), "Asia/Dhaka", FRIDAY, "2024-01-19T22:00:00"),
        (time(2, 30), "Europe/Berlin", date(2024, 3, 30), None),
    ],
)
def test_a_time_of_day_is_an_instant_of_that_day(clock: time, zone: str, on: date, expected: str | None):
    found = moment_in(frame(on, zone), clock)
    assert (None if found is None else datetime.fromtimestamp(found, UTC).replace(tzinfo=None).isoformat()) == expected
