"""The driver of Suprema machines, by the BioStar 2 server that they stand behind."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncGenerator, AsyncIterator, Hashable, Mapping
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from services.ingest.application.drivers import Capability, Contact, Session, Steps, Unreachable
from services.ingest.domain.machine import Machine
from services.ingest.domain.machine_user import MachineUser
from services.ingest.vendors.marks import read
from services.ingest.vendors.settings import validated
from services.ingest.vendors.suprema.address import Address, address_of, device_of, missing_of
from services.ingest.vendors.suprema.feed import Ear
from services.ingest.vendors.suprema.log import EventLog, Mark
from services.ingest.vendors.suprema.refusals import Refusals
from services.ingest.vendors.suprema.servers import Servers
from services.ingest.vendors.suprema.session import SupremaSession
from services.ingest.vendors.suprema.settings import SupremaSettings
from services.ingest.vendors.suprema.users import users_of
from shared.kernel.clock import Clock


class Suprema:
    """Goes to the server of each machine, reads what is new of it there, and then takes scans as they happen."""

    kind = "suprema"
    capabilities = frozenset(
        {
            Capability.STREAMS,
            Capability.READS_LOG,
            Capability.READS_SINCE,
            Capability.REPORTS_CLOCK,
            Capability.LISTS_USERS,
        }
    )
    secrets = frozenset({"password"})
    poll_every = timedelta(0)

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._refusals = Refusals(clock)
        self._servers = Servers(self._refusals)
        self._marks: dict[int, Mark | None] = {}
        """How far the events of each machine were read, by its id, as far as we were in contact; None reads all."""
        self._again: dict[int, datetime] = {}
        """From when on the next session reads the events of a machine once more: a wall time of its clock."""

    def validated(self, config: Mapping[str, Any]) -> Mapping[str, Any]:
        return validated(SupremaSettings, config)

    def lacks(self, machine: Machine) -> str:
        missing = missing_of(machine, SupremaSettings.model_validate(machine.config))
        return f"{missing}: files of it can be imported" if missing else ""

    def how_secrets_go(self, config: Mapping[str, Any]) -> Mapping[str, object]:
        defaults = {"https": True, "verify": True, "certificate": ""}
        return {name: config.get(name, default) for name, default in defaults.items()}

    def place(self, machine: Machine) -> Hashable | None:
        if self.lacks(machine):
            return None
        settings = SupremaSettings.model_validate(machine.config)
        address = address_of(machine, settings)
        return address.host.casefold(), address.port, device_of(machine, settings)

    def reads_whole(self, machine: Machine) -> bool:
        mark = self._mark_of(machine)
        return mark is None or mark.is_start

    def read_again(self, machine: Machine) -> None:
        self._marks[machine.id] = None

    def can_read_since(self, machine: Machine) -> bool:
        return True

    def read_since(self, machine: Machine, since: datetime) -> None:
        self._again[machine.id] = since

    @asynccontextmanager
    async def session(self, machine: Machine, contact: Contact) -> AsyncIterator[Session]:
        settings = SupremaSettings.model_validate(machine.config)
        address = address_of(machine, settings)
        device = device_of(machine, settings)
        async with AsyncExitStack() as stack:
            server = await stack.enter_async_context(self._servers.of(address))
            await server.biostar.session()
            ear: Ear | None = None
            if settings.live:
                feed = server.listen()
                ear = stack.enter_context(feed.ear(device))
                # The socket first: what happens while events are searched for is in the one or in the other.
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(address.connect_within + address.answer_within):
                        await feed.tried()
            log = EventLog(server.biostar, device=device, page=settings.page_size, mark=self._mark_of(machine))
            await log.newest()
            try:
                yield SupremaSession(
                    ear,
                    log,
                    zone=ZoneInfo(machine.zone),
                    settings=settings,
                    contact=contact,
                    clock=self._clock,
                    since=self._again.pop(machine.id, None),
                )
            finally:
                self._marks[machine.id] = log.mark

    async def users(self, machine: Machine) -> AsyncGenerator[MachineUser, None]:
        address = address_of(machine, SupremaSettings.model_validate(machine.config))
        async with self._servers.of(address) as server, aclosing(users_of(server.biostar)) as users:
            async for user in users:
                yield user

    async def probe(self, machine: Machine, steps: Steps) -> None:
        settings = SupremaSettings.model_validate(machine.config)
        with steps.step("resolve") as note:
            address = address_of(machine, settings)
            note(await _resolved(address))
        self._refusals.forget(address)  # a person wants to know
        async with self._servers.of(address) as server:
            with steps.step("connect") as note:
                await server.biostar.greet()
                note(f"{'HTTPS' if address.https else 'HTTP'} at {address.where}")
            with steps.step("authenticate") as note:
                await server.biostar.session()
                note(f"{address.username} may come in")
            device = device_of(machine, settings)
            log = EventLog(server.biostar, device=device, page=settings.page_size, mark=None)
            with steps.step("events") as note:
                newest = await log.newest()
                found = f"the last event of device {device} is of {newest.time}" if newest is not None else ""
                note(found or f"there are no events of device {device} yet; is that its number?")
            if settings.live:
                with steps.step("socket") as note:
                    feed = server.listen()
                    await feed.tried()
                    if not feed.stands:
                        raise Unreachable(feed.why_not or "the socket was closed at once")
                    note("scans are told as they happen")

    def _mark_of(self, machine: Machine) -> Mark | None:
        return self._marks[machine.id] if machine.id in self._marks else read(machine.read_mark, Mark)


async def _resolved(address: Address) -> str:
    try:
        found = await asyncio.get_running_loop().getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise Unreachable(f"{address.host} is no known host: {error.strerror or error}") from error
    return str(found[0][4][0])
