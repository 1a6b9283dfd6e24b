"""The driver of simulated machines."""

from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from datetime import date, timedelta
from typing import Any

from services.ingest.application.drivers import Capability, Contact, Session, Steps
from services.ingest.domain.machine import Machine
from services.ingest.domain.machine_user import MachineUser
from services.ingest.domain.reading import Reading
from services.ingest.vendors.settings import validated
from services.ingest.vendors.simulated.people import working_day
from services.ingest.vendors.simulated.session import SimulatedSession
from services.ingest.vendors.simulated.settings import SimulatedSettings
from shared.kernel.clock import Clock


class Simulated:
    """Opens sessions with machines that exist in their settings alone."""

    kind = "simulated"
    capabilities = frozenset({
        Capability.STREAMS,
        Capability.READS_LOG,
        Capability.REPORTS_CLOCK,
        Capability.MAKES_HISTORY,
        Capability.LISTS_USERS,
    })  # fmt: skip
    secrets: frozenset[str] = frozenset()
    poll_every = timedelta(0)

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def validated(self, config: Mapping[str, Any]) -> Mapping[str, Any]:
        return validated(SimulatedSettings, config)

    def lacks(self, machine: Machine) -> str:
        return ""

    async def probe(self, machine: Machine, steps: Steps) -> None:
        with steps.step("settings") as note:
            settings = SimulatedSettings.model_validate(machine.config)
            note(f"{settings.count} people")
        with steps.step("today") as note:
            note(f"{len(working_day(settings, self._clock.now().date()))} scans in its plan")

    def reads_whole(self, machine: Machine) -> bool:
        return True

    def read_again(self, machine: Machine) -> None:
        """Each session does so anyway."""

    @asynccontextmanager
    async def session(self, machine: Machine, contact: Contact) -> AsyncIterator[Session]:
        settings = SimulatedSettings.model_validate(machine.config)
        yield SimulatedSession(settings, machine.zone, self._clock, contact)

    def history(self, machine: Machine, first: date, last: date) -> Iterator[Reading]:
        settings = SimulatedSettings.model_validate(machine.config)
        for number in range((last - first).days + 1):
            yield from working_day(settings, first + timedelta(days=number))

    async def users(self, machine: Machine) -> AsyncGenerator[MachineUser, None]:
        settings = SimulatedSettings.model_validate(machine.config)
        for person in range(settings.count):
            badge = settings.badge_of(person)
            yield MachineUser(badge=badge, uid=str(person + 1), name=f"User {badge}")
