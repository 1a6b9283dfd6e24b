"""The table of contents of what leave listens to."""

from collections.abc import Sequence

from services.leave.application.ports import People
from shared.bus.events import apply_events
from shared.bus.port import Delivery, Refusal, Subscription
from shared.contracts.people import PersonChanged

PEOPLE_QUEUE = "leave.people"


def subscriptions(people: People) -> list[Subscription]:
    """The durable queues of leave."""

    async def on_people(deliveries: Sequence[Delivery]) -> Sequence[Refusal]:
        return await apply_events(deliveries, PersonChanged, people.apply)

    return [Subscription(queue=PEOPLE_QUEUE, patterns=("attendance.person.changed.*",), handle=on_people, most=20)]
