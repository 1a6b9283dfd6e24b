"""Reading raw scans and unknown badges."""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple, Protocol
from uuid import UUID

from services.attendance.application.listing import Page
from services.attendance.application.rulebook import Rulebook
from services.attendance.domain.releases import Release
from shared.kernel.clock import Clock
from shared.kernel.errors import Malformed
from shared.web.lists import Window
from shared.web.scope import Scope


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedScans:
    """Which scans are asked for. Dates are of the machine's wall clock."""

    machine: str | None = None
    """Its code, or its number."""
    badge: str | None = None
    employee: str | None = None
    """A person's id, or their code."""
    since: date | None = None
    until: date | None = None
    """Inclusive."""
    quality: str | None = None
    quarantined: bool | None = None
    """True: only those that are quarantined and not released; False: only the others."""
    unknown: bool | None = None
    """True: only those of badges that nobody held; False: only those of somebody's."""
    search: str | None = None


class ScanFacts(NamedTuple):
    """A scan with whose it is, if anybody's."""

    id: UUID
    machine: int
    machine_code: str | None
    machine_name: str | None
    site: int
    badge: str
    person_id: int | None
    code: str | None
    name: str | None
    at: datetime
    local_at: datetime
    device_time: str
    zone: str
    type: str
    state: str
    quality: str
    verify: str | None
    work_code: str | None
    record_no: str | None
    received_at: datetime
    mode: str
    raw: str | None
    """JSON."""
    release: Release | None
    """The ruling in force, by which it counts although it is quarantined."""


class UnknownBadge(NamedTuple):
    """A badge that nobody held when it was seen."""

    badge: str
    scans: int
    first_at: datetime
    last_at: datetime
    machine: int
    machine_code: str | None
    machine_name: str | None


class ScanReading(Protocol):
    """One transaction that reads."""

    async def rulebook(self, now: datetime) -> Rulebook:
        """The rules of all sites."""

    async def person(self, text: str, scope: Scope) -> int | None:
        """The id of the person with this id, or else this code; None where the caller sees none."""

    async def machine(self, text: str) -> Sequence[int]:
        """The machines with this code or number: none, or one, or rarely two."""

    async def scans(
        self,
        wanted: WantedScans,
        *,
        person_id: int | None,
        machines: Sequence[int] | None,
        rules: Rulebook,
        scope: Scope,
        asked: Window,
    ) -> Page[ScanFacts]:
        """A page of scans."""

    async def unknown_badges(self, machines: Sequence[int] | None, scope: Scope, asked: Window) -> Page[UnknownBadge]:
        """A page of badges that nobody held; of those that one of these machines saw last, where they are named."""


class ScanReads(Protocol):
    """Opens transactions that read scans."""

    def reading(self) -> AbstractAsyncContextManager[ScanReading]:
        """One consistent look."""


class Scans:
    """The reading side of scans."""

    def __init__(self, reads: ScanReads, clock: Clock) -> None:
        self._reads = reads
        self._clock = clock

    async def listed(self, wanted: WantedScans, scope: Scope, asked: Window) -> Page[ScanFacts]:
        """Raw scans, each with whose it is by the badges as they are now.

        Raises:
            Malformed: there is no such person or machine.
        """
        async with self._reads.reading() as reading:
            person_id, machines = None, None
            if wanted.employee is not None and (person_id := await reading.person(wanted.employee, scope)) is None:
                raise _unknown("employee", wanted.employee)
            if wanted.machine is not None and not (machines := await reading.machine(wanted.machine)):
                raise _unknown("machine", wanted.machine)
            rules = await reading.rulebook(self._clock.now())
            return await reading.scans(
                wanted, person_id=person_id, machines=machines, rules=rules, scope=scope, asked=asked
            )

    async def unknown_badges(self, machine: str | None, scope: Scope, asked: Window) -> Page[UnknownBadge]:
        """Badges that nobody held when they were seen; where a machine is named, those that it saw last.

        Raises:
            Malformed: there is no such machine.
        """
        async with self._reads.reading() as reading:
            machines = None if machine is None else await reading.machine(machine)
            if machine is not None and not machines:
                raise _unknown("machine", machine)
            return await reading.unknown_badges(machines, scope, asked)


def _unknown(name: str, value: str) -> Malformed:
    detail = f"there is no {name} {value[:80]!r}"
    return Malformed(f"{name}: {detail}", fields={name: detail})
