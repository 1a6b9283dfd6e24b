"""What a service is, once it is wired."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field

from starlette.types import ASGIApp

from shared.bus.port import Subscription
from shared.contracts.event import Event

Loop = Callable[[], Awaitable[None]]
Resource = Callable[[], AbstractAsyncContextManager[object]]
States = Callable[[], AsyncIterator[Sequence[Event]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """A service as `wiring.build` returns it: nothing of it runs yet, and nothing is open."""

    name: str
    app: ASGIApp
    """Its HTTP API. It has no lifespan: what it needs open is in `resources`."""
    subscriptions: Sequence[Subscription] = ()
    """Its durable queues: a table of contents of what it listens to."""
    loops: Sequence[tuple[str, Loop]] = ()
    """What runs as long as the service does, each with a name. One that raises is started again, after a while."""
    resources: Sequence[Resource] = ()
    """Entered before anything runs, left in reverse order after everything has stopped."""
    endpoints: Sequence[tuple[str, ASGIApp]] = field(default=())
    """Further applications on ports of their own, by name: the gateway's `live`."""
    mends_addresses: bool = False
    """Whether machines call it whose firmware leaves blanks in addresses."""
    states: States | None = None
    """All that it knows and others keep, as events in batches of one type: told again to one that lost it."""
