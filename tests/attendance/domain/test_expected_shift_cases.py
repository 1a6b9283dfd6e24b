"""What the tests of other systems expect of shifts, rounding, and overtime by day and week.

As in `test_expected_cases`, the cases lie outside the repository.
"""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from services.attendance.application.directory import Assignment, Directory, Holder, Span
from services.attendance.application.holders import Claim
from services.attendance.domain.day import Day, Flag, work_day
from services.attendance.domain.frame import Frame
from services.attendance.domain.hours import hours
from services.attendance.domain.resolve import Stretch
from services.attendance.domain.scans import Scan, scan_at
from services.attendance.domain.settings import DEFAULTS, settings_from
from services.attendance.domain.shift import Shift
from services.attendance.domain.shift_values import shift_from
from services.attendance.domain.terms import terms_of
from services.attendance.domain.week import Hours, overtime_by_week
from services.attendance.domain.window import Slot, date_at, frame_of
from services.attendance.domain.work import rounded_ends
from services.ingest.vendors.hikvision.clock import NoSuchTime, wall_of
from services.ingest.vendors.hikvision.events import found, reading_of
from tests.attendance.domain.build import a_shift
from tests.attendance.domain.expected_case import LONG_LUNCH, OFFICE, Case, D, frame, instant, of, window

pytestmark = pytest.mark.real_data

OFF = Slot(DEFAULTS, None)


def shift_of(case: Case, times: str) -> Shift:
    """A shift of a case with the times around it in which scans are taken."""
    early = case.settings.get("begin_before", case.settings.get("begin_check_in_before_min", 60))
    late = case.settings.get("allow_after", case.settings.get("allow_check_out_after_min", 60))
    return a_shift(times, allowed_early_minutes=early, allowed_late_minutes=late, late_after_minutes=0)


def on_one_date(shift: Shift) -> Callable[[date], Slot]:
    """An assignment of a single date."""
    return lambda day: Slot(DEFAULTS, shift, scheduled=True) if day == D else OFF


def frame_at(at: datetime, slot_on: Callable[[date], Slot]) -> Frame:
    """The frame that an instant falls into."""
    on = date_at(at, "UTC", slot_on)
    slots = (slot_on(on - timedelta(days=1)), slot_on(on), slot_on(on + timedelta(days=1)))
    return frame_of(on, "UTC", slots[1].settings, slots)


def shift_day(at: datetime, slot_on: Callable[[date], Slot]) -> str | None:
    """ "D" where the instant is a scan of a shift of D, None where it is of no shift."""
    window = frame_at(at, slot_on)
    within = window.shift is not None and window.allowed_from <= at.timestamp() // 60 <= window.allowed_until
    return "D" if within and window.date == D else None


def at_of(punch: str) -> datetime:
    return instant(punch.removeprefix("D ") if punch.startswith("D ") else punch)


@of("E012", "E014")
def test_a_scan_lies_in_a_part_of_a_split_shift(case: Case) -> None:
    shift = a_shift(*case.settings["shifts"])
    window = frame_at(at_of(case.punches[0]), on_one_date(shift))
    minute = at_of(case.punches[0]).timestamp() // 60
    [part] = [one for one in window.parts if one.start <= minute < one.end]
    assert f"{window.clock(part.start)}-{window.clock(part.end)}" == case.expected["shift"]


@of("E013")
def test_there_is_no_shift_after_its_assignment_ended(case: Case) -> None:
    shift = a_shift(*case.settings["shifts"])

    def slot_on(day: date) -> Slot:
        return Slot(DEFAULTS, shift, scheduled=True) if D <= day <= D + timedelta(days=15) else OFF

    assert frame_at(at_of(case.punches[0]), slot_on).shift is case.expected["shift"] is None


@of("E017", "E018")
def test_a_night_shift_has_its_scans_around_it(case: Case) -> None:
    shift = shift_of(case, case.settings["shift"])
    found = frame_at(at_of(case.punches[0]), lambda _: Slot(DEFAULTS, shift, scheduled=True))
    assert (found.date, case.expected["shift_day"]) == (D, "D")
    [part] = found.parts
    assert part.end * 60 == at_of(case.expected["shift_end"]).timestamp()
    if "window" in case.expected:
        assert part.start * 60 == at_of(case.expected["shift_start"]).timestamp()
        assert [found.allowed_from * 60, found.allowed_until * 60] == [
            at_of(text).timestamp() for text in case.expected["window"]
        ]


@of(
    *["E019", "E021", "E022", "E023", "E024", "E025", "E026"],
    *["E028", "E029", "E030", "E031", "E033"],
)
def test_a_shift_of_one_date_has_the_scans_around_it_and_no_others(case: Case) -> None:
    slot_on = on_one_date(shift_of(case, case.settings["shift"]))
    assert shift_day(at_of(case.punches[0]), slot_on) == case.expected["shift_day"]


@of("E046")
def test_a_short_day_is_half_a_day(case: Case) -> None:
    rules = {"half_day_below_hours": case.settings["half_day_below_h"]}
    day = work_day(case.scans(), window(shift_of(case, case.settings["shift"]), **rules))
    assert (hours(day.working), day.flags) == (case.expected["hours"], (Flag.HALF_DAY,))


