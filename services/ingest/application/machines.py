"""The registry: machines are registered, changed and taken out."""

from collections.abc import AsyncIterator, Callable, Hashable, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import date
from functools import cache
from typing import Any, NamedTuple, TypedDict
from zoneinfo import available_timezones

from services.ingest.application.announce import machine_changed
from services.ingest.application.drivers import Capability, Driver, IsKnownByKey, IsPushedTo, KnowsPlaces, Streams
from services.ingest.application.kept_secrets import HIDDEN, check_place, check_way, kept
from services.ingest.application.not_installed import not_installed
from services.ingest.application.ports import Registry, Work
from services.ingest.domain.addresses import normal_address, wrong_with_address
from services.ingest.domain.machine import Direction, Machine, State, Status, state_for_people
from shared.kernel.clock import Clock
from shared.kernel.errors import Conflict, Malformed, NotFound, Stale, sentence
from shared.web.scope import Scope

GOES_OUT = frozenset({Capability.STREAMS, Capability.PULLS, Capability.IS_PUSHED_TO})


class Changes(TypedDict, total=False):
    """What people set; what is left out stays."""

    machine_id: str
    name: str
    machine_type: str
    ip_address: str | None
    port: int | None
    location: str
    department: int | None
    department_name: str
    status: Status
    direction: Direction
    site_id: int
    zone: str
    serial: str | None
    aliases: tuple[str, ...]
    installed_on: date | None
    config: Mapping[str, Any]


class _Abilities(NamedTuple):
    """What a driver can do. All machines are asked every few seconds, and to look through a protocol takes 10 µs."""

    driver: Driver
    streams: bool
    pushed_to: IsPushedTo | None
    known_by_key: IsKnownByKey | None


