"""The days of people who have shifts (RULES §2–5)."""

from datetime import UTC, date, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from services.attendance.domain.day import Day, Flag, work_day
from services.attendance.domain.scans import Scan
from services.attendance.domain.settings import DEFAULTS, settings_from
from services.attendance.domain.shift import Part, Shift
from services.attendance.domain.terms import Leave, LeavePart, Level
from services.attendance.domain.window import Slot, date_at, frame_of
from tests.attendance.domain.build import FRIDAY, MONDAY, a_shift, day, frame, scan

NINE = a_shift("09:00-18:00", grace_in_minutes=5, late_after_minutes=15, grace_out_minutes=10)
NIGHT = a_shift("22:00-06:00")
SPLIT = a_shift("08:00-12:00", "16:00-20:00")
FLEXIBLE = a_shift("06:00-22:00", flexible=True, expected_hours=8)


def figures(one: Day) -> tuple[int, int, int]:
    return one.working, one.overtime, one.extra_overtime


@pytest.mark.parametrize(
    ("arrival", "status", "late"),
    [
        ("08:59", "Present-OnTime", 0),
        ("09:05:59", "Present-OnTime", 0),
        ("09:06", "Present-Considered", 0),
        ("09:15", "Present-Considered", 0),
        ("09:16", "Present-Late", 11),
    ],
)
def test_the_status_goes_by_the_shift(arrival: str, status: str, late: int) -> None:
    result = day(arrival, "18:00", shift=NINE)
    assert (result.status, result.late) == (status, late)


@pytest.mark.parametrize(("departure", "early"), [("17:30", 20), ("17:50", 0), ("18:00", 0)])
def test_leaving_early_goes_by_the_shift(departure: str, early: int) -> None:
    assert day("09:00", departure, shift=NINE).early_departure == early


def test_expected_minutes_and_overtime_go_by_the_shift_and_lunch_by_the_settings() -> None:
    assert (frame(shift=NINE).terms.expected, day("09:00", "17:00", shift=NINE).shortfall) == (480, 60)
    assert figures(day("09:00", "21:30", shift=NINE)) == (690, 120, 90)
    assert figures(day("09:00", "21:30", shift=NINE, lunch_break_duration=0)) == (750, 120, 90)
    assert day("09:00", "17:00", shift=a_shift("09:00-18:00", expected_hours=7)).shortfall == 0


def test_overtime_may_start_later_than_the_shift_ends() -> None:
    shift = a_shift("09:00-18:00", overtime_after_minutes=30, extra_overtime_after_minutes=90)
    assert figures(day("09:00", "20:00", shift=shift)) == (600, 60, 30)
    assert day("09:00", "20:00", shift=shift).shortfall == 0
    assert day("09:00", "20:00", shift=shift, level=Level.STAFF).overtime == 0


def test_a_night_belongs_to_the_date_on_which_it_starts() -> None:
    result = day("21:50", "+1 07:00", shift=NIGHT)
    assert (result.status, *figures(result), result.early_departure, result.flags) == (
        "Present-OnTime",
        550,
        60,
        0,
        0,
        (),
    )
    assert frame(shift=NIGHT).terms.expected == 480
    assert day("22:10", "+1 05:30", shift=NIGHT).early_departure == 30


def test_a_weekend_date_with_a_shift_is_a_working_day() -> None:
    assert day("09:00", "18:00", on=FRIDAY, shift=NINE).flags == ()
    assert day(on=FRIDAY, shift=NINE).status == "Absent"
    assert day(on=FRIDAY, shift=NINE).shortfall == 480


def test_a_date_that_the_schedule_leaves_off_is_a_rest_whatever_the_weekday() -> None:
    assert (day(shift=None).status, day(shift=None).shortfall) == ("Weekend", 0)
    result = day("10:00", "16:00", shift=None)
    assert (result.status, result.flags, result.working) == ("Present-OnTime", (Flag.UNSCHEDULED,), 300)
    assert (result.late, result.early_departure, result.shortfall) == (0, 0, 0)
    assert day("10:00", "16:00", shift=None, rest_day_overtime=True).overtime == 300


@pytest.mark.parametrize(
    ("texts", "flagged"),
    [
        (("07:00", "22:00"), False),
        (("06:59", "18:00"), True),
        (("09:00", "22:01"), True),
        (("09:00", "22:00:59"), False),
    ],
)
def test_scans_further_from_the_shift_than_is_allowed_count_and_are_flagged(
    texts: tuple[str, ...], flagged: bool
) -> None:
    result = day(*texts, shift=NINE, long_span_hours=24)
    assert (Flag.OUTSIDE_SHIFT in result.flags) is flagged
    assert len(result.used) == 2


