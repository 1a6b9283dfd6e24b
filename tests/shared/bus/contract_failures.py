"""What every bus must do with messages whose handler fails or refuses."""

import asyncio
import time
from collections import Counter

import pytest

from shared.bus.port import (
    Bus,
    Delivery,
    Message,
    NoQueue,
    Refusal,
    Subscription,
)
from shared.kernel.errors import Unavailable
from tests.shared.bus.tools import (
    Handler,
    OnAPlace,
    dead,
    failing,
    message,
    orders,
    refusing,
    until,
    until_true,
)


class FailureContract(OnAPlace):
    """Failures, refusals, and what was parked."""

    async def test_a_failed_message_comes_again_after_a_delay(self, bus: Bus) -> None:
        handler = Handler(failing("bad", times=2))
        async with bus.consume(orders(handler)):
            await bus.publish(message("bad"))
            await bus.publish(message("good"))
            await until(lambda: len(handler.done) == 2)
        assert handler.attempts("bad") == [1, 2, 3]
        first, second, third = handler.times("bad")
        assert 0.1 < second - first < 2
        assert 0.25 < third - second < 2
        assert handler.times("good")[0] < second

    async def test_a_message_that_always_fails_is_parked_with_the_reason(self, bus: Bus) -> None:
        handler = Handler(failing("bad", times=99))
        async with bus.consume(orders(handler)):
            await bus.publish(Message(id="bad", type="orders.placed.v1", body=b"!", headers={"traceparent": "x"}))
            await bus.publish(message("good"))
            await until_true(lambda: bus.dead_letters("shop.orders"))
            (letter,) = await bus.dead_letters("shop.orders")
            (depth,) = await bus.depths()
        assert handler.attempts("bad") == [1, 2, 3]
        assert handler.ids == Counter({"good": 1})
        assert letter.queue == "shop.orders"
        assert letter.message == Message(id="bad", type="orders.placed.v1", body=b"!", headers={"traceparent": "x"})
        assert letter.attempts == 3
        assert letter.reason == "gave up after 3 tries: ValueError: bad is bad"
        assert abs(letter.parked_at.timestamp() - time.time()) < 60
        assert (depth.waiting, depth.dead) == (0, 1)

    async def test_one_bad_message_does_not_fail_its_neighbours(self, bus: Bus) -> None:
        handler = Handler(failing("3", times=1))
        await bus.declare([orders(handler)])
        await asyncio.gather(*(bus.publish(message(str(n))) for n in range(6)))
        async with bus.consume(orders(handler, most=6, within=0.5)):
            await until(lambda: len(handler.done) == 6)
        assert sorted(handler.batches[0]) == list("012345")
        assert sorted(handler.batches[1:7]) == [[n] for n in "012345"]  # at once, each alone
        assert handler.batches[7:] == [["3"]]
        assert handler.attempts("3") == [1, 1, 2]
        assert handler.ids == Counter("012345")

    async def test_refused_events_are_parked_alone_and_the_others_are_done(self, bus: Bus) -> None:
        async def refuse_some(delivery: Delivery) -> Refusal | None:
            if delivery.message.id != "2":
                return None
            event = Message(id="2-event-7", type=delivery.message.type, body=b'{"specversion": "0.1"}')
            return Refusal(message=event, reason="of an unknown version")

        handler = Handler(refuse_some)
        async with bus.consume(orders(handler, most=5, within=0.2)):
            await asyncio.gather(*(bus.publish(message(str(n))) for n in range(5)))
            await until(lambda: len(handler.done) == 5)
            await until_true(lambda: bus.dead_letters("shop.orders"))
        (letter,) = await bus.dead_letters("shop.orders")
        assert letter.message == Message(id="2-event-7", type="orders.placed.v1", body=b'{"specversion": "0.1"}')
        assert letter.reason == "of an unknown version"
        assert handler.ids == Counter("01234")

    async def test_hundreds_of_refusals_of_one_batch_are_parked_each(self, bus: Bus) -> None:
        async def handle(deliveries: object) -> list[Refusal]:
            return [Refusal(message=message(f"event-{n}"), reason=f"no {n}") for n in range(300)]

        async with bus.consume(Subscription(queue="shop.orders", patterns=("orders.#",), handle=handle)):
            await bus.publish(message("1"))
            await until_true(lambda: dead(bus, 300))
        letters = await bus.dead_letters("shop.orders", limit=1000)
        assert {letter.message.id: letter.reason for letter in letters} == {f"event-{n}": f"no {n}" for n in range(300)}
        assert len({letter.id for letter in letters}) == 300

    async def test_looking_at_parked_messages_changes_nothing(self, bus: Bus) -> None:
        async with bus.consume(orders(Handler(refusing))):
            for n in range(5):
                await bus.publish(message(str(n)))
            await until_true(lambda: dead(bus, 5))
        looks = [await bus.dead_letters("shop.orders") for _ in range(25)]  # RabbitMQ 4 would drop at the 21st
        assert all(look == looks[0] for look in looks)
        assert [letter.message.id for letter in looks[0]] == list("01234")
        assert await bus.dead_letters("shop.orders", limit=2) == looks[0][:2]

    async def test_parked_messages_can_be_put_back_all_or_some(self, bus: Bus) -> None:
        async with bus.consume(orders(Handler(refusing))):
            for n in range(5):
                await bus.publish(message(str(n), body=b"body"))
            await until_true(lambda: dead(bus, 5))
        letters = await bus.dead_letters("shop.orders")
        chosen = [letter.id for letter in letters if letter.message.id in "13"]
        assert await bus.replay_dead("shop.orders", ids=[*chosen, "no such id"]) == 2
        handler = Handler()
        async with bus.consume(orders(handler)):
            await until(lambda: handler.ids == Counter("13"))
            assert [letter.message.id for letter in await bus.dead_letters("shop.orders")] == list("024")
            assert await bus.replay_dead("shop.orders") == 3
            await until(lambda: handler.ids == Counter("01234"))
        assert await bus.dead_letters("shop.orders") == []
        assert await bus.replay_dead("shop.orders") == 0
        assert {(d.message.type, d.message.body, d.attempt) for d in handler.done} == {("orders.placed.v1", b"body", 1)}

    async def test_a_queue_that_was_never_declared_is_told_from_an_empty_one(self, bus: Bus) -> None:
        with pytest.raises(NoQueue):
            await bus.dead_letters("shop.no-such-queue")
        with pytest.raises(NoQueue):
            await bus.replay_dead("shop.no-such-queue")

    async def test_what_is_not_the_messages_fault_is_not_counted(self, bus: Bus) -> None:
        tries = Counter[str]()

        async def database_away(delivery: Delivery) -> None:
            tries[delivery.message.id] += 1
            if tries[delivery.message.id] <= 6:
                raise Unavailable("the database is away")

        handler = Handler(database_away)
        async with bus.consume(orders(handler, most=3, within=0.1)):
            await asyncio.gather(*(bus.publish(message(str(n))) for n in range(3)))
            await until(lambda: len(handler.done) >= 3)
        assert {d.attempt for d in handler.done} == {1}
        assert handler.ids == Counter("012")
        assert await bus.dead_letters("shop.orders") == []

    async def test_a_batch_of_which_one_waits_and_one_fails_settles_the_others(self, bus: Bus) -> None:
        tries = Counter[str]()

        async def mixed(delivery: Delivery) -> None:
            id_ = delivery.message.id
            tries[id_] += 1
            if id_ == "bad" and tries[id_] <= 3:
                raise ValueError("bad is bad")
            if id_ == "waits" and tries[id_] <= 3:
                raise Unavailable("a peer is away")

        handler = Handler(mixed)
        await bus.declare([orders(handler)])
        for id_ in ("bad", "good", "waits"):
            await bus.publish(message(id_))
        async with bus.consume(orders(handler, most=3, within=0.2)):
            await until(lambda: len(handler.done) >= 3)
        assert handler.ids == Counter(["bad", "good", "waits"])
        assert {d.message.id: d.attempt <= 3 for d in handler.done} == dict.fromkeys(("bad", "good", "waits"), True)
        assert set(handler.attempts("waits")) == {1}

    async def test_a_handler_under_which_a_connection_dies_is_called_again(self, bus: Bus) -> None:
        """Finding 4: what waited for the connection is cancelled although nobody cancelled the task."""
        first = True

        async def cancelled(delivery: Delivery) -> None:
            nonlocal first
            if first:
                first = False
                raise asyncio.CancelledError

        handler = Handler(cancelled)
        async with bus.consume(orders(handler)):
            await bus.publish(message("1"))
            await until(lambda: handler.ids == Counter("1"))
            await bus.publish(message("2"))
            await until(lambda: handler.ids == Counter("12"))