class Machines:
    """The use cases of the registry. Each takes the transaction that it is to be part of."""

    def __init__(
        self,
        registry: Registry,
        drivers: Mapping[str, Driver],
        clock: Clock,
        *,
        zone: str | None,
        changed: Callable[[], None] = lambda: None,
    ) -> None:
        """`zone` is that of machines registered without one; None takes the first machine's, else UTC.

        `changed` is called after each transaction that may have changed a machine.
        """
        self._registry = registry
        self._drivers = drivers
        self._abilities: dict[str, _Abilities] = {}
        self._clock = clock
        self._zone = zone
        self._changed = changed

    @asynccontextmanager
    async def work(self) -> AsyncIterator[Work]:
        """A transaction on the registry."""
        async with self._registry.work() as work:
            yield work
        self._changed()

    async def register(self, work: Work, changes: Changes) -> Machine:
        """A new machine, or one that was taken out and comes back as itself, with its id.

        Raises:
            Conflict: there is one with this code or serial number.
            Invalid: a value cannot be.
        """
        code = changes["machine_id"]
        earlier = await work.machine(code, Scope.everything(), removed=True)
        if earlier is not None and (not earlier.removed or earlier.machine_id != code):
            raise _taken(code, earlier)
        now = self._clock.now()
        blank = Machine(
            id=earlier.id if earlier else 0,
            machine_id=code,
            name=code,
            machine_type="",
            zone="",
            version=earlier.version if earlier else 1,
            revision=earlier.revision + 1 if earlier else 1,
            created_at=earlier.created_at if earlier else now,
            updated_at=now,
        )
        if not changes.get("zone"):
            changes = {**changes, "zone": await self._default_zone()}
        machine = await self._checked(work, blank, changes, before=None)
        saved = await work.save(machine) if earlier else await work.add(machine)
        await self.announce(work, saved)
        return saved

    async def change(
        self, work: Work, key: str, changes: Changes, scope: Scope, *, revision: int | None = None
    ) -> Machine:
        """Change what `changes` names. `revision`: only if it is still that one.

        Raises:
            NotFound: there is no such machine.
            Stale: somebody else changed it since.
            Conflict: there is another one with this code or serial number.
            Invalid: a value cannot be.
        """
        machine = await self._existing(work, key, scope, revision)
        if changes.get("machine_type", machine.machine_type) != machine.machine_type:
            # What one driver was to do, and how far it came, means nothing to another.
            machine = replace(machine, read_mark="", sync_asked_at=None, sync_since=None, clock_asked_at=None)
        if changes.get("department", machine.department) != machine.department and "department_name" not in changes:
            changes = {**changes, "department_name": ""}  # the name was that of the other one
        wanted = replace(machine, revision=machine.revision + 1, updated_at=self._clock.now())
        changed = await self._checked(work, wanted, changes, before=machine)
        saved = await work.save(replace(changed, state=self.anew(machine, changed)))
        await self.announce(work, saved)
        return saved

    async def candidate(self, work: Work, changes: Changes, scope: Scope) -> Machine:
        """The machine as it would be after `changes`, new or known, and nothing saved: to try it first.

        Raises: as `change`, but for `NotFound`.
        """
        existing = await work.machine(changes["machine_id"], scope)
        if existing is not None:
            return await self._checked(work, existing, changes, before=existing)
        now = self._clock.now()
        code = changes["machine_id"]
        blank = Machine(
            id=0, machine_id=code, name=code, machine_type="", zone="", created_at=now, updated_at=now
        )  # fmt: skip
        if not changes.get("zone"):
            changes = {**changes, "zone": await self._default_zone()}
        return await self._checked(work, blank, changes, before=None)

    async def remove(self, work: Work, key: str, scope: Scope, *, revision: int | None = None) -> None:
        """Take a machine out of the registry. Its scans stay, and so does its id, reserved for its return.

        Raises:
            NotFound: there is no such machine.
            Stale: somebody else changed it since.
        """
        machine = await self._existing(work, key, scope, revision)
        gone = replace(
            machine,
            removed=True,
            serial=None,
            is_connected=False,
            status_text="",
            revision=machine.revision + 1,
            updated_at=self._clock.now(),
        )
        await self.announce(work, await work.save(gone))

    async def announce(self, work: Work, machine: Machine) -> None:
        """Tell everybody the state of a machine, as it was just saved."""
        await work.announce(
            machine_changed(machine, epoch=await work.epoch(), reports_by_itself=self.reports_by_itself(machine))
        )

    def reports_by_itself(self, machine: Machine) -> bool:
        """Whether scans of it come without anybody's doing."""
        driver = self.driver_of(machine)
        return bool(driver.capabilities & GOES_OUT) and not driver.lacks(machine)

    def goes_out(self, machine: Machine) -> bool:
        """Whether we go to it, rather than that it comes to us."""
        able = self._able(machine)
        return able.streams and (able.pushed_to is None or able.pushed_to.goes_out(machine))

    def called_by(self, machine: Machine) -> IsPushedTo | None:
        """Its driver, if machines of its type may come to us."""
        return self._able(machine).pushed_to

    def key_of(self, machine: Machine) -> str:
        """What it shows instead of a serial number; empty where that is not its way."""
        driver = self._able(machine).known_by_key
        return "" if driver is None else driver.key(machine)

    def state_of(self, machine: Machine) -> State:
        """How contact with it stands."""
        return state_for_people(
            machine, reports_by_itself=self.reports_by_itself(machine), goes_out=self.goes_out(machine)
        )  # fmt: skip

    def anew(self, before: Machine, after: Machine) -> State:
        """How contact with it stands once a person has changed it: where we go to it, that is tried anew."""
        only_calls = not self.goes_out(before) and not self.goes_out(after)
        return before.state if only_calls and before.machine_type == after.machine_type else State.CONNECTING

    def driver_of(self, machine: Machine) -> Driver:
        """The driver of its type; where it was uninstalled since, one that can do nothing."""
        return self._drivers.get(machine.machine_type) or not_installed(machine)

    def driver_for(self, machine_type: str) -> Driver | None:
        """The driver of a type, if there is one."""
        return self._drivers.get(machine_type)

    def _able(self, machine: Machine) -> _Abilities:
        driver = self.driver_of(machine)
        able = self._abilities.get(machine.machine_type)
        if able is None or able.driver is not driver:
            able = self._abilities[machine.machine_type] = _Abilities(
                driver,
                isinstance(driver, Streams),
                driver if isinstance(driver, IsPushedTo) else None,
                driver if isinstance(driver, IsKnownByKey) else None,
            )
        return able

    def shown_config(self, machine: Machine) -> dict[str, Any]:
        """Its config without secrets."""
        secrets = self.driver_of(machine).secrets
        return {name: HIDDEN if name in secrets and value else value for name, value in machine.config.items()}

    async def _existing(self, work: Work, key: str, scope: Scope, revision: int | None) -> Machine:
        machine = await work.machine(key, scope)
        if machine is None:
            raise NotFound(f"there is no machine {key!r}")
        if revision is not None and revision != machine.revision:
            raise Stale(f"the machine {machine.machine_id} was changed by somebody else; read it again")
        return machine

    async def _checked(self, work: Work, blank: Machine, changes: Changes, *, before: Machine | None) -> Machine:
        machine = replace(blank, **changes)
        if machine.machine_type not in self._drivers:
            raise _wrong("machine_type", f"{machine.machine_type!r} is not one of {sentence(list(self._drivers))}")
        if machine.zone not in _zones():
            raise _wrong("zone", f"{machine.zone!r} is not an IANA time zone, such as Asia/Dhaka")
        same_code = await work.machine(machine.machine_id, Scope.everything(), removed=True)
        if same_code is not None and same_code.id != machine.id:
            raise _taken(machine.machine_id, same_code)
        if machine.serial:
            other = await work.by_serial(machine.serial)
            if other is not None and other.id != machine.id:
                raise Conflict(
                    f"the serial number {machine.serial!r} belongs to {other.machine_id}", fields={"serial": "is taken"}
                )
        if machine.ip_address and (before is None or machine.ip_address != before.ip_address):
            _check_address(machine.ip_address)
            machine = replace(machine, ip_address=normal_address(machine.ip_address))
        driver = self.driver_of(machine)
        hidden = kept(before, driver, changes.get("config")) if before is not None else []
        if before is not None:
            check_place(hidden, before, machine)
        secrets = before.config if before is not None else {}
        config = {
            name: secrets.get(name) if value == HIDDEN and name in driver.secrets else value
            for name, value in machine.config.items()
        }
        same_type = before is not None and before.machine_type == machine.machine_type
        checked = replace(machine, config=driver.validated(config))
        if before is not None:
            check_way(hidden, before, checked, driver)
        await self._check_place_is_free(work, checked, before)
        lacks = driver.lacks(checked)
        return replace(checked, status_text=lacks or (machine.status_text if same_type else ""))

    async def _check_place_is_free(self, work: Work, machine: Machine, before: Machine | None) -> None:
        """Two registered machines that are one would take its scans twice, under two names."""
        place = self._place(machine)
        if place is None or (before is not None and place == self._place(before)):
            return
        for other in await work.at(machine.machine_type, machine.ip_address or ""):
            if other.id != machine.id and self._place(other) == place:
                raise Conflict(
                    f"{other.machine_id} is at this address and port already: give this one another, or take"
                    f" {other.machine_id} out first, or out of use",
                    fields={"ip_address": f"is that of {other.machine_id}"},
                )

    def _place(self, machine: Machine) -> Hashable | None:
        """Where we go to it, if we are to."""
        driver = self.driver_of(machine)
        return driver.place(machine) if isinstance(driver, KnowsPlaces) and machine.status.wanted else None

    async def _default_zone(self) -> str:
        if self._zone:
            return self._zone
        machines = await self._registry.all()
        return min(machines, key=lambda machine: machine.id).zone if machines else "UTC"


def _check_address(text: str) -> None:
    if wrong := wrong_with_address(text):
        raise _wrong("ip_address", wrong)


def check_zone(name: str) -> str:
    """The name, if there is such a zone.

    Raises:
        Malformed: there is none.
    """
    if name not in _zones():
        raise _wrong("timezone", f"{name!r} is not an IANA time zone, such as Asia/Dhaka")
    return name


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())


def _taken(code: str, by: Machine) -> Conflict:
    said = f"there is a machine {code!r} already"
    if by.machine_id != code:  # in a path either would do, and it could be only one of them
        said = f"{code!r} is the id of the machine {by.machine_id!r}; choose another code"
    return Conflict(said, fields={"machine_id": "is taken"})


def _wrong(field: str, detail: str) -> Malformed:
    return Malformed(f"{field}: {detail}", fields={field: detail})