def test_a_split_shift_expects_its_parts_and_the_time_between_is_nobodys() -> None:
    result = day("08:00", "20:00", shift=SPLIT)
    assert (frame(shift=SPLIT).terms.expected, *figures(result), result.shortfall) == (480, 480, 0, 0, 0)
    in_turn = day("08:00", "12:30", "15:30", "21:00", shift=SPLIT, resolver="alternate")
    assert figures(in_turn) == (540, 60, 0)
    assert day("08:00", "12:00", shift=SPLIT).early_departure == 480


def test_nobody_is_late_or_early_in_a_flexible_shift_and_only_the_amount_counts() -> None:
    result = day("11:00", "17:00", shift=FLEXIBLE, lunch_break_duration=0)
    assert (result.status, result.late, result.early_departure, result.shortfall) == ("Present-OnTime", 0, 0, 120)
    assert figures(day("06:30", "17:00", shift=FLEXIBLE, lunch_break_duration=0)) == (630, 150, 0)
    tiers = {"lunch_break_duration": 0, "extra_overtime_after_hours": 10}
    assert figures(day("06:30", "17:00", shift=FLEXIBLE, **tiers)) == (630, 120, 30)


@pytest.mark.parametrize(
    ("shift", "text", "leaves"),
    [
        pytest.param(NINE, "15:44", False, id="before the last quarter"),
        pytest.param(NINE, "15:45", True, id="the last quarter begins"),
        pytest.param(NINE, "20:00", True, id="after the shift"),
        pytest.param(NIGHT, "+1 04:00", True, id="a night"),
        pytest.param(NIGHT, "+1 03:59", False, id="a night, before its last quarter"),
        pytest.param(FLEXIBLE, "21:00", False, id="a flexible shift has no quarters"),
        pytest.param("none", "20:00", False, id="without a shift"),
        pytest.param(None, "20:00", False, id="on a date that is off"),
    ],
)
@pytest.mark.parametrize("resolver", ["first_last", "alternate", "by_key", "by_machine"])
def test_a_single_scan_in_the_last_quarter_is_a_departure(
    shift: Shift | str | None, text: str, leaves: bool, resolver: str
) -> None:
    result = day(text, shift=shift, resolver=resolver)
    assert (result.working, result.check_out_count) == (0, int(leaves))
    if leaves:
        assert (result.status, result.first_arrival) == ("Present-Late", None)
        assert Flag.MISSING_CHECK_IN in result.flags
    else:
        assert result.last_departure is None
        assert Flag.MISSING_CHECK_OUT in result.flags


def test_a_trusted_direction_wins_over_the_last_quarter() -> None:
    assert Flag.MISSING_CHECK_OUT in day("17:00 IN", shift=NINE, resolver="by_key").flags
    assert Flag.MISSING_CHECK_OUT in day("17:00 entry", shift=NINE, resolver="by_machine").flags
    assert day("17:00 IN", "17:00:20", shift=NINE).flags == (Flag.MISSING_CHECK_IN,)


@pytest.mark.parametrize(
    ("shift", "part", "texts", "expected"),
    [
        pytest.param(NINE, "morning", ("14:00", "18:00"), ("Present-OnTime", 0, 0, 0), id="morning off: after lunch"),
        pytest.param(NINE, "morning", ("14:01", "18:00"), ("Present-Late", 1, 0, 1), id="a minute late"),
        pytest.param(NINE, "afternoon", ("09:00", "13:00"), ("Present-OnTime", 0, 0, 0), id="afternoon off"),
        pytest.param(NIGHT, "morning", ("+1 02:00", "+1 06:00"), ("Present-OnTime", 0, 0, 0), id="half a night"),
        pytest.param(NIGHT, "afternoon", ("22:00", "+1 01:30"), ("Present-OnTime", 0, 30, 30), id="the other half"),
        pytest.param(SPLIT, "morning", ("16:00", "20:00"), ("Present-OnTime", 0, 0, 0), id="the second part"),
    ],
)
def test_half_a_day_of_leave_is_half_a_shift(
    shift: Shift, part: str, texts: tuple[str, ...], expected: tuple[str, int, int, int]
) -> None:
    result = day(*texts, shift=shift, leave=Leave(type="sick", part=LeavePart(part)))
    assert (result.status, result.late, result.early_departure, result.shortfall) == expected


