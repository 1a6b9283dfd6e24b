"""The checks, one after the other. Each is a promise of the driver interface (`application/drivers.py`)."""

import asyncio
import re
import threading
import time
import tomllib
from collections.abc import AsyncIterator, Coroutine, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, aclosing
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

from services.ingest.application.drivers import (
    SET_CLOCK,
    Capability,
    Driver,
    IsPushedTo,
    ListsUsers,
    MachineTrouble,
    MakesHistory,
    Phase,
    ReadsLog,
    ReadsSince,
    SetsClock,
    Streams,
    TakesCommands,
)
from services.ingest.application.probing import StepLog
from services.ingest.application.samples import ReadsSamples
from services.ingest.domain.machine import Machine
from services.ingest.vendors.conformance import quality
from services.ingest.vendors.conformance.bad_peers import PEER, PEERS, listening, nobody
from services.ingest.vendors.conformance.finding import Finding
from services.ingest.vendors.conformance.users import listed_users
from shared.kernel.clock import Clock
from shared.kernel.errors import Invalid

WITHIN: Final = 60.0
"""Seconds in which a driver has to have given up on who does not answer."""
AFTERWARDS: Final = 5.0
"""Seconds in which it has to have let go, once it is told to."""
BLOCKED: Final = 2.0
"""Seconds for which a driver may hold up the loop at most."""
TICK: Final = 0.02
SECRET: Final = re.compile(r"password|secret|token|(?<!public_)key$", re.IGNORECASE)

PROTOCOLS: Final[Mapping[Capability, type]] = {
    Capability.IS_PUSHED_TO: IsPushedTo,
    Capability.TAKES_COMMANDS: TakesCommands,
    Capability.MAKES_HISTORY: MakesHistory,
    Capability.READS_LOG: ReadsLog,
    Capability.READS_SINCE: ReadsSince,
    Capability.READS_SAMPLES: ReadsSamples,
    Capability.LISTS_USERS: ListsUsers,
    Capability.SETS_CLOCK: SetsClock,
}
GOES_OUT: Final = frozenset({Capability.STREAMS, Capability.PULLS})


async def check(driver: Driver, folder: Path, clock: Clock, *, contact_for: float = 3.0) -> AsyncIterator[Finding]:
    """All checks of a driver that lives in `folder`.

    A peer that never ends a contact by itself is left after `contact_for` seconds; a driver that goes on with it for so
    long is right as far as it invents no scans. What a machine of this driver needs in its config stands in the
    folder's `quality.toml`, as `[check] config = {…}`.
    """
    said: Mapping[str, Any] = {}
    faults: list[str] = []
    try:
        said = quality.read(folder)
    except OSError:
        faults = [f"there is none in {folder}"]
    except tomllib.TOMLDecodeError as error:
        faults = [f"it is not TOML: {error}"]
    faults += quality.faults_of(said)
    for fault in faults:
        yield Finding(about="quality.toml", ok=False, said=fault)
    if not faults:
        yield Finding(about="quality.toml", ok=True, said=quality.tier_of(said))
    yield _named(driver)
    yield _capable(driver)
    config = said.get("check", {}).get("config", {})
    for finding in _configs(driver, config):
        yield finding
    if isinstance(driver, ReadsLog):
        yield _read_again(driver, _machine(driver, config, clock), clock)
    async for finding in _contacts(driver, config, clock, contact_for):
        yield finding


def _named(driver: Driver) -> Finding:
    ok = re.fullmatch(r"[a-z][a-z0-9_]{1,39}", driver.kind) is not None
    return Finding(about="kind", ok=ok, said=driver.kind if ok else "a machine_type is a short word in small letters")


def _capable(driver: Driver) -> Finding:
    has = driver.capabilities
    wrong = []
    for capability, protocol in PROTOCOLS.items():
        says, is_one = capability in has, isinstance(driver, protocol)
        if says != is_one:
            claims, shape = "says" if says else "does not say", "is" if is_one else "is no"
            wrong.append(f'it {claims} "{capability}" and {shape} {protocol.__name__}')
    if isinstance(driver, Streams) != bool(has & GOES_OUT):
        wrong.append("a driver with a session streams or pulls, and only such a one has one")
    if not has:
        wrong.append("it can do nothing")
    if Capability.READS_SINCE in has and Capability.READS_LOG not in has:
        wrong.append("it reads a part of its log again, and does not say that it reads it at all")
    return Finding(about="capabilities", ok=not wrong, said="; ".join(wrong) or ", ".join(sorted(has)))