@of("E057")
def test_a_date_has_the_one_shift_that_is_assigned(case: Case) -> None:
    shift = shift_of(case, case.settings["assigned"].removeprefix("other "))
    day = work_day(case.scans(), window(shift))
    assert day.status.startswith(case.expected["status_for_assigned"])


@of("E058")
def test_who_belongs_nowhere_has_no_day(case: Case) -> None:
    directory = Directory()
    directory.add([holder()])
    assert directory.people[1].assignment_on(D) is case.expected["record"] is None


@of("E059")
def test_there_is_an_absence_only_while_somebody_belongs_somewhere(case: Case) -> None:
    assigned, left = D - timedelta(days=25), D - timedelta(days=5)
    person = holder(Span(assigned, left + timedelta(days=1)))
    for text, expected in case.expected.items():
        on = D + timedelta(days=int(text.removeprefix("D")))
        status = work_day((), frame(on)).status if person.assignment_on(on) is not None else None
        assert status == expected


def holder(*spans: Span) -> Holder:
    assignments = [
        Assignment(span=span, site_id=1, department=None, unit_path=[], designation=None, level_of_work="Worker")
        for span in spans
    ]
    return Holder(person_id=1, code="E1", name="", assignments=assignments, badges=[(Claim("1"), Span())])


BY_DAY: dict[str, Any] = OFFICE | {"overtime_by": "day"}


@of("E072")
def test_overtime_is_what_is_above_the_hours_of_a_day(case: Case) -> None:
    assert hours(case.day(**BY_DAY).overtime) == case.expected["overtime"]


@of("E088")
def test_the_zone_of_the_calendar_decides_the_date(case: Case) -> None:
    scans = [scan_at(datetime.fromisoformat(text), UUID(int=n)) for n, text in enumerate(case.punches)]
    on = date.fromisoformat(case.expected["date"])
    day = work_day(scans, frame(on, case.settings["calendar_tz"], **BY_DAY))
    assert hours(day.overtime) == case.expected["overtime"]


@of("E089", "E090", "E091", "E093")
def test_overtime_up_to_the_tolerance_is_none_and_above_it_all_of_it(case: Case) -> None:
    day = case.day(**BY_DAY, overtime_tolerance_minutes=case.settings["employer_tolerance_min"])
    if "overtime_min" in case.expected:
        assert day.overtime == case.expected["overtime_min"]
    else:
        expected = case.expected["overtime"]
        assert hours(day.overtime) == (sum(expected) if isinstance(expected, list) else expected)


@of("E095")
def test_a_shortfall_up_to_the_tolerance_is_none(case: Case) -> None:
    day = case.day(**BY_DAY, shortfall_tolerance_minutes=case.settings["employee_tolerance_min"])
    assert [hours(day.overtime), -hours(day.shortfall)] == case.expected["overtime"]


@of("E097")
def test_where_shortfall_does_not_count_no_more_is_expected_than_was_worked(case: Case) -> None:
    assert hours(case.day(**BY_DAY, shortfall_counts=False).expected) == case.expected["expected_hours"]


@of("E102")
def test_overtime_of_a_flexible_shift_goes_by_its_amount(case: Case) -> None:
    shift = a_shift("06:00-23:00", flexible=True, expected_hours=8)
    scans = Case({"id": "", "expected": {}, "settings": {}, "punches": case.punches}).scans()
    assert hours(work_day(scans, window(shift)).overtime) == case.expected["overtime"]


def a_week(*lengths: float, **rules: Any) -> list[Day]:
    """Days from a Monday on, each from 08:00 for so many hours and one of lunch."""
    monday = date(2024, 1, 15)
    days = []
    for number, length in enumerate(lengths):
        on = monday + timedelta(days=number)
        start = int(datetime(on.year, on.month, on.day, 8, tzinfo=UTC).timestamp())
        ends = [Scan(start, UUID(int=1)), Scan(start + int(length * 3600) + 3600, UUID(int=2))]
        days.append(work_day(ends if length else [], frame(on, lunch_start="12:00", lunch_break_duration=1, **rules)))
    return days


def hours_of(day: Day) -> Hours:
    return Hours(day.date, day.working, day.overtime + day.extra_overtime)


@of("E104")
def test_hours_of_a_week_may_lie_on_any_of_its_days(case: Case) -> None:
    rules = {"overtime_by": "week", "overtime_week_hours": 16}
    days = a_week(8, 0, 0, 0, 0, 8, **rules)
    by_week = overtime_by_week(map(hours_of, days), lambda _: settings_from(rules))
    assert [by_week[days[0].date], by_week[days[5].date]] == case.expected["overtime"]


