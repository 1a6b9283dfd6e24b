"""Calling a handler: the part of delivery that is the same on every transport."""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field

from shared.bus.policy import Again, Park, Policy
from shared.bus.port import Delivery, Refusal, Subscription
from shared.kernel.errors import Unavailable

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Verdict:
    """What becomes of a batch; deliveries are named by their place in it, and the unnamed ones are done."""

    refused: list[Refusal] = field(default_factory=list)
    again: dict[int, Again] = field(default_factory=dict)
    parked: dict[int, Park] = field(default_factory=dict)
    held: list[int] = field(default_factory=list)
    """Nothing is wrong with these: something that the handler needs is away. Try them again, uncounted."""

    def add(self, alone: "Verdict", place: int) -> None:
        """Add the verdict on the single message that stands at `place`."""
        self.refused += alone.refused
        if 0 in alone.again:
            self.again[place] = alone.again[0]
        if 0 in alone.parked:
            self.parked[place] = alone.parked[0]
        if alone.held:
            self.held.append(place)


async def judge(subscription: Subscription, deliveries: Sequence[Delivery], policy: Policy) -> Verdict:
    """Call the handler and decide by the policy; the only exception that leaves is a cancellation of this task."""
    verdict = Verdict()
    places = range(len(deliveries))
    error = await _call(subscription, deliveries, verdict)
    if error is None:
        return verdict
    if isinstance(error, Unavailable):
        verdict.held.extend(places)
        return verdict
    if len(deliveries) > 1:
        log.info("%s: a batch of %d failed (%r); each alone now", subscription.queue, len(deliveries), error)
        for place in places:
            alone = await judge(subscription, [deliveries[place]], policy)
            verdict.add(alone, place)
        return verdict
    (delivery,) = deliveries
    decision = policy.after_failure(delivery.attempt, error)
    log.warning(
        "%s: handling %s %s failed (try %d): %s",
        subscription.queue, delivery.message.type, delivery.message.id, delivery.attempt, decision, exc_info=error,
    )  # fmt: skip
    if isinstance(decision, Park):
        verdict.parked[0] = decision
    else:
        verdict.again[0] = decision
    return verdict


async def _call(subscription: Subscription, deliveries: Sequence[Delivery], verdict: Verdict) -> Exception | None:
    try:
        verdict.refused.extend(await subscription.handle(deliveries))
    except Exception as error:  # noqa: BLE001 - whatever a handler raises is its failure; the policy decides
        return error
    except asyncio.CancelledError:
        if is_cancelled():
            raise
        # Finding 4: a connection that broke under the handler cancels what waited for it, not the task.
        return Unavailable("a connection broke while the message was handled")
    return None


def is_cancelled() -> bool:
    """Whether somebody wants this task to end.

    A bare CancelledError without this comes from a connection that died (finding 4): aio-pika puts it into the
    futures of whoever waits for an answer.
    """
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
