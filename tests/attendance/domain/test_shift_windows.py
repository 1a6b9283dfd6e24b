"""Windows of shifts: every scan belongs to exactly one date, whatever the shifts."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import available_timezones

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.attendance.domain.boundary import business_date
from services.attendance.domain.frame import Frame
from services.attendance.domain.settings import DEFAULTS, settings_from
from services.attendance.domain.shift import Part, Shift
from services.attendance.domain.window import Slot, date_at, expected_on, frame_of
from tests.attendance.domain.build import MONDAY, ZONE, instant

OFF = Slot(DEFAULTS, None, scheduled=True)
NOTHING = Slot(DEFAULTS)
# Around both changes of clocks, and around the date that Apia never had.
STRETCHES = [
    ("Europe/Berlin", date(2024, 3, 27)),
    ("Europe/Berlin", date(2024, 10, 24)),
    ("America/New_York", date(2024, 3, 7)),
    ("America/New_York", date(2024, 10, 31)),
    ("America/St_Johns", date(2006, 10, 26)),
    ("America/Havana", date(2024, 3, 7)),
    ("America/Sao_Paulo", date(2018, 2, 14)),
    ("Africa/Cairo", date(2024, 4, 23)),
    ("Australia/Lord_Howe", date(2024, 10, 3)),
    ("Asia/Dhaka", date(2024, 1, 15)),
    ("Pacific/Apia", date(2011, 12, 27)),
]


def of(start: int, end: int, early: int = 60, late: int = 60) -> Slot:
    shift = Shift(parts=(Part(start * 60, end * 60),), allowed_early=early, allowed_late=late)
    return Slot(DEFAULTS, shift, scheduled=True)


def window(before: Slot, own: Slot, after: Slot, on: date = MONDAY, zone: str = ZONE) -> Frame:
    return frame_of(on, zone, own.settings, (before, own, after))


EARLY, LATE, NIGHT = of(6, 14), of(14, 22), of(22, 30)


@pytest.mark.parametrize(
    ("before", "own", "expected"),
    [
        pytest.param(NOTHING, NOTHING, "04:01", id="no shift at all: the boundary"),
        pytest.param(OFF, OFF, "04:01", id="a schedule that leaves both off"),
        pytest.param(EARLY, EARLY, "04:01", id="the boundary lies between the shifts"),
        pytest.param(NIGHT, NIGHT, "07:01", id="the night before is looked for until its allowed late"),
        pytest.param(of(22, 30, late=600), of(14, 22), "13:00", id="but not into what the next is allowed early"),
        pytest.param(EARLY, of(3, 11), "02:00", id="a shift before the boundary begins with its allowed early"),
        pytest.param(NIGHT, OFF, "07:01", id="into a date that is off"),
        pytest.param(OFF, of(3, 11), "02:00", id="out of a date that is off"),
        pytest.param(OFF, EARLY, "04:01", id="the boundary lies before the shift"),
        pytest.param(NIGHT, of(6, 14), "06:00", id="one shift follows the other without a break: their common edge"),
        pytest.param(NIGHT, of(7, 15), "06:30", id="where both would have it, the nearer edge"),
        pytest.param(of(22, 30), of(5, 13), "05:30", id="one shift begins before the other ends"),
    ],
)
def test_the_cut_between_two_dates(before: Slot, own: Slot, expected: str) -> None:
    one, other = window(OFF, before, own), window(before, own, OFF, MONDAY + timedelta(days=1))
    assert one.end == other.start == int(instant(f"+1 {expected}").timestamp())


def test_the_last_allowed_minute_still_belongs_to_the_shift() -> None:
    slots = {MONDAY: NIGHT}
    for text, on in [("+1 07:00:59", MONDAY), ("+1 07:01", MONDAY + timedelta(days=1)), ("21:00", MONDAY)]:
        assert date_at(instant(text), ZONE, lambda day: slots.get(day, OFF)) == on


def test_a_date_without_a_schedule_has_the_window_and_the_number_that_it_always_had() -> None:
    assert window(NOTHING, NOTHING, NOTHING) == frame_of(MONDAY, ZONE, DEFAULTS)
    assert window(NOTHING, NOTHING, NOTHING).number == frame_of(MONDAY, ZONE, DEFAULTS).number


def test_another_shift_another_number_and_an_equal_one_the_same_frame() -> None:
    graced = Slot(
        DEFAULTS, Shift(parts=(Part(360, 840),), grace_out=10, allowed_early=60, allowed_late=60), scheduled=True
    )
    frames = [window(OFF, one, OFF) for one in (OFF, EARLY, LATE, NIGHT, graced)]
    assert len({frame.number for frame in frames}) == len(frames)
    assert window(OFF, of(6, 14), OFF) is frames[1]
    assert {hash(frame) for frame in frames}


def test_the_boundary_of_the_later_date_cuts_where_two_settings_meet() -> None:
    sooner = Slot(settings_from({"day_boundary": "02:00"}))
    one, other = window(NOTHING, NOTHING, sooner), window(NOTHING, sooner, sooner, MONDAY + timedelta(days=1))
    assert one.end == other.start == int(instant("+1 02:01").timestamp())


def test_an_instant_without_a_zone_is_refused_and_nonsense_dates_have_a_date() -> None:
    with pytest.raises(ValueError, match="needs a zone"):
        date_at(datetime(2024, 1, 1), ZONE, lambda _: OFF)
    assert date_at(datetime(1, 1, 1, tzinfo=UTC), ZONE, lambda _: NIGHT).year == 1
    assert date_at(datetime(9999, 12, 31, 23, tzinfo=UTC), ZONE, lambda _: NIGHT).year == 9999


# Not only shifts that `shift_from` would let pass: windows hold whatever somebody has stored.
starts = st.integers(0, 1439)
shifts = st.builds(
    lambda start, length, early, late: Shift(
        parts=(Part(start, start + length),), allowed_early=early, allowed_late=late
    ),
    starts,
    st.integers(1, 1440),
    st.integers(0, 1440),
    st.integers(0, 1440),
)
slots = st.builds(
    lambda shift, scheduled, boundary: Slot(
        settings_from({"day_boundary": boundary}), shift, scheduled or shift is not None
    ),
    st.none() | shifts,
    st.booleans(),
    st.sampled_from(["00:00", "02:30", "04:00", "11:59"]),
)
cycles = st.lists(slots, min_size=1, max_size=6)


@settings(deadline=None, max_examples=300)
@given(cycles, st.sampled_from(STRETCHES))
def test_windows_of_consecutive_dates_partition_time_whatever_the_shifts(
    cycle: list[Slot], stretch: tuple[str, date]
) -> None:
    zone, first = stretch
    days = [first + timedelta(days=number) for number in range(10)]

    def slot_on(day: date) -> Slot:
        return cycle[(day - first).days % len(cycle)]

    frames = [
        frame_of(
            day, zone, slot_on(day).settings, (slot_on(day - timedelta(1)), slot_on(day), slot_on(day + timedelta(1)))
        )
        for day in days
    ]
    for one, other in pairwise(frames):
        assert one.end == other.start
    for frame in frames:
        assert frame.start <= frame.end
        if frame.start < frame.end:
            for at in (frame.start, (frame.start + frame.end) // 2, frame.end - 1):
                assert date_at(datetime.fromtimestamp(at, UTC), zone, slot_on) == frame.date


@settings(deadline=None, max_examples=200)
@given(
    st.lists(slots, min_size=3, max_size=3),
    st.sampled_from(sorted(available_timezones())),
    st.datetimes(datetime(1970, 1, 3), datetime(2037, 12, 1), timezones=st.just(UTC)),
)
def test_in_every_zone_an_instant_lies_in_the_window_of_its_date_and_of_no_other(
    cycle: list[Slot], zone: str, at: datetime
) -> None:
    def slot_on(day: date) -> Slot:
        return cycle[day.toordinal() % 3]

    on = date_at(at, zone, slot_on)
    for step in (-2, -1, 0, 1, 2):
        day = on + timedelta(days=step)
        around = (slot_on(day - timedelta(days=1)), slot_on(day), slot_on(day + timedelta(days=1)))
        frame = frame_of(day, zone, around[1].settings, around)
        assert (frame.start <= int(at.timestamp() // 1) < frame.end) is (step == 0)


@settings(deadline=None)
@given(st.datetimes(datetime(2011, 12, 1), datetime(2025, 1, 1), timezones=st.just(UTC)), st.sampled_from(STRETCHES))
def test_without_shifts_the_date_is_the_business_date(at: datetime, stretch: tuple[str, date]) -> None:
    zone, _ = stretch
    for slot in (OFF, NOTHING):
        if zone != "Pacific/Apia":
            assert date_at(at, zone, lambda _, slot=slot: slot) == business_date(at, zone, DEFAULTS.day_boundary)


@settings(deadline=None)
@given(shifts, st.sampled_from(STRETCHES), st.integers(0, 9))
def test_a_frame_has_the_minutes_that_the_shift_really_has(
    shift: Shift, stretch: tuple[str, date], number: int
) -> None:
    zone, first = stretch
    own = Slot(settings_from({"lunch_break_duration": 0}), shift, scheduled=True)
    frame = frame_of(first + timedelta(days=number), zone, own.settings, (OFF, own, OFF))
    [part] = frame.parts
    assert 0 <= frame.terms.expected == part.end - part.start <= shift.end - shift.start + 24 * 60


@settings(deadline=None)
@given(st.tuples(slots, slots, slots), st.sampled_from(STRETCHES), st.integers(0, 9))
def test_what_is_expected_of_a_date_is_what_its_frame_has_whatever_lies_around_it(
    around: tuple[Slot, Slot, Slot], stretch: tuple[str, date], number: int
) -> None:
    zone, first = stretch
    day, own = first + timedelta(days=number), around[1]
    assert expected_on(day, zone, own) == frame_of(day, zone, own.settings, around).terms.expected
