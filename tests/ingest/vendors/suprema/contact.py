"""What tests of contact with a simulated BioStar server share."""

from contextlib import AbstractAsyncContextManager
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from services.ingest.application.drivers import MachineTrouble
from services.ingest.domain.machine import Machine
from services.ingest.domain.scan import scan_id
from services.ingest.vendors.suprema.driver import Suprema
from services.ingest.vendors.suprema.simulator import Faults, Running, Store
from services.ingest.vendors.suprema.simulator.faults import NONE
from shared.kernel.clock import SystemClock
from tests.ingest.fakes import until
from tests.ingest.vendors.following import Following, followed, gate

START = datetime(2026, 1, 5, 8)
DEVICE = "538150641"
PASSWORD = "simulated-1"
QUICK = {
    "device_id": DEVICE,
    "password": PASSWORD,
    "https": False,
    "look_every": 0.3,
    "answer_within": 0.5,
    "connect_within": 1,
    "silent_after": 5,
    "page_size": 50,
}


def store(records: int = 120, *, people: int = 20, **how: Any) -> Store:
    made = Store(**how)
    for number in range(records):
        key = "1" if number % 2 == 0 else "2"
        made.record_at(str(1000 + number % people), START + timedelta(minutes=number), key=key)
    return made


def machine(port: int, *, config: dict[str, Any] | None = None, **more: Any) -> Machine:
    return gate("suprema", port, {**QUICK, **(config or {})}, **more)


def following(of: Machine, driver: Suprema | None = None) -> AbstractAsyncContextManager[Following]:
    return followed(of, driver or Suprema(SystemClock()))


async def trouble_of(running: Running, driver: Suprema | None = None, **of: Any) -> MachineTrouble:
    """What ends the contact."""
    async with following(machine(running.port, **of), driver) as what:
        await until(lambda: what.trouble, within=60)
        assert what.trouble is not None
        return what.trouble


def named(faults: Faults) -> str:
    """Those faults that there are, in short."""
    there = {name: value for name, value in asdict(faults).items() if value != getattr(NONE, name)}
    return ",".join(name if value is True else f"{name}={value}" for name, value in there.items()) or "none"


def ids_of(held: Store, *, machine: int = 1, device: str = DEVICE) -> set[UUID]:
    """The scans that a server holds of a machine."""
    return {
        scan_id(machine, row.user, held.local(row), row.key) for row in held.scans if row.device == device and row.user
    }
