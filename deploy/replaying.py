"""Telling one service again what another knows, past everybody else: `muster replay attendance --to reports`."""

from collections.abc import Sequence
from contextlib import AsyncExitStack
from datetime import datetime

from deploy.catalogue import SERVICES, Given
from deploy.settings import Installation
from shared.bus.opening import open_bus
from shared.bus.port import BATCH, Message
from shared.bus.topic import matches
from shared.contracts.cloudevents import MOST_IN_A_BATCH, encode_batch
from shared.contracts.event import Event
from shared.kernel.clock import SystemClock
from shared.kernel.errors import Invalid
from shared.kernel.identifiers import new_id
from shared.runtime.peers import connect_peers


async def replay(service: str, to: str, installation: Installation) -> int:
    """Put all states of `service` into the queues of `to` that want them; returns how many events that were.

    Works beside the running services, and without them.

    Raises:
        Invalid: `service` keeps nothing that others need, or `to` wants none of it.
    """
    async with AsyncExitStack() as stack:
        bus = await stack.enter_async_context(open_bus(installation.bus_url, name="muster-replay"))
        peers = await stack.enter_async_context(connect_peers({}, installation.peers()))
        given = Given(installation=installation, bus=bus, peers=peers, clock=SystemClock())
        source, reader = (SERVICES[name].build(given) for name in (service, to))
        for resource in (*source.resources, *reader.resources):
            await stack.enter_async_context(resource())
        if source.states is None:
            raise Invalid(f"{service} keeps no state that others need")
        await bus.declare(reader.subscriptions)
        told = known = 0
        async for events in source.states():
            for start in range(0, len(events), MOST_IN_A_BATCH):
                batch = events[start : start + MOST_IN_A_BATCH]
                wire_type = batch[0].wire_type
                queues = [s.queue for s in reader.subscriptions if any(matches(p, wire_type) for p in s.patterns)]
                for queue in queues:
                    await bus.put(queue, _message(batch, given.clock.now()))
                known += len(batch)
                told += len(batch) if queues else 0
        if known == 0:
            raise Invalid(f"{service} knows nothing yet that it could tell {to}")
        if told == 0:
            raise Invalid(f"{to} wants nothing of what {service} knows")
        return told


def _message(events: Sequence[Event], now: datetime) -> Message:
    body = encode_batch(((event.event_id() or str(new_id()), event) for event in events), time=now)
    return Message(id=str(new_id()), type=events[0].wire_type, body=body, content_type=BATCH)
