"""The figures of a day, as RULES §4 gives them."""

import subprocess
import sys
from datetime import date

import pytest

from services.attendance.domain.day import Day, Flag, work_day
from services.attendance.domain.hours import hours
from services.attendance.domain.terms import Leave, LeavePart, Level, leave_status
from tests.attendance.domain.build import FRIDAY, MONDAY, ROOT, clock, day, frame, scan

CASUAL = Leave(type="casual")
MORNING = Leave(type="sick", part=LeavePart.MORNING)
AFTERNOON = Leave(type="sick", part=LeavePart.AFTERNOON)


def figures(one: Day) -> tuple[float, float, float]:
    return hours(one.working), hours(one.overtime), hours(one.extra_overtime)


@pytest.mark.parametrize(
    ("arrival", "departure", "expected"),
    [
        pytest.param("08:00", "17:30", ("Present-OnTime", 8.5, 0.5, 0.0, False, False), id="half an hour of overtime"),
        pytest.param("08:10", "20:00", ("Present-Late", 10.83, 2.0, 1.0, True, False), id="late, with snacks"),
        pytest.param("08:00", "+1 00:00", ("Present-OnTime", 15.0, 2.0, 5.0, True, True), id="until midnight"),
        pytest.param("08:00", "+1 02:00", ("Present-OnTime", 17.0, 2.0, 7.0, True, True), id="past midnight"),
        pytest.param("08:20", "16:45", ("Present-Late", 7.42, 0.0, 0.0, False, False), id="late and early away"),
        pytest.param("08:30", "17:00", ("Present-Late", 7.5, 0.0, 0.0, False, False), id="late, to the end"),
        pytest.param("08:00", "17:00", ("Present-OnTime", 8.0, 0.0, 0.0, False, False), id="the ordinary day"),
        pytest.param("08:00", "19:00", ("Present-OnTime", 10.0, 2.0, 0.0, False, False), id="all of overtime"),
        pytest.param(
            "08:00", "19:59", ("Present-OnTime", 10.98, 2.0, 0.98, False, False), id="a minute short of snacks"
        ),
        pytest.param("08:00", "23:59", ("Present-OnTime", 14.98, 2.0, 4.98, True, False), id="a minute short of night"),
        pytest.param("18:00", "23:00", ("Present-Late", 5.0, 1.0, 4.0, True, False), id="only the evening"),
        pytest.param("20:00", "+1 04:00", ("Present-Late", 8.0, 0.0, 8.0, True, True), id="the night to the boundary"),
        pytest.param("08:00", "12:00", ("Present-OnTime", 4.0, 0.0, 0.0, False, False), id="away before lunch"),
        pytest.param("08:00", "13:30", ("Present-OnTime", 5.0, 0.0, 0.0, False, False), id="away during lunch"),
        pytest.param("13:15", "13:45", ("Present-Late", 0.0, 0.0, 0.0, False, False), id="there for lunch only"),
        pytest.param("13:30", "17:00", ("Present-Late", 3.0, 0.0, 0.0, False, False), id="came during lunch"),
        pytest.param("05:00", "17:00", ("Present-OnTime", 11.0, 0.0, 0.0, False, False), id="came much too early"),
    ],
)
def test_the_day_of_a_worker(arrival: str, departure: str, expected: tuple[object, ...]) -> None:
    result = day(arrival, departure)
    assert (result.status, *figures(result), result.snacks, result.night_bill) == expected


@pytest.mark.parametrize("departure", ["17:30", "20:00", "+1 02:00"])
def test_staff_get_the_hours_and_no_overtime_snacks_or_night_bill(departure: str) -> None:
    result = day("08:00", departure, level=Level.STAFF)
    assert result.working == day("08:00", departure).working
    assert (result.overtime, result.extra_overtime, result.snacks, result.night_bill) == (0, 0, False, False)


@pytest.mark.parametrize(
    ("arrival", "status", "late"),
    [
        ("07:00", "Present-OnTime", 0),
        ("08:00", "Present-OnTime", 0),
        ("08:00:59", "Present-OnTime", 0),
        ("08:01", "Present-Considered", 0),
        ("08:05:59", "Present-Considered", 0),
        ("08:06", "Present-Late", 6),
        ("10:30", "Present-Late", 150),
    ],
)
def test_the_status_goes_by_the_minute_of_arrival(arrival: str, status: str, late: int) -> None:
    result = day(arrival, "17:00")
    assert (result.status, result.late) == (status, late)


def test_seconds_are_dropped_on_both_sides() -> None:
    assert day("08:00:59", "17:30:59").working == day("08:00:00", "17:30:00").working == 510


