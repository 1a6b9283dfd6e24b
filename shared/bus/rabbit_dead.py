"""What was parked: looking at it, and putting it back."""

import asyncio
from collections.abc import Collection, Sequence

from aio_pika.abc import AbstractChannel, AbstractConnection, AbstractIncomingMessage
from aio_pika.exceptions import ChannelNotFoundEntity

from shared.bus import rabbit_topology as topology
from shared.bus import rabbit_wire as wire
from shared.bus.port import DeadLetter, Depth
from shared.bus.rabbit_publisher import RabbitPublisher

PUT_TIMEOUT = 10.0


async def dead_letters(connection: AbstractConnection, queue: str, limit: int) -> Sequence[DeadLetter]:
    """Take without acknowledging, and close the channel: RabbitMQ puts everything back where it was."""
    letters: list[DeadLetter] = []
    try:
        async with topology.brief_channel(connection) as channel:
            while len(letters) < limit and (received := await _next(channel, queue)) is not None:
                letters.append(wire.dead_letter(received, queue))
    except ChannelNotFoundEntity:  # nobody ever consumed it: nothing is parked there
        return []
    return letters


async def replay(
    connection: AbstractConnection, publisher: RabbitPublisher, queue: str, ids: Collection[str] | None
) -> int:
    """Put parked messages back into their queue; each leaves `.dead` only when it is confirmed there."""
    replayed = 0
    async with topology.brief_channel(connection) as channel:
        for _ in range(await _count(connection, topology.dead(queue)) or 0):
            received = await _next(channel, queue)
            if received is None:
                break
            if ids is None or wire.parked_id(received) in ids:
                await publisher.put(queue, wire.incoming(received), {}, PUT_TIMEOUT)
                await received.ack()
                replayed += 1
        return replayed


async def depth(connection: AbstractConnection, queue: str, delays: Sequence[float]) -> Depth:
    """How full a queue is, with what waits for its next try; what a consumer works on is not counted."""
    waits = await asyncio.gather(*(_count(connection, topology.retry(queue, delay)) for delay in delays))
    async with topology.brief_channel(connection) as channel:
        declared = await channel.declare_queue(queue, passive=True, timeout=topology.RPC_TIMEOUT)
    ready = declared.declaration_result
    return Depth(
        queue=queue,
        waiting=(ready.message_count or 0) + sum(count or 0 for count in waits),
        dead=await _count(connection, topology.dead(queue)) or 0,
        consumers=ready.consumer_count or 0,
    )


async def _count(connection: AbstractConnection, name: str) -> int | None:
    """Messages that are ready, or nothing where there is no such queue."""
    try:
        async with topology.brief_channel(connection) as channel:
            declared = await channel.declare_queue(name, passive=True, timeout=topology.RPC_TIMEOUT)
    except ChannelNotFoundEntity:
        return None
    return declared.declaration_result.message_count


async def _next(channel: AbstractChannel, queue: str) -> AbstractIncomingMessage | None:
    dead = await channel.get_queue(topology.dead(queue), ensure=False)
    return await dead.get(fail=False, timeout=topology.RPC_TIMEOUT)
