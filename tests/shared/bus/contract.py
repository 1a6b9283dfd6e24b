"""What every bus must do, run on each of them: so that they cannot drift apart.

A transport's test module inherits both classes and says where its servers are.
"""

import asyncio
import contextlib
import itertools
import signal
import subprocess
import sys
import textwrap
import time
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from shared.bus.opening import open_bus
from shared.bus.port import (
    BATCH,
    Bus,
    BusUnavailable,
    Delivery,
    Message,
    Refusal,
    Subscription,
    Unroutable,
)
from shared.bus.topic import matches
from shared.kernel.errors import Unavailable
from tests.shared.bus.tools import QUICK, Handler, Server, message, orders, publish_somehow, until, until_true

ROUTES = {
    "orders.placed.v1": {"orders.placed.v1", "orders.*.v1", "orders.#", "#", "#.v1", "*.*.*", "orders.#.v1"},
    "orders.placed.v2": {"orders.#", "#", "*.*.*"},
    "orders.placed.late.v1": {"orders.#", "#", "#.v1", "orders.#.v1"},
    "orders.v1": {"orders.#", "#", "#.v1", "orders.#.v1"},
    "orders": {"orders.#", "#"},
    "ordersplaced.v1": {"#", "#.v1"},
    "v1": {"#", "#.v1"},
}
"""Which patterns want which key, as the AMQP specification has it: `#` is none or more words, `*` exactly one."""

PATTERNS = sorted(set[str]().union(*ROUTES.values()))


