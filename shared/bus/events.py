"""From deliveries to events: what handlers have in common."""

from collections.abc import Sequence
from typing import TypeVar

from shared.bus.port import EVENT, Delivery, Message, Refusal
from shared.contracts.cloudevents import Envelope, decode, decode_each
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


def _refused(message: Message, body: bytes, event_id: str, reason: str) -> Refusal:
    alone = Message(
        id=event_id or str(new_id()), type=message.type, body=body, content_type=EVENT, headers=message.headers
    )
    return Refusal(message=alone, reason=reason)
