"""How far a machine's numbers came outlives us: what is missing over a restart is noticed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.ingest.vendors.generic.memory import Memory
from services.ingest.vendors.generic.sequence import Position, step
from services.ingest.vendors.generic.settings import Sequence
from services.ingest.vendors.marks import read, written

ROUND = Sequence(first=0, last=9999)


def after(*numbers: int) -> Position:
    position = Position()
    for number in numbers:
        position, _ = step(position, number, ROUND)
    return position


@given(st.lists(st.integers(0, 400), max_size=30))
def test_a_position_is_written_and_read_as_it_was(numbers: list[int]) -> None:
    position = after(*numbers)
    assert read(written(position), Position) == position


@given(st.lists(st.integers(0, 400), min_size=1, max_size=30), st.integers(0, 29))
def test_a_restart_anywhere_changes_nothing_of_what_is_missing(numbers: list[int], stopped_after: int) -> None:
    before, then = numbers[:stopped_after], numbers[stopped_after:]
    memory = Memory()
    memory.look_at(written(after(*before)), ROUND)
    position = memory.position
    for number in then:
        position, _ = step(position, number, ROUND)
    assert position == after(*numbers)


@pytest.mark.parametrize(
    ("known", "kept", "goes_on_from"),
    [
        ((), (7,), 7),
        ((5,), (7,), 7),
        ((9998,), (3,), 3),
        ((7,), (5,), 7),
        ((7,), (7,), 7),
    ],
    ids=["nothing known", "another process came farther", "and round", "what is kept is older", "the same"],
)
def test_who_came_farther_is_gone_on_from(known: tuple[int, ...], kept: tuple[int, ...], goes_on_from: int) -> None:
    memory = Memory(after(*known))
    memory.look_at(written(after(*kept)), ROUND)
    assert memory.position.latest == goes_on_from


@pytest.mark.parametrize("mark", ["", "{", '{"latest":"seven"}', '{"number":7}', "null"])
def test_a_mark_that_nobody_understands_is_none(mark: str) -> None:
    memory = Memory()
    memory.look_at(mark, ROUND)
    assert memory.position == Position()


def test_a_mark_that_was_looked_at_is_not_gone_back_to() -> None:
    memory = Memory()
    memory.look_at(written(after(5000)), ROUND)
    memory.position = after(3)  # its counter has begun anew since
    memory.look_at(written(after(5000)), ROUND)
    assert memory.position == after(3)


def test_where_numbers_are_of_no_interest_any_more_nothing_is_missed() -> None:
    memory = Memory()
    memory.look_at(written(after(1, 5)), None)
    assert memory.position == Position()
