"""From deliveries to events: what handlers have in common."""

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from shared.bus.port import EVENT, Delivery, Message, Refusal
from shared.contracts.cloudevents import Envelope, decode, decode_each, encode
from shared.contracts.event import Event
from shared.kernel.errors import Malformed
from shared.kernel.identifiers import new_id

E = TypeVar("E", bound=Event)


def read_events(deliveries: Sequence[Delivery], of: type[E]) -> tuple[list[Envelope[E]], list[Refusal]]:
    """All events of the deliveries that can be read as `of`, in order, and a refusal for each that cannot.

    One bad event in a batch never takes its neighbours with it.
    """
    envelopes: list[Envelope[E]] = []
    refusals: list[Refusal] = []
    for delivery in deliveries:
        message = delivery.message
        try:
            envelopes.extend(decode(message.body, message.content_type, of))
        except Malformed:
            good, bad = decode_each(message.body, message.content_type, of)
            envelopes.extend(good)
            refusals.extend(_refused(message, *each) for each in bad)
    return envelopes, refusals


async def apply_events(
    deliveries: Sequence[Delivery], of: type[E], apply: Callable[[Sequence[E]], Awaitable[object]]
) -> list[Refusal]:
    """Apply all events of the deliveries that can be read as `of`, and refuse the others, each alone.

    `apply` runs in one transaction and is idempotent. Where it raises `Malformed` (a value that no column holds, and
    that only the database notices), it is called again with halves of the events until the culprits are found.
    """
    envelopes, refusals = read_events(deliveries, of)
    if envelopes:
        refusals.extend(await _applied(envelopes, apply))
    return refusals


async def _applied(
    envelopes: Sequence[Envelope[E]], apply: Callable[[Sequence[E]], Awaitable[object]]
) -> list[Refusal]:
    try:
        await apply([envelope.data for envelope in envelopes])
    except Malformed as error:
        if len(envelopes) > 1:
            middle = len(envelopes) // 2
            return [*await _applied(envelopes[:middle], apply), *await _applied(envelopes[middle:], apply)]
        (culprit,) = envelopes
        body = encode(culprit.data, id=culprit.id, time=culprit.time)
        alone = Message(id=culprit.id or str(new_id()), type=culprit.type, body=body, content_type=EVENT)
        return [Refusal(message=alone, reason=error.message)]
    return []


def _refused(message: Message, body: bytes, event_id: str, reason: str) -> Refusal:
    alone = Message(
        id=event_id or str(new_id()), type=message.type, body=body, content_type=EVENT, headers=message.headers
    )
    return Refusal(message=alone, reason=reason)
