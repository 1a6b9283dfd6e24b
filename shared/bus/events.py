"""From deliveries to events: what handlers have in common."""

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from shared.bus.policy import MOST_ATTEMPTS
from shared.bus.port import EVENT, Delivery, Message, Refusal
from shared.contracts.cloudevents import Envelope, decode, decode_each, encode
from shared.contracts.event import Event
from shared.kernel.errors import Malformed, Unavailable
from shared.kernel.identifiers import new_id

E = TypeVar("E", bound=Event)

MOST_CULPRITS = 8
"""Where more events than these fail, looking for each is waste: it is not the events that are wrong."""


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

    `apply` runs in one transaction and is idempotent. Where it fails for another reason than that something is away,
    it is called again with halves of the events until the culprits are found, so that their neighbours do not wait
    for them. A culprit whose value cannot be stored (`Malformed`) is refused at once. What else it failed for may be
    a mistake of ours: that is raised, and the message tried again; what still fails at the last try is refused alone.
    """
    envelopes, refusals = read_events(deliveries, of)
    is_last = any(delivery.attempt >= MOST_ATTEMPTS for delivery in deliveries)
    culprits: list[tuple[Envelope[E], Exception]] = []
    await _applied(envelopes, apply, culprits, patience=None if is_last else MOST_CULPRITS)
    unexplained = [error for _, error in culprits if not isinstance(error, Malformed)]
    if unexplained and not is_last:
        raise unexplained[0]
    return refusals + [_alone(envelope, error) for envelope, error in culprits]


async def _applied(
    envelopes: Sequence[Envelope[E]],
    apply: Callable[[Sequence[E]], Awaitable[object]],
    culprits: list[tuple[Envelope[E], Exception]],
    *,
    patience: int | None,
) -> None:
    if not envelopes:
        return
    try:
        await apply([envelope.data for envelope in envelopes])
    except Unavailable:
        raise
    except Exception as error:
        if len(envelopes) > 1:
            middle = len(envelopes) // 2
            await _applied(envelopes[:middle], apply, culprits, patience=patience)
            await _applied(envelopes[middle:], apply, culprits, patience=patience)
            return
        culprits.append((envelopes[0], error))
        if patience is not None and sum(not isinstance(found, Malformed) for _, found in culprits) > patience:
            raise


def _alone(culprit: Envelope[E], error: Exception) -> Refusal:
    body = encode(culprit.data, id=culprit.id, time=culprit.time)
    message = Message(id=culprit.id or str(new_id()), type=culprit.type, body=body, content_type=EVENT)
    reason = error.message if isinstance(error, Malformed) else f"{type(error).__name__}: {error}"
    return Refusal(message=message, reason=reason[:1000])


def _refused(message: Message, body: bytes, event_id: str, reason: str) -> Refusal:
    alone = Message(
        id=event_id or str(new_id()), type=message.type, body=body, content_type=EVENT, headers=message.headers
    )
    return Refusal(message=alone, reason=reason)