def test_settings_of_the_shift_win() -> None:
    shift = a_shift("09:00-18:00", settings={"resolver": "alternate", "lunch_break_duration": 0})
    assert day("09:00", "12:00", "12:10", "18:00", shift=shift).working == 530


def test_the_digest_of_a_day_covers_the_shift() -> None:
    scans = [scan("09:00"), scan("18:00")]
    shifts: list[Shift | str | None] = ["none", None, NINE, a_shift("09:00-18:00"), NIGHT, FLEXIBLE]
    digests = {work_day(scans, frame_of(MONDAY, "Asia/Dhaka", DEFAULTS)).digest}
    slots = [Slot(DEFAULTS, one, scheduled=True) for one in shifts if not isinstance(one, str)]
    for own in slots:
        window = frame_of(MONDAY, "Asia/Dhaka", DEFAULTS, (slots[0], own, slots[0]))
        digests.add(work_day(scans, window).digest)
    assert len(digests) == len(shifts)


@pytest.mark.parametrize("rules", [{}, {"time_away_counts": True, "resolver": "alternate"}])
@pytest.mark.parametrize(
    ("shift", "texts"),
    [
        ("none", ("08:55", "18:20")),
        ("none", ("13:30", "23:50")),
        ("none", ("16:00",)),
        (None, ("11:00", "20:30")),
        (NINE, ("08:55", "13:10", "13:40", "21:20")),
        (NINE, ("17:00",)),
        (NIGHT, ("21:00", "+1 03:00", "+1 04:00", "+1 09:00")),
        (a_shift("14:00-22:00"), ("13:30", "+1 01:00")),
        (NINE, ()),
    ],
)
def test_the_long_way_gives_what_the_short_way_gives(
    shift: Shift | str | None, texts: tuple[str, ...], rules: dict[str, object]
) -> None:
    # A cap of a whole day changes nothing, and has the day computed the long way.
    short, long = frame(shift=shift, **rules), frame(shift=shift, overtime_cap_hours=24, **rules)  # type: ignore[arg-type]
    assert (short.plain, long.plain) == (True, False)
    scans = [scan(text) for text in texts]
    assert work_day(scans, long)._replace(digest=b"") == work_day(scans, short)._replace(digest=b"")


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata"])
@pytest.mark.parametrize("month", [date(2024, 3, 1), date(2024, 10, 10)])
def test_a_month_of_shifts_over_a_change_of_clocks_has_the_minutes_that_went_by(zone: str, month: date) -> None:
    rules = settings_from({"lunch_break_duration": 0, "weekend_days": []})
    cycle = [
        Shift(parts=(Part(360, 840),)),
        Shift(parts=(Part(840, 1320),)),
        Shift(parts=(Part(1320, 1800),)),
        Shift(parts=(Part(1320, 1800),)),
        None,
    ]

    def slot_on(on: date) -> Slot:
        return Slot(rules, cycle[(on - month).days % len(cycle)], scheduled=True)

    tz = ZoneInfo(zone)
    dates = [month + timedelta(days=number) for number in range(35)]
    scans: dict[date, list[Scan]] = {on: [] for on in dates}
    elapsed = timedelta()
    for number, on in enumerate(dates):
        shift = slot_on(on).shift
        if shift is None:
            continue
        came, went = (
            (datetime.combine(on, datetime.min.time()) + timedelta(minutes=minutes)).replace(tzinfo=tz)
            for minutes in (shift.start, shift.end)
        )
        elapsed += went.astimezone(UTC) - came.astimezone(UTC)
        for place, at in enumerate((came, went)):
            scans[date_at(at, zone, slot_on)].append(Scan(int(at.timestamp()), UUID(int=number * 2 + place)))
    days = [
        work_day(scans[on], frame_of(on, zone, rules, tuple(slot_on(on + timedelta(days=step)) for step in (-1, 0, 1))))  # type: ignore[arg-type]
        for on in dates
    ]
    assert timedelta(minutes=sum(one.working for one in days)) == elapsed
    assert sum(one.expected for one in days) == elapsed / timedelta(minutes=1)
    assert all(one.overtime == one.shortfall == one.late == one.early_departure == 0 for one in days)
    assert all(one.flags == () for one in days)
    assert [one.status for one in days].count("Weekend") == 7
