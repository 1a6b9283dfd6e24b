"""When a day is expected, provisional and final."""

from datetime import UTC, datetime, timedelta

import pytest

from services.attendance.domain.state import Closure, State, closure, state_of
from services.attendance.domain.terms import Leave, LeavePart, terms_of
from tests.attendance.domain.build import FRIDAY, frame, instant

DUE = instant("08:06")
END = frame().ends_at
HOUR = timedelta(hours=1)


def state(now: datetime, machines: dict[str, datetime | None] | None = None, *, seen: bool = False) -> State:
    reported = machines if machines is not None else {"gate": now}
    return state_of(closure(END, now, reported), now, DUE, seen=seen)


@pytest.mark.parametrize(
    ("now", "seen", "expected"),
    [
        pytest.param(instant("07:00"), False, State.EXPECTED, id="before the person is due"),
        pytest.param(instant("08:05:59"), False, State.EXPECTED, id="in the last minute of late entry"),
        pytest.param(instant("08:06"), False, State.PROVISIONAL, id="due and not there"),
        pytest.param(instant("07:00"), True, State.PROVISIONAL, id="there already"),
        pytest.param(instant("12:00"), True, State.PROVISIONAL, id="in the middle of the day"),
        pytest.param(END - timedelta(seconds=1), True, State.PROVISIONAL, id="in the last second of the window"),
        pytest.param(END, True, State.FINAL, id="with the end of the window, all machines having reported"),
        pytest.param(instant("07:00") - 7 * 24 * HOUR, False, State.EXPECTED, id="a week ahead"),
    ],
)
def test_the_state_of_a_day(now: datetime, seen: bool, expected: State) -> None:
    assert state(now, seen=seen) is expected


@pytest.mark.parametrize(
    ("machines", "expected"),
    [
        pytest.param({"gate": END}, State.FINAL, id="reported up to the end"),
        pytest.param({"gate": END - timedelta(seconds=1)}, State.PROVISIONAL, id="a second short"),
        pytest.param({"gate": END + HOUR, "door": END - HOUR}, State.PROVISIONAL, id="one of two behind"),
        pytest.param({"gate": END + HOUR, "door": None}, State.PROVISIONAL, id="one that never reported"),
        pytest.param({}, State.PROVISIONAL, id="no machine that reports by itself"),
    ],
)
def test_a_window_that_is_over_waits_for_every_machine(machines: dict[str, datetime | None], expected: State) -> None:
    assert state(END + 2 * HOUR, machines, seen=True) is expected


@pytest.mark.parametrize("machines", [{}, {"gate": None}, {"gate": END - HOUR}])
def test_a_day_after_its_end_a_window_is_final_whatever_machines_say(machines: dict[str, datetime | None]) -> None:
    assert state(END + 24 * HOUR - timedelta(seconds=1), machines) is State.PROVISIONAL
    assert state(END + 24 * HOUR, machines) is State.FINAL


def test_a_machine_that_is_ahead_does_not_close_a_window_that_is_not_over() -> None:
    assert state(END - HOUR, {"gate": END + HOUR}, seen=True) is State.PROVISIONAL


def test_a_closure_names_the_machines_it_waits_for() -> None:
    result = closure(END, END + HOUR, {"yard": None, "gate": END - HOUR, "door": END})
    assert result == Closure(
        final=False, window_over=True, waits_for=("gate", "yard"), final_at_latest=END + timedelta(hours=24)
    )
    assert closure(END, END + 25 * HOUR, {"gate": None}).waits_for == ()


def test_nobody_is_due_on_a_day_of_rest() -> None:
    for terms in (
        terms_of(frame(FRIDAY)),
        terms_of(frame(), holiday="Victory Day"),
        terms_of(frame(), Leave(type="sick")),
    ):
        assert terms.due is None
    early = instant("05:00")
    assert state_of(closure(END, early, {}), early, None, seen=False) is State.PROVISIONAL


def test_a_person_is_due_with_the_first_minute_that_is_late() -> None:
    assert terms_of(frame()).due == DUE.astimezone(UTC)
    morning_off = Leave(type="sick", part=LeavePart.MORNING)
    assert terms_of(frame(), morning_off).due == instant("14:01").astimezone(UTC)
