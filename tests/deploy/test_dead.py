"""`muster dead` on parked events, through the bus that the environment names."""

import asyncio
import json
from collections.abc import Sequence

from shared.bus.opening import open_bus
from shared.bus.port import Delivery, Message, Refusal, Subscription
from tests.deploy.test_cli import muster

EVENT = {"specversion": "1.0", "id": "e1", "type": "tests.thing.happened.v9", "source": "tests", "data": {"n": 1}}
QUEUE = "tests.things"


async def _park(url: str) -> None:
    """Publish one event to a queue whose consumer refuses it."""

    async def refuse(deliveries: Sequence[Delivery]) -> Sequence[Refusal]:
        return [Refusal(message=delivery.message, reason="nobody knows version 9") for delivery in deliveries]

    async with open_bus(url) as bus:
        subscription = Subscription(queue=QUEUE, patterns=("tests.thing.#",), handle=refuse)
        async with bus.consume(subscription):
            await bus.publish(Message(id="e1", type=EVENT["type"], body=json.dumps(EVENT).encode()))
            async with asyncio.timeout(20):
                while not await bus.dead_letters(QUEUE):  # noqa: ASYNC110 - the bus tells nobody
                    await asyncio.sleep(0.02)


async def _waiting(url: str) -> int:
    async with open_bus(url) as bus:
        return next(depth.waiting for depth in await bus.depths() if depth.queue == QUEUE)


async def test_parked_events_are_listed_shown_and_put_back(database: str) -> None:
    await _park(database)
    listed = await asyncio.to_thread(muster, "dead", "list", QUEUE, "--json", BUS_URL=database)
    assert listed.returncode == 0, listed.stderr
    [letter] = json.loads(listed.stdout)
    assert (letter["queue"], letter["reason"]) == (QUEUE, "nobody knows version 9")

    shown = await asyncio.to_thread(muster, "dead", "show", QUEUE, letter["id"], BUS_URL=database)
    assert json.loads(shown.stdout)["event"] == EVENT

    replayed = await asyncio.to_thread(muster, "dead", "replay", QUEUE, letter["id"], BUS_URL=database)
    assert (replayed.returncode, replayed.stdout) == (0, "1\n")
    assert await _waiting(database) == 1
    empty = await asyncio.to_thread(muster, "dead", "list", QUEUE, BUS_URL=database)
    assert (empty.returncode, empty.stdout) == (0, "")


async def test_the_same_on_rabbitmq(vhost: str) -> None:
    await _park(vhost)
    listed = await asyncio.to_thread(muster, "dead", "list", QUEUE, "--json", BUS_URL=vhost)
    assert listed.returncode == 0, listed.stderr
    [letter] = json.loads(listed.stdout)
    replayed = await asyncio.to_thread(muster, "dead", "replay", QUEUE, BUS_URL=vhost)
    assert (replayed.returncode, replayed.stdout) == (0, "1\n")
    assert letter["reason"] == "nobody knows version 9"


async def test_in_a_narrow_terminal_ids_and_reasons_are_whole_all_the_same(vhost: str) -> None:
    await _park(vhost)
    [letter] = json.loads((await asyncio.to_thread(muster, "dead", "list", QUEUE, "--json", BUS_URL=vhost)).stdout)
    listed = await asyncio.to_thread(muster, "dead", "list", QUEUE, columns=60, BUS_URL=vhost)
    assert (listed.returncode, len(listed.stdout.splitlines())) == (0, 1)
    assert {letter["id"], letter["type"], letter["queue"]} < set(listed.stdout.split())
    assert letter["reason"] in listed.stdout


async def test_a_queue_that_does_not_exist_is_a_failure_that_names_it(database: str) -> None:
    for words in (("list", "no.queue"), ("replay", "no.queue"), ("show", "no.queue", "1")):
        done = await asyncio.to_thread(muster, "dead", *words, BUS_URL=database)
        assert (done.returncode, done.stdout) == (1, "")
        assert "'no.queue'" in done.stderr
    everywhere = await asyncio.to_thread(muster, "dead", "list", BUS_URL=database)
    assert (everywhere.returncode, everywhere.stderr) == (0, "Nothing is parked.\n")


async def test_an_event_that_is_not_there_is_a_failure(database: str) -> None:
    await _park(database)
    done = await asyncio.to_thread(muster, "dead", "show", QUEUE, "no-such-id", BUS_URL=database)
    assert (done.returncode, done.stdout) == (1, "")
    done = await asyncio.to_thread(muster, "dead", "replay", QUEUE, "999999", BUS_URL=database)
    assert done.returncode == 1
