"""A line to what one machine publishes, by way of a broker.

Each message is acknowledged by itself, and only when the session says so: the broker keeps it until then, whether
the connection breaks or we do. How many may be on their way at once is the broker's to say; it is usually 20.
"""

import asyncio
import contextlib
import ssl
import sys
from collections import deque
from typing import Final

from services.ingest.application.drivers import (
    MachineTrouble,
    NotSetUp,
    ProtocolBroken,
    Unreachable,
    WrongCredentials,
)
from services.ingest.vendors.generic.frames import BLANK, Framer
from services.ingest.vendors.generic.lines import READ_AT_ONCE, TAKES_WITHIN, Came, MakesFramer, Peer, keep_alive
from services.ingest.vendors.generic.mqtt import wire
from services.ingest.vendors.generic.mqtt.settings import Broker

WAITING: Final = 1_000
WAITING_BYTES: Final = 1 << 20
"""Messages that nobody has taken, with their topics. After these nothing is read on. The broker sends few that it wants
acknowledged, and any number of others."""
LEAVES_WITHIN: Final = 1.0
"""Seconds that the broker has to let us go."""
SUBSCRIPTION: Final = 1
"""Number of our only one."""

_REFUSALS: Final[dict[int, tuple[type[MachineTrouble], str]]] = {
    1: (ProtocolBroken, "the broker does not speak MQTT 3.1.1"),
    2: (NotSetUp, "the broker does not want our client_id"),
    3: (Unreachable, "the broker says that it is not ready"),
    4: (WrongCredentials, "the broker refuses the username or the password"),
    5: (WrongCredentials, "the broker does not let us in: it wants another username, or another password"),
}


class _Sender:
    """The machine, as far as one message goes; what it is told is that we have it."""

    __slots__ = ("_line", "_message", "framer")

    def __init__(self, line: "MqttLine", message: wire.Message, framer: Framer) -> None:
        self._line, self._message, self.framer = line, message, framer

    @property
    def name(self) -> str:
        return self._message.topic

    async def send(self, some: bytes) -> None:
        await self._line.acknowledge(self._message)

    def close(self) -> None:
        """There is no connection to it."""


