"""The driver of generic machines: a profile says how they speak."""

import asyncio
import socket
from collections.abc import AsyncIterator, Hashable, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial
from typing import Any, Final
from zoneinfo import ZoneInfo

from services.ingest.application.drivers import (
    Capability,
    Contact,
    HasNotCome,
    NotSetUp,
    Session,
    Steps,
    Unreachable,
)
from services.ingest.application.samples import Sample
from services.ingest.domain.machine import Machine
from services.ingest.domain.reconciliation import Numbered
from services.ingest.vendors.generic.calling import Calling
from services.ingest.vendors.generic.framers import framer
from services.ingest.vendors.generic.memory import Memory
from services.ingest.vendors.generic.mqtt.line import MqttLine
from services.ingest.vendors.generic.mqtt.settings import PORT, TLS_PORT
from services.ingest.vendors.generic.password import how_the_password_goes
from services.ingest.vendors.generic.preview import preview
from services.ingest.vendors.generic.sequence import Position, numbered
from services.ingest.vendors.generic.session import GenericSession
from services.ingest.vendors.generic.settings import Connection, GenericSettings, read
from services.ingest.vendors.generic.waiting import (
    DatagramPlace,
    Doors,
    Key,
    Place,
    StreamPlace,
    Waiting,
    networks,
    opened,
    where,
)
from services.ingest.vendors.marks import read as read_mark
from shared.kernel.clock import Clock
from shared.kernel.errors import Invalid

TRIED_FOR: Final = 5.0
"""Seconds that a test waits for a machine to come."""


class Generic:
    """Connects to its machines, or waits for them, and reads what they send by their profile."""

    kind = "generic"
    capabilities = frozenset({Capability.STREAMS, Capability.REPORTS_CLOCK, Capability.READS_SAMPLES})
    secrets = frozenset({"password"})
    poll_every = timedelta(0)

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._doors = Doors()
        self._known: dict[int, Memory] = {}

    def validated(self, config: Mapping[str, Any]) -> Mapping[str, Any]:
        read(config)
        return dict(config)

    def lacks(self, machine: Machine) -> str:
        # Asked of every machine every few seconds: nothing is validated here.
        connection = machine.config.get("connection")
        if not isinstance(connection, Mapping):
            return "it has no connection in its config: files of it can be imported"
        side = connection.get("side")
        calls = side == "client"
        if side in ("client", "mqtt") and not machine.ip_address:
            return "it has no address to connect to: files of it can be imported"
        if machine.port is None and side != "mqtt":
            return f"it has no port {'to connect to' if calls else 'to wait for it at'}: files of it can be imported"
        return ""

    def how_secrets_go(self, config: Mapping[str, Any]) -> Mapping[str, object]:
        return how_the_password_goes(config)

    def place(self, machine: Machine) -> Hashable | None:
        connection = machine.config.get("connection")
        calls = isinstance(connection, Mapping) and connection.get("side") == "client" and not self.lacks(machine)
        return ((machine.ip_address or "").casefold(), machine.port) if calls else None

    @asynccontextmanager
    async def session(self, machine: Machine, contact: Contact) -> AsyncIterator[Session]:
        settings = _settings(machine)
        memory = self._known.setdefault(machine.id, Memory())
        memory.look_at(machine.read_mark, settings.sequence)
        make = partial(
            GenericSession, machine=machine, settings=settings, memory=memory, contact=contact, clock=self._clock
        )
        connection = _connection(settings)
        if connection.side == "client":
            called = await _called(machine, settings, connection)
            try:
                yield make(called)
            finally:
                await called.close()
            return
        if connection.side == "mqtt":
            line = await _subscribed(machine, settings, connection)
            try:
                yield make(line)
            finally:
                await line.close()
            return
        key = _key(machine, connection)
        place = await self._doors.enter(key, machine.id, lambda: _place(machine, settings, connection))
        for_good = True
        try:
            place.begin(partial(framer, settings.framing))
            waiting = Waiting(
                place, where(key), back_within=None if connection.side == "udp" else connection.back_within
            )
            await waiting.somebody(connection.come_within)
            yield make(waiting, dropped=lambda: place.dropped)
        except Exception:
            # It is wanted still, unlike where somebody cancels: whoever comes meanwhile finds it open.
            for_good = False
            raise
        finally:
            await self._doors.leave(key, for_good=for_good)

    async def probe(self, machine: Machine, steps: Steps) -> None:
        with steps.step("settings") as note:
            settings = _settings(machine)
            if lacks := self.lacks(machine):
                raise NotSetUp(lacks)
            connection = _connection(settings)
            note(f"profile {settings.profile or 'json-lines'}, {settings.framing.kind}, {settings.decoding.kind}")
        if connection.side in ("client", "mqtt"):
            with steps.step("resolve") as note:
                note(await _resolved(machine))
        if connection.side == "mqtt":
            with steps.step("subscribe") as note:
                subscribed = await _subscribed(machine, settings, connection, tried=True)
                await subscribed.close()
                note(f"the broker lets us read {settings.mqtt.topic if settings.mqtt else ''}")
            return
        if connection.side == "client":
            with steps.step("connect") as note:
                line = await _called(machine, settings, connection)
                await line.close()
                note(f"port {machine.port} is open")
            return
        key = _key(machine, connection)
        with steps.step("listen") as note:
            note(where(key))
            held = self._doors.holder(key)
            if held is not None and held[0] != machine.id:
                raise NotSetUp(f"port {key[2]} is where another machine is waited for")
            place = held[1] if held is not None else _place(machine, settings, connection)
            if held is None:
                await opened(place, key)
        try:
            with steps.step("come") as note:
                if held is None:
                    await Waiting(place, where(key), back_within=None).somebody(TRIED_FOR)
                elif not place.peers() and connection.side != "udp":
                    raise HasNotCome("it is waited for, and is not connected now")
                note(", ".join(peer.name for peer in place.peers()) or "datagrams of it come")
        finally:
            if held is None:
                await place.close()

    def numbered(self, machine: Machine) -> Numbered:
        position = read_mark(machine.read_mark, Position)
        try:
            follows = position is not None and read(machine.config).sequence is not None
        except Invalid:
            follows = False  # an earlier version of us took this config
        return numbered(position) if position is not None and follows else Numbered()

    def preview(self, machine: Machine, sample: bytes) -> Sample:
        """What the machine would be understood to say with these bytes."""
        return preview(read(machine.config), ZoneInfo(machine.zone), sample, self._clock.now())


