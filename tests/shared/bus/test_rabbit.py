"""RabbitMQ keeps the contract, and what is its own."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from urllib.parse import urlsplit

import aio_pika
import pytest

from shared.bus.opening import open_bus
from shared.bus.policy import Policy
from shared.bus.port import BATCH, Bus, BusUnavailable, Delivery, Message, Unroutable
from shared.bus.rabbit_topology import EVENTS, WANTED, retry
from shared.kernel.errors import Unavailable
from tests.conftest import NO_RABBIT
from tests.servers import PrivateRabbit, start_private_rabbit
from tests.shared.bus.blackhole import black_hole
from tests.shared.bus.contract import BusContract
from tests.shared.bus.contract_failures import FailureContract
from tests.shared.bus.contract_restarts import RestartContract
from tests.shared.bus.tools import QUICK, Handler, failing, message, orders, publish_somehow, until, until_true

pytestmark = pytest.mark.rabbit


@pytest.fixture(scope="module")
def server(worker: str) -> Iterator[PrivateRabbit]:
    """One node for all that is done to a server here: it takes six seconds to boot."""
    with start_private_rabbit(worker) as node:
        if node is None:
            pytest.skip(NO_RABBIT)
        yield node


@pytest.fixture
async def admin(vhost: str) -> AsyncIterator[aio_pika.abc.AbstractChannel]:
    """Somebody else's channel on the same virtual host."""
    async with await aio_pika.connect(vhost) as connection:
        yield await connection.channel()