@pytest.mark.parametrize(
    ("departure", "early", "shortfall"),
    [("16:45", 15, 15), ("17:00", 0, 0), ("17:30", 0, 0), ("12:00", 300, 240)],
)
def test_leaving_early_is_counted_and_so_is_what_is_missing(departure: str, early: int, shortfall: int) -> None:
    result = day("08:00", departure)
    assert (result.early_departure, result.shortfall) == (early, shortfall)


def test_overtime_does_not_make_up_for_a_short_day() -> None:
    result = day("10:00", "20:00")
    assert figures(result) == (9.0, 2.0, 1.0)
    assert result.shortfall == 120


def test_staff_who_have_no_overtime_make_up_for_a_late_start_in_the_evening() -> None:
    assert day("10:00", "20:00", level=Level.STAFF).shortfall == 0


def test_overtime_that_a_person_enters_is_0_until_then() -> None:
    result = day("08:00", "21:00", auto_calculate_overtime=False)
    assert (result.working, result.overtime, result.extra_overtime, result.snacks) == (720, 0, 120, True)


def test_extra_overtime_that_a_person_enters_is_0_until_then_and_so_is_what_hangs_on_it() -> None:
    result = day("08:00", "+1 02:00", auto_calculate_extra_overtime=False)
    assert (result.overtime, result.extra_overtime, result.snacks, result.night_bill) == (120, 0, False, False)


def test_who_enters_overtime_makes_no_difference_to_the_shortfall() -> None:
    by_hand = day("10:00", "20:00", auto_calculate_overtime=False, auto_calculate_extra_overtime=False)
    assert by_hand.shortfall == day("10:00", "20:00").shortfall == 120


def test_a_threshold_of_0_hours_still_needs_some_extra_overtime() -> None:
    assert day("08:00", "19:00", snacks_eligibility_hours=0).snacks is False
    assert day("08:00", "19:01", snacks_eligibility_hours=0).snacks is True


def test_one_scan_is_an_arrival_with_a_status_and_no_hours() -> None:
    result = day("08:03")
    assert (result.status, result.working, result.last_departure) == ("Present-Considered", 0, None)
    assert result.flags == (Flag.MISSING_CHECK_OUT,)
    assert (result.shortfall, result.early_departure) == (480, 0)


def test_two_touches_within_a_minute_are_one_scan() -> None:
    result = day("08:00:00", "08:00:30")
    assert result.flags == (Flag.MISSING_CHECK_OUT,)
    assert (len(result.used), len(result.merged), result.total_scans) == (1, 1, 2)


@pytest.mark.parametrize(("resolver", "text"), [("by_key", "17:00 OUT"), ("by_machine", "17:00 exit")])
def test_a_departure_without_an_arrival_is_late_with_no_hours(resolver: str, text: str) -> None:
    result = day(text, resolver=resolver)
    assert (result.status, result.working, result.first_arrival) == ("Present-Late", 0, None)
    assert clock(result.last_departure) == "17:00"
    assert result.flags == (Flag.MISSING_CHECK_IN,)


@pytest.mark.parametrize("resolver", ["first_last", "alternate", "by_key", "by_machine"])
def test_lunch_costs_an_hour_whether_or_not_somebody_scans_out_for_it(resolver: str) -> None:
    assert day("08:00 IN entry", "13:00 OUT exit", "14:00 IN entry", "17:00 OUT exit", resolver=resolver).working == 480


def test_a_break_outside_lunch_is_not_worked_where_the_resolver_knows_of_it() -> None:
    scans = ("08:00", "10:00", "10:30", "17:00")
    assert day(*scans, resolver="alternate").working == 450
    assert day(*scans, resolver="first_last").working == 480
    assert day(*scans, resolver="alternate", time_away_counts=True).working == 480


def test_overtime_counts_only_while_somebody_is_there() -> None:
    result = day("08:00", "18:00", "19:30", "21:00", resolver="alternate")
    assert figures(result) == (10.5, 1.0, 1.5)


def test_a_lunch_that_reaches_into_overtime_is_no_overtime() -> None:
    result = day("08:00", "20:00", lunch_start="18:30", lunch_break_duration=1)
    assert figures(result) == (11.0, 1.5, 0.5)


def test_time_after_the_last_arrival_is_not_guessed() -> None:
    result = day("08:00", "12:00", "13:00", resolver="alternate")
    assert (result.working, result.flags) == (240, (Flag.MISSING_CHECK_OUT,))
    assert (clock(result.last_departure), result.early_departure) == ("12:00", 0)


