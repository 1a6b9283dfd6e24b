"""The present state of all machines as events, so that a reader can be rebuilt from nothing."""

from collections.abc import AsyncIterator, Sequence

from services.ingest.application.announce import machine_changed
from services.ingest.application.machines import Machines
from services.ingest.application.ports import Registry
from shared.contracts.event import Event


async def machine_states(registry: Registry, machines: Machines) -> AsyncIterator[Sequence[Event]]:
    """Every machine of the registry as it is. Readers that know it already lose nothing."""
    async with registry.work() as work:
        epoch = await work.epoch()
    for machine in await registry.all():
        yield [machine_changed(machine, epoch=epoch, reports_by_itself=machines.reports_by_itself(machine))]
