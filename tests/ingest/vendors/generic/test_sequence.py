"""What of a machine's numbers has not come: however many gaps there are, it is said until all of them are filled."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.ingest.application.drivers import MISSING
from services.ingest.domain.reconciliation import Numbered
from services.ingest.vendors.generic.numbering import ANEW, Numbering
from services.ingest.vendors.generic.sequence import MOST, Position, gaps_in_words, numbered, step
from services.ingest.vendors.generic.settings import Sequence
from tests.ingest.fakes import FakeContact

NUMBERS = Sequence(first=0, last=99_999)


def numbering(contact: FakeContact, *numbers: int) -> Numbering:
    made = Numbering(NUMBERS, Position(), contact)
    for number in numbers:
        made.take(number)
    return made


def test_gaps_that_are_too_many_to_remember_are_not_taken_for_filled() -> None:
    contact = FakeContact()
    made = numbering(contact, *range(0, 2 * (MOST + 3) + 1, 2))  # every second one is missing: three more than fit
    assert made.position.lacking == MOST + 3
    for number in range(7, 2 * (MOST + 3), 2):
        made.take(number)
    assert (made.position.missing, made.position.forgotten) == ((), 3)
    assert contact.warnings[MISSING].startswith("3 of its records have not come, so long ago")
    assert Numbering(NUMBERS, made.position, FakeContact()).position.lacking == 3


def test_what_a_counter_that_begins_anew_leaves_behind_is_told() -> None:
    contact = FakeContact()
    made = numbering(contact, 50, 53, 0)
    assert made.position == Position(0)
    assert MISSING not in contact.warnings
    assert contact.warnings[ANEW].endswith("another machine. 2 of its records before that have not come")


@pytest.mark.parametrize(
    ("position", "said"),
    [
        (Position(9), ""),
        (Position(9, ((4, 4),)), "its record 4 has not come"),
        (Position(9, ((4, 4), (6, 7))), "3 of its records have not come, the first is 4, the last 7"),
        (
            Position(9, ((4, 4),), 2),
            "3 of its records have not come, the first of which it is known is 4, the last 4",
        ),
    ],
)
def test_what_has_not_come_is_said_in_a_sentence(position: Position, said: str) -> None:
    assert gaps_in_words(position) == numbered(position).gaps == said
    assert bool(numbered(position).whole) == (not said)


def test_of_a_machine_of_which_no_number_came_the_numbers_say_nothing() -> None:
    assert numbered(Position()) == Numbered()


@given(st.lists(st.integers(1, 4), min_size=1, max_size=300), st.randoms(use_true_random=False))
def test_whatever_came_the_numbers_that_did_not_are_counted(steps: list[int], chance: object) -> None:
    position, latest, came = Position(0), 0, {0}
    for ahead in steps:
        latest += ahead
        came.add(latest)
        position, _ = step(position, latest, NUMBERS)
    assert position.lacking == latest + 1 - len(came)
    assert len(position.missing) <= MOST
    late = [number for first, last in position.missing for number in range(first, last + 1)]
    chance.shuffle(late)  # type: ignore[attr-defined]
    for number in late:
        position, _ = step(position, number, NUMBERS)
    assert position.lacking == position.forgotten == latest + 1 - len(came) - len(late)
