"""What attendance listens to."""

from collections.abc import Awaitable, Callable, Sequence

from services.attendance.application.record_scans import RecordScans
from shared.bus.events import apply_events
from shared.bus.port import Delivery, Refusal, Subscription
from shared.contracts.machines import MachineChanged
from shared.contracts.scans import ScanReceived

ApplyMachines = Callable[[Sequence[MachineChanged]], Awaitable[None]]

SCANS_QUEUE = "attendance.scans"


def subscriptions(record_scans: RecordScans, apply_machines: ApplyMachines, *, parallel: int) -> list[Subscription]:
    """The durable queues of attendance."""

    async def on_scans(deliveries: Sequence[Delivery]) -> Sequence[Refusal]:
        return await apply_events(deliveries, ScanReceived, record_scans)

    async def on_machines(deliveries: Sequence[Delivery]) -> Sequence[Refusal]:
        return await apply_events(deliveries, MachineChanged, apply_machines)

    return [
        # A message holds up to 500 scans: a transaction then has up to 2,000, and as many locks on days at most.
        Subscription(
            queue=SCANS_QUEUE,
            patterns=("ingest.scan.received.*",),
            handle=on_scans,
            most=4,
            within=0.004,
            parallel=parallel,
        ),
        Subscription(queue="attendance.machines", patterns=("ingest.machine.changed.*",), handle=on_machines, most=50),
    ]