@pytest.mark.parametrize(("departure", "flagged"), [("22:00", False), ("22:01", True)])
def test_a_span_above_fourteen_hours_is_flagged_and_its_figures_stay(departure: str, flagged: bool) -> None:
    result = day("08:00", departure)
    assert (Flag.LONG_SPAN in result.flags) is flagged
    assert result.working >= 780


def test_the_limit_of_a_long_span_is_a_setting() -> None:
    assert day("08:00", "17:00", long_span_hours=8.5).flags == (Flag.LONG_SPAN,)


@pytest.mark.parametrize(
    ("leave", "holiday", "on", "status"),
    [
        pytest.param(None, None, MONDAY, "Absent", id="a working day"),
        pytest.param(None, None, FRIDAY, "Weekend", id="a Friday"),
        pytest.param(None, "Victory Day", MONDAY, "Holiday", id="a holiday"),
        pytest.param(None, "Victory Day", FRIDAY, "Holiday", id="a holiday on a Friday"),
        pytest.param(CASUAL, None, MONDAY, "Leave-Casual", id="leave"),
        pytest.param(CASUAL, "Victory Day", FRIDAY, "Leave-Casual", id="leave that is charged on a holiday"),
        pytest.param(MORNING, None, MONDAY, "Leave-Sick", id="half a day of leave"),
    ],
)
def test_the_status_of_a_day_without_scans(leave: Leave | None, holiday: str | None, on: date, status: str) -> None:
    result = day(on=on, leave=leave, holiday=holiday)
    assert (result.status, result.working, result.present) == (status, 0, False)


@pytest.mark.parametrize(
    ("leave_type", "status"),
    [
        ("earned", "Leave-Earn"),
        ("casual", "Leave-Casual"),
        ("sick", "Leave-Sick"),
        ("maternity", "Leave-Maternity"),
        ("without_pay", "Leave-WithOutPay"),
        ("annual", "Leave-Annual"),
        ("paternity", "Leave-Paternity"),
        ("compensatory", "Leave-Compensatory"),
        ("study_tour", "Leave-StudyTour"),
    ],
)
def test_every_kind_of_leave_has_its_status(leave_type: str, status: str) -> None:
    assert leave_status(leave_type) == status


@pytest.mark.parametrize(
    ("leave", "holiday", "on", "shortfall"),
    [
        pytest.param(None, None, MONDAY, 480, id="an absence lacks the whole day"),
        pytest.param(None, None, FRIDAY, 0, id="a weekend lacks nothing"),
        pytest.param(None, "Victory Day", MONDAY, 0, id="nor does a holiday"),
        pytest.param(CASUAL, None, MONDAY, 0, id="nor does leave"),
        pytest.param(MORNING, None, MONDAY, 240, id="half a day of leave leaves half a day"),
    ],
)
def test_what_a_day_without_scans_lacks(leave: Leave | None, holiday: str | None, on: date, shortfall: int) -> None:
    assert day(on=on, leave=leave, holiday=holiday).shortfall == shortfall


@pytest.mark.parametrize(
    ("leave", "holiday", "on", "flag"),
    [
        pytest.param(None, None, FRIDAY, Flag.WORKED_ON_WEEKEND, id="weekend"),
        pytest.param(None, "Victory Day", MONDAY, Flag.WORKED_ON_HOLIDAY, id="holiday"),
        pytest.param(CASUAL, None, MONDAY, Flag.WORKED_ON_LEAVE, id="leave"),
    ],
)
def test_presence_wins_on_a_day_of_rest_and_is_flagged(
    leave: Leave | None, holiday: str | None, on: date, flag: Flag
) -> None:
    result = day("10:00", "16:00", on=on, leave=leave, holiday=holiday)
    assert (result.status, result.flags) == ("Present-Late", (flag,))
    assert (result.late, result.early_departure, result.shortfall) == (0, 0, 0)
    assert figures(result) == (5.0, 0.0, 0.0)


def test_all_work_on_a_day_of_rest_can_count_as_overtime() -> None:
    assert figures(day("10:00", "20:00", on=FRIDAY, rest_day_overtime=True)) == (9.0, 8.0, 1.0)
    assert figures(day("10:00", "20:00", on=MONDAY, rest_day_overtime=True)) == (9.0, 2.0, 1.0)
    assert figures(day("10:00", "20:00", on=FRIDAY, rest_day_overtime=True, level=Level.STAFF)) == (9.0, 0.0, 0.0)


