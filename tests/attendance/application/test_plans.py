"""Every scan belongs to one date of its person, whatever shifts, schedules and settings there are around it."""

from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.attendance.application.directory import Directory
from services.attendance.application.holders import Assignment, Claim, Holder, Layer, Owned, PersonDay, Site, Span
from services.attendance.application.plans import Planning, Plans, laid_over
from services.attendance.domain.schedule import Schedule, schedule_from, schedule_values
from services.attendance.domain.settings import DEFAULTS, DaySettings, settings_from
from services.attendance.domain.shift_values import shift_from
from shared.kernel.errors import Invalid

FIRST = date(2026, 3, 23)
"""A Monday. The clocks of Berlin change on the Sunday of that week."""
ALWAYS = Span()
LATER = Span(FIRST + timedelta(days=3))


def shift(start: str, end: str, **more: object) -> object:
    return shift_from({"parts": [{"start": start, "end": end}], **more})


SHIFTS = {
    1: ((ALWAYS, shift("08:00", "16:00")),),
    2: ((ALWAYS, shift("22:00", "06:00")),),
    3: ((Span(None, LATER.since), shift("14:00", "22:00")), (LATER, shift("15:00", "23:30", allowed_late_minutes=600))),
    4: ((LATER, shift("00:30", "09:00")),),
}
ids = st.none() | st.sampled_from(sorted(SHIFTS))
cycles = st.lists(ids, min_size=1, max_size=8).filter(any).map(lambda cycle: Schedule(cycle=tuple(cycle), anchor=FIRST))
schedules = cycles | st.sampled_from(sorted(SHIFTS)).map(lambda one: Schedule(cycle=(one,)))
layers = st.sampled_from(
    [{"day_boundary": "06:00"}, {"day_boundary": "00:00"}, {"weekend_days": [0]}, {"lunch_start": "12:00"}]
)
rosters = st.dictionaries(st.integers(-2, 9).map(lambda n: FIRST + timedelta(days=n)), ids, max_size=5)
spans = st.sampled_from([ALWAYS, LATER, Span(None, LATER.since)])


@st.composite
def owned(draw: st.DrawFn, *, person: bool) -> Owned:
    return Owned(
        schedules=((draw(spans), draw(st.integers(1, 2))),) if draw(st.booleans()) else (),
        settings=((draw(spans), Layer(draw(st.integers(1, 10**9)), draw(layers))),) if draw(st.booleans()) else (),
        roster=draw(rosters) if person else {},
    )


def directory(zone: str, plans: Plans, own: Owned | None, moves: bool, site: DaySettings | None = None) -> Directory:
    def place(span: Span, unit: int) -> Assignment:
        return Assignment(
            span=span, site_id=1, department=None, unit_path=[unit, 9], designation=None, level_of_work="Worker"
        )

    places = (place(Span(None, LATER.since), 7), place(LATER, 8)) if moves else (place(ALWAYS, 7),)
    holder = Holder(person_id=1, code="E1", name="", assignments=places, badges=((Claim("1"), ALWAYS),), owned=own)
    found = Directory(1, {1: Site(site_id=1, zone=zone, settings=((LATER, site),) if site else ())}, plans=plans)
    found.add([holder], ["1"])
    return found


@given(
    st.sampled_from(["Asia/Dhaka", "Europe/Berlin", "America/New_York", "Pacific/Apia"]),
    st.tuples(schedules, schedules),
    owned(person=True) | st.none(),
    st.dictionaries(st.sampled_from([7, 8, 9]), owned(person=False), max_size=3),
    owned(person=False) | st.none(),
    st.booleans(),
    st.sampled_from([None, DaySettings(day_boundary=time(6))]),
)
@settings(max_examples=150, deadline=None)
def test_windows_follow_each_other_without_gap_or_overlap(zone, two, own, units, site, moves, site_settings):
    plans = Plans(
        shifts=SHIFTS,
        schedules=dict(enumerate([((ALWAYS, one),) for one in two], 1)),
        units=units,
        sites={} if site is None else {1: site},
        of_people=own is not None,
    )
    found = directory(zone, plans, own, moves, site_settings)
    start = int(datetime(2026, 3, 22, tzinfo=UTC).timestamp())
    seen = []
    for at in range(start, start + 9 * 86_400, 1_800):
        key = found.key_of("1", 1, at)
        assert key is not None
        frame, _ = found.placed(key)
        assert frame.start <= at < frame.end
        assert frame.date == key.date
        seen.append(key.date)
    assert seen == sorted(seen)


