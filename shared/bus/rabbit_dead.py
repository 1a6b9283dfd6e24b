"""What was parked: looking at it, and putting it back."""

import asyncio
from collections.abc import AsyncIterator, Collection, Sequence

from aio_pika.abc import AbstractChannel, AbstractConnection, AbstractIncomingMessage
from aio_pika.exceptions import ChannelNotFoundEntity

from shared.bus import rabbit_topology as topology
from shared.bus import rabbit_wire as wire
from shared.bus.port import DeadLetter, NoQueue
from shared.bus.rabbit_publisher import RabbitPublisher

PUT_TIMEOUT = 10.0
GIVE_BACK_TIMEOUT = 2.0


async def dead_letters(connection: AbstractConnection, queue: str, limit: int) -> Sequence[DeadLetter]:
    """Take without acknowledging, and close the channel: RabbitMQ puts everything back where it was."""
    letters: list[DeadLetter] = []
    there = 0
    async with topology.brief_channel(connection) as channel:
        async for received in _taken(channel, queue, limit):
            letters.append(wire.dead_letter(received, queue))
            there = len(letters) + (received.message_count or 0)
    await _put_back(connection, queue, there)
    return letters


async def replay(
    connection: AbstractConnection, publisher: RabbitPublisher, queue: str, ids: Collection[str] | None
) -> int:
    """Put parked messages back into their queue; each leaves `.dead` only when it is confirmed there."""
    replayed = left = 0
    async with topology.brief_channel(connection) as channel:
        async for received in _taken(channel, queue):
            if ids is None or wire.parked_id(received) in ids:
                await publisher.put(queue, wire.incoming(received), {}, PUT_TIMEOUT)
                await received.ack()
                replayed += 1
            else:
                left += 1
    await _put_back(connection, queue, left)
    return replayed


async def _taken(
    channel: AbstractChannel, queue: str, limit: int | None = None
) -> AsyncIterator[AbstractIncomingMessage]:
    """What is there now, oldest first, and not what is parked meanwhile: a replayed message may be back at once."""
    dead = await channel.get_queue(topology.dead(queue), ensure=False)
    taken = 0
    while limit is None or taken < limit:
        try:
            received = await dead.get(fail=False, timeout=topology.RPC_TIMEOUT)
        except ChannelNotFoundEntity as error:
            raise NoQueue(queue) from error
        if received is None:
            return
        if taken == 0:
            there = 1 + (received.message_count or 0)
            limit = there if limit is None else min(limit, there)
        taken += 1
        yield received


async def _put_back(connection: AbstractConnection, queue: str, expected: int) -> None:
    """Wait until what we looked at is back, which a closed channel does not wait for: who looks next shall see it."""
    deadline = asyncio.get_running_loop().time() + GIVE_BACK_TIMEOUT
    while (await topology.count(connection, topology.dead(queue)) or 0) < expected:
        if asyncio.get_running_loop().time() > deadline:
            return  # somebody else took it
        await asyncio.sleep(0.01)