def _settings(machine: Machine) -> GenericSettings:
    """Raises NotSetUp where an earlier version of us took what this one does not."""
    try:
        return read(machine.config)
    except Invalid as error:
        raise NotSetUp(error.message) from error


def _connection(settings: GenericSettings) -> Connection:
    if settings.connection is None:
        raise NotSetUp("it has no connection in its config")
    return settings.connection


async def _called(machine: Machine, settings: GenericSettings, connection: Connection) -> Calling:
    if not machine.ip_address or machine.port is None:
        raise NotSetUp("it has no address and port to connect to")
    return await Calling.open(
        machine.ip_address,
        machine.port,
        within=connection.connect_within,
        framer=partial(framer, settings.framing),
    )


async def _subscribed(
    machine: Machine, settings: GenericSettings, connection: Connection, *, tried: bool = False
) -> MqttLine:
    """`tried`: beside the contact that there may be, under another name, so that nothing is taken from it."""
    if not machine.ip_address or settings.mqtt is None:
        raise NotSetUp("it has no broker to connect to")
    broker = settings.mqtt
    client = broker.client_id or f"muster-{machine.machine_id}"
    return await MqttLine.open(
        machine.ip_address,
        machine.port or (TLS_PORT if broker.tls else PORT),
        broker,
        f"{client}-test" if tried else client,
        settings.password,
        clean=tried,
        within=connection.connect_within,
        framer=partial(framer, settings.framing),
    )


def _key(machine: Machine, connection: Connection) -> Key:
    if machine.port is None:
        raise NotSetUp("it has no port where it is waited for")
    return "udp" if connection.side == "udp" else "tcp", connection.bind, machine.port


def _place(machine: Machine, settings: GenericSettings, connection: Connection) -> Place:
    assert machine.port is not None  # noqa: S101 - its key was made before
    allow = networks(connection.allow, machine.ip_address)
    make = partial(framer, settings.framing)
    if connection.side == "udp":
        return DatagramPlace(connection.bind, machine.port, allow=allow, framer=make)
    return StreamPlace(connection.bind, machine.port, allow=allow, most=connection.connections, framer=make)


async def _resolved(machine: Machine) -> str:
    try:
        found = await asyncio.get_running_loop().getaddrinfo(machine.ip_address, machine.port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise Unreachable(f"{machine.ip_address} is no known host: {error.strerror or error}") from error
    return str(found[0][4][0])
