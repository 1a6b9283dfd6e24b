"""Publishing with confirms, next to the same bytes over bare aio-pika."""

import asyncio
import time
from collections.abc import Sequence

import aio_pika

from shared.bus.opening import open_bus
from shared.bus.port import Delivery, Message, Refusal, Subscription
from tests.benchmarks.company import TYPE, live_mix, messages
from tests.benchmarks.installation import fresh
from tests.benchmarks.report import heading, line, paired, rate, say
from tests.servers import PostgresServer, RabbitServer

IN_FLIGHT = 20


async def bench_publishing(postgres: PostgresServer, rabbit: RabbitServer, *, rounds: int) -> None:
    """Prints messages a second on both buses."""
    heading("Publish with confirms (500 scans a message, 20 in flight)")
    sent = messages(live_mix(100_000))
    bare, ours, embedded = [], [], []
    for number in range(rounds):
        say(f"publishing, round {number + 1} of {rounds}")
        with fresh(postgres, rabbit) as (database, broker):
            bare.append(await _bare(broker, sent))
            ours.append(await _through(broker, sent))
            embedded.append(await _through(database, sent))
    line("bare aio-pika, quorum queue, confirms", rate(bare, "msg/s"))
    line("our bus on RabbitMQ", rate(ours, "msg/s"), f"{paired(ours, bare):.2f} of bare")
    line("our bus on PostgreSQL (embedded)", rate(embedded, "msg/s"), f"{paired(embedded, bare):.2f} of bare RabbitMQ")


async def _through(url: str, sent: Sequence[Message]) -> float:
    async with open_bus(url, name="bench") as bus:
        await bus.declare([Subscription(queue="bench.scans", patterns=(TYPE,), handle=_never)])
        return await _timed(sent, bus.publish)


async def _bare(url: str, sent: Sequence[Message]) -> float:
    connection = await aio_pika.connect(url)
    async with connection:
        channel = await connection.channel(publisher_confirms=True)
        queue = await channel.declare_queue("bench.bare", durable=True, arguments={"x-queue-type": "quorum"})

        async def publish(message: Message) -> None:
            body = aio_pika.Message(message.body, delivery_mode=aio_pika.DeliveryMode.PERSISTENT)
            await channel.default_exchange.publish(body, queue.name)

        return await _timed(sent, publish)


async def _timed(sent, publish) -> float:
    waiting = iter(sent)

    async def one() -> None:
        for message in waiting:
            await publish(message)

    started = time.perf_counter()
    await asyncio.gather(*(one() for _ in range(IN_FLIGHT)))
    return len(sent) / (time.perf_counter() - started)


async def _never(_: Sequence[Delivery]) -> Sequence[Refusal]:
    raise AssertionError("declared, not consumed")
