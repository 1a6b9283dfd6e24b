"""The composition root of reports. So far it has nothing to say but how it is."""

from shared.bus.port import Bus
from shared.kernel.clock import Clock
from shared.kernel.errors import Unavailable
from shared.runtime.service import Service
from shared.web.application import create_app
from shared.web.tokens import Tokens


def build(*, bus: Bus, clock: Clock, tokens: Tokens) -> Service:
    """Reports as a service; nothing of it runs yet, and nothing is open."""

    async def bus_takes_messages() -> None:
        status = bus.status()
        if not status.connected or status.blocked:
            raise Unavailable(status.problem or "the bus is away")

    app = create_app("reports", routers=[], tokens=tokens, clock=clock, checks={"bus": bus_takes_messages})
    return Service(name="reports", app=app)
