"""What the tests of other systems expect of days without a shift.

The cases lie outside the repository, in the folder of MUSTER_REAL_DATA; each test takes its scans and expected figures
from there. `expected_cases` says which of them our rule answers differently, and which wait.
"""

from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest

from services.attendance.domain.day import Flag, work_day
from services.attendance.domain.hours import hours
from services.attendance.domain.scans import ScanType, scan_at
from services.attendance.domain.state import State, closure, state_of
from services.attendance.domain.terms import Leave, Level, terms_of
from tests.attendance.domain.expected_case import LONG_LUNCH, OFFICE, WORKER, Case, D, clock, frame, instant, of, shift
from tests.attendance.domain.expected_cases import DIFFERENT, LEFT_OUT, SAME

pytestmark = pytest.mark.real_data

WEEKDAYS = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]


def test_every_case_is_the_same_different_or_left_out(cases: dict[str, Case]) -> None:
    assert len(cases) == 110
    assert sorted([*SAME, *DIFFERENT, *LEFT_OUT]) == sorted(cases)


@of("E001")
def test_the_first_and_the_last_of_five_scans_make_the_span(case: Case) -> None:
    day = case.day()
    assert hours(day.working) == case.expected["hours"]
    assert clock(day.first_arrival) == case.expected["in"]
    assert clock(day.last_departure) == case.expected["out"]


@of("E002")
def test_every_pair_of_five_scans_is_counted_and_the_fifth_is_open(case: Case) -> None:
    day = case.day(resolver="alternate")
    assert hours(day.working) == case.expected["hours"]
    assert clock(day.first_arrival) == case.expected["in"]
    # What is called "out" there is the last punch, whichever way it went: the last mark here. That nobody was seen to
    # leave after it is said beside it.
    assert clock(day.marks[-1].minute) == case.expected["out"]
    assert (clock(day.last_departure), day.flags) == ("15:00", (Flag.MISSING_CHECK_OUT,))


@of("E044")
def test_a_plain_day_is_present(case: Case) -> None:
    assert case.day(**shift("08:00", "12:00")).status == "Present-OnTime"


@of("E050")
def test_a_day_that_begins_after_midnight_belongs_to_the_date_on_which_it_begins(case: Case) -> None:
    day = case.day(**shift("00:30", "10:00"), day_boundary="00:00", extra_overtime_start_time="00:00")
    assert (day.date, day.status, case.expected["date"]) == (D, "Present-OnTime", "D")


@of("E051")
def test_scans_on_a_holiday_make_a_presence(case: Case) -> None:
    day = work_day(case.scans(), frame(**shift("08:00", "12:00")), holiday="a holiday")
    assert (day.status, day.flags) == ("Present-OnTime", (Flag.WORKED_ON_HOLIDAY,))


@of("E052")
def test_presence_on_a_holiday_is_never_hidden(case: Case) -> None:
    day = work_day(case.scans(), frame(**shift("08:00", "12:00")), holiday="a holiday")
    assert (day.status, hours(day.working)) == ("Present-OnTime", 4.0)


@of("E054")
def test_there_is_no_absence_on_a_holiday(case: Case) -> None:
    assert work_day(case.scans(), frame(), holiday="Sunday").status == "Holiday"


@of("E055")
def test_a_day_is_not_final_while_its_window_is_open(case: Case) -> None:
    now = instant(case.settings["last_sync"])
    window = frame(**shift("15:00", "23:30", 8.5))
    closed = closure(window.ends_at, now, {"gate": now})
    assert state_of(closed, now, terms_of(window).due, seen=False) is State.PROVISIONAL


@of("E062")
def test_early_in_and_late_out_is_neither_late_nor_early(case: Case) -> None:
    day = case.day(**shift("08:00", "12:00"))
    assert hours(day.working) == case.expected["hours"]
    assert (day.status, day.late, day.early_departure) == ("Present-OnTime", 0, 0)


@of("E063")
def test_late_in_and_late_out_is_late(case: Case) -> None:
    day = case.day(**shift("08:00", "12:00"))
    assert (day.status, day.late, day.early_departure) == ("Present-Late", 30, 0)


@of("E065")
def test_a_night_that_begins_late_and_ends_early_is_both_and_belongs_to_its_first_date(case: Case) -> None:
    day = case.day(**shift("22:00", "02:00"))
    assert (day.date, day.status, day.late, day.early_departure) == (D, "Present-Late", 30, 30)
    assert hours(day.working) == 3.0


@of("E068", "E073", "E074", "E076", "E080")
def test_overtime_on_a_work_day(case: Case) -> None:
    [expected] = case.expected.values()
    assert hours(case.day(**OFFICE).overtime) == expected


@of("E079")
def test_the_overtime_of_the_last_attendance_is_what_it_adds(case: Case) -> None:
    window = frame(**OFFICE)
    with_it, without_it = work_day(case.scans(), window), work_day(case.scans()[:-2], window)
    assert hours(with_it.overtime - without_it.overtime) == case.expected["overtime_last"]
    assert hours(with_it.overtime) == 4.5


@of("E081")
def test_saturday_counts_as_overtime_from_the_first_minute(case: Case) -> None:
    day = case.day(**OFFICE, rest_day_overtime=True, weekend_days=[D.isoweekday()])
    assert hours(day.overtime) == case.expected["overtime"]
    assert day.flags == (Flag.WORKED_ON_WEEKEND,)


@of("E094", "E096")
def test_undertime_is_a_shortfall(case: Case) -> None:
    # Staff, as the hours of these cases may be worked at any time of the day.
    assert hours(-case.day(Level.STAFF, **OFFICE).shortfall) == case.expected["overtime"][-1]


