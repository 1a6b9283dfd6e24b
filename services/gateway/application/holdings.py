"""Badges as attendance tells of them."""

from services.gateway.domain.badges import Holding
from shared.contracts.people import PersonChanged


def holdings_of(person: PersonChanged) -> tuple[Holding, ...]:
    """The badges of somebody, as attendance says it."""
    everywhere = [Holding(badge=b.badge, since=b.since, until=b.until) for b in person.badges]
    there = [
        Holding(badge=b.badge, since=b.since, until=b.until, machine_id=b.machine_id) for b in person.machine_badges
    ]
    return (*everywhere, *there)
