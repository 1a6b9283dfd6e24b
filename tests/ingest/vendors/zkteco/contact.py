"""A contact with a simulated terminal, followed as ingest follows it."""

from contextlib import AbstractAsyncContextManager
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from services.ingest.application.drivers import MachineTrouble
from services.ingest.domain.machine import Machine
from services.ingest.domain.scan import scan_id
from services.ingest.vendors.zkteco.clock import unpacked
from services.ingest.vendors.zkteco.driver import Zkteco
from services.ingest.vendors.zkteco.simulator import Device, Running
from shared.kernel.clock import SystemClock
from tests.ingest.fakes import until
from tests.ingest.vendors.following import Following, followed, gate

START = datetime(2026, 1, 5, 8)
STEPS = ["resolve", "connect", "authenticate", "serial", "clock", "counts", "options"]
"""Of a test of the connection."""
QUICK = {"look_every": 0.2, "answer_within": 0.5, "connect_within": 1}


def device(records: int = 300, *, people: int = 20, **how: Any) -> Device:
    made = Device(users=[str(1000 + number) for number in range(people)], **how)
    for number in range(records):
        made.record_at(str(1000 + number % people), START + timedelta(minutes=number), state=number % 2)
    return made


def machine(port: int, *, config: dict[str, Any] | None = None, **more: Any) -> Machine:
    return gate("zkteco", port, {**QUICK, **(config or {})}, **more)


def following(of: Machine, driver: Zkteco | None = None) -> AbstractAsyncContextManager[Following]:
    return followed(of, driver or Zkteco(SystemClock()))


async def trouble_of(running: Running, **of: Any) -> MachineTrouble:
    """What ends the contact."""
    async with following(machine(running.port, **of)) as what:
        await until(lambda: what.trouble, within=60)
        assert what.trouble is not None
        return what.trouble


def ids_of(terminal: Device, *, machine: int = 1) -> set[UUID]:
    return {scan_id(machine, entry.user_id, unpacked(entry.time), str(entry.state)) for entry in terminal.entries}