@of("E108")
def test_overtime_by_the_clock_may_begin_in_the_afternoon(case: Case) -> None:
    day = case.day(**OFFICE, overtime_start_time="14:00")
    assert hours(day.working) == case.expected["worked"]
    assert hours(day.overtime) == case.expected["overtime"]
    assert hours(day.working - day.overtime) == case.expected["expected_hours"]


@of("E112", "E113", "E117", "E118", "E130")
def test_a_missing_departure_is_never_guessed(case: Case) -> None:
    day = case.day(resolver="by_key")
    assert (day.last_departure, day.working, day.flags) == (None, 0, (Flag.MISSING_CHECK_OUT,))


@of("E119")
def test_nobody_is_checked_out_by_the_program(case: Case) -> None:
    assert case.day(resolver="by_key").last_departure is case.expected["auto_out"] is None


@of("E120")
def test_a_plain_day_expects_the_standard_hours(case: Case) -> None:
    assert hours(terms_of(frame(**LONG_LUNCH)).expected) == case.expected["theoretical"]
    assert hours(case.day(**LONG_LUNCH).working) == 8.0


@of("E121", "E122")
def test_nothing_is_expected_on_a_holiday_or_leave_and_all_that_is_worked_counts(case: Case) -> None:
    leave, holiday = (None, "Christmas") if case.id == "E121" else (Leave(type="casual"), None)
    window = frame(**LONG_LUNCH)
    day = work_day(case.scans(), window, leave=leave, holiday=holiday)
    expected = terms_of(window, leave, holiday).expected
    assert hours(expected) == case.expected["theoretical"]
    assert hours(day.working - expected) == case.expected.get("difference", 8)


@of("E131", "E133", "E151", "E160")
def test_seconds_are_dropped_and_not_rounded(case: Case) -> None:
    # The same to the minute, which is what a day is kept in.
    start, end = (instant(case.expected[name]).replace(second=0) for name in ("start", "end"))
    day = case.day()
    assert timedelta(minutes=day.working) == end - start
    assert abs(day.working * 60 - case.expected["duration_s"]) < 60


@of("E138", "E139", "E156", "E157", "E165", "E166")
def test_two_scans_of_one_second_are_no_time(case: Case) -> None:
    day = case.day()
    assert day.working * 60 == case.expected["duration_s"]
    assert (len(day.used), len(day.merged)) == (1, 1)


@of("E167")
def test_an_arrival_while_another_day_is_still_open_is_taken(case: Case) -> None:
    [text] = case.punches
    at = datetime.strptime(text.removesuffix(" +5.5 IN"), "%Y-%m-%d %H:%M")
    window = frame(at.date(), resolver="by_key")
    day = work_day([scan_at(at.replace(tzinfo=UTC), UUID(int=1), ScanType.IN)], window)
    assert (window.clock(day.first_arrival or 0), day.flags) == ("10:22", (Flag.MISSING_CHECK_OUT,))


@of("E171")
def test_a_departure_without_an_arrival_is_taken_and_flagged(case: Case) -> None:
    at = datetime.strptime(case.punches[0], "%Y-%m-%d %H:%M OUT")
    window = frame(at.date(), resolver="by_key")
    day = work_day([scan_at(at.replace(tzinfo=UTC), UUID(int=1), ScanType.OUT)], window)
    assert (window.clock(day.last_departure or 0), day.flags, day.working) == ("09:23", (Flag.MISSING_CHECK_IN,), 0)


@of("E174", "E175")
def test_two_keys_make_the_minutes_between_them(case: Case) -> None:
    day = case.day(resolver="by_key")
    assert day.working == case.expected["minutes"]
    assert clock(day.first_arrival) == case.expected.get("in", "08:05")
    assert clock(day.last_departure) == case.expected.get("out", "17:15")


@of("E181")
def test_a_week_with_one_scan_has_four_absences(case: Case) -> None:
    first, last = map(date.fromisoformat, case.settings["period"])
    [punch] = case.punches
    scan = scan_at(datetime.fromisoformat(punch.split()[0]), UUID(int=1), ScanType.IN)
    week = [first + timedelta(days=number) for number in range((last - first).days + 1)]
    rules = {"late_entry_time": "08:15", "weekend_days": [0, 6]}
    days = [
        work_day([scan] if on == scan.instant.date() else [], frame(on, "America/Mexico_City", **rules)) for on in week
    ]
    statuses = [day.status for day in days]
    assert len(days) == case.expected["period_days"]
    assert len(days) - statuses.count("Weekend") == case.expected["work_days"]
    assert sum(day.present for day in days) == case.expected["worked_days"]
    assert statuses.count("Absent") == case.expected["absences"]
    assert statuses.count("Present-Late") == case.expected["late"]
    assert len(days) - statuses.count("Absent") == case.expected["paid_days"]


@of("E189")
def test_days_without_contract_hours_are_no_work_days(case: Case) -> None:
    seconds = case.settings["seconds"]
    weekend = [number for number, name in enumerate(WEEKDAYS) if not seconds[name]]
    week = [D + timedelta(days=number) for number in range(7)]
    assert {WEEKDAYS[on.isoweekday() % 7]: not frame(on, weekend_days=weekend).weekend for on in week} == case.expected[
        "work_day"
    ]


@of("E190", "E191", "E193", "E194")
def test_the_day_of_a_worker_in_the_users_own_front_end(case: Case) -> None:
    scans = [scan if scan.at >= frame().start else scan._replace(at=scan.at + 24 * 3600) for scan in case.scans()]
    day = work_day(scans, frame(**WORKER))
    figures = {
        "status": day.status,
        "hours": hours(day.working),
        "overtime": hours(day.overtime),
        "extra_overtime": hours(day.extra_overtime),
        "snacks": day.snacks,
        "night_bill": day.night_bill,
    }
    assert {name: figures[name] for name in case.expected} == case.expected