def test_people_of_whom_nothing_is_said_share_the_frame_of_their_site():
    plans = Plans(
        units={5: Owned(schedules=((ALWAYS, 1),))}, schedules={1: ((ALWAYS, Schedule(cycle=(1,))),)}, shifts=SHIFTS
    )
    found = directory("Asia/Dhaka", plans, None, moves=False)
    key = found.key_of("1", 1, int(datetime(2026, 3, 24, 3, tzinfo=UTC).timestamp()))
    frame, _ = found.placed(key)
    assert not frame.scheduled
    plain = directory("Asia/Dhaka", Plans(), None, moves=False)
    assert plain.placed(key)[0] is frame


def test_settings_that_no_longer_go_together_leave_out_what_does_not_fit():
    """Somebody moved to a unit whose people come later: the days go on being computed."""
    later = settings_from({"safe_entry_time": "10:00", "late_entry_time": "10:05"})
    found = laid_over(later, {"late_entry_time": "09:00", "lunch_start": "12:00"})
    assert (found.late_entry, found.lunch_start) == (time(10, 5), time(12))


@pytest.mark.parametrize(
    "values",
    [{"shift": 3}, {"cycle": [1, None, 2], "anchor": "2026-03-23"}],
    ids=["one shift", "a cycle"],
)
def test_a_schedule_reads_back_as_it_was_written(values):
    assert schedule_values(schedule_from(values)) == values


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({}, "shift"),
        ({"shift": True}, "shift"),
        ({"shift": 1, "cycle": [1], "anchor": "2026-01-01"}, "shift"),
        ({"shift": 1, "anchor": "2026-01-01"}, "anchor"),
        ({"cycle": [1]}, "anchor"),
        ({"cycle": [], "anchor": "2026-01-01"}, "cycle"),
        ({"cycle": [None, None], "anchor": "2026-01-01"}, "cycle"),
        ({"cycle": "1", "anchor": "2026-01-01"}, "cycle"),
        ({"cycle": [1] * 367, "anchor": "2026-01-01"}, "cycle"),
        ({"cycle": [1], "anchor": "1800-01-01"}, "anchor"),
        ({"shift": 1, "color": "red"}, "color"),
    ],
)
def test_what_makes_no_schedule_is_named(values, field):
    with pytest.raises(Invalid) as raised:
        schedule_from(values)
    assert field in raised.value.fields


def test_a_cycle_holds_before_its_anchor_too_and_one_shift_leaves_the_weekend_off():
    cycle = Schedule(cycle=(1, 2, None), anchor=FIRST)
    assert [cycle.shift_on(FIRST + timedelta(days=n), DEFAULTS) for n in range(-3, 3)] == [1, 2, None] * 2
    fixed = Schedule(cycle=(1,))
    assert [fixed.shift_on(FIRST + timedelta(days=n), DEFAULTS) for n in range(6)] == [1, 1, 1, 1, None, 1]


def test_a_date_on_which_the_shift_did_not_exist_yet_is_no_date_off():
    own = Owned(schedules=((ALWAYS, 1),))
    schedules = {1: ((ALWAYS, Schedule(cycle=(4,))),)}
    found = directory("Asia/Dhaka", Plans(shifts=SHIFTS, schedules=schedules, of_people=True), own, moves=False)
    frames = [found.placed(PersonDay(FIRST + timedelta(days=n), 1)) for n in (0, 3)]
    assert [(frame.scheduled, frame.terms.rest, frame.terms.expected) for frame, _ in frames] == [
        (False, False, 480),
        (True, False, 510),
    ]


def test_the_settings_that_hold_say_since_when():
    layer = ((LATER, Layer(1, {"lunch_start": "12:00"})),)
    found = directory("Asia/Dhaka", Plans(of_people=True), Owned(settings=layer), moves=False)
    planning, holder = Planning(Plans(of_people=True), found.sites), found.people[1]
    place = holder.assignments[0]
    assert planning.settings_since(holder, FIRST, place) is None
    assert planning.settings_since(holder, FIRST + timedelta(days=5), place) == LATER.since
