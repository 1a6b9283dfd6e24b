"""How the installation is, told to all who listen: at first, every half minute, and when a service fails."""

import asyncio
from collections.abc import Sequence
from typing import Any

import httpx

from services.gateway.domain.audience import EVERYONE, OVERSEERS
from services.gateway.live.directory import Directory
from services.gateway.live.frames import Frame, encoded, notice
from services.gateway.live.hub import Hub
from services.gateway.live.listening import Listening
from shared.bus.port import Bus
from shared.kernel.clock import Clock
from shared.observability.logs import get_logger

EVERY = 30.0
"""Seconds between two frames of status."""
LOOK_EVERY = 5.0
"""Seconds between two looks at the services."""
ASK_WITHIN = 2.0

log = get_logger(__name__)


class Heartbeat:
    """Asks the services how they are."""

    def __init__(
        self,
        hub: Hub,
        listening: Listening,
        directory: Directory,
        *,
        bus: Bus,
        peers: httpx.AsyncClient,
        clock: Clock,
        services: Sequence[str],
    ) -> None:
        self._hub = hub
        self._listening = listening
        self._directory = directory
        self._bus = bus
        self._peers = peers
        self._clock = clock
        self._services: dict[str, str] = dict.fromkeys(services, "unknown")
        self._bus_was_there = True

    def figures(self) -> dict[str, Any]:
        """How the services are, and who listens; known without asking."""
        return {"services": {**self._services, "gateway": "ok"}, "total_clients": len(self._hub)}

    def status(self, message: str) -> Frame:
        """The present state as a frame; known without asking."""
        well = self._bus.status().connected and all(state != "away" for state in self._services.values())
        figures: dict[str, Any] = {
            "status": "ok" if well else "degraded",
            **self.figures(),
            "bus": "ok" if self._bus.status().connected else "away",
            "frames_sent": self._hub.sent,
            "people_known": len(self._directory),
        }
        return notice("system_status", message, at=self._clock.now(), **figures)

    async def run(self) -> None:
        """Look and tell, for ever."""
        loop = asyncio.get_running_loop()
        told = loop.time()
        while True:
            await self._look_at_services()
            await self._look_at_bus()
            if loop.time() - told >= EVERY:
                told = loop.time()
                await self._hub.send(encoded(self.status(self._sentence())), self._hub.listeners(EVERYONE))
            await asyncio.sleep(LOOK_EVERY)

    def _sentence(self) -> str:
        away = [name for name, state in self._services.items() if state == "away"]
        return f"Away: {', '.join(away)}" if away else "All is well"

    async def _look_at_services(self) -> None:
        states = await asyncio.gather(*map(self._ask, self._services))
        for name, state in zip(tuple(self._services), states, strict=True):
            before = self._services[name]
            self._services[name] = state
            if state == "away" and before == "ok":
                log.warning("peer.away", service=name)
                frame = notice("error_occurred", f"{name} is away", at=self._clock.now(), service=name)
                await self._hub.send(encoded(frame), self._hub.listeners(OVERSEERS))
            elif state == "ok" and before == "away":
                log.info("peer.back", service=name)
                await self._listening.resync(f"{name} is back")

    async def _ask(self, name: str) -> str:
        try:
            answer = await self._peers.get(f"http://{name}/health/ready", timeout=ASK_WITHIN)
        except httpx.HTTPError:
            return "away"
        return "ok" if answer.status_code == 200 else "away"

    async def _look_at_bus(self) -> None:
        there = self._bus.status().connected
        if there and not self._bus_was_there:
            await self._listening.resync("the bus was away for a while")
        self._bus_was_there = there
