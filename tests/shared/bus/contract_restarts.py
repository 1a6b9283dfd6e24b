"""What every bus must do when its server is stopped, killed or frozen."""

import asyncio
import contextlib
import itertools
import time
from collections.abc import AsyncIterator

import pytest

from shared.bus.opening import open_bus
from shared.bus.port import (
    Bus,
    BusUnavailable,
)
from tests.shared.bus.tools import (
    QUICK,
    Handler,
    Server,
    failing,
    message,
    own,
    publish_somehow,
    slowly,
    until,
    until_true,
    waiting,
)


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
        handler, slow, heard = Handler(), Handler(slowly), set[str]()
        confirmed: set[str] = set()
        stop = asyncio.Event()

        async def publish_for_ever(number: int) -> None:
            for count in itertools.count():
                if stop.is_set():
                    return
                await publish_somehow(bus, message(f"{number}-{count}", queue))
                confirmed.add(f"{number}-{count}")

        async with (
            bus.consume(own(queue, handler, most=20, within=0.01, parallel=2)),
            bus.consume(own(f"{queue}.slow", slow)),
            bus.listen([queue], lambda m: heard.add(m.id)),
        ):
            await grown_old()
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
        handler, early, heard = Handler(failing("bad", times=1)), Handler(), set[str]()
        async with contextlib.AsyncExitStack() as stack:
            await stack.enter_async_context(bus.consume(own(queue, handler)))
            await stack.enter_async_context(bus.listen([queue], lambda m: heard.add(m.id)))
            await publish_somehow(bus, message("bad", queue))
            await until(lambda: handler.attempts("bad") == [1])
            await until_true(lambda: waiting(bus, queue))
            server.stop()
            await until(lambda: not bus.status().connected and not bus.status().takes)
            assert bus.status().problem
            other = await stack.enter_async_context(open_bus(address, policy=QUICK))
            assert not other.status().connected
            await stack.enter_async_context(other.consume(own(f"{queue}.early", early)))
            await stack.enter_async_context(other.listen([f"{queue}.early"], lambda m: heard.add(m.id)))
            for bus_ in (bus, other):
                began = time.monotonic()
                with pytest.raises(BusUnavailable):
                    await bus_.publish(message("never", queue), timeout=2)
                assert time.monotonic() - began < 2.5
                with pytest.raises(BusUnavailable):
                    await bus_.depths()
                with pytest.raises(BusUnavailable):
                    await bus_.declare([own(queue, handler)])
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
            await until(lambda: bus.status().connected and other.status().connected)
        # At least once: what was acknowledged into a dying broker may come again, with the same count.
        assert sorted(set(handler.attempts("bad"))) == [1, 2]

    async def test_a_frozen_server_holds_nobody_for_long(self, bus: Bus, server: Server, queue: str) -> None:
        """Findings 4 and 9: an open connection that answers nothing."""
        handler = Handler()
        async with bus.consume(own(queue, handler)):
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


async def grown_old() -> None:
    """RabbitMQ (3.10) writes down that a queue exists about a second after it said so.

    One that is killed before that, with `kill -9`, has the queue and never brings it up again.
    """
    await asyncio.sleep(3)  # twice that where the machine is busy with other tests