@pytest.mark.parametrize(
    ("leave", "arrival", "departure", "expected"),
    [
        pytest.param(MORNING, "13:55", "17:00", ("Present-OnTime", 0, 0, 60), id="back before the end of lunch"),
        pytest.param(MORNING, "14:00", "18:00", ("Present-OnTime", 0, 0, 60), id="back with the end of lunch"),
        pytest.param(MORNING, "14:01", "17:00", ("Present-Late", 1, 0, 61), id="back a minute late"),
        pytest.param(AFTERNOON, "08:00", "13:00", ("Present-OnTime", 0, 0, 0), id="away with the start of lunch"),
        pytest.param(AFTERNOON, "08:00", "12:30", ("Present-OnTime", 0, 30, 0), id="away before lunch"),
        pytest.param(AFTERNOON, "09:00", "11:00", ("Present-Late", 60, 120, 120), id="late and early"),
    ],
)
def test_half_a_day_of_leave_leaves_the_other_half_expected(
    leave: Leave, arrival: str, departure: str, expected: tuple[str, int, int, int]
) -> None:
    result = day(arrival, departure, leave=leave)
    assert (result.status, result.late, result.early_departure, result.shortfall) == expected
    assert result.flags == ()


def test_nobody_seen_in_the_other_half_of_a_half_day_of_leave_is_flagged() -> None:
    assert day(leave=MORNING).flags == (Flag.ABSENT_HALF_DAY,)
    assert day(leave=MORNING, on=FRIDAY).flags == ()


def test_every_scan_is_accounted_for_once() -> None:
    scans = [scan(text) for text in ("08:00:00", "08:00:20", "12:00", "12:30 future", "17:00")]
    result = work_day([*scans, *scans[:3]], frame())
    assert sorted(result.used + result.merged + result.quarantined) == [one.id for one in scans]
    assert (result.merged, result.quarantined) == ((scans[1].id,), (scans[3].id,))


def test_only_quarantined_scans_make_an_absence() -> None:
    result = day("08:00 future", "17:00 implausible_past")
    assert (result.status, result.present, result.total_scans, len(result.quarantined)) == ("Absent", False, 0, 2)


def test_check_ins_and_check_outs_are_counted_by_the_direction_taken() -> None:
    result = day("08:00", "12:00", "13:00", "13:00:30", "15:00")
    assert (result.total_scans, result.check_in_count, result.check_out_count) == (5, 2, 2)


@pytest.mark.parametrize("outside", ["04:00:59", "+1 04:01"])
def test_a_scan_outside_the_window_is_refused(outside: str) -> None:
    with pytest.raises(ValueError, match="outside the window of 2024-01-15 in Asia/Dhaka"):
        day("08:00", outside)


def test_equal_input_has_an_equal_digest_and_any_change_another() -> None:
    scans = [scan("08:00 IN"), scan("17:00 OUT")]
    base = work_day(scans, frame()).digest
    moved = scans[1]._replace(at=scans[1].at + 1)
    others = [
        work_day(scans[:1], frame()),
        work_day([scans[0], moved], frame()),
        work_day([scans[0], scans[1]._replace(id=scan("17:00").id)], frame()),
        work_day([scans[0], scan("17:00 IN")._replace(id=scans[1].id)], frame()),
        work_day([scans[0], scan("17:00 OUT exit")._replace(id=scans[1].id)], frame()),
        work_day([scans[0], scan("17:00 OUT ambiguous_dst")._replace(id=scans[1].id)], frame()),
        work_day([scans[0], scan("17:00 OUT future")._replace(id=scans[1].id)], frame()),
        work_day(scans, frame(zone="Asia/Omsk")),
        work_day(scans, frame(safe_entry_time="07:00")),
        work_day(scans, frame(), level=Level.STAFF),
        work_day(scans, frame(), leave=CASUAL),
        work_day(scans, frame(), leave=Leave(type="casual", part=LeavePart.MORNING)),
        work_day(scans, frame(), holiday="Victory Day"),
    ]
    assert work_day(list(reversed(scans)), frame()).digest == base
    assert len({base, *(other.digest for other in others)}) == len(others) + 1


def test_the_digest_is_the_same_in_another_process() -> None:
    program = (
        "from tests.attendance.domain.build import *\n"
        "from services.attendance.domain.terms import Leave\n"
        "scans = [scan('08:00 IN entry'), scan('17:00 OUT exit')]\n"
        "print(work_day(scans, frame(weekend_days=[6, 0, 5]), leave=Leave(type='sick'), holiday='May').digest.hex())"
    )
    # Another process hashes texts with another seed.
    digests = {
        subprocess.run(
            [sys.executable, "-c", program],
            capture_output=True,
            text=True,
            check=True,
            cwd=ROOT,
            env={"PYTHONHASHSEED": seed},
        ).stdout
        for seed in ("1", "2")
    }
    assert len(digests) == 1