class BusContract:
    """On a place of each test's own: the fixture `place` is its address."""

    @pytest.fixture
    async def bus(self, place: str) -> AsyncIterator[Bus]:
        async with open_bus(place, policy=QUICK) as bus:
            yield bus

    async def test_a_message_arrives_as_it_was_sent(self, bus: Bus) -> None:
        handler = Handler()
        sent = [
            Message(
                id="1", type="orders.placed.v1", body=b'[{"a": 1}]', content_type=BATCH, headers={"traceparent": "00-é"}
            ),
            Message(id="2", type="orders.placed.v2", body=b""),
            Message(id="3", type="orders.placed.v3", body=bytes(range(256))),
            Message(id="4", type="orders.placed.v3", body=b"x" * 1_000_000),
        ]
        async with bus.consume(orders(handler)):
            for one in sent:
                await bus.publish(one)
            await until(lambda: len(handler.done) == len(sent))
        assert sorted((d.message for d in handler.done), key=lambda m: m.id) == sent
        assert {d.attempt for d in handler.done} == {1}

    async def test_patterns_match_whole_words_and_a_hash_none_as_well(self, bus: Bus) -> None:
        assert {key: {p for p in PATTERNS if matches(p, key)} for key in ROUTES} == ROUTES
        got: dict[str, set[str]] = {key: set() for key in ROUTES}
        async with contextlib.AsyncExitStack() as stack:
            for number, pattern in enumerate(PATTERNS):

                async def note(delivery: Delivery, pattern: str = pattern) -> None:
                    got[delivery.message.type].add(pattern)

                subscription = Subscription(queue=f"shop.{number}", patterns=(pattern,), handle=Handler(note))
                await stack.enter_async_context(bus.consume(subscription))
            for key in ROUTES:
                await bus.publish(message(key, key))
            await until(lambda: got == ROUTES, what=f"{got}")

    async def test_a_queue_that_matches_twice_gets_a_message_once(self, bus: Bus) -> None:
        handler = Handler()
        subscription = Subscription(queue="shop.all", patterns=("orders.#", "#", "orders.*.v1"), handle=handler)
        async with bus.consume(subscription):
            await bus.publish(message("1"))
            await bus.publish(message("2"))
            await until(lambda: len(handler.done) >= 2)
        assert handler.ids == Counter("12")

    async def test_what_is_published_before_the_consumer_comes_is_kept(self, bus: Bus) -> None:
        handler = Handler()
        await bus.declare([orders(handler)])
        await bus.declare([orders(handler)])
        await bus.publish(message("1"))
        async with bus.consume(orders(handler)):
            await until(lambda: handler.ids == Counter("1"))

    async def test_each_queue_gets_its_own_copy(self, bus: Bus) -> None:
        one, two = Handler(), Handler()
        async with bus.consume(orders(one, queue="shop.one")), bus.consume(orders(two, queue="shop.two")):
            await bus.publish(message("1"))
            await until(lambda: one.ids == two.ids == Counter("1"))

    async def test_consumers_of_one_queue_compete(self, bus: Bus, place: str) -> None:
        one, two = Handler(_briefly), Handler(_briefly)
        async with open_bus(place, policy=QUICK) as other:
            async with bus.consume(orders(one, most=2)), other.consume(orders(two, most=2)):
                await asyncio.gather(*(bus.publish(message(str(n))) for n in range(60)))
                await until(lambda: len(one.done) + len(two.done) >= 60)
                (depth,) = await other.depths()
        assert one.ids + two.ids == Counter({str(n): 1 for n in range(60)})
        assert one.done
        assert two.done
        assert (depth.queue, depth.consumers) == ("shop.orders", 2)

    async def test_many_tasks_publish_at_once(self, bus: Bus) -> None:
        handler = Handler()
        async with bus.consume(orders(handler, most=50, within=0.01, parallel=2)):
            await asyncio.gather(*(bus.publish(message(str(n))) for n in range(1000)))
            await until(lambda: len(handler.done) >= 1000)
        assert handler.ids == Counter({str(n): 1 for n in range(1000)})

    async def test_the_same_message_published_twice_at_once_is_confirmed_twice(self, bus: Bus) -> None:
        handler = Handler()
        async with bus.consume(orders(handler)):
            await asyncio.gather(*(bus.publish(message("1")) for _ in range(5)))
            await until(lambda: handler.ids == Counter({"1": 5}))

    async def test_what_no_durable_queue_wants_is_unroutable(self, bus: Bus) -> None:
        heard: list[str] = []
        async with bus.listen(["#"], lambda m: heard.append(m.id)):
            # A listener is no reason to think it kept: he may be gone tomorrow, and never was the one who needs it.
            outcomes = await asyncio.gather(*(bus.publish(message("1")) for _ in range(5)), return_exceptions=True)
            assert [type(outcome) for outcome in outcomes] == [Unroutable] * 5
            await bus.declare([orders(Handler())])
            await bus.publish(message("2"))
            with pytest.raises(Unroutable):
                await bus.publish(message("3", "invoices.sent.v1"))
            await bus.publish(message("4", "invoices.sent.v1", live_only=True))
            await until(lambda: {"2", "4"} <= set(heard))

    async def test_a_live_only_message_is_kept_by_the_queues_that_want_it(self, bus: Bus) -> None:
        handler = Handler()
        await bus.declare([orders(handler)])
        await bus.publish(message("1", live_only=True))
        async with bus.consume(orders(handler)):
            await until(lambda: handler.ids == Counter("1"))

    async def test_a_failed_message_comes_again_after_a_delay(self, bus: Bus) -> None:
        handler = Handler(_failing("bad", times=2))
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
        handler = Handler(_failing("bad", times=99))
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
        handler = Handler(_failing("3", times=1))
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
            await until_true(lambda: _dead(bus, 300))
        letters = await bus.dead_letters("shop.orders", limit=1000)
        assert {letter.message.id: letter.reason for letter in letters} == {f"event-{n}": f"no {n}" for n in range(300)}
        assert len({letter.id for letter in letters}) == 300

    async def test_looking_at_parked_messages_changes_nothing(self, bus: Bus) -> None:
        async with bus.consume(orders(Handler(_refusing("")))):
            for n in range(5):
                await bus.publish(message(str(n)))
            await until_true(lambda: _dead(bus, 5))
        looks = [await bus.dead_letters("shop.orders") for _ in range(25)]  # RabbitMQ 4 would drop at the 21st
        assert all(look == looks[0] for look in looks)
        assert [letter.message.id for letter in looks[0]] == list("01234")
        assert await bus.dead_letters("shop.orders", limit=2) == looks[0][:2]

    async def test_parked_messages_can_be_put_back_all_or_some(self, bus: Bus) -> None:
        refusing = Handler(_refusing(""))
        async with bus.consume(orders(refusing)):
            for n in range(5):
                await bus.publish(message(str(n), body=b"body"))
            await until_true(lambda: _dead(bus, 5))
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

    async def test_one_queue_alone_can_be_told(self, bus: Bus) -> None:
        told, other = Handler(), Handler()
        elsewhere = Subscription(queue="shop.invoices", patterns=("orders.#",), handle=other)
        async with bus.consume(orders(told)), bus.consume(elsewhere):
            await bus.put("shop.orders", message("1"))
            await bus.publish(message("2"))
            await until(lambda: told.ids == Counter("12") and other.ids == Counter("2"))
        with pytest.raises(BusUnavailable):
            await bus.put("shop.nowhere", message("3"))

    async def test_a_batch_is_full_or_late(self, bus: Bus) -> None:
        handler = Handler()
        async with bus.consume(orders(handler, most=4, within=0.4)):
            began = time.monotonic()
            await asyncio.gather(*(bus.publish(message(str(n))) for n in range(4)))
            await until(lambda: len(handler.done) == 4)
            full = time.monotonic() - began
            began = time.monotonic()
            await bus.publish(message("4"))
            await until(lambda: len(handler.done) == 5)
            late = time.monotonic() - began
            for n in range(5, 8):
                await bus.publish(message(str(n)))
            await until(lambda: len(handler.done) == 8)
        assert [len(batch) for batch in handler.batches] == [4, 1, 3]
        assert full < 0.4
        assert 0.39 < late < 1.5

    async def test_without_a_wait_a_batch_takes_what_is_there(self, bus: Bus) -> None:
        handler = Handler()
        await bus.declare([orders(handler)])
        await asyncio.gather(*(bus.publish(message(str(n))) for n in range(40)))
        async with bus.consume(orders(handler, most=10)):
            await until(lambda: len(handler.done) == 40)
        assert max(len(batch) for batch in handler.batches) <= 10
        assert len(handler.batches) < 20

    async def test_so_many_batches_are_worked_on_at_once_and_no_more(self, bus: Bus) -> None:
        handler = Handler(_briefly)
        async with bus.consume(orders(handler, most=2, parallel=3)):
            await asyncio.gather(*(bus.publish(message(str(n))) for n in range(40)))
            await until(lambda: len(handler.done) == 40)
        assert handler.most_at_once == 3
        assert handler.ids == Counter({str(n): 1 for n in range(40)})

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

    async def test_listeners_never_hold_up_durable_consumers(self, bus: Bus) -> None:
        heard: list[str] = []

        def slow(_: Message) -> None:
            time.sleep(0.005)

        def broken(_: Message) -> None:
            raise RuntimeError("a broken listener")

        handler = Handler()
        async with (
            bus.listen(["orders.#"], broken),
            bus.listen(["orders.placed.*"], lambda m: heard.append(m.id)),
            bus.listen(["#"], slow),
            bus.consume(orders(handler, most=10, within=0.01)),
        ):
            await asyncio.gather(*(bus.publish(message(str(n))) for n in range(100)))
            await until(lambda: len(handler.done) == 100)
            await until(lambda: len(heard) == 100)
        assert handler.ids == Counter({str(n): 1 for n in range(100)})
        assert set(heard) == set(handler.ids)

    async def test_a_listener_hears_messages_of_any_size_as_they_were_sent(self, bus: Bus) -> None:
        heard: list[Message] = []
        sent = [
            Message(id="short", type="orders.a", body='{"a": "é\u0000"}'.encode(), headers={"traceparent": "x"}),
            Message(id="long", type="orders.b", body=b'{"a": "' + b"x" * 200_000 + b'"}', content_type=BATCH),
            Message(id="binary", type="orders.c", body=bytes(range(256))),
        ]
        async with bus.listen(["orders.#"], heard.append), bus.consume(orders(Handler())):
            for one in sent:
                await bus.publish(one)
            await bus.publish(message("other", "invoices.sent.v1", live_only=True))
            await until(lambda: len(heard) == 3)
        assert {m.id: m for m in heard} == {m.id: m for m in sent}

    async def test_after_leaving_nothing_is_heard(self, bus: Bus) -> None:
        heard: list[str] = []
        async with bus.listen(["#"], lambda m: heard.append(m.id)):
            await bus.publish(message("1", live_only=True))
            await until(lambda: heard == ["1"])
        await bus.publish(message("2", live_only=True))
        async with bus.listen(["#"], lambda m: heard.append(m.id)):
            await bus.publish(message("3", live_only=True))
            await until(lambda: "3" in heard)
        assert heard == ["1", "3"]

    async def test_leaving_waits_for_handlers_and_gives_back_what_was_not_begun(self, bus: Bus) -> None:
        begun, end = asyncio.Event(), asyncio.Event()

        async def slowly(_: Delivery) -> None:
            begun.set()
            await end.wait()

        handler = Handler(slowly)
        consuming = bus.consume(orders(handler))
        await consuming.__aenter__()
        for n in range(3):
            await bus.publish(message(str(n)))
        await begun.wait()
        leaving = asyncio.create_task(consuming.__aexit__(None, None, None))
        await asyncio.wait({leaving}, timeout=0.3)
        assert not leaving.done()
        end.set()
        await leaving
        assert len(handler.done) == 1
        rest = Handler()
        async with bus.consume(orders(rest)):
            await until(lambda: len(rest.done) == 2)
        assert handler.ids + rest.ids == Counter("012")

    async def test_leaving_does_not_wait_for_what_is_away(self, bus: Bus) -> None:
        async def away(_: Delivery) -> None:
            raise Unavailable("for ever")

        waiting = Handler(away)
        async with bus.consume(orders(waiting)):
            await bus.publish(message("1"))
            await until(lambda: len(waiting.tried) > 2)
        handler = Handler()
        async with bus.consume(orders(handler)):
            await until(lambda: handler.ids == Counter("1"))
        assert {d.attempt for d in handler.done} == {1}

    async def test_a_killed_process_loses_nothing(self, bus: Bus, place: str, tmp_path: Path) -> None:
        handler = Handler()
        await bus.declare([orders(handler)])
        for n in range(10):
            await bus.publish(message(str(n)))
        script = tmp_path / "hang.py"
        script.write_text(_HANGING)
        process = subprocess.Popen([sys.executable, str(script), place], stdout=subprocess.PIPE)  # noqa: ASYNC220 - starts in a moment
        assert process.stdout is not None
        assert await asyncio.to_thread(process.stdout.readline) == b"handling\n"
        process.send_signal(signal.SIGKILL)
        await asyncio.to_thread(process.wait)
        process.stdout.close()
        async with bus.consume(orders(handler, most=10)):
            await until(lambda: len(handler.done) >= 10)
        assert handler.ids == Counter({str(n): 1 for n in range(10)})

    async def test_a_cancelled_publisher_is_cancelled(self, bus: Bus) -> None:
        await bus.declare([orders(Handler())])
        task = asyncio.create_task(bus.publish(message("1")))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await bus.publish(message("1"))

    async def test_it_says_that_all_is_well(self, bus: Bus) -> None:
        await bus.declare([orders(Handler())])
        status = bus.status()
        assert (status.connected, status.blocked, status.problem) == (True, False, None)


