"""What a clock was off by at some time, and the sentences about it."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.ingest.domain.clock_line import Kind, Measurement, jumps_of, lines_of
from services.ingest.domain.clock_proof import Held, held_at, held_when_shown
from services.ingest.domain.clock_setting import comes_twice, wall_now
from services.ingest.domain.clock_words import clock_in_words, jump_in_words, proof_in_words

DHAKA, BERLIN = ZoneInfo("Asia/Dhaka"), ZoneInfo("Europe/Berlin")
START = datetime(2026, 7, 1, 6, tzinfo=UTC)
HOUR = timedelta(hours=1)
NOW = START + 30 * HOUR


def at(hours: float, seconds: float, kind: Kind = Kind.MEASURED, by: str = "") -> Measurement:
    return Measurement(at=START + hours * HOUR, offset=timedelta(seconds=seconds), kind=kind, by=by)


def shown_by(zone: ZoneInfo, true: datetime, shown: datetime) -> float:
    """The offset of a clock there that shows a wall time."""
    return (shown.replace(tzinfo=zone) - true).total_seconds()


LOST = shown_by(BERLIN, START + 10 * HOUR, datetime(2000, 1, 1, 2))
"""Of a clock whose battery was flat: it was seen at 2000-01-01 02:00, in summer."""
RESET = lines_of(
    [at(0, 1), at(5, 1), at(10, LOST), at(15, LOST), at(15, LOST, Kind.SET, "anna"), at(15.01, 0), at(29, 0)]
)


class TestProofs:
    @pytest.mark.parametrize(
        ("shown", "true_hours", "proven"),
        [
            (datetime(2000, 1, 1, 2, 30), 10.5, True),
            (datetime(2000, 1, 1, 7), 15, True),
            (datetime(2000, 1, 1, 0, 10), 10 - 110 / 60, False),
        ],
        ids=["while it was measured", "when it was set", "before it was seen to be wrong"],
    )
    def test_a_scan_of_a_clock_that_began_again_is_set_right(
        self, shown: datetime, true_hours: float, proven: bool
    ) -> None:
        (held,) = held_when_shown(RESET, shown, BERLIN, now=NOW)
        assert abs(held.at - (START + true_hours * HOUR)) < timedelta(seconds=1)
        assert held.proven is proven
        # What attendance does with it: added to the wall clock, and then placed in the zone.
        released = (shown + timedelta(seconds=held.correction)).replace(tzinfo=BERLIN)
        assert abs(released - held.at) < timedelta(seconds=1), "winter and summer are no hour apart"

    @pytest.mark.parametrize(
        "shown",
        [
            datetime(2000, 1, 1, 8),
            datetime(1999, 12, 31, 10),
            datetime(2026, 7, 3, 20),
        ],
        ids=["later than it was wrong", "earlier than it was wrong", "in the future"],
    )
    def test_what_it_never_showed_is_not_proven(self, shown: datetime) -> None:
        assert held_when_shown(RESET, shown, BERLIN, now=NOW) == []

    def test_an_hour_that_it_showed_twice_may_be_either(self) -> None:
        lines = lines_of([at(0, 0), at(10, 3_600), at(12, 3_600), at(12.01, 0), at(20, 0)])
        held = held_when_shown(lines, datetime(2026, 7, 2, 0, 30), DHAKA, now=NOW)
        assert [round((one.at - START) / HOUR, 1) for one in held] == [11.5, 12.5]
        assert [one.correction for one in held] == [-3_600, 0]

    @pytest.mark.parametrize(
        ("hours", "corrections"),
        [(3, [-1]), (12, [round(-LOST + 3_600)]), (7, [-1, round(-LOST + 3_600)]), (-5, [-1]), (29.9, [0]), (40, [])],
        ids=["measured", "while lost", "when it was lost", "before all", "now", "to come"],
    )
    def test_at_an_instant(self, hours: float, corrections: list[int]) -> None:
        held = held_at(RESET, START + hours * HOUR, BERLIN, now=NOW)
        assert [one.correction for one in held] == corrections

    @given(
        offset=st.integers(-10_000_000, 10_000_000),
        drift=st.integers(-15, 15),
        minutes=st.integers(0, 48 * 60),
    )
    def test_what_it_showed_leads_back_to_when_that_was(self, offset: int, drift: int, minutes: int) -> None:
        lines = lines_of([at(hour, offset + drift * hour / 24) for hour in range(49)])
        true = START + timedelta(minutes=minutes)
        shown = (true + lines[0].offset_at(true)).astimezone(DHAKA).replace(tzinfo=None)
        (held,) = held_when_shown(lines, shown, DHAKA, now=START + 50 * HOUR)
        assert abs(held.at - true) < timedelta(seconds=0.1)
        assert abs(shown + timedelta(seconds=held.correction) - true.astimezone(DHAKA).replace(tzinfo=None)) <= (
            timedelta(seconds=0.6)
        )


class TestSentences:
    @pytest.mark.parametrize(
        ("points", "sentence"),
        [
            ([], "its clock was never measured"),
            (
                [at(29, 0.4)],
                "it is right; whether it gains or loses shows after a day, as measured since 2026-07-02 17:00",
            ),
            (
                [at(0, 0.9), at(15, 2.1), at(30, 3)],
                "it is 3 s ahead and gains 1.7 s a day; it will be a minute wrong in about 34 days,"
                " as measured since 2026-07-01 12:00",
            ),
            (
                [at(0, -40), at(15, -46), at(30, -52)],
                "it is 52 s behind and loses 9.6 s a day; it will be a minute wrong in about 20 hours,"
                " as measured since 2026-07-01 12:00",
            ),
            (
                [at(0, 7_200), at(15, 7_200), at(30, 7_200)],
                "it is 2 hours ahead and keeps its time, as measured since 2026-07-01 12:00",
            ),
            (
                [at(0, 0), at(15, 0.1), at(30, 0.13)],
                "it is right and gains 0.1 s a day; it will not be a minute wrong within a year,"
                " as measured since 2026-07-01 12:00",
            ),
            (
                [at(0, 70), at(15, 72), at(30, 74)],
                "it is 74 s ahead and gains 3.2 s a day, as measured since 2026-07-01 12:00",
            ),
        ],
    )
    def test_how_it_goes(self, points: list[Measurement], sentence: str) -> None:
        assert clock_in_words(lines_of(points), DHAKA, now=NOW) == sentence

    @pytest.mark.parametrize(
        ("points", "zone", "sentence"),
        [
            ([at(1, 0), at(2, -7_200)], DHAKA, "put back 2 hours on 2026-07-01 at 14:00"),
            ([at(1, 0), at(9, 300)], DHAKA, "put forward 5 minutes between 2026-07-01 13:00 and 2026-07-01 21:00"),
            (
                [at(1, 65, Kind.SET, "anna"), at(1.01, 0)],
                DHAKA,
                "set by Muster for anna on 2026-07-01 at 13:00: put back 65 s",
            ),
            ([at(1, -9, Kind.SET), at(1.01, 0)], DHAKA, "set by Muster on 2026-07-01 at 13:00: put forward 9 s"),
            ([at(1, 0), at(2, LOST)], BERLIN, "began again on 2026-07-01 at 10:00: put back 9,679 days"),
            (
                [at(2_778, 0), at(2_781, 3_600)],  # 25 October, 0:00 and 3:00 UTC
                BERLIN,
                "did not follow the change of time in Europe/Berlin between 2026-10-25 02:00 and 2026-10-25 04:00:"
                " put forward 60 minutes by that",
            ),
        ],
    )
    def test_how_it_jumped(self, points: list[Measurement], zone: ZoneInfo, sentence: str) -> None:
        (jump,) = jumps_of(lines_of(points))
        assert jump_in_words(jump, zone) == sentence

    def test_what_to_send_is_named(self) -> None:
        assert proof_in_words(held_when_shown(RESET, datetime(2000, 1, 1, 3), BERLIN, now=NOW)) == (
            "its clock was 9,679 days behind. POST /api/attendance/scans/release/ with the ids of its scans of then"
            f' and "offset_seconds": {round(-LOST + 3_600)} sets them right'
        )

    def test_what_is_not_known_is_said(self) -> None:
        either = proof_in_words(held_at(RESET, START + 7 * HOUR, BERLIN, now=NOW))
        assert " or " in either
        assert "look at who scanned" in either
        assert proof_in_words([]).startswith("nobody knows")
        before = proof_in_words(held_when_shown(RESET, datetime(2000, 1, 1, 0, 10), BERLIN, now=NOW))
        assert "as far as anybody can say" in before
        right = Held(at=START, offset=timedelta(0), correction=0, proven=True, since=START, until=START)
        assert "as they are" in proof_in_words([right])


class TestSetting:
    @pytest.mark.parametrize(
        ("now", "may"),
        [
            (datetime(2026, 10, 24, 23, 59, 59, tzinfo=UTC), True),
            (datetime(2026, 10, 25, 0, 0, tzinfo=UTC), False),
            (datetime(2026, 10, 25, 1, 59, 59, tzinfo=UTC), False),
            (datetime(2026, 10, 25, 2, 0, tzinfo=UTC), True),
            (datetime(2026, 3, 29, 1, 0, tzinfo=UTC), True),
        ],
    )
    def test_no_clock_is_set_in_an_hour_that_comes_twice(self, now: datetime, may: bool) -> None:
        assert (comes_twice(now, BERLIN) == "") is may
        assert comes_twice(now, DHAKA) == ""

    def test_it_is_set_to_the_nearest_second(self) -> None:
        assert wall_now(datetime(2026, 3, 29, 0, 59, 59, 499_999, tzinfo=UTC), BERLIN) == datetime(
            2026, 3, 29, 1, 59, 59
        )
        assert wall_now(datetime(2026, 3, 29, 0, 59, 59, 500_000, tzinfo=UTC), BERLIN) == datetime(2026, 3, 29, 3)