def _read_again(driver: ReadsLog, machine: Machine, clock: Clock) -> Finding:
    """A wish for all of a log is all of it, and a later one for a part does not narrow it."""
    wrong = ""
    driver.read_again(machine)
    if not driver.reads_whole(machine):
        wrong = "its log is to be read again, and it does not read all of it"
    if isinstance(driver, ReadsSince) and driver.can_read_since(machine):
        driver.read_since(machine, clock.now().replace(tzinfo=None, microsecond=0))
        if not driver.reads_whole(machine):
            wrong = wrong or "all of a log that was never read is to be read, and a wish for a part narrows that"
    return Finding(about="a log that is read again", ok=not wrong, said=wrong)


def _configs(driver: Driver, config: Mapping[str, Any]) -> Iterator[Finding]:
    about = "config"
    try:
        kept = driver.validated(config)
        again = driver.validated(kept)
    except Invalid as error:
        yield Finding(about=about, ok=False, said=f"its own [check] config is refused: {error.message}")
        return
    yield Finding(
        about=about, ok=again == kept, said="" if again == kept else "what it keeps of a config changes when read again"
    )
    try:
        driver.validated({**config, "no_such_member": 1})
    except Invalid as error:
        named = "no_such_member" in (error.message + str(error.fields))
        yield Finding(
            about="unknown member", ok=named, said="" if named else f"the sentence names it not: {error.message}"
        )
    else:
        yield Finding(about="unknown member", ok=False, said="a config with a member that nobody knows is taken")
    if Capability.SETS_CLOCK in driver.capabilities:
        yield _allows_setting(driver, config)
    shown = sorted(name for name in config if SECRET.search(name) and name not in driver.secrets)
    yield Finding(about="secrets", ok=not shown, said=f"{', '.join(shown)} would be shown" if shown else "")


def _allows_setting(driver: Driver, config: Mapping[str, Any]) -> Finding:
    try:
        kept = driver.validated({**config, SET_CLOCK: True}).get(SET_CLOCK)
    except Invalid as error:
        return Finding(about=SET_CLOCK, ok=False, said=f"it sets clocks, and its config takes no {SET_CLOCK}: {error}")
    return Finding(about=SET_CLOCK, ok=kept is True, said="" if kept is True else "it is not kept in the config")


async def _contacts(
    driver: Driver, config: Mapping[str, Any], clock: Clock, contact_for: float
) -> AsyncIterator[Finding]:
    about = "contact"
    machine = _machine(driver, config, clock)
    if not isinstance(driver, Streams):
        yield Finding(about=about, ok=None, said="it goes out to no machine")
        return
    if not driver.lacks(replace(machine, ip_address=None, port=None)):
        yield Finding(about=about, ok=None, said="its machines have no address")
        if isinstance(driver, ListsUsers):
            yield await listed_users(driver, machine)
        return
    if lacking := driver.lacks(machine):
        yield Finding(about=about, ok=False, said=f"with its [check] config: {lacking}")
        return
    async with nobody() as port:
        there = replace(machine, port=port)
        yield await _followed(driver, there, "nobody is there", WITHIN, must_end=True)
        yield await _probed(driver, there)
        if isinstance(driver, ListsUsers):
            yield await _asked_for_users(driver, there, "nobody is there", WITHIN, must_end=True)
    for name, peer in PEERS.items():
        async with listening(peer) as port:
            there = replace(machine, port=port)
            yield await _followed(driver, there, f"it {name}", contact_for, must_end=False)
            if isinstance(driver, ListsUsers):
                yield await _asked_for_users(driver, there, f"it {name}", contact_for, must_end=False)


async def _followed(driver: Streams, machine: Machine, about: str, within: float, *, must_end: bool) -> Finding:
    told = _Told("scans")
    contact = _follow(driver.session(machine, _Deaf()), told)
    return await _ended(contact, told, about, within, must_end=must_end)


async def _asked_for_users(
    driver: ListsUsers, machine: Machine, about: str, within: float, *, must_end: bool
) -> Finding:
    told = _Told("users")
    return await _ended(_list(driver, machine, told), told, f"users where {about}", within, must_end=must_end)


@dataclass(slots=True)
class _Told:
    """What a driver says of somebody who is no machine: nothing of it can be true."""

    of: str
    """What it makes: scans or users."""
    made: int = 0
    complete: bool = False
    """It says that everything up to now is here."""


