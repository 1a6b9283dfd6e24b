"""What measured offsets of a clock say together."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.ingest.domain.clock_line import Kind, Measurement, Thinned, jumps_of, lines_of, minute_wrong_at

START = datetime(2026, 3, 1, 6, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def at(hours: float, seconds: float, kind: Kind = Kind.MEASURED, by: str = "") -> Measurement:
    return Measurement(at=START + hours * HOUR, offset=timedelta(seconds=seconds), kind=kind, by=by)


def drifting(by: float, *, hours: int, start: float = 0.0, since: float = 0.0) -> list[Measurement]:
    """Measured each hour, `by` so many seconds a day."""
    return [at(since + hour, start + by * hour / 24) for hour in range(hours)]


HOURS = st.lists(st.integers(0, 24 * 40), min_size=3, max_size=150, unique=True)
NOISE = 1.0
"""Seconds by which a measurement is wrong at most: clocks show whole ones."""


class TestLines:
    @given(hours=HOURS, drift=st.floats(-8, 8), noise=st.data())
    @settings(max_examples=150, deadline=None)
    def test_the_drift_is_found_in_noise(self, hours: list[int], drift: float, noise: st.DataObject) -> None:
        span = (max(hours) - min(hours)) / 24
        points = [at(hour, drift * hour / 24 + noise.draw(st.floats(-NOISE, NOISE))) for hour in hours]
        (line,) = lines_of(points)
        if span < 1:
            assert line.drift is None
        else:
            assert line.drift == pytest.approx(drift, abs=2 * NOISE / (span / 2) + 1e-4)
            latest = max(points, key=lambda point: point.at)
            true = drift * (latest.at - START) / DAY
            assert abs(line.offset_at(latest.at + HOUR).total_seconds() - true) < 8 * NOISE

    @given(
        hours=HOURS,
        jumps=st.lists(st.sampled_from([0, 0, 0, 3_600, -40, 86_400 * 9_000]), max_size=150),
        data=st.data(),
    )
    @settings(max_examples=100, deadline=None)
    def test_their_order_and_repetition_change_nothing(
        self, hours: list[int], jumps: list[int], data: st.DataObject
    ) -> None:
        points = [at(hour, 0.01 * hour + sum(jumps[:place])) for place, hour in enumerate(sorted(hours))]
        again = data.draw(st.permutations(points + points[::3]))
        once, twice = lines_of(points), lines_of(again)
        assert once == twice
        assert [line.drift for line in once] == [line.drift for line in twice]
        assert sum(len(line.points) for line in once) == len(points)

    def test_nothing_measured_is_no_line(self) -> None:
        assert lines_of([]) == []

    @pytest.mark.parametrize(
        ("points", "drift"),
        [
            ([at(0, 3)], None),
            ([at(0, 3), at(23, 5)], None),
            ([at(0, 3), at(48, 5)], None),
            ([at(0, 3), at(12, 4), at(23.9, 5)], None),
            ([at(0, 3), at(12, 4), at(24, 5)], 2.0),
            (drifting(-4.5, hours=100), -4.5),
            ([*drifting(2.0, hours=100), at(50.5, 13)], 2.0),
            ([at(0, 0), *(at(24 + second / 3600, 1.5 + second / 20) for second in range(20))], 2.0),
        ],
        ids=[
            "one",
            "two",
            "two far apart",
            "less than a day",
            "a day",
            "a loss",
            "one wrong measurement",
            "many at once",
        ],
    )
    def test_a_drift_shows_after_a_day(self, points: list[Measurement], drift: float | None) -> None:
        line = lines_of(points)[-1]
        assert line.drift == (None if drift is None else pytest.approx(drift, abs=0.05))


class TestJumps:
    @pytest.mark.parametrize(
        ("before", "after", "jumps"),
        [
            (at(10, 2), at(11, 12), False),
            (at(10, 2), at(11, 13.5), True),
            (at(10, 2), at(11, -12), True),
            (at(10, 2), at(11, 3_602), True),
            (at(10, 2), at(10 + 24 * 7, 142), False),
            (at(10, 2), at(10 + 24 * 7, 162), True),
            (at(10, 2, Kind.SET), at(10.001, 1.5), True),
        ],
        ids=["noise", "11.5 s ahead", "14 s back", "an hour", "drift in a week", "more than that", "set by us"],
    )
    def test_what_no_clock_does_by_itself_begins_a_new_line(
        self, before: Measurement, after: Measurement, jumps: bool
    ) -> None:
        assert len(lines_of([at(9, 2), before, after])) == (2 if jumps else 1)

    def test_a_clock_that_began_again_and_was_set_has_three_lines(self) -> None:
        lost, right = -26 * 365 * 86_400.0, 1.0
        points = [*drifting(2, hours=48), *drifting(2, hours=5, start=lost, since=50), at(55, lost, Kind.SET, "anna")]
        lines = lines_of([*points, *drifting(2, hours=30, start=right, since=55.01)])
        began, was_set = jumps_of(lines)
        assert (began.after, began.before, began.set_by) == (START + 47 * HOUR, START + 50 * HOUR, None)
        assert (was_set.after, was_set.by, was_set.set_by) == (
            START + 55 * HOUR,
            timedelta(seconds=right - lost),
            "anna",
        )
        assert lines[-1].drift == pytest.approx(2)

    def test_drift_is_that_of_the_present_line_alone(self) -> None:
        points = [*drifting(8, hours=100), *drifting(-3, hours=100, start=-600, since=100)]
        assert [line.drift for line in lines_of(points)] == [pytest.approx(8), pytest.approx(-3)]


class TestOffsets:
    def test_between_two_measurements_those_say_it_and_afterwards_the_drift(self) -> None:
        (line,) = lines_of([at(0, 0), at(12, 6), at(24, 4), at(48, 8)])
        assert line.offset_at(START + 6 * HOUR) == timedelta(seconds=3)
        assert line.offset_at(START + 12 * HOUR) == timedelta(seconds=6)
        drift = line.drift or 0
        assert line.offset_at(START + 72 * HOUR) - line.offset_at(START + 60 * HOUR) == timedelta(seconds=drift / 2)

    def test_without_a_drift_the_nearest_measurement_says_it(self) -> None:
        (line,) = lines_of([at(0, 3), at(2, 5)])
        assert [line.offset_at(START + hours * HOUR).seconds for hours in (-9, 9)] == [3, 5]

    @pytest.mark.parametrize(
        ("drift", "start", "days"),
        [(2.0, 0.0, 30), (-2.0, 0.0, 30), (2.0, 40.0, 10), (10.0, -58.0, 11.8), (0.0, 3.0, None), (5.0, 61.0, None)],
    )
    def test_when_it_will_be_a_minute_wrong(self, drift: float, start: float, days: float | None) -> None:
        (line,) = lines_of(drifting(drift, hours=25, start=start))
        found = minute_wrong_at(line, START)
        assert (found - START) / DAY == pytest.approx(days, abs=0.01) if days and found else found is days


class TestThinning:
    def test_one_an_hour_is_kept_of_a_clock_that_goes_on(self) -> None:
        thinned = Thinned()
        kept = [one for look in range(4 * 60 * 24) for one in thinned.note(at(look / 240, 0.1 * look / 240))]
        assert len(kept) == 24

    def test_both_sides_of_a_jump_are_kept(self) -> None:
        thinned = Thinned()
        kept = [
            one
            for minute, seconds in enumerate([1, 1, 2, 3_602, 3_602, 2])
            for one in thinned.note(at(minute / 60, seconds))
        ]
        assert [one.offset.total_seconds() for one in kept] == [1, 2, 3_602, 3_602, 2]

    def test_a_clock_that_was_set_is_kept_and_what_it_shows_then(self) -> None:
        thinned = Thinned()
        told = [at(0, 9), at(0.1, 9), at(0.1, 9, Kind.SET), at(0.11, 0), at(0.2, 0)]
        assert [one for each in told for one in thinned.note(each)] == [told[0], told[2], told[3]]

    @given(st.lists(st.tuples(st.integers(0, 6_000), st.sampled_from([0, 1, 2, 500, 3_600])), max_size=80))
    @settings(deadline=None)
    def test_the_lines_are_those_of_all_measurements(self, told: list[tuple[int, int]]) -> None:
        points = [at(minute / 60, seconds) for minute, seconds in sorted(dict(told).items())]
        thinned = Thinned()
        kept = [one for point in points for one in thinned.note(point)]
        assert [jump.by for jump in jumps_of(lines_of(kept))] == [jump.by for jump in jumps_of(lines_of(points))]
