"""People in memory: whose badge it is that was just presented."""

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import Iterable
from datetime import date, datetime

from services.gateway.application.holdings import holdings_of
from services.gateway.application.ports import People
from services.gateway.domain.badges import Person, holder
from shared.contracts.people import PersonChanged
from shared.kernel.errors import Unavailable
from shared.observability.logs import get_logger

LOOK_EVERY = 30.0
"""Seconds. Changes come as events; looking finds what came while the bus was away."""

log = get_logger(__name__)


class Directory:
    """The people that the gateway knows, by badge. Filled from its schema at the start and by events from then on."""

    def __init__(self, people: People) -> None:
        self._people = people
        self._by_id: dict[int, Person] = {}
        self._by_badge: defaultdict[str, list[Person]] = defaultdict(list)
        self._known_until: datetime | None = None

    def __len__(self) -> int:
        return len(self._by_id)

    def whose(self, badge: str, machine_id: int, day: date) -> Person | None:
        """Who holds `badge` on a machine on `day`, as far as is known."""
        return holder(self._by_badge.get(badge, ()), badge, machine_id, day)

    def apply(self, people: Iterable[Person]) -> None:
        """Take over each state that is newer than the known one."""
        for person in people:
            before = self._by_id.get(person.id)
            if before is not None and before.version >= person.version:
                continue
            if before is not None:
                self._forget_badges(before)
            self._by_id[person.id] = person
            if not person.removed:
                for held in {holding.badge for holding in person.badges}:
                    self._by_badge[held].append(person)

    def hear(self, people: Iterable[PersonChanged]) -> None:
        """Take over what events say."""
        self.apply(map(person_of, people))

    async def run(self) -> None:
        """Read what changed, now and again, for ever."""
        while True:
            with contextlib.suppress(Unavailable):
                people, self._known_until = await self._people.changed_since(self._known_until)
                self.apply(people)
            await asyncio.sleep(LOOK_EVERY if self._known_until else 1.0)

    def _forget_badges(self, person: Person) -> None:
        for badge in {holding.badge for holding in person.badges}:
            left = [other for other in self._by_badge.get(badge, ()) if other.id != person.id]
            if left:
                self._by_badge[badge] = left
            else:
                self._by_badge.pop(badge, None)


def person_of(event: PersonChanged) -> Person:
    """The person as an event says it."""
    return Person(
        id=event.person_id,
        code=event.code,
        name=event.name,
        department=event.department,
        unit_path=tuple(event.unit_path),
        badges=holdings_of(event),
        removed=event.removed,
        version=(event.version.epoch, event.version.n),
    )
