"""What tests of contact with a simulated terminal share."""

from contextlib import AbstractAsyncContextManager
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from services.ingest.application.drivers import MachineTrouble
from services.ingest.domain.machine import Machine
from services.ingest.domain.scan import scan_id
from services.ingest.vendors.hikvision.driver import Hikvision
from services.ingest.vendors.hikvision.simulator import Device, Faults, Running
from services.ingest.vendors.hikvision.simulator.faults import NONE
from shared.kernel.clock import SystemClock
from tests.ingest.fakes import until
from tests.ingest.vendors.following import Following, followed, gate

START = datetime(2026, 1, 5, 8)
PASSWORD = "simulated-1"
QUICK = {"look_every": 0.3, "answer_within": 0.5, "connect_within": 1, "silent_after": 0.5, "password": PASSWORD}


def device(records: int = 100, *, people: int = 20, **how: Any) -> Device:
    made = Device(**how)
    for number in range(records):
        status = "checkIn" if number % 2 == 0 else "checkOut"
        made.record_at(str(1000 + number % people), START + timedelta(minutes=number), status=status)
    return made


def machine(port: int, *, config: dict[str, Any] | None = None, **more: Any) -> Machine:
    return gate("hikvision", port, {**QUICK, **(config or {})}, **more)


def following(of: Machine, driver: Hikvision | None = None) -> AbstractAsyncContextManager[Following]:
    return followed(of, driver or Hikvision(SystemClock()))


async def trouble_of(running: Running, driver: Hikvision | None = None, **of: Any) -> MachineTrouble:
    """What ends the contact."""
    async with following(machine(running.port, **of), driver) as what:
        await until(lambda: what.trouble, within=60)
        assert what.trouble is not None
        return what.trouble


def named(faults: Faults) -> str:
    """Those faults that there are, in short."""
    there = {name: value for name, value in asdict(faults).items() if value != getattr(NONE, name)}
    return ",".join(name if value is True else f"{name}={value}" for name, value in there.items()) or "none"


def ids_of(terminal: Device, *, machine: int = 1) -> set[UUID]:
    return {scan_id(machine, entry.person, entry.wall, entry.status) for entry in terminal.scans}
