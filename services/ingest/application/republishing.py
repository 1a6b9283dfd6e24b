"""Telling the present state of all machines again, so that a reader can be rebuilt from nothing."""

from services.ingest.application.machines import Machines
from services.ingest.application.ports import Registry


async def republish(registry: Registry, machines: Machines) -> int:
    """Announce every machine as it is, and say how many there are. Readers that know it already lose nothing."""
    present = await registry.all()
    for machine in present:
        async with registry.work() as work:
            fresh = await work.by_id(machine.id)
            if fresh is not None:
                await machines.announce(work, fresh)
    return len(present)
