"""What holds for every day, whatever the scans."""

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.attendance.domain.boundary import business_date
from services.attendance.domain.day import Day, Flag, work_day
from services.attendance.domain.frame import Frame
from services.attendance.domain.scans import MachineRole, Quality, Scan, ScanType
from services.attendance.domain.settings import DEFAULTS, DaySettings, OvertimeBy, Resolver, Rounding
from services.attendance.domain.shift import DeductedBreak, FixedBreak, Part, PunchedBreak, Shift
from services.attendance.domain.terms import Leave, LeavePart, Level
from services.attendance.domain.week import Hours, overtime_by_week, week_of
from services.attendance.domain.window import Slot, date_at, frame_of

# Ordinary dates and those on which clocks change, in zones that change by an hour, by half an hour and never.
FRAMES = [
    frame_of(on, zone, DEFAULTS)
    for zone, dates in {
        "Europe/Berlin": [date(2024, 3, 30), date(2024, 10, 26), date(2024, 7, 1)],
        "America/New_York": [date(2024, 3, 9), date(2024, 11, 2), date(2024, 7, 5)],
        "Asia/Kolkata": [date(2015, 5, 5), date(2024, 3, 30)],
        "Australia/Lord_Howe": [date(2024, 4, 6), date(2024, 10, 5)],
        "Africa/Casablanca": [date(2024, 3, 9), date(2024, 4, 13)],
    }.items()
    for on in dates
]

frames = st.sampled_from(FRAMES)
rules = st.builds(
    DaySettings,
    resolver=st.sampled_from(Resolver),
    merge_seconds=st.sampled_from([0, 60, 600]),
    lunch_minutes=st.sampled_from([0, 30, 60]),
    lunch_start=st.sampled_from([time(13), time(16, 45), time(18, 30), time(23, 45)]),
    overtime_start=st.sampled_from([time(12), time(17)]),
    extra_overtime_start=st.sampled_from([time(17), time(19), time(1)]),
    rest_day_overtime=st.booleans(),
    auto_overtime=st.booleans(),
    time_away_counts=st.booleans(),
)
roundings = st.sampled_from(Rounding)
grids = st.sampled_from([5, 15, 60])
amounts = st.integers(0, 720)
refined_rules = st.builds(
    DaySettings,
    resolver=st.sampled_from(Resolver),
    lunch_minutes=st.sampled_from([0, 60]),
    rest_day_overtime=st.booleans(),
    time_away_counts=st.booleans(),
    arrival_rounding=roundings,
    arrival_grid=grids,
    departure_rounding=roundings,
    departure_grid=grids,
    total_rounding=roundings,
    total_grid=grids,
    early_arrival_counts=st.booleans(),
    half_day_below=amounts,
    absent_below=amounts,
    shortfall_counts=st.booleans(),
    shortfall_tolerance=st.integers(0, 60),
    overtime_by=st.sampled_from(OvertimeBy),
    overtime_after=st.none() | amounts,
    extra_overtime_after=st.none() | amounts,
    overtime_tolerance=st.integers(0, 60),
    overtime_block=st.sampled_from([1, 30]),
    overtime_cap=st.none() | amounts,
    overtime_needs_approval=st.booleans(),
)