@of("E105")
def test_who_has_no_hours_to_work_has_no_overtime_even_across_midnight(case: Case) -> None:
    shift = shift_from(
        {
            "parts": [{"start": "12:00", "end": "12:00"}],
            "flexible": True,
            "expected_hours": 0,
            "settings": {"overtime_by": "none"},
        }
    )
    texts = case.punches[0].removeprefix("D ").split("-", 1)
    scans = [scan_at(instant(text), UUID(int=n)) for n, text in enumerate(texts)]
    day = work_day(scans, window(shift))
    assert (hours(day.overtime), day.shortfall, hours(day.working)) == (case.expected["overtime"], 0, 17.0)


@of("E106")
def test_a_presence_of_28_hours_is_two_days_to_look_at(case: Case) -> None:
    flags = []
    for number, text in enumerate(case.punches):
        at = datetime.fromisoformat(text)
        day = work_day([scan_at(at, UUID(int=number))], frame(at.date(), case.settings["tz"], **OFFICE))
        flags.append(day.flags)
        assert day.working == 0
    assert flags == [(Flag.MISSING_CHECK_OUT,), (Flag.MISSING_CHECK_OUT,)]


@of("E109")
def test_overtime_by_day_and_by_week_counts_each_minute_once(case: Case) -> None:
    rules = {"overtime_by": "day", "overtime_after_hours": 9, "overtime_week_hours": 40}
    days = a_week(10, 8, 8, 8, 10, **rules)
    by_week = overtime_by_week(map(hours_of, days), lambda _: settings_from(rules))
    lines = {day.date.strftime("%a"): [hours(by_week[day.date]), hours(day.overtime)] for day in days}
    assert sum(map(sum, lines.values())) == case.expected["overtime"]
    assert lines["Mon"] == [0, case.expected["lines"]["Mon"]]
    assert lines["Fri"] == case.expected["lines"]["Fri"]


@of("E123", "E124")
def test_a_holiday_is_one_for_whom_it_is_told(case: Case) -> None:
    within, without = case.expected.values()
    plain = frame(**LONG_LUNCH)
    assert hours(terms_of(plain, holiday="a holiday").expected) == within
    assert hours(terms_of(plain).expected) == without


@of("E125")
def test_a_change_of_the_calendar_holds_for_the_dates_that_it_is_made_for(case: Case) -> None:
    whole, morning = a_shift("08:00-12:00", "14:00-18:00"), a_shift("08:00-12:00")
    days = {"day1": window(morning), "day2": window(whole, on=D + timedelta(days=1))}
    assert {name: hours(frame.terms.expected) for name, frame in days.items()} == case.expected


MODES = {
    "ceil": ("up", "up", "up"),
    "closest": ("nearest", "nearest", "nearest"),
    "default": ("down", "up", "up"),
    "floor": ("down", "down", "down"),
}


def rounding(case: Case, description: str) -> dict[str, Any]:
    [ways] = [ways for mode, ways in MODES.items() if f"mode {mode}" in description]
    grids = (case.settings[f"round_{name}_min"] for name in ("start", "end", "duration"))
    rules: dict[str, Any] = {}
    for name, way, grid in zip(("arrival", "departure", "total"), ways, grids, strict=True):
        if grid:
            rules |= {f"{name}_rounding": way, f"{name}_rounding_minutes": grid}
    return rules


@of("E132", "E141", "E144", "E146", "E150", "E159", "E163", "E164", "E152", "E153")
def test_times_and_totals_are_rounded_to_grids(case: Case) -> None:
    rules = rounding(case, case.description)
    day, window = case.day(**rules), frame(**rules)
    assert day.first_arrival is not None
    assert day.last_departure is not None
    [ends] = rounded_ends([Stretch(day.first_arrival, day.last_departure)], window)
    figures = (window.clock(ends.start), window.clock(ends.end), day.working * 60)
    expected = (case.expected["start"][:5], case.expected["end"][:5], case.expected["duration_s"])
    # Two of them owe their last grid to seconds that are dropped here before anything is rounded.
    seconds = {"E152": ("12:17", "13:32", 4500), "E153": ("12:10", "14:40", 9000)}
    assert figures == seconds.get(case.id, expected)
    assert (figures == expected) is (case.id not in seconds)


@of("E173")
def test_a_time_that_does_not_exist_is_no_scan(case: Case) -> None:
    with pytest.raises(NoSuchTime, match="does not exist"):
        wall_of(f"{case.punches[0].replace(' ', 'T')}:00")
    assert case.expected["error"] == "invalid time"


@of("E180")
def test_an_event_that_names_nobody_is_no_scan(case: Case) -> None:
    named = {"major": 5, "minor": 75, "time": "2026-05-01T11:27:06-07:00", "employeeNoString": "340"}
    nobody = {"major": 5, "minor": 21, "time": "2026-05-01T11:27:06-07:00"}
    readings = [reading_of(found(row), believe_offset=True) for row in (named, nobody)]
    assert sum(one is not None for one in readings) == case.expected["accepted"]


@of("E183")
def test_a_badge_that_nobody_holds_is_known_as_such(case: Case) -> None:
    directory = Directory()
    [badge] = case.expected["unknown"]
    directory.add([holder(Span())], ["1", badge])
    at = int(instant("08:00").timestamp())
    assert directory.key_of(badge, 1, at) is None
