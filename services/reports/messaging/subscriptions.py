"""The table of contents of what reports listens to."""

from collections.abc import Sequence

from services.reports.application.ports import Facts, People
from shared.bus.events import apply_events
from shared.bus.port import Delivery, Refusal, Subscription
from shared.contracts.days import DayUpdated
from shared.contracts.people import PersonChanged

FACTS_QUEUE, PEOPLE_QUEUE = "reports.facts", "reports.people"


def subscriptions(facts: Facts, people: People, *, parallel: int) -> list[Subscription]:
    """The durable queues of reports."""

    async def on_days(deliveries: Sequence[Delivery]) -> Sequence[Refusal]:
        return await apply_events(deliveries, DayUpdated, facts.apply)

    async def on_people(deliveries: Sequence[Delivery]) -> Sequence[Refusal]:
        return await apply_events(deliveries, PersonChanged, people.apply)

    return [
        # A message holds up to 500 days, and in a flood (an import, a changed rule) the same day comes many times:
        # what is taken together is written once.
        Subscription(
            queue=FACTS_QUEUE,
            patterns=("attendance.day.updated.*",),
            handle=on_days,
            most=8,
            within=0.05,
            parallel=parallel,
        ),
        Subscription(queue=PEOPLE_QUEUE, patterns=("attendance.person.changed.*",), handle=on_people, most=20),
    ]
