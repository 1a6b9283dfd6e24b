"""What a day would come out as beside what it is, and what many come to: totals are the sum of their changes."""

from datetime import UTC, date, datetime
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from services.attendance.application.computing import DayRow
from services.attendance.application.difference import ELIGIBLE, MINUTES, SHOWN, Totals, change_of, totals_from

MINUTE = st.integers(0, 1440)
STATUS = st.sampled_from(["Present-OnTime", "Present-Late", "Absent"])
ROW = st.builds(
    DayRow,
    date=st.just(date(2024, 1, 9)),
    person_id=st.just(7),
    status=STATUS,
    first_in=st.sampled_from([None, datetime(2024, 1, 9, 2, tzinfo=UTC), datetime(2024, 1, 9, 3, tzinfo=UTC)]),
    last_out=st.none(),
    worked=MINUTE,
    overtime=MINUTE,
    extra_overtime=MINUTE,
    late=MINUTE,
    early_departure=MINUTE,
    shortfall=MINUTE,
    snacks=st.booleans(),
    night_bill=st.booleans(),
    flags=st.sampled_from(["", "long_span"]),
    used=st.integers(0, 4),
    merged=st.integers(0, 1),
    check_ins=st.integers(0, 2),
    check_outs=st.integers(0, 2),
    marks=st.sampled_from(["", "08:00 IN", "08:00 OUT"]),
    zone=st.sampled_from(["Asia/Dhaka", "Europe/Berlin"]),
    digest=st.binary(min_size=2, max_size=2),
    raw_worked=MINUTE,
    expected=MINUTE,
    overtime_unapproved=st.booleans(),
    shift=st.sampled_from([None, "Day (08:00–17:00)"]),
)
PAIRS = st.lists(st.tuples(st.none() | ROW, ROW), max_size=12)


def counted(pairs: Any) -> tuple[Totals, list[Any]]:
    totals, changes = Totals(), []
    for stored, now in pairs:
        change = change_of(stored, now)
        totals.count(stored, now, change)
        if change is not None:
            changes.append(change)
    return totals, changes


@given(PAIRS)
def test_totals_are_the_sum_of_their_changes(pairs: Any):
    totals, changes = counted(pairs)
    shown = totals.shown()
    assert (shown["days_looked_at"], shown["days_changed"]) == (len(pairs), len(changes))
    assert shown["days_new"] == sum(change.before is None for change in changes)
    for name, pair in {**shown["minutes"], **shown["eligible_days"]}.items():
        summed = sum(change.after.get(name, 0) - (change.before or {}).get(name, 0) for change in changes)
        assert pair["after"] - pair["before"] == pair["difference"] == summed, name
    moved = sum(each["days"] for each in shown["statuses"])
    assert moved == sum("status" in change.after for change in changes)


@given(PAIRS, PAIRS)
def test_totals_of_parts_add_up_and_are_read_again_as_they_were_kept(first: Any, second: Any):
    whole, _ = counted([*first, *second])
    part = totals_from(counted(first)[0].shown())
    part.add(counted(second)[0])
    assert part.shown() == whole.shown()
    assert totals_from(whole.shown()).shown() == whole.shown()


@given(ROW, ROW)
def test_a_change_holds_what_differs_and_nothing_else(stored: DayRow, now: DayRow):
    change = change_of(stored, now)
    differs = {name for name in SHOWN if getattr(stored, name) != getattr(now, name)}
    assert (change is None) == (not differs)
    if change is not None:
        assert change.before is not None
        assert change.before.keys() == change.after.keys() == differs
        assert change.why
    assert change_of(stored, stored) is None
    assert {*MINUTES, *ELIGIBLE} <= set(SHOWN)
