"""What holds over time changes within a span, and nowhere else."""

from datetime import date, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from services.attendance.application.holders import Span, on_date
from services.attendance.application.timeline import changed

FIRST = date(2024, 1, 1)
dates = st.integers(0, 12).map(lambda n: FIRST + timedelta(days=n))
spans = (
    st.tuples(st.none() | dates, st.none() | dates)
    .filter(lambda pair: pair[0] is None or pair[1] is None or pair[0] < pair[1])
    .map(lambda pair: Span(*pair))
)
changes = st.lists(st.tuples(spans, st.none() | st.integers(0, 2)), max_size=8)
EVERY = [FIRST + timedelta(days=n) for n in range(-2, 16)]


@given(changes)
def test_each_date_has_what_was_said_of_it_last(said):
    timeline = []
    plain = dict.fromkeys(EVERY)
    for span, value in said:
        timeline = changed(timeline, span, lambda _, value=value: value)
        plain |= {day: value for day in EVERY if span.covers(day)}
    assert {day: on_date(timeline, day) for day in EVERY} == plain
    # In order, without overlap, and not in more pieces than needed.
    for (one, value), (other, following) in pairwise(timeline):
        assert one.until is not None
        assert other.since is not None
        assert one.until <= other.since
        assert one.until < other.since or value != following


def test_what_holds_already_is_given_to_the_change():
    timeline = changed([(Span(None, FIRST), {"a": 1})], Span(), lambda own: {**(own or {}), "b": 2})
    assert timeline == [(Span(None, FIRST), {"a": 1, "b": 2}), (Span(FIRST, None), {"b": 2})]
