"""The driver of systems that send scans as JSON. They call us; nobody goes to them."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

from services.ingest.application.drivers import Capability, NotSetUp, Steps, Unreachable
from services.ingest.domain.machine import Machine
from services.ingest.vendors.http.settings import HttpSettings
from services.ingest.vendors.settings import validated
from shared.kernel.clock import Clock

WRITTEN_DOWN_EVERY: Final = timedelta(seconds=30)
"""When a machine was heard of is written down about so often."""


class Http:
    """A system is a machine, known by its key alone."""

    kind = "http"
    capabilities = frozenset({Capability.IS_PUSHED_TO})
    secrets = frozenset({"api_key"})

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def validated(self, config: Mapping[str, Any]) -> Mapping[str, Any]:
        return validated(HttpSettings, config)

    def lacks(self, machine: Machine) -> str:
        return "" if self.pushes(machine) else "its config has no api_key: files of it can be imported"

    def how_secrets_go(self, config: Mapping[str, Any]) -> Mapping[str, object]:
        return {}  # its key is compared, and never sent

    def pushes(self, machine: Machine) -> bool:
        return bool(machine.config.get("api_key"))

    def set_up_to_push(self, config: Mapping[str, Any]) -> Mapping[str, Any]:
        return config

    def goes_out(self, machine: Machine) -> bool:
        return False

    def push_secret(self, machine: Machine) -> str:
        return HttpSettings.model_validate(machine.config).api_key

    def key(self, machine: Machine) -> str:
        key = machine.config.get("api_key")
        return key if isinstance(key, str) else ""

    def silent_for(self, machine: Machine) -> timedelta:
        return timedelta(seconds=HttpSettings.model_validate(machine.config).silent_for)

    async def probe(self, machine: Machine, steps: Steps) -> None:
        """When it called last: there is nothing to go to."""
        with steps.step("settings") as note:
            if lacks := self.lacks(machine):
                raise NotSetUp(lacks)
            note("it has a key")
        with steps.step("calls") as note:
            if machine.last_contact_at is None:
                raise Unreachable("it has not called yet: have it send its scans to /api/ingest/scans/ with its key")
            ago = self._clock.now() - machine.last_contact_at
            if ago > self.silent_for(machine) + WRITTEN_DOWN_EVERY:
                raise Unreachable(f"it called last at {machine.last_contact_at:%Y-%m-%d %H:%M} UTC")
            note(f"it called {ago.total_seconds():.0f} s ago")
