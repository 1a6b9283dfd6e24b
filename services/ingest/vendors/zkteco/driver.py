"""The driver of ZKTeco machines: by the protocol of port 4370 over TCP or UDP, by their calls (ADMS), or both."""

import asyncio
import socket
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Hashable, Mapping
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from services.ingest.application.drivers import (
    Capability,
    Contact,
    MachineTrouble,
    NotSetUp,
    OtherMachine,
    Phase,
    ProtocolBroken,
    Session,
    Steps,
    Unreachable,
)
from services.ingest.domain.clocks import clock_warning, in_words
from services.ingest.domain.machine import Machine
from services.ingest.domain.machine_user import MachineUser
from services.ingest.domain.reconciliation import Counted
from services.ingest.vendors.marks import read
from services.ingest.vendors.settings import validated
from services.ingest.vendors.zkteco.adms.commands import command_text, counted
from services.ingest.vendors.zkteco.pyzk_session import open_with_pyzk
from services.ingest.vendors.zkteco.session import Memory, Units, ZktecoSession, measure_clock, mind_clock
from services.ingest.vendors.zkteco.settings import ZktecoSettings
from services.ingest.vendors.zkteco.terminal import Terminal
from services.ingest.vendors.zkteco.users import UnknownUsers, users_of
from shared.kernel.clock import Clock

PORT: Final = 4370
SERIAL: Final = "~SerialNumber"
NAME: Final = "~DeviceName"
PLATFORM: Final = "~Platform"
REPEATS: Final = "AlarmReRec"
"""Minutes for which a repeated scan is no scan to it."""
_CONNECTS_NOTHING: Final = "datagrams need no connection; whether it answers shows in the next step"
WRITTEN_DOWN_EVERY: Final = timedelta(seconds=30)
"""When a machine was heard of is written down about so often."""


class Zkteco:
    """Goes to machines that have an address, reads their whole log, then takes scans as they come; lets others call."""

    kind = "zkteco"
    capabilities = frozenset({
        Capability.STREAMS,
        Capability.READS_LOG,
        Capability.IS_PUSHED_TO,
        Capability.TAKES_COMMANDS,
        Capability.REPORTS_CLOCK,
        Capability.REPORTS_COUNTS,
        Capability.LISTS_USERS,
        Capability.SETS_CLOCK,
    })  # fmt: skip
    secrets = frozenset({"comm_key", "push_key"})
    poll_every = timedelta(0)

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._memories: dict[int, Memory] = {}
        """By the id of the machine."""

    def validated(self, config: Mapping[str, Any]) -> Mapping[str, Any]:
        return validated(ZktecoSettings, config)

    def lacks(self, machine: Machine) -> str:
        reachable = machine.ip_address or self.pushes(machine)
        return "" if reachable else "it has no address: files of it can be imported"

    def pushes(self, machine: Machine) -> bool | None:
        return ZktecoSettings.model_validate(machine.config).push

    def set_up_to_push(self, config: Mapping[str, Any]) -> Mapping[str, Any]:
        return self.validated({**config, "push": True})

    def goes_out(self, machine: Machine) -> bool:
        return bool(machine.ip_address)

    def how_secrets_go(self, config: Mapping[str, Any]) -> Mapping[str, object]:
        return {}  # each of its ways hides the key as badly as any other

    def place(self, machine: Machine) -> Hashable | None:
        if not self.goes_out(machine):
            return None
        host, port = _address(machine)
        return host.casefold(), port

    def push_secret(self, machine: Machine) -> str:
        return ZktecoSettings.model_validate(machine.config).push_key

    def silent_for(self, machine: Machine) -> timedelta:
        return timedelta(seconds=ZktecoSettings.model_validate(machine.config).silent_for)

    def command(self, name: str, first: datetime | None, last: datetime | None) -> str:
        return command_text(name, first, last)

    def counted(self, text: str, result: str) -> Counted | None:
        return counted(text, result)

    def cannot_set_clock(self, machine: Machine) -> str:
        if self.goes_out(machine) or ZktecoSettings.model_validate(machine.config).set_clock:
            return ""
        return "it calls us, and takes its time from our settings only where `set_clock` in its config is true"

    def reads_whole(self, machine: Machine) -> bool:
        return True

    def read_again(self, machine: Machine) -> None:
        """Each session does so anyway."""

    @asynccontextmanager
    async def session(self, machine: Machine, contact: Contact) -> AsyncIterator[Session]:
        settings = ZktecoSettings.model_validate(machine.config)
        if settings.driver == "pyzk":
            host, port = _address(machine)
            async with open_with_pyzk(
                host, port, machine=machine, settings=settings, contact=contact, clock=self._clock
            ) as session:
                yield session
            return
        async with _entered(machine, settings, contact.warn) as (terminal, serial):
            zone = ZoneInfo(machine.zone)
            memory = self._memory_of(machine)
            await mind_clock(terminal, zone, memory, contact, self._clock)
            yield ZktecoSession(
                terminal,
                zone,
                settings,
                memory=memory,
                numbers=memory.numbers_of(serial),
                contact=contact,
                clock=self._clock,
            )

    async def users(self, machine: Machine) -> AsyncGenerator[MachineUser, None]:
        settings = ZktecoSettings.model_validate(machine.config)
        async with _entered(machine, settings, lambda about, sentence: None) as (terminal, _):
            sizes = await terminal.sizes()
            table = await terminal.users()
        try:
            for user in users_of(table, count=sizes.users):
                yield user
        except UnknownUsers as error:
            raise ProtocolBroken(str(error)) from error  # its bytes have passwords, and are no evidence to keep

    async def probe(self, machine: Machine, steps: Steps) -> None:
        settings = ZktecoSettings.model_validate(machine.config)
        if settings.push and not machine.ip_address:
            with steps.step("calls") as note:
                note(self._called(machine, settings))
            return
        terminal = Terminal(lambda about, sentence: None)
        with steps.step("resolve") as note:
            host, port = _address(machine)
            note(await _resolved(host, port))
        try:
            with steps.step("connect") as note:
                await _connect(terminal, host, port, settings)
                note(f"port {port} is open" if settings.transport == "tcp" else _CONNECTS_NOTHING)
            with steps.step("authenticate") as note:
                await terminal.begin(settings.comm_key)
                note("our comm key is right" if settings.comm_key else "no comm key is needed")
            with steps.step("serial") as note:
                serial = await terminal.option(SERIAL)
                _check_serial(machine, serial)
                note(serial or "it tells none")
            with steps.step("clock") as note:
                offset = await measure_clock(terminal, ZoneInfo(machine.zone), _Unheard(), self._clock)
                note(clock_warning(offset, warned=False) or in_words(offset))
            with steps.step("counts") as note:
                sizes = await terminal.sizes()
                note(f"{sizes.records:,} records of {sizes.record_capacity:,}, {sizes.users:,} users")
            with steps.step("options") as note:
                note(await _described(terminal))
        finally:
            await terminal.close()

    def _memory_of(self, machine: Machine) -> Memory:
        """What is known of a machine; of what earlier runs of ours knew, that which it has as its mark."""
        kept = read(machine.read_mark, Units) or {}
        if machine.id not in self._memories:
            self._memories[machine.id] = Memory(held=machine.records_on_machine, numbers=kept)
        memory = self._memories[machine.id]
        for serial, numbers in kept.items():
            # Another process may have held the machine meanwhile, and knows who had which number then.
            ours = memory.numbers.get(serial)
            if ours is None or (numbers.at is not None and (ours.at is None or ours.at < numbers.at)):
                memory.numbers[serial] = numbers
        return memory

    def _called(self, machine: Machine, settings: ZktecoSettings) -> str:
        """When it called last. Nobody can go to it."""
        if machine.last_contact_at is None:
            raise Unreachable("it has not called yet: set our address and port in its menu under Cloud Server")
        ago = self._clock.now() - machine.last_contact_at
        if ago > timedelta(seconds=settings.silent_for) + WRITTEN_DOWN_EVERY:
            raise Unreachable(f"it called last at {machine.last_contact_at:%Y-%m-%d %H:%M} UTC")
        return f"it called {ago.total_seconds():.0f} s ago"


