"""What tests of drivers that list users share."""

from contextlib import aclosing

from services.ingest.application.drivers import ListsUsers
from services.ingest.domain.machine import Machine
from services.ingest.domain.machine_user import MachineUser

SECRET = "48151"
"""What a user of a simulated machine has typed to be let in: five characters, which all of them can hold."""


async def users_told(driver: ListsUsers, machine: Machine) -> list[MachineUser]:
    async with aclosing(driver.users(machine)) as users:
        return [user async for user in users]
