"""The driver of Hikvision access terminals, by ISAPI over HTTP or HTTPS."""

import asyncio
import socket
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Hashable, Mapping
from contextlib import aclosing, asynccontextmanager
from datetime import datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from services.ingest.application.drivers import (
    Capability,
    Contact,
    NotSetUp,
    OtherMachine,
    Phase,
    ProtocolBroken,
    Session,
    Steps,
    Unreachable,
    WrongCredentials,
)
from services.ingest.domain.clocks import clock_warning, in_words
from services.ingest.domain.machine import Machine
from services.ingest.domain.machine_user import MachineUser
from services.ingest.vendors.hikvision.clock import Wall
from services.ingest.vendors.hikvision.directory import users_of
from services.ingest.vendors.hikvision.documents import Device
from services.ingest.vendors.hikvision.isapi import Isapi
from services.ingest.vendors.hikvision.log import EventLog, Mark
from services.ingest.vendors.hikvision.measuring import measure_clock, mind_clock, offset_at
from services.ingest.vendors.hikvision.refusals import Refusals
from services.ingest.vendors.hikvision.session import HikvisionSession
from services.ingest.vendors.hikvision.settings import HikvisionSettings
from services.ingest.vendors.marks import read
from services.ingest.vendors.settings import validated
from shared.kernel.clock import Clock

WRITTEN_DOWN_EVERY: Final = timedelta(seconds=30)
"""When a machine was heard of is written down about so often."""
LABEL: Final = 9
"""Characters of the serial number that is printed on the machine: the end of the one that it tells."""


class Hikvision:
    """Goes to its machines, reads what is new in their log, and takes scans as they happen; lets them call, too."""

    kind = "hikvision"
    capabilities = frozenset({
        Capability.STREAMS,
        Capability.READS_LOG,
        Capability.READS_SINCE,
        Capability.IS_PUSHED_TO,
        Capability.REPORTS_CLOCK,
        Capability.REPORTS_COUNTS,
        Capability.LISTS_USERS,
        Capability.SETS_CLOCK,
    })  # fmt: skip
    secrets = frozenset({"password", "push_key"})
    poll_every = timedelta(0)

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._refusals = Refusals(clock)
        self._marks: dict[int, Mark | None] = {}
        """How far the log of each machine was read, by its id, as far as we were in contact; None reads all of it."""
        self._again: dict[int, datetime] = {}
        """From when on the next session reads the log of a machine once more: a wall time of its clock."""

    def validated(self, config: Mapping[str, Any]) -> Mapping[str, Any]:
        return validated(HikvisionSettings, config)

    def lacks(self, machine: Machine) -> str:
        if self.goes_out(machine) or self.pushes(machine):
            return ""
        missing = "its config has no password" if machine.ip_address else "it has no address"
        return f"{missing}: files of it can be imported"

    def pushes(self, machine: Machine) -> bool | None:
        settings = HikvisionSettings.model_validate(machine.config)
        return settings.push if settings.push_key else False

    def set_up_to_push(self, config: Mapping[str, Any]) -> Mapping[str, Any]:
        return self.validated({**config, "push": True})

    def goes_out(self, machine: Machine) -> bool:
        return bool(machine.ip_address and machine.config.get("password"))

    def how_secrets_go(self, config: Mapping[str, Any]) -> Mapping[str, object]:
        return {"https": config.get("https", False), "certificate": config.get("certificate", "")}

    def place(self, machine: Machine) -> Hashable | None:
        if not self.goes_out(machine):
            return None
        host, port = _address(machine, HikvisionSettings.model_validate(machine.config))
        return host.casefold(), port

    def push_secret(self, machine: Machine) -> str:
        return HikvisionSettings.model_validate(machine.config).push_key

    def silent_for(self, machine: Machine) -> timedelta:
        return timedelta(seconds=HikvisionSettings.model_validate(machine.config).silent_for)

    def cannot_set_clock(self, machine: Machine) -> str:
        return "" if self.goes_out(machine) else "it only calls us: nobody goes to it, who could set its clock"

    def reads_whole(self, machine: Machine) -> bool:
        return self._mark_of(machine) is None

    def read_again(self, machine: Machine) -> None:
        self._marks[machine.id] = None

    def can_read_since(self, machine: Machine) -> bool:
        return True

    def read_since(self, machine: Machine, since: datetime) -> None:
        self._again[machine.id] = since

    @asynccontextmanager
    async def session(self, machine: Machine, contact: Contact) -> AsyncIterator[Session]:
        settings = HikvisionSettings.model_validate(machine.config)
        zone = ZoneInfo(machine.zone)
        async with self._entered(machine, settings) as (isapi, device):
            wall = await mind_clock(isapi, zone, settings, contact, self._clock)
            log = _log(isapi, device, wall, zone, mark=self._mark_of(machine), page=await isapi.page_limit())
            session = HikvisionSession(
                isapi,
                log,
                zone=zone,
                settings=settings,
                contact=contact,
                clock=self._clock,
                since=self._again.pop(machine.id, None),
            )
            try:
                yield session
            finally:
                await session.close()
                self._marks[machine.id] = log.mark

    async def users(self, machine: Machine) -> AsyncGenerator[MachineUser, None]:
        settings = HikvisionSettings.model_validate(machine.config)
        async with self._entered(machine, settings) as (isapi, _), aclosing(users_of(isapi)) as users:
            async for user in users:
                yield user

    @asynccontextmanager
    async def _entered(self, machine: Machine, settings: HikvisionSettings) -> AsyncIterator[tuple[Isapi, Device]]:
        """The machine, once it has let us in and is the one that is registered. What it refused is not tried again."""
        self._refusals.check(machine, settings)
        try:
            async with aclosing(_isapi(machine, settings)) as isapi:
                device = await isapi.device()
                self._refusals.forget(machine)
                check_device(machine, device)
                yield isapi, device
        except WrongCredentials as refused:
            self._refusals.note(machine, settings, refused)
            raise

    async def probe(self, machine: Machine, steps: Steps) -> None:
        settings = HikvisionSettings.model_validate(machine.config)
        zone = ZoneInfo(machine.zone)
        if settings.push and not self.goes_out(machine):
            with steps.step("calls") as note:
                note(self._called(machine, settings))
            return
        with steps.step("resolve") as note:
            note(await _resolved(*_address(machine, settings)))
        async with aclosing(_isapi(machine, settings)) as isapi:
            with steps.step("connect") as note:
                await isapi.greet()
                note(f"{'HTTPS' if settings.https else 'HTTP'} at {isapi.where}")
            with steps.step("authenticate") as note:
                told = await self._let_in(machine, settings, isapi)
                note(f"{settings.username} may come in")
            with steps.step("device") as note:
                check_device(machine, told)
                note(", ".join(filter(None, (told.model, told.serial, told.firmware))) or "it tells nothing")
            with steps.step("clock") as note:
                wall, offset = await measure_clock(isapi, zone, settings, _Noting(note), self._clock)
                note(clock_warning(offset, warned=False) or in_words(offset))
            with steps.step("events") as note:
                way, total = await _log(isapi, told, wall, zone, mark=None, page=1).find_way()
                note(f"{'its' if total is None else f'{total:,}'} events, asked for {way.value}")

    def _called(self, machine: Machine, settings: HikvisionSettings) -> str:
        """When it called last. Nobody can go to it."""
        if machine.last_contact_at is None:
            raise Unreachable("it has not called yet: set where it calls in its menu under HTTP Listening")
        ago = self._clock.now() - machine.last_contact_at
        if ago > timedelta(seconds=settings.silent_for) + WRITTEN_DOWN_EVERY:
            raise Unreachable(f"it called last at {machine.last_contact_at:%Y-%m-%d %H:%M} UTC")
        return f"it called {ago.total_seconds():.0f} s ago"

    def _mark_of(self, machine: Machine) -> Mark | None:
        return self._marks[machine.id] if machine.id in self._marks else read(machine.read_mark, Mark)

    async def _let_in(self, machine: Machine, settings: HikvisionSettings, isapi: Isapi) -> Device:
        """Who answers, once it has let us in; a refusal is remembered."""
        try:
            device = await isapi.device()
        except WrongCredentials as refused:
            self._refusals.note(machine, settings, refused)
            raise
        self._refusals.forget(machine)
        return device