class MqttLine:
    """Holds the connection to the broker, and hands out one message at a time."""

    alone = True
    always_answers = True

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, framer: Framer) -> None:
        self._reader, self._writer, self._framer = reader, writer, framer
        self._packets = wire.Packets()
        self._waiting: deque[wire.Message] = deque()
        self._bytes = 0
        self._news = asyncio.Event()
        self._room = asyncio.Event()
        self._connack: asyncio.Future[wire.Connack] = asyncio.get_running_loop().create_future()
        self._suback: asyncio.Future[wire.Suback] = asyncio.get_running_loop().create_future()
        self._trouble: MachineTrouble | None = None
        self._topic = ""
        self._pinged_at: float | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._entered = self._leaving = False

    @classmethod
    async def open(
        cls, host: str, port: int, broker: Broker, client: str, password: str | None, *,
        clean: bool, within: float, framer: MakesFramer,
    ) -> "MqttLine":  # fmt: skip
        """Connect and subscribe, each within so many seconds.

        Raises:
            Unreachable: nobody answers.
            WrongCredentials: it does not let us in, or not read there.
            NotSetUp: it does not take us under this name.
            ProtocolBroken: it is no broker.
        """
        line = cls(*await _connected(host, port, broker, within), framer())
        try:
            async with asyncio.timeout(within):
                await line.enter(broker, client, password, clean=clean)
        except TimeoutError as error:
            await line.close()
            raise Unreachable(f"the broker at {host}:{port} does not answer within {within:g} s") from error
        except BaseException:
            await line.close()
            raise
        return line

    async def enter(self, broker: Broker, client: str, password: str | None, *, clean: bool) -> None:
        """Say who we are, and what we want to hear. Raises as `open` does."""
        self._topic = broker.topic
        self._tasks.append(asyncio.create_task(self._read(), name=f"mqtt {broker.topic}"))
        self._write(
            wire.connect(client, keep_alive=broker.keep_alive, clean=clean, username=broker.username, password=password)
        )
        code = (await asyncio.shield(self._connack)).code
        if code:
            trouble, sentence = _REFUSALS.get(code, (ProtocolBroken, f"the broker refuses us with the code {code}"))
            raise trouble(sentence)
        self._write(wire.subscribe(SUBSCRIPTION, broker.topic))
        if (await asyncio.shield(self._suback)).code >= wire.REFUSED:
            raise WrongCredentials(f"the broker does not let us read {broker.topic}")
        self._entered = True
        self._tasks.append(asyncio.create_task(self._keep_alive(broker.keep_alive), name=f"pings {broker.topic}"))

    async def receive(self, within: float | None) -> Came | None:
        try:
            async with asyncio.timeout(within):
                while True:
                    while not self._waiting:
                        if self._trouble is not None:
                            raise self._trouble
                        self._news.clear()
                        await self._news.wait()
                    if (came := self.at_hand()) is not None:
                        return came
        except TimeoutError:
            return None

    def at_hand(self) -> Came | None:
        while self._waiting:
            message = self._waiting.popleft()
            self._bytes -= _size(message)
            self._room.set()
            if self._counts(message):
                return Came(_Sender(self, message, self._framer), message.payload)
            self._forget(message)
        return None

    def peers(self) -> list[Peer]:
        """Nobody can be spoken to before they have said something."""
        return []

    async def acknowledge(self, message: wire.Message) -> None:
        """Have the broker forget it."""
        if self._forget(message):
            try:
                async with asyncio.timeout(TAKES_WITHIN):
                    await self._writer.drain()
            except (OSError, TimeoutError):
                self._end(Unreachable("the connection to the broker broke"))

    async def close(self) -> None:
        """Take our leave; the broker goes on keeping what comes for us."""
        try:
            if self._trouble is None and self._entered:
                # Closed with something unread in it, a connection takes back what was sent last: our
                # acknowledgements. So it is the broker that closes it.
                self._write(wire.GOODBYE)
                self._leaving = True
                self._room.set()
                await asyncio.wait(self._tasks[:1], timeout=LEAVES_WITHIN)
        finally:
            for task in self._tasks:
                task.cancel()
            self._writer.close()
        ends = await asyncio.gather(*self._tasks, return_exceptions=True)
        with contextlib.suppress(OSError, TimeoutError):
            async with asyncio.timeout(1):
                await self._writer.wait_closed()
        for end in ends:
            if isinstance(end, Exception):
                raise end  # a mistake of ours, which the log is to tell

    @property
    def _full(self) -> bool:
        return not self._leaving and (len(self._waiting) >= WAITING or self._bytes >= WAITING_BYTES)

    def _counts(self, message: wire.Message) -> bool:
        """A retained message is an old one that would come at each contact; one of another topic, of an old config."""
        return bool(message.payload.strip(BLANK)) and not message.retained and wire.fits(message.topic, self._topic)

    def _forget(self, message: wire.Message) -> bool:
        """Whether there was something to say."""
        if not message.qos or self._trouble is not None:
            return False
        self._write(wire.acknowledged(message.number))
        return True

    def _write(self, some: bytes) -> None:
        if not self._writer.is_closing():
            self._writer.write(some)

    async def _read(self) -> None:
        """Take in what comes, until the end."""
        try:
            while some := await self._reader.read(READ_AT_ONCE):
                for packet in self._packets.feed(some):
                    self._take(packet)
                self._news.set()
                while self._full:
                    self._room.clear()
                    await self._room.wait()
            self._end(Unreachable("the broker closed the connection; it may be that another program has our client_id"))
        except OSError as error:
            self._end(Unreachable(f"the connection to the broker broke: {error.strerror or error}"))
        except wire.NotMqtt as error:
            self._end(ProtocolBroken(f"what answers is no MQTT broker: it sent {error}"))
        finally:
            self._end(Unreachable("the connection to the broker broke"))

    def _take(self, packet: wire.Packet) -> None:
        match packet:
            case wire.Message() if self._leaving:
                pass  # it comes again
            case wire.Message():
                self._waiting.append(packet)
                self._bytes += _size(packet)
            case wire.Connack() if not self._connack.done():
                self._connack.set_result(packet)
            case wire.Suback() if not self._suback.done():
                self._suback.set_result(packet)
            case wire.Pong():
                self._pinged_at = None
            case _:
                raise wire.NotMqtt("an answer to nothing")

    async def _keep_alive(self, seconds: int) -> None:
        """Say every so often that we are there, and notice where the broker is not."""
        loop = asyncio.get_running_loop()
        while self._trouble is None:
            if self._pinged_at is None:
                self._pinged_at = loop.time()
                self._write(wire.PING)
            elif loop.time() - self._pinged_at > seconds and not self._full:
                self._end(Unreachable(f"the broker has said nothing for {seconds} s"))
            await asyncio.sleep(seconds / 2)

    def _end(self, trouble: MachineTrouble) -> None:
        self._trouble = self._trouble or trouble
        for answer in (self._connack, self._suback):
            if not answer.done():
                answer.set_exception(self._trouble)
                answer.exception()  # whether anybody waits for it or not
        self._writer.transport.abort()
        self._news.set()


def _size(message: wire.Message) -> int:
    """Bytes that it takes to hold it, roughly: a topic may have 65,535, and a character of it takes up to four."""
    return len(message.payload) + sys.getsizeof(message.topic)


async def _connected(
    host: str, port: int, broker: Broker, within: float
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    where = f"{host}:{port}"
    context = broker.context()
    try:
        async with asyncio.timeout(within):
            reader, writer = await asyncio.open_connection(host, port, limit=READ_AT_ONCE, ssl=context)
    except TimeoutError as error:
        raise Unreachable(f"nothing answers at {where} within {within:g} s") from error
    except ssl.SSLCertVerificationError as error:
        raise WrongCredentials(f"the broker's certificate is not believed: {error.verify_message}") from error
    except ssl.SSLError as error:
        raise ProtocolBroken(f"{where} does not speak TLS as we do: {error.reason or error}") from error
    except ConnectionRefusedError as error:
        raise Unreachable(f"{where} refuses the connection: the broker is starting, or has another port") from error
    except OSError as error:
        raise Unreachable(f"{where} cannot be reached: {error.strerror or error}") from error
    keep_alive(writer.get_extra_info("socket"))
    return reader, writer
