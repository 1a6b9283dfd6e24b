"""What corrections make of a day, and that without any a day is as it was."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.attendance.domain.corrections import (
    Correction,
    Duty,
    Figures,
    ManualScan,
    Said,
    SetAside,
    as_said,
    correct,
    entered,
    evidence_of,
)
from services.attendance.domain.day import Day, work_day
from services.attendance.domain.explain import explain
from services.attendance.domain.explain_corrections import explain_corrected
from services.attendance.domain.scans import Scan, ScanType
from tests.attendance.domain.build import frame, instant, scan

NOON = datetime(2024, 1, 16, 6, tzinfo=UTC)


def seconds(clock: str) -> int:
    return int(instant(clock).timestamp())


def by_hand(said: Said, number: int = 1, **changed: Any) -> Correction:
    facts: dict[str, Any] = {
        "id": number,
        "said": said,
        "reason": "the door was broken",
        "asked_by": "hr",
        "asked_at": NOON,
        "decided_by": "hr",
        "decided_at": NOON,
    }
    return Correction(**(facts | changed))


def numbered(*said: Said) -> list[Correction]:
    return [by_hand(one, number) for number, one in enumerate(said, 1)]


def manual(clock: str, kind: ScanType = ScanType.IN) -> ManualScan:
    return ManualScan(seconds(clock), kind)


def duty(start: str, end: str) -> Duty:
    return Duty(seconds(start), seconds(end))


def aside(one: Scan) -> SetAside:
    return SetAside(one.at, one.id)


def times(day: Day, **settings: object) -> str:
    """ "08:00 IN,17:00 OUT 480": the marks, and the minutes worked."""
    clock = frame(**settings).clock
    return ",".join(f"{clock(mark.minute)} {mark.type}" for mark in day.marks) + f" {day.working}"


def test_a_scan_that_is_missing_is_added():
    day = correct([scan("08:00")], frame(), numbered(manual("17:00", ScanType.OUT))).day
    assert times(day) == "08:00 IN,17:00 OUT 480"
    assert day.flags == ()


def test_what_is_said_of_scans_holds_before_anybody_knows_of_which_day_they_are():
    early, arrival = scan("06:00"), scan("08:00")
    retyped = ManualScan(arrival.at, ScanType.OUT, arrival.id)
    said = numbered(aside(early), manual("17:00", ScanType.OUT), retyped, duty("10:00", "12:00"))
    kept = sorted(as_said([early, arrival], said))
    assert [(one.at, one.type) for one in kept] == [
        (arrival.at, ScanType.OUT),
        (seconds("17:00"), ScanType.OUT),
    ]
    # A scan entered by hand can be set aside, too, and without a word all stays as it is.
    by_hand_first = numbered(manual("17:00"))
    assert as_said([], [*by_hand_first, by_hand(SetAside(seconds("17:00"), by_hand_first[0].scan_id), 2)]) == []
    assert as_said([early, arrival], []) == [early, arrival]


def test_a_scan_that_is_set_aside_does_not_count_and_nobody_else_s_is():
    early, arrival, departure = scan("06:00"), scan("08:00"), scan("17:00")
    day = correct([early, arrival, departure], frame(), numbered(aside(early))).day
    assert times(day) == "08:00 IN,17:00 OUT 480"
    assert early.id not in (*day.used, *day.merged, *day.quarantined)
    assert day.digest != work_day([arrival, departure], frame()).digest


def test_a_scan_of_the_wrong_type_is_replaced_by_one_of_the_right():
    wrong = scan("17:00 IN")
    rules = {"resolver": "by_key"}
    said = ManualScan(wrong.at, ScanType.OUT, wrong.id)
    day = correct([scan("08:00 IN"), wrong], frame(**rules), numbered(said)).day
    assert times(day, **rules) == "08:00 IN,17:00 OUT 480"
    assert wrong.id not in day.used
    found = explain_corrected([wrong], frame(**rules), numbered(said)).sentences
    assert any("the scan at 17:00 counts as OUT" in line for line in found)


def test_figures_by_hand_replace_the_computed_ones_which_are_kept_beside():
    scans = [scan("08:00"), scan("20:00")]
    found = correct(scans, frame(), numbered(Figures(overtime=30, extra_overtime=300)))
    assert (found.day.overtime, found.day.extra_overtime, found.day.night_bill) == (30, 300, True)
    assert (found.computed.overtime, found.computed.extra_overtime, found.computed.night_bill) == (120, 60, False)
    assert found.day.working == found.computed.working
    assert found.day.shortfall == found.computed.shortfall


def test_a_figure_waits_for_a_person_where_the_settings_leave_it_to_one():
    rules = {"auto_calculate_overtime": False}
    scans = [scan("08:00"), scan("19:00")]
    assert work_day(scans, frame(**rules)).overtime == 0
    assert correct(scans, frame(**rules), numbered(Figures(overtime=90))).day.overtime == 90


def test_overtime_that_a_person_entered_needs_no_approval_any_more():
    rules = frame(overtime_needs_approval=True)
    scans = [scan("08:00"), scan("19:00")]
    assert correct(scans, rules, ()).day.overtime_unapproved
    by_hand = numbered(Figures(overtime=120))
    assert not correct(scans, rules, by_hand).day.overtime_unapproved
    assert "overtime_unapproved" in [figure.name for figure in explain_corrected(scans, rules, ()).figures]
    assert "overtime_unapproved" not in [figure.name for figure in explain_corrected(scans, rules, by_hand).figures]


@pytest.mark.parametrize(
    ("scans", "status", "expected"),
    [
        (["09:00", "17:00"], "Present-OnTime", ("Present-OnTime", 0)),
        (["09:00", "17:00"], "Present-Late", ("Present-Late", 60)),
        (["08:00", "17:00"], "Present-Late", ("Present-Late", 0)),
        ([], "Present-OnTime", ("Absent", 0)),
    ],
)
def test_a_status_by_hand_holds_for_whoever_was_there(scans: list[str], status: str, expected: tuple[str, int]):
    day = correct([scan(text) for text in scans], frame(), numbered(Figures(status=status))).day
    assert (day.status, day.late) == expected


def test_of_several_figures_the_last_holds():
    first, second = by_hand(Figures(overtime=10, note="x"), 1), by_hand(Figures(overtime=20), 2)
    assert entered([second, first]) == Figures(overtime=20, note="x")
    later = by_hand(Figures(overtime=10), 1, decided_at=NOON + timedelta(seconds=1))
    assert entered([later, second]).overtime == 10


@pytest.mark.parametrize(
    ("scans", "on_duty", "resolver", "expected"),
    [
        ([], ["09:00", "17:00"], "first_last", "09:00 IN,17:00 OUT 420"),
        ([], ["09:00", "17:00"], "by_key", "09:00 IN,17:00 OUT 420"),
        ([], ["09:00", "17:00"], "alternate", "09:00 IN,17:00 OUT 420"),
        (["08:00"], ["14:00", "17:00"], "first_last", "08:00 IN,14:00 IN,17:00 OUT 480"),
        (["18:00"], ["09:00", "17:00"], "first_last", "09:00 IN,17:00 OUT,18:00 OUT 480"),
        (["08:00 IN", "17:00 OUT"], ["10:00", "12:00"], "by_key", "08:00 IN,17:00 OUT 480"),
        (["08:00", "17:00"], ["10:00", "12:00"], "alternate", "08:00 IN,17:00 OUT 480"),
        (["08:00 IN"], ["14:00", "17:00"], "by_key", "08:00 IN,17:00 OUT 480"),
        (["08:00"], ["14:00", "17:00"], "alternate", "08:00 IN,17:00 OUT 480"),
        (["08:00", "10:00", "14:00", "17:00"], ["09:00", "15:00"], "alternate", "08:00 IN,17:00 OUT 480"),
        (["08:00 IN", "10:00 OUT"], ["14:00", "16:00"], "by_key", "08:00 IN,10:00 OUT,14:00 IN,16:00 OUT 240"),
        (["08:00", "10:00"], ["14:00", "16:00"], "alternate", "08:00 IN,10:00 OUT,14:00 IN,16:00 OUT 240"),
        (["14:00 IN", "16:00 OUT"], ["08:00", "10:00"], "by_key", "08:00 IN,10:00 OUT,14:00 IN,16:00 OUT 240"),
        (["14:00", "16:00"], ["08:00", "10:00"], "alternate", "08:00 IN,10:00 OUT,14:00 IN,16:00 OUT 240"),
        (["08:00 IN", "12:30 OUT"], ["12:00", "15:00"], "by_key", "08:00 IN,15:00 OUT 360"),
        (["08:59:30 OUT"], ["09:00", "12:00"], "alternate", "09:00 IN,12:00 OUT 180"),
    ],
)
def test_whoever_is_on_duty_elsewhere_is_present(scans: list[str], on_duty: list[str], resolver: str, expected: str):
    found = correct([scan(text) for text in scans], frame(resolver=resolver), numbered(duty(*on_duty)))
    assert times(found.day) == expected
    assert found.day.flags == ()
    assert found.day.present


def test_duties_that_overlap_are_one_time():
    for resolver in ("first_last", "by_key", "alternate"):
        rules = frame(resolver=resolver)
        for duties in (["09:00", "12:00", "11:00", "15:00"], ["11:00", "15:00", "09:00", "12:00"]):
            day = correct([], rules, numbered(duty(*duties[:2]), duty(*duties[2:]))).day
            assert (day.working, day.flags) == (300, ())


def test_a_duty_beyond_the_window_ends_with_it():
    day = correct([], frame(), numbered(duty("20:00", "+1 09:00"))).day
    assert (frame().clock(day.last_departure or 0), day.working) == ("04:00", 480)


def test_what_lies_in_no_window_has_no_effect():
    assert correct([], frame(), numbered(manual("03:00"), duty("+1 05:00", "+1 06:00"))).day.used == ()


said = st.one_of(
    st.builds(ManualScan, at=st.integers(seconds("04:01"), seconds("+1 04:00")), type=st.sampled_from(ScanType)),
    st.builds(Figures, overtime=st.none() | st.integers(0, 300), extra_overtime=st.none() | st.integers(0, 300)),
    st.builds(
        lambda start, length: Duty(start, start + length),
        st.integers(seconds("04:01"), seconds("+1 04:00")),
        st.integers(60, 36_000),
    ),
)
stored = st.lists(
    st.builds(
        Scan,
        st.integers(seconds("04:01"), seconds("+1 04:00")),
        st.uuids(),
        st.sampled_from(ScanType),
    ),
    max_size=6,
    unique_by=lambda one: one.id,
)
resolvers = st.sampled_from(["first_last", "alternate", "by_key", "by_machine"])


@given(stored, st.lists(said, max_size=4), resolvers, st.randoms(use_true_random=False), st.data())
def test_neither_order_nor_repetition_matters_and_nothing_is_negative_or_lost(
    scans: list[Scan], said: list[Said], resolver: str, rnd: Any, data: Any
):
    rules = frame(resolver=resolver)
    chosen = data.draw(st.lists(st.sampled_from(scans), max_size=2, unique=True)) if scans else []
    corrections = numbered(*said, *map(aside, chosen))
    day = correct(scans, rules, corrections).day
    again = [*scans, *scans[:2]]
    rnd.shuffle(again)
    shuffled = list(corrections)
    rnd.shuffle(shuffled)
    assert correct(again, rules, shuffled).day == day
    assert day.working >= 0
    assert day.working <= (rules.end - rules.start) // 60
    evidence = evidence_of(scans, rules, corrections)
    counted = {*day.used, *day.merged, *day.quarantined} - set(evidence.added)
    assert sorted([*counted, *evidence.left_out]) == sorted(one.id for one in scans)


@given(stored, resolvers)
def test_no_correction_changes_nothing_at_all(scans: list[Scan], resolver: str):
    rules = frame(resolver=resolver)
    assert correct(scans, rules, ()).day == work_day(scans, rules)
    assert explain_corrected(scans, rules, ()) == explain(scans, rules)


@given(stored, st.lists(said, min_size=1, max_size=3))
def test_the_digest_tells_one_set_of_corrections_from_another(scans: list[Scan], said: list[Said]):
    corrections = numbered(*said)
    digests = {correct(scans, frame(), corrections[:size]).day.digest for size in range(len(said) + 1)}
    assert len(digests) == len(said) + 1


@given(stored, st.lists(said, max_size=4), resolvers)
def test_an_explanation_is_of_that_day_and_of_every_scan(scans: list[Scan], said: list[Said], resolver: str):
    rules, corrections = frame(resolver=resolver), numbered(*said)
    found, day = explain_corrected(scans, rules, corrections), correct(scans, rules, corrections).day
    assert found.day._replace(digest=b"") == day._replace(digest=b"")
    assert {account.scan.id for account in found.accounts} >= {one.id for one in scans}
    assert len(found.corrections) == len(corrections)


def sentences(scans: Sequence[Scan], corrections: Sequence[Correction]) -> list[str]:
    return list(explain_corrected(scans, frame(), corrections).sentences)


def test_an_explanation_says_who_corrected_what_when_and_why_and_what_was_without_it():
    early = scan("06:00")
    scans = [early, scan("08:30")]
    asked = by_hand(
        manual("17:00", ScanType.OUT), 2, asked_by="bela", decided_by="head", decided_at=NOON + timedelta(hours=2)
    )
    found = sentences(scans, [by_hand(aside(early)), asked, by_hand(Figures(overtime=30, note="ok"), 3)])
    by = "by hr at 2024-01-16 06:00 UTC, reason: the door was broken"
    asked_by = (
        "asked by bela at 2024-01-16 06:00 UTC, reason: the door was broken; approved by head at 2024-01-16 08:00 UTC"
    )
    assert found[1:][:8] == [
        "Scans: 3, of which 2 used, 0 merged, 0 quarantined and 1 set aside.",
        f"Corrected: the scan at 06:00 was set aside; {by}.",
        f'Corrected: overtime 0.5 was entered by hand and the note "ok" was made; {by}.',
        f"Corrected: a scan at 17:00 (OUT) was entered by hand; {asked_by}.",
        "Without corrections: status Present-OnTime, check_in 06:00, check_out 08:30, working_hours 2.5, overtime 0.0, "
        "extra_overtime 0.0.",
        f"06:00:00 UNKNOWN: set aside, so it does not count ({by}).",
        "08:30:00 UNKNOWN: the first scan of the day is the arrival.",
        f"17:00:00 OUT: the last scan of the day is the departure; entered by hand ({asked_by}).",
    ]
    (overtime,) = [line for line in found if line.startswith("overtime ")]
    assert overtime.startswith("overtime 0.5: by what was entered by hand; computed was 0.0: ")


def test_an_explanation_says_that_somebody_was_on_duty_elsewhere():
    found = sentences([scan("10:00")], [by_hand(duty("09:00", "17:00"))])
    assert any(line.startswith("Corrected: on duty elsewhere from 09:00 to 17:00; by hr") for line in found)
    assert any("10:00:00 UNKNOWN: it lies within a duty elsewhere, so it changes nothing" in line for line in found)
    assert any("the first scan of the day is the arrival; the duty elsewhere (by hr" in line for line in found)


def test_the_scan_that_stands_for_a_correction_has_the_same_id_for_ever():
    assert by_hand(manual("08:00"), 7).scan_id == UUID("3bb4d912-89e7-51aa-960d-8799cc4fc64a")
