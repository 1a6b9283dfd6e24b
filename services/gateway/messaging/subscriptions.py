"""What the gateway listens to, durably."""

from collections.abc import Sequence

from services.gateway.application.ports import People
from shared.bus.events import apply_events
from shared.bus.port import Delivery, Refusal, Subscription
from shared.contracts.people import PersonChanged
from shared.kernel.clock import Clock


def subscriptions(people: People, clock: Clock) -> tuple[Subscription, ...]:
    """The table of contents."""

    async def apply_people(deliveries: Sequence[Delivery]) -> Sequence[Refusal]:
        async def apply(states: Sequence[PersonChanged]) -> None:
            await people.apply(states, now=clock.now())

        return await apply_events(deliveries, PersonChanged, apply)

    return (
        Subscription(
            queue="gateway.people", patterns=(PersonChanged.wire_type,), handle=apply_people, most=20, within=0.05
        ),
    )