class TestRabbitBus(BusContract, FailureContract):
    @pytest.fixture
    def place(self, vhost: str) -> str:
        return vhost

    async def test_other_systems_receive_plain_persistent_cloudevents(
        self, bus: Bus, admin: aio_pika.abc.AbstractChannel
    ) -> None:
        await bus.declare([orders(Handler())])
        theirs = await admin.declare_queue("theirs", durable=True, arguments={"x-queue-type": "quorum"})
        await theirs.bind(EVENTS, "orders.placed.*")
        await bus.publish(Message(id="1", type="orders.placed.v1", body=b"[]", content_type=BATCH))
        await until_true(lambda: _depth(admin, "theirs"))
        received = await theirs.get()
        assert (received.message_id, received.type, received.routing_key) == (
            "1",
            "orders.placed.v1",
            "orders.placed.v1",
        )
        assert (received.content_type, received.body) == (BATCH, b"[]")
        assert received.delivery_mode == aio_pika.DeliveryMode.PERSISTENT

    async def test_a_consumer_whose_queue_is_deleted_is_back_within_seconds(
        self, bus: Bus, admin: aio_pika.abc.AbstractChannel
    ) -> None:
        """Finding 8: the broker cancels the consumer, and says so only in a frame that libraries used to ignore."""
        handler = Handler()
        async with bus.consume(orders(handler)):
            await bus.publish(message("1"))
            await until(lambda: handler.ids == Counter("1"))
            await admin.queue_delete("shop.orders")
            began = time.monotonic()
            await publish_somehow(bus, message("2"))
            await until(lambda: handler.ids == Counter("12"))
            assert time.monotonic() - began < 5

    async def test_a_deleted_exchange_loses_nothing_silently(
        self, bus: Bus, admin: aio_pika.abc.AbstractChannel
    ) -> None:
        handler = Handler()
        async with bus.consume(orders(handler)):
            await bus.publish(message("1"))
            await admin.exchange_delete(EVENTS)
            with pytest.raises(BusUnavailable):
                await bus.publish(message("2"))
            with pytest.raises(Unroutable):  # there is a new one, to which nothing is bound yet
                await bus.publish(message("3"), timeout=5)
        async with bus.consume(orders(handler)):
            await publish_somehow(bus, message("4"))
            await until(lambda: "4" in handler.ids)

    async def test_a_queue_of_other_arguments_is_used_as_it_is_and_says_who_gave_up(
        self, bus: Bus, admin: aio_pika.abc.AbstractChannel
    ) -> None:
        """RabbitMQ's own limit is for handlers that take their process down; here it is one for the test's sake."""
        arguments = {
            "x-queue-type": "quorum",
            "x-delivery-limit": 1,
            "x-dead-letter-exchange": "",
            "x-dead-letter-routing-key": "shop.orders.dead",
        }
        queue = await admin.declare_queue("shop.orders", durable=True, arguments=arguments)
        await bus.declare([orders(Handler())])
        await bus.publish(message("1"))
        for _ in range(2):
            async with asyncio.timeout(5):
                while (received := await queue.get(fail=False)) is None:  # noqa: ASYNC110 - AMQP has no other way
                    await asyncio.sleep(0.01)
            await received.reject(requeue=True)
        await until_true(lambda: bus.dead_letters("shop.orders"))
        (letter,) = await bus.dead_letters("shop.orders")
        assert letter.message == message("1")
        assert letter.reason == "RabbitMQ gave it up: delivery_limit"
        handler = Handler()
        async with bus.consume(orders(handler)):
            assert await bus.replay_dead("shop.orders", ids=[letter.id]) == 1
            await until(lambda: handler.ids == Counter("1"))

    async def test_asking_who_wants_a_type_leaves_nothing_behind(
        self, bus: Bus, admin: aio_pika.abc.AbstractChannel
    ) -> None:
        await bus.declare([orders(Handler())])
        for n in range(5):
            await bus.publish(message(str(n), f"orders.kind{n}"))
        await until_true(lambda: _is_empty(admin, WANTED))
        assert await _depth(admin, "shop.orders") == 5

    async def test_a_retry_queue_that_was_deleted_is_made_anew(
        self, bus: Bus, admin: aio_pika.abc.AbstractChannel
    ) -> None:
        handler = Handler(failing("bad", times=1))
        async with bus.consume(orders(handler)):
            await bus.publish(message("bad"))
            await until(lambda: handler.ids["bad"] == 1)
            await admin.queue_delete(retry("shop.orders", QUICK.delays[0]))
            await bus.publish(message("bad"))
            await until(lambda: handler.ids["bad"] == 2)

    async def test_what_is_held_too_long_is_put_back_uncounted(self, place: str) -> None:
        """RabbitMQ would close the channel of a consumer that holds a message for half an hour."""
        tries = 0

        async def away(_: Delivery) -> None:
            nonlocal tries
            tries += 1
            if tries <= 8:
                raise Unavailable("the database is away")

        handler = Handler(away)
        policy = Policy(pause_when_away=0.05, hold_at_most=0.1, most_attempts=2)
        async with open_bus(place, policy=policy) as bus, bus.consume(orders(handler)):
            await bus.publish(message("1"))
            await until(lambda: handler.ids == Counter("1"))
            (depth,) = await bus.depths()
        assert {attempt for _, attempt, _ in handler.tried} == {1}
        assert (depth.waiting, depth.dead) == (0, 0)

    async def test_a_wrong_password_is_said_without_saying_the_password(self, vhost: str) -> None:
        async with open_bus(vhost.replace("guest:guest", "guest:hunter2"), policy=QUICK) as bus:
            with pytest.raises(BusUnavailable):
                await bus.publish(message("1"))
            problem = bus.status().problem
        assert problem
        assert "guest" in problem.lower() or "refused" in problem.lower()
        assert "hunter2" not in problem