class _Unheard:
    """A contact that nobody follows."""

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
        pass

    def settled(self, about: str) -> None:
        pass


def _address(machine: Machine) -> tuple[str, int]:
    if not machine.ip_address:
        raise NotSetUp("it has no address; set ip_address, or the status inactive if only its files are imported")
    return machine.ip_address, machine.port or PORT


@asynccontextmanager
async def _entered(
    machine: Machine, settings: ZktecoSettings, warn: Callable[[str, str], None]
) -> AsyncIterator[tuple[Terminal, str]]:
    """The machine, once it has let us in and is the one that is registered; with its serial number, if it tells it."""
    host, port = _address(machine)
    terminal = Terminal(warn)
    try:
        await _connect(terminal, host, port, settings)
        await terminal.begin(settings.comm_key)
        serial = await terminal.option(SERIAL)
        _check_serial(machine, serial)
        yield terminal, serial or ""
    finally:
        await terminal.close()


async def _connect(terminal: Terminal, host: str, port: int, settings: ZktecoSettings) -> None:
    await terminal.connect(
        host,
        port,
        datagrams=settings.transport == "udp",
        connect_within=settings.connect_within,
        answer_within=settings.answer_within,
    )


async def _resolved(host: str, port: int) -> str:
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise Unreachable(f"{host} is no known host: {error.strerror or error}") from error
    return str(found[0][4][0])


async def _described(terminal: Terminal) -> str:
    """What it says of itself, and which scans it never writes down."""
    try:
        said = [await terminal.option(name) for name in (NAME, PLATFORM)]
        said.append(await terminal.version())
        repeats = await terminal.option(REPEATS)
    except MachineTrouble:
        return "it tells none"  # of which nothing depends
    if repeats and repeats.isdecimal() and int(repeats):
        said.append(f"who scans again within {int(repeats)} min is not recorded ({REPEATS})")
    return ", ".join(part for part in said if part) or "it tells none"


def _check_serial(machine: Machine, told: str | None) -> None:
    """A log that is taken for another machine's cannot be taken back: better none."""
    if not machine.serial:
        return
    known = {machine.serial, *machine.aliases}
    if not told:
        raise ProtocolBroken(f"it does not tell its serial number; registered is {machine.serial}")
    if told not in known:
        raise OtherMachine(
            f"another machine answers at {machine.ip_address}: serial number {told}, where {machine.serial} is"
            " registered. Its address has changed, or it was replaced"
        )
