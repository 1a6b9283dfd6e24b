"""Who the users of a machine are, asked of the machine itself. Nothing of it is kept."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from typing import Final

from services.ingest.application.drivers import ListsUsers, MachineTrouble, NotOffered, Unreachable
from services.ingest.application.machines import Machines
from services.ingest.application.ports import Registry
from services.ingest.domain.machine import Machine
from services.ingest.domain.machine_user import MachineUser
from shared.kernel.errors import Conflict, Invalid, NotFound, Unavailable
from shared.observability.logs import get_logger
from shared.web.scope import Scope

WITHIN: Final = 25.0
"""Seconds for all that is asked of the machine; the gateway waits for thirty."""
TOGETHER: Final = 500
"""Users after which others have their turn."""

log = get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """What came of it."""

    machine: Machine
    users: list[MachineUser]
    left_out: str
    """Why there may be more than these, in a sentence; empty where these are all."""


class ListingUsers:
    """The use case. It connects by itself: a contact with the machine goes on as it is."""

    def __init__(self, registry: Registry, machines: Machines, *, within: float = WITHIN) -> None:
        """`within` is in seconds."""
        self._registry = registry
        self._machines = machines
        self._within = within
        self._asked: set[int] = set()
        """Machines that are being asked."""

    async def of(self, key: str, scope: Scope, *, limit: int) -> Listed:
        """At most `limit` of its users, in its order.

        Raises:
            NotFound: there is no such machine.
            Invalid: it cannot be asked for its users.
            Conflict: nobody can be in contact with it; or somebody has asked just now, and it has not answered yet.
            Unavailable: it did not answer, or not in a way that can be understood.
        """
        machine = await self._registry.one(key, scope)
        if machine is None:
            raise NotFound(f"there is no machine {key!r}")
        users = self._of(machine)
        if machine.id in self._asked:  # many take one connection at a time
            raise Conflict(f"{machine.machine_id} is being asked for its users already; try again in a moment")
        self._asked.add(machine.id)
        try:
            listed = await self._listed(machine, users, limit)
        finally:
            self._asked.discard(machine.id)
        log.info("machine.users_listed", machine=machine.machine_id, users=len(listed.users))
        return listed

    def _of(self, machine: Machine) -> AsyncGenerator[MachineUser, None]:
        driver = self._machines.driver_of(machine)
        if not isinstance(driver, ListsUsers):
            raise Invalid(f"{machine.machine_id} cannot be asked for its users: machines of its type do not tell them")
        if lacking := driver.lacks(machine):
            raise Conflict(f"{machine.machine_id} cannot be asked for its users: {lacking}")
        if not self._machines.goes_out(machine):
            raise Invalid(
                f"{machine.machine_id} cannot be asked for its users: we do not go to it; set its address, and what"
                " else it takes to read it"
            )
        return driver.users(machine)

    async def _listed(self, machine: Machine, users: AsyncGenerator[MachineUser, None], limit: int) -> Listed:
        found: list[MachineUser] = []
        deadline = asyncio.timeout(self._within)
        left_out = ""
        try:
            async with deadline, aclosing(users):
                async for user in users:
                    if len(found) == limit:
                        left_out = f"it has more than {limit:,}"
                        break
                    found.append(user)
                    if len(found) % TOGETHER == 0:
                        await asyncio.sleep(0)
        except NotOffered as error:
            raise Invalid(f"{machine.machine_id} cannot be asked for its users: {error.message}") from error
        except MachineTrouble as trouble:
            raise Unavailable(f"{machine.machine_id}: {trouble.message}{_hint(machine, trouble)}") from trouble
        except TimeoutError as error:
            if not deadline.expired():
                raise
            if not found:
                raise Unavailable(f"{machine.machine_id}: no answer within {self._within:g} s") from error
            left_out = f"it did not tell all of them within {self._within:g} s"
        except Exception as mistake:
            log.exception("machine.listing_users_failed", machine=machine.machine_id)
            raise Unavailable(
                f"{machine.machine_id}: its driver failed; the log of ingest has the details"
            ) from mistake
        return Listed(machine=machine, users=found, left_out=left_out)


def _hint(machine: Machine, trouble: MachineTrouble) -> str:
    """What else it may be, where we are in contact with it."""
    if not machine.is_connected or not isinstance(trouble, Unreachable):
        return ""
    return ". We are in contact with it, and some machines bear one connection only: pause it, and ask again"
