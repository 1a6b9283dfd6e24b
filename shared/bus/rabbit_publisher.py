"""Publishing with confirms, so that what returned is safe and what failed is known."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field

import aio_pika
from aio_pika.abc import AbstractChannel, AbstractConnection, AbstractExchange, HeadersType
from aio_pika.exceptions import DeliveryError, PublishError

from shared.bus import rabbit_topology as topology
from shared.bus.handling import is_cancelled
from shared.bus.link import Link
from shared.bus.port import BusUnavailable, Message, Unroutable
from shared.bus.rabbit_retries import Retries
from shared.bus.rabbit_wire import outgoing

BLOCKED = "RabbitMQ takes no messages: it is short of memory or disk"

LOOK_EVERY = 0.05
"""Seconds between looks whether it says so, while a confirm is awaited: there is nothing that could be waited for."""

Connect = Callable[[], Awaitable[AbstractConnection]]


@dataclass(slots=True)
class Outlet:
    """A connection with its publishing channel. Both go together: a channel that died takes its confirms along."""

    connection: AbstractConnection
    channel: AbstractChannel
    events: AbstractExchange
    wanted: AbstractExchange
    known_wanted: set[str] = field(default_factory=set)
    """Types for which a durable queue exists. Queues are not forgotten: they outlive their consumers."""

    @property
    def blocked(self) -> bool:
        """Whether RabbitMQ takes no messages for want of memory or disk (finding 5).

        aiormq has no public state for it, but `ready()` of its connection does not return meanwhile: one step shows.
        """
        transport = self.connection.transport
        if transport is None:
            return False
        question = transport.connection.ready()
        try:
            question.send(None)
        except StopIteration:
            return False
        finally:
            question.close()
        return True

    def refuse_if_blocked(self) -> None:
        """Raise at once instead of after the timeout: what is written now would only wait in the socket."""
        if self.blocked:
            raise BusUnavailable(BLOCKED)


class RabbitPublisher:
    """The sending half of the bus, over a connection that is used for nothing else.

    An alarm blocks connections that publish, whole; consumers have another one so that they go on (finding 5).
    """

    def __init__(self, link: Link[Outlet], retries: Retries) -> None:
        self._link, self._retries = link, retries
        self._in_flight: dict[str, asyncio.Event] = {}

    async def publish(self, message: Message, timeout: float) -> None:  # noqa: ASYNC109 - the port's promise
        """As the port says."""
        async with self._confirmed(message, timeout) as outlet:
            if not message.live_only and message.type not in outlet.known_wanted:
                await self._ask(outlet, message.type)
            await outlet.events.publish(outgoing(message), message.type, mandatory=not message.live_only)

    async def put(self, queue: str, message: Message, headers: HeadersType, timeout: float) -> None:  # noqa: ASYNC109 - the port's
        """Put a message into one queue, past the exchange."""
        async with self._confirmed(message, timeout) as outlet:
            await outlet.channel.default_exchange.publish(outgoing(message, headers), queue)

    async def put_later(
        self,
        queue: str,
        message: Message,
        headers: HeadersType,
        *,
        delay: float,
        timeout: float,  # noqa: ASYNC109 - the port's
    ) -> None:
        """Put a message into a queue after `delay` seconds, surviving restarts meanwhile."""
        async with self._confirmed(message, timeout) as outlet:
            name = await self._retries.ensure(outlet.connection, queue, delay)
            try:
                await outlet.channel.default_exchange.publish(outgoing(message, headers), name)
            except PublishError:
                self._retries.forget(name)
                raise

    @staticmethod
    async def _ask(outlet: Outlet, type_: str) -> None:
        """Ask once per type and connection whether a durable queue wants it; raises `PublishError` where none does."""
        await outlet.wanted.publish(aio_pika.Message(b""), type_)
        outlet.known_wanted.add(type_)

    @asynccontextmanager
    async def _confirmed(self, message: Message, timeout: float) -> AsyncIterator[Outlet]:  # noqa: ASYNC109 - the port's
        """Turn all the ways in which publishing fails into the two that callers know."""
        outlet: Outlet | None = None
        try:
            async with asyncio.timeout(timeout) as limit, self._alone(message.id):
                outlet = await self._link.get(timeout)
                if outlet.channel.is_closed:  # which the link is about to find out
                    self._link.doubt(outlet)
                    outlet = await self._link.get(timeout)
                outlet.refuse_if_blocked()
                with _ended_if_blocked(outlet, limit):
                    yield outlet
        except BusUnavailable:
            raise
        except PublishError as error:  # finding 3: mandatory, and on_return_raises, or it would vanish silently
            raise Unroutable(f"no durable queue wants {message.type}") from error
        except DeliveryError as error:
            raise BusUnavailable(f"RabbitMQ refused the message: {error}") from error
        except TimeoutError as error:
            if outlet is not None and outlet.blocked:
                raise BusUnavailable(BLOCKED) from error
            raise BusUnavailable(f"no confirm within {timeout:g} s") from error
        except asyncio.CancelledError as error:
            if is_cancelled():
                raise
            raise BusUnavailable("the connection died before the confirm") from error  # finding 4
        except Exception as error:
            raise BusUnavailable(f"not published: {type(error).__name__}: {error}") from error

    @asynccontextmanager
    async def _alone(self, id_: str) -> AsyncIterator[None]:
        """Let no second message with the same id travel on the channel meanwhile.

        aiormq finds the confirm of a returned message by its id: with two of them under way, the return of one
        would be taken for that of the other, and the lost one for confirmed.
        """
        while (other := self._in_flight.get(id_)) is not None:
            await other.wait()
        self._in_flight[id_] = done = asyncio.Event()
        try:
            yield
        finally:
            del self._in_flight[id_]
            done.set()


@contextmanager
def _ended_if_blocked(outlet: Outlet, limit: asyncio.Timeout) -> Iterator[None]:
    """End the time as soon as RabbitMQ says that it is blocked, which it says only to who has published (finding 5)."""
    loop = asyncio.get_running_loop()
    looking: asyncio.TimerHandle

    def look_later() -> None:
        nonlocal looking
        looking = loop.call_later(LOOK_EVERY, look)

    def look() -> None:
        if not outlet.blocked:
            look_later()
        elif not limit.expired():
            limit.reschedule(loop.time())

    look_later()
    try:
        yield
    finally:
        looking.cancel()


def publishing_link(connect: Connect) -> Link[Outlet]:
    """The link that keeps an outlet open, on connections that `connect` makes."""

    async def open_outlet() -> Outlet:
        connection = await connect()
        try:
            await topology.declare(connection, ())
            channel = connection.channel(publisher_confirms=True, on_return_raises=True)
            await channel.initialize()
            return Outlet(
                connection=connection,
                channel=channel,
                events=await channel.get_exchange(topology.EVENTS, ensure=False),
                wanted=await channel.get_exchange(topology.WANTED, ensure=False),
            )
        except BaseException:
            await connection.close()
            raise

    async def lost(outlet: Outlet) -> None:
        await outlet.channel.closed()

    async def drop(outlet: Outlet) -> None:
        await outlet.connection.close()

    return Link("RabbitMQ", connect=open_outlet, lost=lost, drop=drop)