class RestartContract:
    """On a private server: the fixtures `server` and `address` are it. Each test uses a queue of its own."""

    @pytest.fixture
    async def bus(self, address: str, server: Server) -> AsyncIterator[Bus]:
        server.start()
        async with open_bus(address, policy=QUICK) as bus:
            yield bus

    @pytest.fixture
    def queue(self, request: pytest.FixtureRequest) -> str:
        return f"shop.{abs(hash(request.node.name))}"

    async def test_nothing_that_was_confirmed_is_lost_by_kill_9(self, bus: Bus, server: Server, queue: str) -> None:
        """Finding 1. Nor is a handler cancelled that outlives its connection; its message comes again."""
        handler, slow, heard = Handler(), Handler(_slowly), set[str]()
        confirmed: set[str] = set()
        stop = asyncio.Event()

        async def publish_for_ever(number: int) -> None:
            for count in itertools.count():
                if stop.is_set():
                    return
                await publish_somehow(bus, message(f"{number}-{count}", queue))
                confirmed.add(f"{number}-{count}")

        async with (
            bus.consume(_own(queue, handler, most=20, within=0.01, parallel=2)),
            bus.consume(_own(f"{queue}.slow", slow)),
            bus.listen([queue], lambda m: heard.add(m.id)),
        ):
            await _grown_old()
            tasks = [asyncio.create_task(publish_for_ever(number)) for number in range(10)]
            await until(lambda: len(confirmed) > 200)
            await publish_somehow(bus, message("slow", f"{queue}.slow"))
            await until(lambda: slow.tried)
            server.kill()
            await asyncio.to_thread(server.start)
            so_far, heard_so_far = len(confirmed), len(heard)
            await until(lambda: len(confirmed) > so_far + 200 and len(heard) > heard_so_far, 20)
            stop.set()
            await asyncio.gather(*tasks)
            await until(lambda: confirmed <= set(handler.ids), 20)
            await until(lambda: slow.ids["slow"] >= 2)

    async def test_everything_goes_on_after_the_server_was_away(
        self, bus: Bus, address: str, server: Server, queue: str
    ) -> None:
        """With retries that were waiting; and for a process that started while it was away."""
        handler, early, heard = Handler(_failing("bad", times=1)), Handler(), set[str]()
        async with contextlib.AsyncExitStack() as stack:
            await stack.enter_async_context(bus.consume(_own(queue, handler)))
            await stack.enter_async_context(bus.listen([queue], lambda m: heard.add(m.id)))
            await publish_somehow(bus, message("bad", queue))
            await until(lambda: handler.attempts("bad") == [1])
            await until_true(lambda: _waiting(bus, queue))
            server.stop()
            await until(lambda: not bus.status().connected)
            assert bus.status().problem
            other = await stack.enter_async_context(open_bus(address, policy=QUICK))
            assert not other.status().connected
            await stack.enter_async_context(other.consume(_own(f"{queue}.early", early)))
            await stack.enter_async_context(other.listen([f"{queue}.early"], lambda m: heard.add(m.id)))
            for bus_ in (bus, other):
                began = time.monotonic()
                with pytest.raises(BusUnavailable):
                    await bus_.publish(message("never", queue), timeout=2)
                assert time.monotonic() - began < 2.5
                with pytest.raises(BusUnavailable):
                    await bus_.depths()
                with pytest.raises(BusUnavailable):
                    await bus_.declare([_own(queue, handler)])
            meanwhile = asyncio.create_task(publish_somehow(bus, message("meanwhile", queue)))
            await asyncio.to_thread(server.start)
            back = time.monotonic()
            await meanwhile
            await until(lambda: {"bad", "meanwhile"} <= set(handler.ids), 10)
            assert time.monotonic() - back < 6
            async with asyncio.timeout(10):
                while not {"after", "after 2"} <= heard:
                    await publish_somehow(bus, message("after", queue))
                    await publish_somehow(bus, message("after 2", f"{queue}.early"))
            await until(lambda: "after 2" in early.ids)
            assert bus.status().connected
            assert other.status().connected
        assert handler.attempts("bad") == [1, 2]

    async def test_a_frozen_server_holds_nobody_for_long(self, bus: Bus, server: Server, queue: str) -> None:
        """Findings 4 and 9: an open connection that answers nothing."""
        handler = Handler()
        async with bus.consume(_own(queue, handler)):
            await publish_somehow(bus, message("before", queue))
            await until(lambda: "before" in handler.ids)
            server.freeze()
            try:
                began = time.monotonic()
                outcomes = await asyncio.gather(
                    *(bus.publish(message(f"frozen-{n}", queue), timeout=0.5) for n in range(5)), return_exceptions=True
                )
                assert [type(outcome) for outcome in outcomes] == [BusUnavailable] * 5
                assert time.monotonic() - began < 1.5
            finally:
                server.thaw()
            await publish_somehow(bus, message("after", queue))
            await until(lambda: "after" in handler.ids, 20)

    async def test_closing_does_not_wait_for_a_server_that_is_away(self, address: str, server: Server) -> None:
        server.start()
        async with open_bus(address, policy=QUICK) as bus:
            await bus.declare([])
            server.freeze()
            began = time.monotonic()
        server.thaw()
        assert time.monotonic() - began < 10