class TestRabbitBusRestarted(RestartContract):
    @pytest.fixture
    def address(self, server: PrivateRabbit) -> str:
        return server.url

    async def test_an_alarm_is_told_and_consumers_go_on(self, bus: Bus, server: PrivateRabbit, queue: str) -> None:
        """Finding 5: publishing just hangs, and what was given up arrives when the alarm is over."""
        handler, others = Handler(), Handler(_half_a_second)
        async with bus.consume(orders(handler, queue=queue)), bus.consume(orders(others, queue=f"{queue}.2")):
            for n in range(3):
                await publish_somehow(bus, message(str(n)))
            server.erlang.evaluate("vm_memory_monitor:set_vm_memory_high_watermark(0.0001).")
            try:
                async with asyncio.timeout(30):
                    # Until the node has looked at its memory; then it says so to who publishes, and nobody waits.
                    with pytest.raises(BusUnavailable, match="memory or disk"):
                        while True:
                            await bus.publish(message("blocked"), timeout=60)
                status = bus.status()
                assert (status.connected, status.takes, status.blocked) == (True, False, True)
                assert status.problem
                began = time.monotonic()
                with pytest.raises(BusUnavailable, match="memory or disk"):
                    await bus.publish(message("refused"), timeout=5)
                assert time.monotonic() - began < 0.5
                await until(lambda: {"0", "1", "2"} <= set(others.ids))
            finally:
                server.erlang.evaluate("vm_memory_monitor:set_vm_memory_high_watermark(0.4).")
            await until(lambda: not bus.status().blocked)
            await publish_somehow(bus, message("after"))
            await until(lambda: {"after", "blocked"} <= set(handler.ids))
        assert "refused" not in handler.ids

    async def test_a_connection_that_carries_nothing_any_more_is_replaced(
        self, server: PrivateRabbit, queue: str
    ) -> None:
        """Finding 4: its death raises a bare CancelledError in whoever waits for a confirm."""
        server.start()
        handler = Handler()
        async with black_hole(urlsplit(server.url).port or 0) as hole:
            url = f"amqp://guest:guest@127.0.0.1:{hole.port}/?heartbeat=1"
            async with open_bus(url, policy=QUICK) as bus, bus.consume(orders(handler, queue=queue)):
                await publish_somehow(bus, message("before"))
                await until(lambda: "before" in handler.ids)
                before = hole.connections
                hole.swallow = True
                began = time.monotonic()
                with pytest.raises(BusUnavailable):
                    await bus.publish(message("short of patience"), timeout=0.3)
                with pytest.raises(BusUnavailable, match="died"):
                    await bus.publish(message("patient"), timeout=30)
                assert time.monotonic() - began < 3 * (1 + 1) + 4  # three times heartbeat and one, and its tick
                hole.swallow = False
                await publish_somehow(bus, message("after"))
                await until(lambda: "after" in handler.ids, 15)
                assert hole.connections > before

    async def test_a_handler_that_takes_too_long_for_the_broker_loses_nothing(
        self, bus: Bus, server: PrivateRabbit, queue: str
    ) -> None:
        """Finding 8, as 3.10 does it: the channel is closed, and the message comes again on the next."""
        _be_impatient(server, consumer_timeout=500, channel_tick_interval=200)
        try:
            handler = Handler(_slow_once())
            async with bus.consume(orders(handler, queue=queue)):
                await publish_somehow(bus, message("1"))
                await until(lambda: handler.ids["1"] >= 2, 10)
                await publish_somehow(bus, message("2"))
                await until(lambda: "2" in handler.ids)
        finally:
            _be_impatient(server, consumer_timeout=1_800_000, channel_tick_interval=60_000)


def _be_impatient(server: PrivateRabbit, **settings: int) -> None:
    for name, value in settings.items():
        server.erlang.evaluate(f"application:set_env(rabbit, {name}, {value}).")


async def _half_a_second(_: Delivery) -> None:
    await asyncio.sleep(0.5)


def _slow_once():
    first = True

    async def act(_: Delivery) -> None:
        nonlocal first
        if first:
            first = False
            await asyncio.sleep(2)

    return act


async def _is_empty(channel: aio_pika.abc.AbstractChannel, queue: str) -> bool:
    return await _depth(channel, queue) == 0


async def _depth(channel: aio_pika.abc.AbstractChannel, queue: str) -> int:
    declared = await channel.declare_queue(queue, passive=True)
    return declared.declaration_result.message_count or 0
