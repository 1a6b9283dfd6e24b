"""What every bus must do, run on each of them: so that they cannot drift apart.

A transport's test module inherits the classes of this file, of `contract_failures` and of `contract_restarts`, and says
where its servers are.
"""

import asyncio
import contextlib
import signal
import subprocess
import sys
import textwrap
import time
from collections import Counter
from pathlib import Path

import pytest

from shared.bus.opening import open_bus
from shared.bus.port import (
    BATCH,
    SEVERAL,
    Bus,
    BusUnavailable,
    Delivery,
    Message,
    Subscription,
    Unroutable,
)
from shared.bus.topic import matches
from shared.kernel.errors import Unavailable
from tests.shared.bus.tools import (
    QUICK,
    Handler,
    OnAPlace,
    briefly,
    message,
    orders,
    until,
)

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


class BusContract(OnAPlace):
    """Delivery as it should be."""

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
        one, two = Handler(briefly), Handler(briefly)
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

    async def test_after_a_batch_of_several_the_next_one_waits_for_more(self, bus: Bus) -> None:
        handler = Handler()
        consumer = orders(handler, most=SEVERAL, within=0.3, within_when_busy=30)
        await bus.declare([consumer])
        await asyncio.gather(*(bus.publish(message(str(n))) for n in range(SEVERAL)))
        async with bus.consume(consumer):
            await until(lambda: len(handler.done) == SEVERAL)
            await bus.publish(message("first"))
            await asyncio.sleep(0.6)  # twice what it would wait else
            assert len(handler.done) == SEVERAL
            await asyncio.gather(*(bus.publish(message(f"more {n}")) for n in range(1, SEVERAL)))
            await until(lambda: len(handler.done) == 2 * SEVERAL)
        assert [len(batch) for batch in handler.batches] == [SEVERAL, SEVERAL]

    async def test_without_a_wait_a_batch_takes_what_is_there(self, bus: Bus) -> None:
        handler = Handler()
        await bus.declare([orders(handler)])
        await asyncio.gather(*(bus.publish(message(str(n))) for n in range(40)))
        async with bus.consume(orders(handler, most=10)):
            await until(lambda: len(handler.done) == 40)
        assert max(len(batch) for batch in handler.batches) <= 10
        assert len(handler.batches) < 20

    async def test_so_many_batches_are_worked_on_at_once_and_no_more(self, bus: Bus) -> None:
        handler = Handler(briefly)
        async with bus.consume(orders(handler, most=2, parallel=3)):
            await asyncio.gather(*(bus.publish(message(str(n))) for n in range(40)))
            await until(lambda: len(handler.done) == 40)
        assert handler.most_at_once == 3
        assert handler.ids == Counter({str(n): 1 for n in range(40)})

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
        assert (status.connected, status.takes, status.blocked, status.problem) == (True, True, False, None)


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