async def _ended(
    following: Coroutine[Any, Any, None], told: _Told, about: str, within: float, *, must_end: bool
) -> Finding:
    """A contact with somebody who is no machine: trouble or patience, but no scans, no claim, crash or leftovers."""
    before = asyncio.all_tasks()
    stalls = _Stalls()
    watching = asyncio.create_task(stalls.watch())
    await asyncio.sleep(0)  # so that it sees the very first step of the contact
    contact = asyncio.create_task(following)
    done, _ = await asyncio.wait({contact}, timeout=within)
    watching.cancel()
    await asyncio.wait({watching})
    if not done:
        contact.cancel()
        _, left = await asyncio.wait({contact}, timeout=AFTERWARDS)
        if left:
            return Finding(about=about, ok=False, said=f"it does not let go within {AFTERWARDS:g} s when told to")
    leftovers = await _leftovers(before | {contact, watching})
    error = None if contact.cancelled() else contact.exception()
    ok = True
    if told.made:
        ok, said = False, f"it makes {told.made} {told.of} of it"
    elif told.complete:
        ok, said = False, "it says that everything is here, of what is no machine: days would be final by that"
    elif error is not None and not isinstance(error, MachineTrouble):
        ok, said = False, f"{type(error).__name__} instead of a MachineTrouble: {error}"
    elif done and error is None:
        ok, said = False, f"it ends as if these were all of the {told.of}: raise a MachineTrouble"
    elif must_end and error is None:
        ok, said = False, f"no MachineTrouble within {within:g} s"
    elif error is not None and not error.message.strip():
        ok, said = False, "its trouble has no sentence"
    elif leftovers:
        ok, said = False, f"tasks are left over: {', '.join(sorted(leftovers))}"
    elif stalls.by_the_driver > BLOCKED:
        ok, said = False, f"it blocks the loop, for {stalls.by_the_driver:.1f} s"
    else:
        said = "it waits on" if error is None else f"{type(error).__name__}: {error}"
    return Finding(about=about, ok=ok, said=said)


async def _follow(session: AbstractAsyncContextManager[Any], told: _Told) -> None:
    async with session as contact:
        async for batch in contact.batches():
            told.made += len(batch.readings)
            told.complete = told.complete or batch.complete_until is not None
            await contact.acknowledge(batch)


async def _list(driver: ListsUsers, machine: Machine, told: _Told) -> None:
    async with aclosing(driver.users(machine)) as listed:
        async for _ in listed:
            told.made += 1


async def _probed(driver: Driver, machine: Machine) -> Finding:
    about, taken = "probe where nobody is", StepLog()
    try:
        async with asyncio.timeout(WITHIN):
            await driver.probe(machine, taken)
    except MachineTrouble:
        ok = bool(taken.steps) and not taken.steps[-1].ok
        said = ", ".join(step.step for step in taken.steps) if ok else "no step says what failed"
        return Finding(about=about, ok=ok, said=said)
    except Exception as error:  # noqa: BLE001 - it is what is being looked for
        return Finding(about=about, ok=False, said=f"{type(error).__name__} instead of a MachineTrouble: {error}")
    return Finding(about=about, ok=False, said="it says that all is well")


async def _leftovers(known: set[asyncio.Task[Any]]) -> set[str]:
    """Names of the tasks that are still there a while after a contact."""
    loop = asyncio.get_running_loop()
    until = loop.time() + AFTERWARDS
    while loop.time() < until:
        left = {task for task in asyncio.all_tasks() - known if task.get_name() != PEER}
        if not left:
            break
        await asyncio.wait(left, timeout=0.05)
    return {task.get_name() for task in left}


def _machine(driver: Driver, config: Mapping[str, Any], clock: Clock) -> Machine:
    now = clock.now()
    return Machine(
        id=1,
        machine_id="checked",
        name="A machine that is checked",
        machine_type=driver.kind,
        ip_address="127.0.0.1",
        port=1,
        zone="Asia/Dhaka",
        config=config,
        created_at=now,
        updated_at=now,
    )


class _Deaf:
    """A contact that nobody listens to."""

    def alive(self) -> None: ...

    def clock(self, offset: timedelta) -> None: ...

    def clock_is_to_be_set(self, offset: timedelta) -> bool:
        return False

    def clock_set(self, why_not: str = "") -> None: ...

    def counts(self, *, records: int, capacity: int | None = None, received: int | None = None) -> None: ...

    def phase(self, phase: Phase) -> None: ...

    def warn(self, about: str, sentence: str) -> None: ...

    def settled(self, about: str) -> None: ...


class _Stalls:
    """Notices for how long the loop stood still, beyond what the whole machine did: another thread is the measure."""

    def __init__(self) -> None:
        self.worst = 0.0
        self._elsewhere = 0.0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look_elsewhere, daemon=True)

    @property
    def by_the_driver(self) -> float:
        """Seconds."""
        return max(0.0, self.worst - self._elsewhere)

    async def watch(self) -> None:
        loop = asyncio.get_running_loop()
        self._thread.start()
        try:
            while True:
                slept_at = loop.time()
                try:
                    await asyncio.sleep(TICK)
                finally:
                    self.worst = max(self.worst, loop.time() - slept_at - TICK)
        finally:
            self._over.set()

    def _look_elsewhere(self) -> None:
        while not self._over.is_set():
            slept_at = time.monotonic()
            self._over.wait(TICK)
            self._elsewhere = max(self._elsewhere, time.monotonic() - slept_at - TICK)