async def _grown_old() -> None:
    """RabbitMQ (3.10) writes down that a queue exists about a second after it said so.

    One that is killed before that, with `kill -9`, has the queue and never brings it up again.
    """
    await asyncio.sleep(1.5)


def _own(queue: str, handle: Handler, **more: object) -> Subscription:
    return Subscription(queue=queue, patterns=(queue,), handle=handle, **more)  # type: ignore[arg-type]


async def _slowly(_: Delivery) -> None:
    await asyncio.sleep(0.5)


async def _briefly(_: Delivery) -> None:
    await asyncio.sleep(0.02)


def _failing(id_: str, times: int):
    failures = Counter[int]()

    async def fail(delivery: Delivery) -> None:
        if delivery.message.id == id_ and (delivery.attempt <= times):
            failures[delivery.attempt] += 1
            raise ValueError(f"{id_} is bad")

    return fail


def _refusing(_: str):
    async def refuse(delivery: Delivery) -> Refusal:
        return Refusal(message=delivery.message, reason="refused")

    return refuse


async def _dead(bus: Bus, count: int) -> bool:
    return [depth.dead for depth in await bus.depths()] == [count]


async def _waiting(bus: Bus, queue: str) -> bool:
    return any(depth.waiting for depth in await bus.depths() if depth.queue == queue)


_HANGING = textwrap.dedent("""
    import asyncio, sys
    from shared.bus.opening import open_bus
    from shared.bus.port import Subscription

    async def handle(deliveries):
        print("handling", flush=True)
        await asyncio.sleep(60)
        return []

    async def main():
        async with open_bus(sys.argv[1]) as bus:
            subscription = Subscription(queue="shop.orders", patterns=("orders.#",), handle=handle, most=3)
            async with bus.consume(subscription):
                await asyncio.sleep(60)

    asyncio.run(main())
""")
