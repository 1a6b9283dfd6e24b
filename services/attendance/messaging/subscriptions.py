"""What attendance listens to."""

from collections.abc import Awaitable, Callable, Sequence

from services.attendance.application.record_scans import RecordScans
from shared.bus.events import apply_events
from shared.bus.port import Delivery, Refusal, Subscription
from shared.contracts.leave import HolidayChanged, LeaveRequestChanged
from shared.contracts.machines import MachineChanged
from shared.contracts.scans import ScanReceived

ApplyMachines = Callable[[Sequence[MachineChanged]], Awaitable[None]]
ApplyHolidays = Callable[[Sequence[HolidayChanged]], Awaitable[None]]
ApplyLeave = Callable[[Sequence[LeaveRequestChanged]], Awaitable[None]]

SCANS_QUEUE = "attendance.scans"


def subscriptions(
    record_scans: RecordScans,
    apply_machines: ApplyMachines,
    apply_holidays: ApplyHolidays,
    apply_leave: ApplyLeave,
    *,
    parallel: int,
) -> list[Subscription]:
    """The durable queues of attendance."""

    async def on_scans(deliveries: Sequence[Delivery]) -> Sequence[Refusal]:
        return await apply_events(deliveries, ScanReceived, record_scans)

    async def on_machines(deliveries: Sequence[Delivery]) -> Sequence[Refusal]:
        return await apply_events(deliveries, MachineChanged, apply_machines)

    async def on_holidays(deliveries: Sequence[Delivery]) -> Sequence[Refusal]:
        return await apply_events(deliveries, HolidayChanged, apply_holidays)

    async def on_leave(deliveries: Sequence[Delivery]) -> Sequence[Refusal]:
        return await apply_events(deliveries, LeaveRequestChanged, apply_leave)

    return [
        # A message holds one scan while people come and go, and 500 of a log. Too few at once, and single scans queue
        # up behind their transactions, and a day is computed anew for each of its scans; too many, and one worker
        # takes what another could do.
        Subscription(
            queue=SCANS_QUEUE,
            patterns=("ingest.scan.received.*",),
            handle=on_scans,
            most=32,
            within=0.004,
            within_when_busy=0.02,
            parallel=parallel,
        ),
        Subscription(queue="attendance.machines", patterns=("ingest.machine.changed.*",), handle=on_machines, most=50),
        Subscription(queue="attendance.holidays", patterns=("leave.holiday.changed.*",), handle=on_holidays, most=50),
        Subscription(queue="attendance.leave", patterns=("leave.request.changed.*",), handle=on_leave, most=50),
    ]
