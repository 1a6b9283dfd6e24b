"""What stands in for a driver that is not there any more: its machines stay, and disturb nobody."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from services.ingest.application.drivers import Capability, NotSetUp, Steps
from services.ingest.domain.machine import Machine
from shared.kernel.errors import Invalid


@dataclass(frozen=True, slots=True)
class NotInstalled:
    """A driver that can do nothing. Implements `Driver`."""

    kind: str
    secrets: frozenset[str]
    """All members of the machine's config: which of them are secret, only its driver knew."""

    @property
    def capabilities(self) -> frozenset[Capability]:
        return frozenset()

    def lacks(self, machine: Machine) -> str:
        return self._sentence

    def validated(self, config: Mapping[str, Any]) -> Mapping[str, Any]:
        raise Invalid(self._sentence, fields={"machine_type": "its driver is not installed here"})

    async def probe(self, machine: Machine, steps: Steps) -> None:
        with steps.step("driver"):
            raise NotSetUp(self._sentence)

    @property
    def _sentence(self) -> str:
        return f"the driver of {self.kind} machines is not installed here"


def not_installed(machine: Machine) -> NotInstalled:
    """That of this machine."""
    return NotInstalled(machine.machine_type, frozenset(machine.config))