@st.composite
def some_shifts(draw: st.DrawFn) -> Shift:
    edges = sorted(draw(st.lists(st.integers(0, 2000), min_size=2, max_size=6, unique=True)))
    edges = [one for one in edges[: len(edges) // 2 * 2] if one < edges[0] + 1440]
    edges = edges[: len(edges) // 2 * 2] or [480, 1020]
    start = edges[0] % 1440
    parts = tuple(
        Part(start + one - edges[0], start + other - edges[0])
        for one, other in zip(edges[::2], edges[1::2], strict=True)
    )
    inside = st.integers(start, start + 900)
    fixed = st.builds(
        lambda begins, length, paid: FixedBreak(start=begins, end=begins + length, paid=paid),
        inside,
        st.integers(1, 120),
        st.booleans(),
    )
    punched = st.builds(
        PunchedBreak,
        at_least=st.integers(0, 60),
        at_most=st.none() | st.integers(60, 120),
        after=amounts,
        paid=st.booleans(),
    )
    deducted = st.builds(DeductedBreak, minutes=st.integers(0, 120), after=amounts)
    return Shift(
        parts=parts,
        flexible=draw(st.booleans()),
        breaks=draw(st.none() | st.lists(fixed | punched | deducted, max_size=3).map(tuple)),
        allowed_early=draw(st.integers(0, 600)),
        allowed_late=draw(st.integers(0, 600)),
        overtime_after=draw(st.integers(0, 60)),
    )


def _with_slots(frame: Frame, rule: DaySettings, shifts: tuple[Shift | None, Shift | None, Shift | None]) -> Frame:
    before, own, after = (Slot(rule, shift, scheduled=True) for shift in shifts)
    return frame_of(frame.date, frame.zone, rule, (before, own, after))


without_shifts = st.builds(lambda frame, rule: frame_of(frame.date, frame.zone, rule), frames, rules | refined_rules)
maybe_shifts = st.none() | some_shifts()
with_shifts = st.builds(_with_slots, frames, rules | refined_rules, st.tuples(maybe_shifts, maybe_shifts, maybe_shifts))
any_frames = without_shifts | with_shifts.filter(lambda frame: frame.start < frame.end)
facts = st.fixed_dictionaries(
    {
        "level": st.sampled_from(Level),
        "leave": st.none() | st.builds(Leave, type=st.just("casual"), part=st.sampled_from(LeavePart)),
        "holiday": st.none() | st.just("Victory Day"),
    }
)


def scans_in(frame: Frame, *, believed: bool = False, most: int = 8) -> st.SearchStrategy[list[Scan]]:
    qualities = st.just(Quality.OK) if believed else st.sampled_from(Quality)
    # Near one another as often as not, so that there is something to merge.
    anywhere = st.integers(frame.start, frame.end - 1)
    near = min(max(frame.start, frame.begins * 60), frame.end - 1)
    close = st.integers(near, min(near + 200, frame.end - 1))
    one = st.builds(
        Scan,
        at=anywhere | close,
        id=st.uuids(),
        type=st.sampled_from(ScanType),
        quality=qualities,
        role=st.sampled_from(MachineRole),
    )
    return st.lists(one, max_size=most, unique_by=lambda scan: scan.id)


@settings(deadline=None)
@given(st.data(), any_frames, facts)
def test_neither_order_nor_repetition_of_scans_matters(
    data: st.DataObject, frame: Frame, fact: dict[str, object]
) -> None:
    scans = data.draw(scans_in(frame))
    again = data.draw(st.lists(st.sampled_from(scans), max_size=8)) if scans else []
    shuffled = data.draw(st.permutations(scans + again))
    assert work_day(shuffled, frame, **fact) == work_day(scans, frame, **fact)  # type: ignore[arg-type]


@settings(deadline=None)
@given(st.data(), any_frames, facts)
def test_figures_are_never_negative_nor_above_the_window_and_every_scan_is_accounted_for(
    data: st.DataObject, frame: Frame, fact: dict[str, object]
) -> None:
    scans = data.draw(scans_in(frame))
    day = work_day(scans, frame, **fact)  # type: ignore[arg-type]
    window = (frame.end - frame.start) // 60
    for figure in (day.working, day.raw_working, day.overtime, day.extra_overtime, day.early_departure, day.late):
        assert 0 <= figure <= window
    assert day.overtime + day.extra_overtime <= day.working
    assert 0 <= day.shortfall <= day.expected or not frame.settings.shortfall_counts
    assert day.shortfall >= 0
    assert day.expected <= max(frame.norm, day.working)
    if day.first_arrival is not None and day.last_departure is not None and day.first_arrival <= day.last_departure:
        assert day.raw_working <= day.last_departure - day.first_arrival
    assert sorted(day.used + day.merged + day.quarantined) == sorted(scan.id for scan in scans)
    assert day.check_in_count + day.check_out_count == len(day.used) == len(day.marks)
    assert day.present == bool(day.marks)


@settings(deadline=None)
@given(st.data(), any_frames, facts)
def test_a_day_without_a_departure_or_without_an_arrival_has_no_hours(
    data: st.DataObject, frame: Frame, fact: dict[str, object]
) -> None:
    day = work_day(data.draw(scans_in(frame, most=2)), frame, **fact)  # type: ignore[arg-type]
    if day.first_arrival is None or day.last_departure is None:
        assert day.working == day.overtime == day.extra_overtime == 0
    if len(day.used) == 1:
        assert day.working == 0
        assert {Flag.MISSING_CHECK_OUT, Flag.MISSING_CHECK_IN} & set(day.flags)


def minutes_by_the_wall_clock(day: Day, frame: Frame) -> tuple[int, int, int]:
    """Working, overtime and extra overtime, counted minute by minute on the wall clock: slow, and hard to get wrong."""
    working = overtime = extra = 0
    for minute in range(day.first_arrival or 0, day.last_departure or 0):
        wall = datetime.fromtimestamp(minute * 60, ZoneInfo(frame.zone))
        if wall.hour == 13 and wall.date() == frame.date:
            continue
        working += 1
        evening = wall.date() > frame.date or wall.hour >= 19
        extra += evening
        overtime += not evening and wall.hour >= 17
    return working, overtime, extra


@settings(max_examples=60, deadline=None)
@given(st.data(), frames)
def test_hours_are_the_real_time_that_went_by_without_lunch(data: st.DataObject, frame: Frame) -> None:
    ends = data.draw(st.lists(st.integers(frame.start, frame.end - 1), min_size=2, max_size=2).map(sorted))
    day = work_day([Scan(at, UUID(int=number)) for number, at in enumerate(ends)], frame)
    if day.last_departure is not None:
        assert (day.working, day.overtime, day.extra_overtime) == minutes_by_the_wall_clock(day, frame)
        assert day.last_departure - day.first_arrival == ends[1] // 60 - ends[0] // 60  # type: ignore[operator]


@settings(max_examples=60, deadline=None)
@given(st.data(), frames)
def test_hours_of_several_stretches_add_up(data: st.DataObject, frame: Frame) -> None:
    frame = frame_of(frame.date, frame.zone, DaySettings(resolver=Resolver.ALTERNATE, merge_seconds=0))
    minutes = st.integers(frame.start // 60 + 1, frame.end // 60 - 1)
    moments = data.draw(st.lists(minutes, min_size=2, max_size=8, unique=True).map(sorted))
    moments = moments[: len(moments) // 2 * 2]
    whole = work_day([Scan(at * 60, UUID(int=at)) for at in moments], frame)
    parts = [
        work_day([Scan(at * 60, UUID(int=at)) for at in moments[start : start + 2]], frame)
        for start in range(0, len(moments), 2)
    ]
    assert whole.working == sum(part.working for part in parts)
    assert whole.overtime == sum(part.overtime for part in parts)
    assert whole.extra_overtime == sum(part.extra_overtime for part in parts)


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe"])
def test_the_hours_of_a_year_of_nights_are_the_time_that_went_by(zone: str) -> None:
    # Every night from 22:00 to 03:30, the nights in which clocks change included.
    settings_ = DaySettings(lunch_minutes=0)
    total = elapsed = timedelta()
    for number in range(366):
        on = date(2024, 1, 1) + timedelta(days=number)
        came = datetime.combine(on, time(22), tzinfo=ZoneInfo(zone))
        went = datetime.combine(on + timedelta(days=1), time(3, 30), tzinfo=ZoneInfo(zone))
        for at in (came, went):
            assert business_date(at, zone, time(4)) == on
        scans = [Scan(int(came.timestamp()), UUID(int=1)), Scan(int(went.timestamp()), UUID(int=2))]
        total += timedelta(minutes=work_day(scans, frame_of(on, zone, settings_)).working)
        elapsed += went.astimezone(UTC) - came.astimezone(UTC)
    assert total == elapsed


@settings(deadline=None, max_examples=100)
@given(st.data(), some_shifts())
def test_hours_of_a_shift_are_the_minutes_of_presence_that_lie_in_no_gap_and_no_unpaid_break(
    data: st.DataObject, shift: Shift
) -> None:
    breaks = tuple(one for one in shift.breaks or () if isinstance(one, FixedBreak))
    own = Slot(DEFAULTS, replace(shift, breaks=breaks, flexible=False), scheduled=True)
    frame = frame_of(date(2024, 1, 15), "Asia/Dhaka", DEFAULTS, (Slot(DEFAULTS), own, Slot(DEFAULTS)))
    midnight = int(datetime(2024, 1, 15, tzinfo=ZoneInfo("Asia/Dhaka")).timestamp()) // 60
    ends = st.lists(st.integers(frame.start // 60, frame.end // 60 - 1), min_size=2, max_size=2, unique=True)
    came, went = sorted(data.draw(ends))
    day = work_day([Scan(came * 60, UUID(int=1)), Scan(went * 60, UUID(int=2))], frame)
    if day.last_departure is None:  # within a minute of each other
        return
    off = {minute for gap in shift.gaps for minute in range(*gap)}
    off |= {minute for one in breaks if not one.paid for minute in range(one.start, one.end)}
    counted = [minute for minute in range(came - midnight, went - midnight) if minute not in off]
    assert day.working == len(counted)
    late = [minute for minute in counted if minute >= shift.end + shift.overtime_after]
    assert day.overtime + day.extra_overtime == len(late)


@settings(deadline=None, max_examples=60)
@given(st.data(), st.sampled_from(["Europe/Berlin", "America/New_York", "Asia/Dhaka"]), st.integers(0, 20))
def test_sums_over_any_split_of_a_period_agree(data: st.DataObject, zone: str, split: int) -> None:
    first = date(2024, 3, 4)
    cycle = data.draw(st.lists(maybe_shifts, min_size=1, max_size=4))
    rule = data.draw(refined_rules)
    noon = int(datetime.combine(first, time(12), tzinfo=ZoneInfo(zone)).timestamp())
    offsets = data.draw(st.lists(st.integers(0, 20 * 86_400), max_size=40, unique=True))
    scans = [Scan(noon + offset, UUID(int=offset)) for offset in offsets]

    def slot_on(on: date) -> Slot:
        return Slot(rule, cycle[on.toordinal() % len(cycle)], scheduled=True)

    def days(dates: list[date], some: list[Scan]) -> list[Day]:
        """Each period knows only its own scans, as if it were read from storage by itself."""
        under: dict[date, list[Scan]] = {on: [] for on in dates}
        for scan in some:
            on = date_at(scan.instant, zone, slot_on)
            if on in under:
                under[on].append(scan)
        one = timedelta(days=1)
        return [
            work_day(its, frame_of(on, zone, rule, (slot_on(on - one), slot_on(on), slot_on(on + one))))
            for on, its in under.items()
        ]

    dates = [first + timedelta(days=number) for number in range(-1, 24)]
    whole = days(dates, scans)
    parts = days(dates[:split], scans) + days(dates[split:], scans[::-1])
    assert whole == parts
    assert sum(len(one.used) + len(one.merged) for one in whole) == len(scans)


@settings(deadline=None, max_examples=60)
@given(st.data(), st.integers(0, 6))
def test_overtime_of_weeks_is_what_their_hours_have_above_it(data: st.DataObject, starts: int) -> None:
    rule = DaySettings(overtime_by=OvertimeBy.WEEK, overtime_week=40 * 60, week_starts_on=starts, lunch_minutes=0)
    lengths = data.draw(st.lists(st.integers(0, 16 * 60), min_size=21, max_size=21))
    weeks: dict[date, list[Hours]] = {}
    for number, length in enumerate(lengths):
        frame = frame_of(date(2024, 1, 1) + timedelta(days=number), "Asia/Dhaka", rule)
        came = frame.terms.safe_entry * 60
        day = work_day([Scan(came, UUID(int=1)), Scan(came + length * 60, UUID(int=2))], frame)
        weeks.setdefault(week_of(day.date, rule), []).append(Hours(day.date, day.working, 0))
    whole = overtime_by_week([day for days in weeks.values() for day in days], lambda _: rule)
    for days in weeks.values():
        by_week = overtime_by_week(days, lambda _: rule)
        assert sum(by_week.values()) == max(0, sum(day.working for day in days) - 40 * 60)
        assert all(0 <= by_week[day.date] <= day.working for day in days)
        assert by_week.items() <= whole.items()
