"""Whether the users that a driver lists are such as may leave it."""

import dataclasses
from collections.abc import Mapping
from typing import Final

from services.ingest.application.drivers import ListsUsers, MachineTrouble
from services.ingest.domain.machine import Machine
from services.ingest.domain.machine_user import MachineUser
from services.ingest.vendors.conformance.finding import Finding

LOOKED_AT: Final = 10_000
"""Users of a machine; one with more is taken to go on as it began."""
MAY_BE_TOLD: Final = frozenset(field.name for field in dataclasses.fields(MachineUser))


async def listed_users(driver: ListsUsers, machine: Machine) -> Finding:
    """The users of a machine that answers, or a simulator of it: each has a badge, and none a secret."""
    about, count = "users", 0
    users = driver.users(machine)
    try:
        async for user in users:
            count += 1
            if wrong := _wrong_with(user):
                return Finding(about=about, ok=False, said=wrong)
            if count == LOOKED_AT:
                break
    except MachineTrouble as trouble:
        return Finding(about=about, ok=False, said=f"{type(trouble).__name__}: {trouble}")
    finally:
        await users.aclose()
    return Finding(about=about, ok=True, said=f"{count:,}")


def _wrong_with(user: object) -> str:
    """What is wrong with one, in words that give nothing of it away."""
    more = sorted(_members(user) - MAY_BE_TOLD)
    if more:
        return f"it tells the {', '.join(more)} of its users, which may not leave it"
    if not isinstance(user, MachineUser):
        return f"it gives a {type(user).__name__} for a MachineUser"
    texts: tuple[object, ...] = (user.badge, user.name, user.card, "" if user.uid is None else user.uid)
    if not all(isinstance(text, str) for text in texts):
        return "it gives a user whose badge, uid, name or card is no text"
    if not user.badge.strip():
        return "it gives a user without a badge"
    return ""


def _members(user: object) -> set[str]:
    if isinstance(user, Mapping):
        return set(map(str, user))
    slots = (name for kind in type(user).__mro__ for name in getattr(kind, "__slots__", ()))
    return {name for name in (*slots, *getattr(user, "__dict__", ())) if not name.startswith("_")}