class _Noting:
    """A contact of which only what is wrong is noted."""

    def __init__(self, note: Callable[[str], None]) -> None:
        self._note = note

    def alive(self) -> None:
        pass

    def clock(self, offset: timedelta) -> None:
        pass

    def clock_is_to_be_set(self, offset: timedelta) -> bool:
        return False

    def clock_set(self, why_not: str = "") -> None:
        pass

    def counts(self, *, records: int, capacity: int | None = None, received: int | None = None) -> None:
        pass

    def phase(self, phase: Phase) -> None:
        pass

    def warn(self, about: str, sentence: str) -> None:
        self._note(sentence)

    def settled(self, about: str) -> None:
        pass


def check_device(machine: Machine, told: Device) -> None:
    """A log that is taken for another machine's cannot be taken back: better none.

    Registered may be its whole serial number, what is printed on it, or its hardware address.

    Raises:
        OtherMachine: it is none of those.
        ProtocolBroken: it does not say.
    """
    if not machine.serial:
        return
    if not told.serial and not told.mac:
        raise ProtocolBroken(f"it does not tell its serial number; registered is {machine.serial}")
    for known in (machine.serial, *machine.aliases):
        if known == told.serial or (len(known) >= LABEL and told.serial.endswith(known)) or known.lower() == told.mac:
            return
    raise OtherMachine(
        f"another machine answers at {machine.ip_address}: serial number {told.serial}, where {machine.serial} is"
        " registered. Its address has changed, or it was replaced"
    )


def _address(machine: Machine, settings: HikvisionSettings) -> tuple[str, int]:
    if not machine.ip_address:
        raise NotSetUp("it has no address; set ip_address, or the status inactive if only its files are imported")
    return machine.ip_address, machine.port or (443 if settings.https else 80)


def _isapi(machine: Machine, settings: HikvisionSettings) -> Isapi:
    host, port = _address(machine, settings)
    if not settings.password:
        raise NotSetUp("its config has no password; set it, or the status inactive if only its files are imported")
    return Isapi(host, port, settings)


def _log(isapi: Isapi, device: Device, wall: Wall, zone: ZoneInfo, *, mark: Mark | None, page: int) -> EventLog:
    return EventLog(
        isapi,
        device=device.serial or device.mac,
        wall=wall.local,
        offset_at=lambda since: offset_at(since, wall, zone),
        mark=mark,
        page=page,
    )


async def _resolved(host: str, port: int) -> str:
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise Unreachable(f"{host} is no known host: {error.strerror or error}") from error
    return str(found[0][4][0])
