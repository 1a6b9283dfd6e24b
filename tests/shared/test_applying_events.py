"""What becomes of a batch in which something cannot be applied."""

import json

import pytest

from shared.bus.events import MOST_CULPRITS, apply_events
from shared.bus.policy import MOST_ATTEMPTS
from shared.bus.port import Delivery
from shared.contracts.people import PersonChanged
from shared.kernel.errors import Malformed, Unavailable
from tests.fakes.events import message, person, spoilt


class Store:
    """Applies a batch wholly or not at all, as a transaction does."""

    def __init__(self, **errors: Exception) -> None:
        self.kept: set[int] = set()
        self.errors = {int(number[1:]): error for number, error in errors.items()}
        self.calls = 0

    async def apply(self, people) -> None:
        self.calls += 1
        for one in people:
            if error := self.errors.get(one.person_id):
                raise error
        self.kept |= {one.person_id for one in people}


async def hear(store: Store, *messages, attempt: int = 1):
    return await apply_events([Delivery(message=m, attempt=attempt) for m in messages], PersonChanged, store.apply)


def batch(first: int, last: int):
    return message(*(person(number) for number in range(first, last + 1)))


async def test_where_all_is_well_all_is_applied_at_once():
    store = Store()
    assert await hear(store, batch(1, 500), batch(501, 1000)) == []
    assert (len(store.kept), store.calls) == (1000, 1)


async def test_where_nothing_can_be_read_nothing_is_applied():
    store = Store()
    (refusal,) = await hear(store, spoilt(batch(1, 2), 0, type="x.y.z.v9"), attempt=1)
    assert "x.y.z.v9" in refusal.reason
    assert store.kept == {2}


async def test_a_value_that_cannot_be_stored_is_refused_at_once_and_alone():
    store = Store(p7=Malformed("out of range"), p400=Malformed("out of range"))
    refusals = await hear(store, batch(1, 500))
    assert [json.loads(refusal.message.body)["data"]["person_id"] for refusal in refusals] == [7, 400]
    assert {refusal.reason for refusal in refusals} == {"out of range"}
    assert store.kept == set(range(1, 501)) - {7, 400}


async def test_an_event_that_a_mistake_of_ours_chokes_on_is_tried_again_and_its_neighbours_do_not_wait():
    store = Store(p7=ZeroDivisionError("oh"))
    with pytest.raises(ZeroDivisionError):
        await hear(store, batch(1, 500))
    assert store.kept == set(range(1, 501)) - {7}


async def test_at_the_last_try_it_is_refused_alone_instead_of_its_whole_message():
    store = Store(p7=ZeroDivisionError("oh"))
    (refusal,) = await hear(store, batch(1, 500), attempt=MOST_ATTEMPTS)
    assert refusal.reason == "ZeroDivisionError: oh"
    assert json.loads(refusal.message.body)["data"]["person_id"] == 7
    assert refusal.message.content_type == "application/cloudevents+json"


@pytest.mark.parametrize("attempt", [1, MOST_ATTEMPTS])
async def test_that_something_is_away_is_nobodys_fault(attempt):
    store = Store(p7=Unavailable("the database is away"))
    with pytest.raises(Unavailable):
        await hear(store, batch(1, 500), attempt=attempt)
    assert store.calls == 1


async def test_where_everything_fails_no_time_is_lost_on_looking_for_culprits():
    store = Store(**{f"p{number}": ZeroDivisionError("oh") for number in range(1, 501)})
    with pytest.raises(ZeroDivisionError):
        await hear(store, batch(1, 500))
    assert store.calls < 4 * MOST_CULPRITS
