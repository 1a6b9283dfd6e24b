"""When the clock of a machine is set, and who hears of it."""

from datetime import UTC, datetime, timedelta

import pytest

from services.ingest.application.clock_keeping import WRONG_AGAIN, ClockKeeping, Outcome
from services.ingest.domain.clock_line import Kind, Measurement
from tests.ingest.fakes import NOON, FakeClock, machine

OFF = timedelta(seconds=90)
RIGHT = timedelta(seconds=0.4)
TWICE = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)


def keeping(clock: FakeClock, *, allowed: bool = True, sets: bool = True, zone: str = "Europe/Berlin") -> ClockKeeping:
    return ClockKeeping(machine(zone=zone, config={"set_clock": allowed}), sets=sets, clock=clock)


@pytest.mark.parametrize(
    ("offset", "how", "now", "is_set"),
    [
        (90, {}, NOON, True),
        (-5.1, {}, NOON, True),
        (5, {}, NOON, False),
        (-800_000_000, {}, NOON, True),
        (90, {"allowed": False}, NOON, False),
        (90, {"sets": False}, NOON, False),
        (90, {}, TWICE, False),
        (90, {"zone": "Asia/Dhaka"}, TWICE, True),
    ],
    ids=[
        "a minute ahead",
        "just too much",
        "little",
        "begun again",
        "not allowed",
        "not possible",
        "in an hour that comes twice",
        "elsewhere that hour comes once",
    ],
)
def test_unasked_it_is_set_where_it_is_allowed_and_wrong(
    offset: float, how: dict[str, bool], now: datetime, is_set: bool
) -> None:
    assert keeping(FakeClock(now), **how).is_to_be_set(timedelta(seconds=offset)) is is_set  # type: ignore[arg-type]


def test_a_clock_that_somebody_else_sets_too_is_set_once_an_hour_and_told_of() -> None:
    clock = FakeClock()
    kept = keeping(clock)
    assert kept.is_to_be_set(OFF)
    kept.done("")
    kept.measured(RIGHT)
    assert kept.complaint == ""
    clock.forward(timedelta(minutes=59))
    assert not kept.is_to_be_set(OFF)
    assert kept.complaint == WRONG_AGAIN
    assert not kept.is_to_be_set(RIGHT)
    assert kept.complaint == ""
    clock.forward(timedelta(minutes=1))
    assert kept.is_to_be_set(OFF)


def test_a_machine_that_refuses_is_not_asked_each_time_and_told_of() -> None:
    clock = FakeClock()
    kept = keeping(clock)
    assert kept.is_to_be_set(OFF)
    assert kept.done("it refuses the command") == ()
    assert not kept.is_to_be_set(OFF)
    assert kept.complaint == "its clock cannot be set: it refuses the command"


def test_a_machine_whose_contact_ends_over_it_is_read_all_the_same() -> None:
    kept = keeping(FakeClock())
    assert kept.is_to_be_set(OFF)
    assert not kept.is_to_be_set(OFF), "in the next contact"
    assert kept.complaint == "its clock cannot be set: contact with it ended over that"


def test_what_it_was_is_kept_with_who_wanted_it_set_and_what_it_is_then() -> None:
    clock = FakeClock()
    kept = keeping(clock)
    rows = list(kept.measured(OFF))
    kept.is_to_be_set(OFF)
    rows += kept.done("")
    clock.forward(timedelta(seconds=1))
    rows += kept.measured(RIGHT)
    assert rows == [
        Measurement(at=NOON, offset=OFF),
        Measurement(at=NOON, offset=OFF, kind=Kind.SET),
        Measurement(at=NOON + timedelta(seconds=1), offset=RIGHT),
    ]


@pytest.mark.parametrize(
    ("drift", "allowed", "sentence"),
    [
        (9.0, False, "its clock gains 9.0 s a day, and will be a minute wrong in about 5 days"),
        (-20.0, False, "its clock loses 20.0 s a day, and will be a minute wrong in about 29 hours"),
        (3.0, False, ""),
        (9.0, True, ""),
    ],
    ids=["soon", "very soon", "in weeks", "it is set before"],
)
def test_a_clock_that_will_be_too_wrong_in_some_days_is_told_of(drift: float, allowed: bool, sentence: str) -> None:
    clock = FakeClock()
    kept = keeping(clock, allowed=allowed)
    for look in range(44 * 10):
        kept.measured(timedelta(seconds=drift * look / 240))
        clock.forward(timedelta(minutes=6))
    assert kept.foreseen == sentence


async def test_who_wants_it_set_hears_what_it_was_and_is_although_it_is_not_allowed_unasked() -> None:
    kept = keeping(FakeClock(), allowed=False)
    wish = kept.wish("anna")
    assert kept.wish("bob") is wish
    assert kept.is_to_be_set(RIGHT), "however little it is off"
    (row,) = kept.done("")
    assert row.by == "anna"
    assert not wish.done()
    kept.measured(timedelta(seconds=0.1))
    assert await wish == Outcome(before=RIGHT, after=timedelta(seconds=0.1))
    assert not kept.is_to_be_set(OFF), "that was once"


async def test_who_wants_it_set_hears_why_not() -> None:
    kept = keeping(FakeClock(), allowed=False)
    wish = kept.wish("anna")
    kept.is_to_be_set(OFF)
    kept.done("it keeps its time by NTP")
    assert (await wish).why_not == "it keeps its time by NTP"
    assert kept.complaint == "", "nobody else is waiting for it"
    in_the_night = keeping(FakeClock(TWICE))
    wish = in_the_night.wish("anna")
    assert not in_the_night.is_to_be_set(OFF)
    assert "comes twice" in (await wish).why_not


async def test_a_wish_is_good_for_a_while_and_can_be_withdrawn() -> None:
    clock = FakeClock()
    kept = keeping(clock, allowed=False)
    kept.wish("anna")
    clock.forward(timedelta(minutes=16))
    assert not kept.is_to_be_set(OFF)
    again = keeping(clock, allowed=False)
    wish = again.wish("anna")
    again.withdraw()
    assert wish.cancelled()
    assert not again.is_to_be_set(OFF)
