"""Machine types that are known, and for which no driver has been written yet."""

import re
from collections.abc import Mapping
from typing import Any

from services.ingest.application.drivers import Capability, ProtocolBroken, Steps
from services.ingest.domain.machine import Machine

_SECRET = re.compile(r"pass|secret|token|key", re.IGNORECASE)


class _Secretive(frozenset[str]):
    """Without a settings model nobody knows the secrets: whatever sounds like one is."""

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and _SECRET.search(name) is not None


class Undriven:
    """Lets a machine be registered, so that its files can be imported; nobody connects to it."""

    capabilities: frozenset[Capability] = frozenset()
    secrets: frozenset[str] = _Secretive()

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self._notice = f"there is no driver for {kind} yet: files of this machine can be imported"

    def validated(self, config: Mapping[str, Any]) -> Mapping[str, Any]:
        return dict(config)

    def lacks(self, machine: Machine) -> str:
        return self._notice

    async def probe(self, machine: Machine, steps: Steps) -> None:
        with steps.step("driver"):
            raise ProtocolBroken(self._notice)
