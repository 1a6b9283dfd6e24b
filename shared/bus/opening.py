"""Which bus an address names."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

from shared.bus.policy import Policy
from shared.bus.port import Bus
from shared.bus.postgres import PostgresBus
from shared.bus.rabbit import RabbitBus


@asynccontextmanager
async def open_bus(url: str, *, policy: Policy | None = None, name: str = "muster") -> AsyncIterator[Bus]:
    """The bus behind `amqp://…`, `amqps://…` or `postgresql://…`, closed at the end.

    The server need not be there yet. `name` shows in the server's list of connections.
    """
    bus = _made(url, policy, name)
    await bus.open()
    try:
        yield bus
    finally:
        await bus.close()


def _made(url: str, policy: Policy | None, name: str) -> RabbitBus | PostgresBus:
    scheme = urlsplit(url).scheme
    if scheme in ("amqp", "amqps"):
        return RabbitBus(url, policy=policy, name=name)
    if scheme.partition("+")[0] in ("postgresql", "postgres"):
        return PostgresBus(url, policy=policy, name=name)
    raise ValueError(f"a bus address begins with amqp:// or postgresql://, not {scheme}://")
